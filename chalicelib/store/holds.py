"""Which address an id has on a channel: `S#<subscriber>` / `HAS#<channel>`, written where an address comes to an id that may have one already.

A subscription is named by its person, topic and channel; so one id has one address a channel, or one of two would get nothing.
"""

from dataclasses import dataclass, replace

from chalicelib.domain.address import Channel
from chalicelib.state.table import Absent, Key, Put, Row, Table, Write, either, equals


@dataclass(frozen=True)
class Holds:
    """Keeps which address has an id, where two might come at once."""

    table: Table

    def write(self, subscriber: str, channel: Channel, address: str) -> Write:
        """The write that gives an id this address on a channel, for a transaction: refused where it got another."""
        return replace(self.replace_write(subscriber, channel, address), expect=either(Absent(), equals("address", address)))

    def replace_write(self, subscriber: str, channel: Channel, address: str) -> Put:
        """As `write`, in the place of another that goes in the same transaction."""
        return Put(Row(Key(f"S#{subscriber}", f"HAS#{channel}"), {"address": address}))
