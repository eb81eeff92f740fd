"""Filtered texts: `B#<broadcast>` / `FILTERED` counts what carriers took for spam. A receipt that comes again is counted again: the sum is
a reason to look, not a figure to show."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.state.table import Change, Key, Table

_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Filtered:
    """Counts filtered texts of a broadcast."""

    table: Table

    def add(self, broadcast: str, texts: int, now: datetime) -> tuple[int, bool]:
        """So many more. How many there are by now, and whether somebody was told."""
        change = Change(set={"ttl": int((now + _KEPT).timestamp())}, add={"texts": texts})
        row = self.table.update(_key(broadcast), change)
        return int(str(row["texts"])), bool(row.get("told"))

    def told(self, broadcast: str) -> None:
        """Somebody was told: once is enough."""
        self.table.update(_key(broadcast), Change(set={"told": True}))


def _key(broadcast: str) -> Key:
    return Key(f"B#{broadcast}", "FILTERED")
