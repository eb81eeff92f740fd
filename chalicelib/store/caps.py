"""What sign-ups used of their caps: `CAP#<keyed hash of what it is about>` / `<length>#<window>`, or `<length>#LAST` where the time since the
last one counts.

The hash is another than the one an address goes by: nobody is found by it. Each is one conditional write, whatever there was before: it takes as long for
who was here as for who was not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.caps import Cap
from chalicelib.domain.times import to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Change, Compare, Key, Lacks, Table, Values, either
from chalicelib.store.sealed import Vault

_KEPT = timedelta(hours=1)
"""For how long after its end a window is kept."""


@dataclass(frozen=True)
class Caps:
    """Counts against caps."""

    table: Table
    vault: Vault

    def take(self, wanted: Sequence[Cap], now: datetime) -> Cap | None:
        """Count one against each cap, in order, and stop at the first that is full: that one, or None where there was room in all."""
        return next((cap for cap in wanted if not self._take(cap, now)), None)

    def key(self, cap: Cap, now: datetime) -> Key:
        """Where a cap is counted now."""
        return Key(f"CAP#{self.vault.hash_text(f'cap:{cap.about}')}", cap.window(now))

    def _take(self, cap: Cap, now: datetime) -> bool:
        ttl = round((now + cap.within + _KEPT).timestamp())
        if cap.since_last:
            change = Change(set={"at": to_ms(now), "ttl": ttl})
            room = either(Lacks("at"), Compare("at", "<=", to_ms(now - cap.within)))
        else:
            change = Change(set={"ttl": ttl}, add={"count": 1})
            room = either(Lacks("count"), Compare("count", "<", cap.most))
        try:
            self.table.update(self.key(cap, now), change, expect=room)
        except WriteRefused:
            return False
        return True


def read_count(values: Values) -> int:
    """How much of a window's cap is used."""
    return int(str(values.get("count", 0)))
