"""Slots in use: lets provider calls pass at the sender's pace, and none after the last moment."""

import threading
from collections.abc import Callable
from datetime import datetime

from chalicelib.flows.services import Gate
from chalicelib.store.pace import Slots


class SlotGate:
    """One per worker. Its calls come from several threads, each waiting for the next slot in turn."""

    def __init__(self, slots: Slots, now: Callable[[], datetime], sleep: Callable[[float], None]) -> None:
        self._next, self._apart = slots.start, slots.apart
        self._now, self._sleep = now, sleep
        self._lock = threading.Lock()

    def until(self, last: datetime) -> Gate:
        """A gate that waits for the next slot and says whether a call may still begin: not after `last`."""

        def gate() -> bool:
            with self._lock:
                now = self._now()
                slot = max(self._next, now)
                if slot > last:
                    return False
                if slot > now:
                    self._sleep((slot - now).total_seconds())
                self._next = slot + self._apart
                return self._now() <= last

        return gate
