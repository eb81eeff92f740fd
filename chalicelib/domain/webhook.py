"""Signed webhooks, by Standard Webhooks 1.0.0 (symmetric, `v1`): who sent it, when, and that nothing was changed."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from chalicelib.errors import Misconfigured, Unsigned

TOLERANCE = 300
"""Seconds by which the sender's clock may differ from ours, either way."""

_PREFIX = "whsec_"
_MOST_SIGNATURES = 4096
_ID = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,256}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def sign(secret: str, *, id: str, timestamp: int, body: bytes) -> str:
    """The signature header of a body: `v1,` and base64 of the HMAC over `{id}.{timestamp}.{body}`."""
    digest = hmac.new(_key(secret), f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify(headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], now: datetime) -> str:
    """The webhook's id, if one of the secrets signed this body within five minutes of now. Raises Unsigned for anything else.

    Every secret and every signature is tried; signatures of a version we do not know are passed over."""
    id, timestamp, signatures = (headers.get(f"webhook-{name}") or "" for name in ("id", "timestamp", "signature"))
    if not _ID.fullmatch(id):
        raise Unsigned("The header webhook-id is missing or not of 1 to 256 plain characters.")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Unsigned("The header webhook-timestamp is missing or no whole number of seconds.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise Unsigned("The header webhook-timestamp is more than five minutes from our clock.", code="stale")
    given = [one.encode() for one in signatures[:_MOST_SIGNATURES].split(" ") if one.startswith("v1,") and one.isascii()]
    right = [sign(secret, id=id, timestamp=int(timestamp), body=body).encode() for secret in secrets]
    matches = [hmac.compare_digest(ours, theirs) for ours in right for theirs in given]
    if not any(matches):
        raise Unsigned("No signature in webhook-signature is right for this body.")
    return id


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise Misconfigured("a source's secret is no whsec_ text") from None
