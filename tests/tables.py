"""State for tests: a fresh table and queues on SQLite. (`aws_tables.py` has the same under moto, for small data only.)

    from tests.tables import sqlite_city

    def test_something(tmp_path: Path) -> None:
        city = sqlite_city(tmp_path)
        city.table.put(...)
        city.queues.named("launch").send(...)
        city.queues.receive(["launch"], 10, 60)     # the side that Lambda has elsewhere
        city.clock.advance(timedelta(minutes=2))

Every queue that the app declares is there already; a kiosk's is made by whoever registers the kiosk.
"""

import contextlib
import functools
import sqlite3
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from chalicelib.state.sqlite_table import SqliteTable
from chalicelib.state.table import Row
from local.proof.evidence import every_row

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

    def rows(self) -> list[Row]:
        """All that the table holds."""
        return list(every_row(self.file))


def sqlite_city(folder: Path, clock: Clock | None = None) -> SqliteCity:
    """The state of a city in `folder`; a second call with the same folder opens what the first one kept."""
    path = folder / "city.db"
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=folder) as empty, contextlib.suppress(FileExistsError):
            empty.write(_empty_city())
            empty.flush()
            path.hardlink_to(empty.name)  # whole at once: another process may be opening it
    clock = clock or Clock()
    file = SqliteFile(path, synced=False)
    return SqliteCity(file, SqliteTable(file), SqliteQueues(file, clock), clock)


class MemoryFile(SqliteFile):
    """A file that is none: everything in memory, on one connection, for one thread. `image` is all of it, and a new one may begin there."""

    def __init__(self, image: bytes | None = None) -> None:
        super().__init__(Path("memory"), synced=False)
        self._begin, self._opened = image, False

    def image(self) -> bytes:
        """All that it holds."""
        with self.reading() as connection:
            return connection.serialize()

    def _open(self) -> sqlite3.Connection:
        assert not self._opened, "a second connection would see another memory"
        self._opened = True
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        if self._begin:
            connection.deserialize(self._begin)
        return connection


def memory_city(image: bytes | None = None, clock: Clock | None = None) -> SqliteCity:
    """The state of a city in memory: empty, or as an image holds it."""
    clock = clock or Clock()
    file = MemoryFile(image or _empty_memory())
    return SqliteCity(file, SqliteTable(file), SqliteQueues(file, clock), clock)


@functools.cache
def _empty_memory() -> bytes:
    file = MemoryFile()
    SqliteTable(file)
    queues = SqliteQueues(file, Clock())
    for name in QUEUES:
        queues.make(name)
    return file.image()


@functools.cache
def _empty_city() -> bytes:
    """A file with every queue in it, made once: copying it is three times as fast."""
    with tempfile.TemporaryDirectory() as folder:
        file = SqliteFile(Path(folder) / "city.db", synced=False)
        SqliteTable(file)
        queues = SqliteQueues(file, Clock())
        for name in QUEUES:
            queues.make(name)
        file.close()
        return file.path.read_bytes()
