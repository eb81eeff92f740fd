"""Holding the pumps: while somebody moves the clock, no handler runs."""

import threading
import time

_LONGEST_SECONDS = 120.0
"""A hold ends by itself after this: whoever asked for it may have died."""


class Hold:
    """Counts running handlers, and keeps new ones out while held."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._begun = 0
        self._held_until = float("-inf")

    def enter(self) -> bool:
        """Whether a handler may begin now. Each True is answered with one `leave`."""
        with self._changed:
            if time.monotonic() < self._held_until:
                return False
            self._running += 1
            self._begun += 1
            return True

    def leave(self) -> None:
        """A handler ended."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def count(self) -> tuple[int, int]:
        """How many handlers run now, and how many ever began."""
        with self._changed:
            return self._running, self._begun

    def hold(self, patience: float) -> bool:
        """Let no handler begin, and wait for the running ones. True once none runs; False where that takes too long, still holding."""
        with self._changed:
            self._held_until = time.monotonic() + _LONGEST_SECONDS
            return self._changed.wait_for(lambda: self._running == 0, patience)

    def release(self) -> None:
        """Let handlers begin again."""
        with self._changed:
            self._held_until = float("-inf")
