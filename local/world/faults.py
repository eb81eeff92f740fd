"""Faults that a person or a test switches on: which mode a provider is in, for what share of calls, and for how long."""

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
CREATE TABLE IF NOT EXISTS world_faults (channel TEXT PRIMARY KEY, mode TEXT NOT NULL, share REAL NOT NULL, until REAL, seen INTEGER NOT NULL)
"""
_OF_ONE_RECIPIENT = frozenset({"opted-out", "invalid", "no-receipts"})
"""Modes that hit recipients, not whole calls: it matters where one call carries fifty."""

_LONGEST_HANG = 60.0
_MOST_HANGING = 40
"""Calls kept hanging at once; more are cut, so that a thread is always left to switch the fault off."""


@dataclass(frozen=True)
class Fault:
    """A channel's fault. `until` is in seconds of the machine's clock; None means until it is switched off."""

    channel: str
    mode: str = OK
    share: float = 1.0
    until: float | None = None


class Faults:
    """The switches. They are kept in the state file, so that they outlast the process as all the rest does."""

    def __init__(self, file: SqliteFile, seconds: Callable[[], float] = time.time) -> None:
        self._file = file
        self._seconds = seconds
        self._changed = threading.Condition()
        self._hanging = 0
        file.prepare(_SCHEMA)

    def switch(self, fault: Fault) -> None:
        """Put a channel into a mode; calls that hang are let go."""
        with self._file.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO world_faults VALUES (?, ?, ?, ?, 0)", (fault.channel, fault.mode, fault.share, fault.until))
        with self._changed:
            self._changed.notify_all()

    def standing(self, channel: str) -> Fault:
        """The fault a channel is in now."""
        now = "SELECT channel, mode, share, until FROM world_faults WHERE channel = ? AND (until IS NULL OR until > ?)"
        with self._file.reading() as connection:
            found = connection.execute(now, (channel, self._seconds())).fetchone()
        return Fault(*found) if found else Fault(channel)

    def strike(self, channel: str, *, per_recipient: bool = False) -> str:
        """The mode that hits this call, or this recipient of a call. With share 0.25 each fourth is hit."""
        fault = self.standing(channel)
        if fault.mode == OK or (fault.mode in _OF_ONE_RECIPIENT) != per_recipient:
            return OK
        with self._file.writing() as connection:
            seen: int = connection.execute("UPDATE world_faults SET seen = seen + 1 WHERE channel = ? RETURNING seen", (channel,)).fetchone()[0]
        return fault.mode if int(seen * fault.share) > int((seen - 1) * fault.share) else OK

    def hang(self, channel: str, is_gone: Callable[[], bool]) -> None:
        """Keep a caller waiting: until the fault ends, the caller leaves, or a minute is over."""
        end = self._seconds() + _LONGEST_HANG
        with self._changed:
            self._hanging += 1
            try:
                while self._hanging <= _MOST_HANGING and self._seconds() < end and self.standing(channel).mode == "hang" and not is_gone():
                    self._changed.wait(0.2)
            finally:
                self._hanging -= 1
