"""Day rows: `DAY#<date>#<shard>` / `<broadcast>#P<page>#<channel>#<number>`: who was planned for in a day, as codes. They leave after three days."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.cap import CODE, DayPage
from chalicelib.state.table import Key, Row, Table

KEPT = timedelta(days=3)
MOST_CODES = 20_000
"""Codes in one row: half of what a row may hold."""


@dataclass(frozen=True)
class Days:
    """Reads days; `day_rows` makes them."""

    table: Table

    def read(self, day: date, shard: int) -> list[DayPage]:
        """Everybody in a shard who was planned for in a day."""
        found: list[DayPage] = []
        after: str | None = None
        while True:
            page = self.table.query(_partition(day, shard), after=after)
            found += [_read(row) for row in page.rows]
            if page.after is None:
                return found
            after = page.after


def day_rows(page: DayPage, *, day: date, shard: int, number: int, now: datetime) -> list[Row]:
    """The rows of a page. A second planning of the same page writes the same ones."""
    ttl = int((now + KEPT).timestamp())
    return [
        Row(Key(_partition(day, shard), f"{page.broadcast}#P{number:04d}#{page.channel}#{start:06d}"), {"codes": "".join(codes), "ttl": ttl})
        for start in range(0, len(page.codes), MOST_CODES)
        for codes in [page.codes[start : start + MOST_CODES]]
    ]


def _partition(day: date, shard: int) -> str:
    return f"DAY#{day.isoformat()}#{shard:x}"


def _read(row: Row) -> DayPage:
    broadcast, _, channel, _ = row.key.sort.split("#")
    return DayPage(broadcast, Channel(channel), _codes(str(row.values["codes"])))


def _codes(text: str) -> tuple[str, ...]:
    return tuple(text[start : start + CODE] for start in range(0, len(text), CODE))
