"""AWS's signature, version 4, for calls that are all alike: a POST to the root, its body JSON.

botocore's own signer reads every header three times and makes the day's key anew for each call. Here the headers that say who is asked for
what are signed, and the key is kept for its day. docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import AUTH_TYPE_MAPS, SigV4Auth

_OURS = "belfry-v4"
_METHOD = "AWS4-HMAC-SHA256"


def sign_with_us(client: Any) -> None:
    """Have a client's calls signed here."""
    AUTH_TYPE_MAPS[_OURS] = Signer
    client.meta.events.register("choose-signer", lambda signature_version, **_: _OURS if signature_version == "v4" else None)


class Signer(SigV4Auth):
    """Signs calls that are all alike; botocore's own signs the others."""

    def __init__(self, credentials: Any, service_name: str, region_name: str) -> None:
        super().__init__(credentials, service_name, region_name)
        self._place = (region_name, service_name)

    def add_auth(self, request: Any) -> None:
        """Put the signature into the headers."""
        place = urlsplit(request.url)
        if self.credentials is None or request.method != "POST" or place.path != "/" or place.query or request.params or not isinstance(request.data, bytes):
            super().add_auth(request)
            return
        at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": _host(request.url), "x-amz-date": at}
        request.headers["X-Amz-Date"] = at
        if self.credentials.token:
            signed["x-amz-security-token"] = request.headers["X-Amz-Security-Token"] = self.credentials.token
        signed["x-amz-target"] = request.headers["X-Amz-Target"]
        request.headers["Authorization"] = self._authorization(at, signed, request.data)

    def _authorization(self, at: str, signed: dict[str, str], body: bytes) -> str:
        names = ";".join(signed)
        headers = "".join(f"{name}:{value}\n" for name, value in signed.items())
        canonical = f"POST\n/\n\n{headers}\n{names}\n{sha256(body).hexdigest()}"
        scope = "/".join((at[:8], *self._place, "aws4_request"))
        key = _key(self.credentials.secret_key, at[:8], *self._place)
        signature = hmac.digest(key, f"{_METHOD}\n{at}\n{scope}\n{sha256(canonical.encode()).hexdigest()}".encode(), "sha256").hex()
        return f"{_METHOD} Credential={self.credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"


@lru_cache(maxsize=8)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _host(url: str) -> str:
    """The host as HTTP names it: without the port that its scheme has anyway."""
    place = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(place.scheme)
    return (place.hostname or "") + (f":{place.port}" if place.port not in {None, usual} else "")
