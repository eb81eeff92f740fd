"""The city's clock: the machine's clock and an offset, kept in the state file so that every process shows the same time."""

import threading
import time
from datetime import UTC, datetime, timedelta

from chalicelib.state.sqlite_file import SqliteFile

_FRESH_FOR = 0.05
"""Seconds for which a read offset is trusted; `refresh` ends them early."""

_SCHEMA = "CREATE TABLE IF NOT EXISTS city_clock (one INTEGER PRIMARY KEY CHECK (one = 1), offset_us INTEGER NOT NULL)"
_BEGIN = "INSERT OR IGNORE INTO city_clock VALUES (1, ?)"
_MOVE = "INSERT INTO city_clock VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET offset_us = offset_us + excluded.offset_us"
_MICROSECOND = timedelta(microseconds=1)


class CityClock:
    """What time it is in the city. Threads may share one."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._read_at = float("-inf")
        file.prepare(_SCHEMA)

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH_FOR:
                self._offset, self._read_at = self._stored(), time.monotonic()
            return datetime.now(UTC) + self._offset

    def refresh(self) -> None:
        """Read the offset anew at the next call: somebody moved the clock."""
        with self._lock:
            self._read_at = float("-inf")

    def advance(self, by: timedelta) -> datetime:
        """Move the clock forward for everybody; returns the new time."""
        with self._file.writing() as connection:
            connection.execute(_MOVE, (by // _MICROSECOND,))
        self.refresh()
        return self.now()

    def begin(self, moment: datetime | None = None) -> bool:
        """Begin a fresh city's time, at `moment` or now. False, and nothing done, where the city has lived before."""
        offset = timedelta() if moment is None else moment - datetime.now(UTC)
        with self._file.writing() as connection:
            begun = connection.execute(_BEGIN, (offset // _MICROSECOND,)).rowcount == 1
        self.refresh()
        return begun

    def has_begun(self) -> bool:
        """Whether the city has lived before."""
        return self._row() is not None

    def _stored(self) -> timedelta:
        found = self._row()
        return (found[0] if found else 0) * _MICROSECOND

    def _row(self) -> tuple[int] | None:
        with self._file.reading() as connection:
            found: tuple[int] | None = connection.execute("SELECT offset_us FROM city_clock").fetchone()
        return found
