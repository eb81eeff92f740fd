"""What sign-ups used of their caps: `CAP#<keyed hash of what it is about>` / `<length>#<window>`, or `<length>#LAST` where the time since the
last one counts.

The hash is another than the one an address goes by: nobody is found by it. Each is counted by one conditional write, whatever there was before: it
takes as long for who was here as for who was not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.caps import Cap
from chalicelib.domain.times import to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Change, Compare, Key, Lacks, Table, Update, Values, either
from chalicelib.store.sealed import Vault

_KEPT = timedelta(hours=1)
"""For how long after its end a window is kept."""


@dataclass(frozen=True)
class Caps:
    """Counts against caps."""

    table: Table
    vault: Vault

    def full(self, wanted: Sequence[Cap], now: datetime) -> Cap | None:
        """The first of these caps that is full: where the time since the last one counts, it is only looked up, and in the others one is counted, up to
        the first that is full. None: there was room in all."""
        lasting = [cap for cap in wanted if cap.since_last]
        rows = self.table.get_many([self.key(cap, now) for cap in lasting]) if lasting else {}
        waits = (cap for cap in lasting if int(str(rows.get(self.key(cap, now), {}).get("at", 0))) > to_ms(now - cap.within))
        counted = (cap for cap in wanted if not cap.since_last and not self.take(cap, now))
        return next(waits, None) or next(counted, None)

    def take(self, cap: Cap, now: datetime) -> bool:
        """Count one against a cap, if there is room."""
        write = self.take_write(cap, now)
        try:
            self.table.update(write.key, write.change, expect=write.expect)
        except WriteRefused:
            return False
        return True

    def take_write(self, cap: Cap, now: datetime) -> Update:
        """The write that counts one against a cap, for a transaction: refused where there is no room."""
        ttl = round((now + cap.within + _KEPT).timestamp())
        if cap.since_last:
            room = either(Lacks("at"), Compare("at", "<=", to_ms(now - cap.within)))
            return Update(self.key(cap, now), Change(set={"at": to_ms(now), "ttl": ttl}), expect=room)
        room = either(Lacks("count"), Compare("count", "<", cap.most))
        return Update(self.key(cap, now), Change(set={"ttl": ttl}, add={"count": 1}), expect=room)

    def key(self, cap: Cap, now: datetime) -> Key:
        """Where a cap is counted now."""
        return Key(f"CAP#{self.vault.hash_text(f'cap:{cap.about}')}", cap.window(now))


def read_count(values: Values) -> int:
    """How much of a window's cap is used."""
    return int(str(values.get("count", 0)))
