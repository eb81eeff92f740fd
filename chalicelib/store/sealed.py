"""Addresses at rest: found again by a keyed hash, readable only with the sealing key."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.domain.address import Address, Channel

_NONCE = 12


@dataclass(frozen=True)
class Vault:
    """Hashes and seals. Each key has a version, written in front, so that a new key does not orphan old rows."""

    hash_key: bytes
    seal_key: bytes
    version: str = "1"

    def hash(self, address: Address) -> str:
        """The name an address goes by in keys: `1.` and 40 hex digits."""
        return f"{self.version}.{hmac.new(self.hash_key, address.text.encode(), hashlib.sha256).hexdigest()[:40]}"

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

    def open_address(self, sealed: str) -> Address:
        """The address that `seal_address` hid."""
        channel, _, value = self.open(sealed).partition(":")
        return Address(Channel(channel), value)
