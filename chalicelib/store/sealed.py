"""Addresses at rest: found again by a keyed hash, readable only with the sealing key."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.domain.address import Address, Channel
from chalicelib.errors import Misconfigured

_NONCE = 12


@dataclass(frozen=True)
class Vault:
    """Hashes and seals. Each key has a version, written in front, so that a new key does not orphan old rows."""

    hash_key: bytes
    seal_key: bytes
    version: str = "1"

    def hash(self, address: Address) -> str:
        """The name an address goes by in keys: `1.` and 40 hex digits."""
        return self.hash_text(address.text)

    def hash_text(self, text: str) -> str:
        """As `hash`, for what is no address but is about somebody all the same, such as where a request came from."""
        digest = hmac.digest(self.hash_key, text.encode(), "sha256").hex()
        return f"{self.version}.{digest[:40]}"

    def seal(self, text: str) -> str:
        """AES-GCM of a text, the key's version in front."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = AESGCM(self.seal_key).encrypt(nonce, text.encode(), self.version.encode())
        return f"{self.version}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str) -> str:
        """The text that `seal` hid. Raises InvalidTag where it was altered or sealed with another key."""
        version, _, body = sealed.partition(".")
        raw = base64.b64decode(body)
        return AESGCM(self.seal_key).decrypt(raw[:_NONCE], raw[_NONCE:], version.encode()).decode()

    def seal_address(self, address: Address) -> str:
        """An address, sealed."""
        return self.seal(address.text)

    def open_address_or_none(self, sealed: str | None) -> Address | None:
        """The address that `seal_address` hid; None where nothing is there, or it cannot be read: altered, cut, sealed with another key."""
        try:
            return self.open_address(sealed) if sealed else None
        except (InvalidTag, ValueError):  # not base64, not UTF-8, no channel of ours
            return None

    def open_addresses(self, sealed: Sequence[str | None]) -> list[Address | None]:
        """Several at once, None for each that cannot be read. Raises Misconfigured where not one of them can: then it is the key that is
        wrong, and nobody is to be passed over for that."""
        found = [self.open_address_or_none(one) for one in sealed]
        if sum(one is not None for one in sealed) > 1 and not any(found):
            raise Misconfigured("not one of these addresses can be opened: is the sealing key the one they were sealed with?")
        return found

    def open_address(self, sealed: str) -> Address:
        """The address that `seal_address` hid. Raises InvalidTag or ValueError where it cannot be read."""
        channel, _, value = self.open(sealed).partition(":")
        return Address(Channel(channel), value)
