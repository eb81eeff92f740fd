"""Faults that a person or a test switches on: which mode a provider is in, for what share of calls, and for how long.

A channel has one at a time, unless another is switched on beside it.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.state.sqlite_file import SqliteFile

OK = "ok"
MODES = (OK, "429", "500", "hang", "drop-reply", "opted-out", "invalid", "no-receipts")
CHANNELS = ("sms", "email", "kiosk")
SCREENS_OFF = frozenset({"429", "500", "hang", "opted-out", "invalid"})
"""Modes in which kiosks leave their queues alone: they pull, so nobody is there to refuse. In the others they take as usual."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS world_modes (
    channel TEXT, mode TEXT, share REAL NOT NULL, until REAL, times INTEGER, seen INTEGER NOT NULL DEFAULT 0, hit INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, mode))
"""
_STANDING = "SELECT channel, mode, share, until, times FROM world_modes WHERE channel = ? AND (until IS NULL OR until > ?)"
_STRIKE = """
UPDATE world_modes SET seen = seen + 1, hit = hit + (CAST((seen + 1) * share AS INTEGER) > CAST(seen * share AS INTEGER))
WHERE channel = ? AND mode = ? AND (times IS NULL OR hit < times) RETURNING CAST(seen * share AS INTEGER) > CAST((seen - 1) * share AS INTEGER)
"""
_OF_ONE_RECIPIENT = frozenset({"opted-out", "invalid", "no-receipts"})
"""Modes that hit recipients, not whole calls: it matters where one call carries fifty."""

_LONGEST_HANG = 60.0
_MOST_HANGING = 40
"""Calls kept hanging at once; more are cut, so that a thread is always left to switch the fault off."""


@dataclass(frozen=True)
class Fault:
    """A channel's fault. `until` is in seconds of the machine's clock; None means until it is switched off. `times` is the most calls it hits."""

    channel: str
    mode: str = OK
    share: float = 1.0
    until: float | None = None
    times: int | None = None


class Faults:
    """The switches. They are kept in the state file, so that they outlast the process as all the rest does."""

    def __init__(self, file: SqliteFile, seconds: Callable[[], float] = time.time) -> None:
        self._file = file
        self._seconds = seconds
        self._changed = threading.Condition()
        self._hanging = 0
        file.prepare(_SCHEMA)

    def switch(self, fault: Fault, *, beside: bool = False) -> None:
        """Put a channel into a mode, instead of any other or beside them; calls that hang for another are let go."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM world_modes WHERE channel = ? AND (mode = ? OR NOT ?)", (fault.channel, fault.mode, beside))
            if fault.mode != OK:
                values = (fault.channel, fault.mode, fault.share, fault.until, fault.times)
                connection.execute("INSERT INTO world_modes (channel, mode, share, until, times) VALUES (?, ?, ?, ?, ?)", values)
        with self._changed:
            self._changed.notify_all()

    def all_standing(self, channel: str) -> list[Fault]:
        """The faults a channel is in now, in the order they were switched on."""
        with self._file.reading() as connection:
            return [Fault(*found) for found in connection.execute(f"{_STANDING} ORDER BY rowid", (channel, self._seconds()))]

    def standing(self, channel: str) -> Fault:
        """The first of them; mode `ok` where there is none."""
        return next(iter(self.all_standing(channel)), Fault(channel))

    def strike(self, channel: str, *, per_recipient: bool = False) -> str:
        """The mode that hits this call, or this recipient of a call. With share 0.25 each fourth is hit."""
        faults = [fault for fault in self.all_standing(channel) if (fault.mode in _OF_ONE_RECIPIENT) == per_recipient]
        return next((fault.mode for fault in faults if self._hits(fault)), OK)

    def _hits(self, fault: Fault) -> bool:
        with self._file.writing() as connection:
            found = connection.execute(_STRIKE, (fault.channel, fault.mode)).fetchone()
        return bool(found and found[0])

    def hang(self, channel: str, is_gone: Callable[[], bool]) -> None:
        """Keep a caller waiting: until the fault ends, the caller leaves, or a minute is over."""
        end = self._seconds() + _LONGEST_HANG
        with self._changed:
            self._hanging += 1
            try:
                while self._hanging <= _MOST_HANGING and self._seconds() < end and self._hangs(channel) and not is_gone():
                    self._changed.wait(0.2)
            finally:
                self._hanging -= 1

    def _hangs(self, channel: str) -> bool:
        return any(fault.mode == "hang" for fault in self.all_standing(channel))
