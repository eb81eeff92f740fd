"""State for tests: a fresh table and queues, on SQLite (fast: use this) or under moto (small data only).

    from tests.tables import sqlite_city

    def test_something(tmp_path: Path) -> None:
        city = sqlite_city(tmp_path)
        city.table.put(...)
        city.queues.named("launch").send(...)
        city.queues.receive(["launch"], 10, 60)     # SQLite only: the side that Lambda has elsewhere
        city.clock.advance(timedelta(minutes=2))

Every queue that the app declares is there already; a kiosk's is made by whoever registers the kiosk.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from chalicelib.state.sqlite_table import SqliteTable

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)

LANES = ("urgent", "routine")
QUEUES = (
    *("launch", "intake", "replies", "receipts"),
    *(f"{work}-{lane}" for work in ("fan-out", "sms", "email", "kiosk") for lane in LANES),
)


@dataclass
class Clock:
    """A clock that moves when told; call it for the time."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.moment += by


@dataclass(frozen=True)
class SqliteCity:
    """Table and queues in one file, on one clock."""

    file: SqliteFile
    table: SqliteTable
    queues: SqliteQueues
    clock: Clock


def sqlite_city(folder: Path, clock: Clock | None = None) -> SqliteCity:
    """The state of a city in `folder`; a second call with the same folder opens what the first one kept."""
    clock = clock or Clock()
    file = SqliteFile(folder / "city.db")
    queues = SqliteQueues(file, clock)
    for name in QUEUES:
        queues.make(name)
    return SqliteCity(file, SqliteTable(file), queues, clock)
