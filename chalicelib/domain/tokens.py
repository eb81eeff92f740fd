"""Signed tokens: a purpose and a payload nobody can alter or use for another purpose.

Letters, digits, `-` and `_` only: safe in a URL and in an SES message tag, which takes nothing else and refuses a dot.
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

_SIGNATURE_CHARS = 22


@dataclass(frozen=True)
class Tokens:
    """Signs with the first key; accepts any, so that keys can be changed without breaking a link."""

    keys: Sequence[bytes]

    def sign(self, purpose: str, *parts: str) -> str:
        """A token for `purpose` that carries `parts` (no newline in any)."""
        payload = base64.urlsafe_b64encode("\n".join(parts).encode()).decode().rstrip("=")
        return payload + _signature(self.keys[0], purpose, payload)

    def read(self, purpose: str, token: str) -> tuple[str, ...] | None:
        """The parts of a token made for `purpose`, or None for any other text."""
        payload, given = token[:-_SIGNATURE_CHARS], token[-_SIGNATURE_CHARS:]
        if not token.isascii() or not any(hmac.compare_digest(_signature(key, purpose, payload), given) for key in self.keys):
            return None
        try:
            return tuple(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode().split("\n"))
        except ValueError:
            return None


def _signature(key: bytes, purpose: str, payload: str) -> str:
    """132 bits: beyond guessing, short enough for a text message's link."""
    digest = hmac.digest(key, f"{purpose}.{payload}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode()[:_SIGNATURE_CHARS]
