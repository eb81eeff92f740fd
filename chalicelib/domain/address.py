"""Addresses: one way to reach a subscriber."""

from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """How a notice reaches someone."""

    SMS = "sms"
    EMAIL = "email"
    KIOSK = "kiosk"


@dataclass(frozen=True)
class Address:
    """One way to reach a subscriber, in its one canonical spelling: E.164, a lower-cased email, or a kiosk id."""

    channel: Channel
    value: str

    def __repr__(self) -> str:
        return f"Address({self.channel}, …{self.value[-2:]})"

    @property
    def text(self) -> str:
        """Channel and value in one string: what is hashed to find the address again."""
        return f"{self.channel}:{self.value}"
