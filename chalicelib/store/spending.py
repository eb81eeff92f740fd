"""What texts are reckoned to cost: `SPENT#<month>` / `<day>#<broadcast>`, in millionths of the city's currency.

One row for each broadcast, named after it, as with the caps of sources: written before the sum is read, so that no budget is passed by two at once.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from chalicelib.state.table import Delete, Key, Row, Table, Write

_KEPT = timedelta(days=62)


@dataclass(frozen=True)
class Spent:
    """Millionths spent on a day, and in its month."""

    day: int
    month: int


@dataclass(frozen=True)
class Spendings:
    """Adds up what is spent."""

    table: Table

    def reserve(self, broadcast: str, day: date, micros: int) -> Spent:
        """Count a broadcast's cost on a day, and say what is spent with it."""
        ttl = datetime.combine(day, time.min, UTC) + _KEPT
        self.table.put(Row(_key(broadcast, day), {"micros": micros, "ttl": int(ttl.timestamp())}))
        rows = self._rows(day)
        today = [row for row in rows if row.key.sort.startswith(f"{day.day:02d}#")]
        return Spent(_sum(today), _sum(rows))

    def release_write(self, broadcast: str, day: date) -> Write:
        """The write that counts a broadcast's cost no longer, for a transaction."""
        return Delete(_key(broadcast, day))

    def _rows(self, day: date) -> list[Row]:
        found: list[Row] = []
        after: str | None = None
        while True:
            page = self.table.query(_month(day), after=after)
            found += page.rows
            if page.after is None:
                return found
            after = page.after


def _key(broadcast: str, day: date) -> Key:
    return Key(_month(day), f"{day.day:02d}#{broadcast}")


def _month(day: date) -> str:
    return f"SPENT#{day:%Y-%m}"


def _sum(rows: list[Row]) -> int:
    return sum(int(str(row.values["micros"])) for row in rows)
