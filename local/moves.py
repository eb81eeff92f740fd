"""Moving the clock: not past what falls due on the way, but through it.

    hold the app's handlers → step to the next moment at which something falls due → let them work until it is quiet → hold → … → the target

So a broadcast scheduled within the move is sent at its time, as it would be if somebody waited.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import urllib3

from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.sqlite_queue import SqliteQueues
from chalicelib.state.sqlite_table import SqliteTable
from chalicelib.store.broadcast_rows import OPEN
from local.clock import CityClock
from local.gateway import CONTROL_PREFIX
from local.world.wire import call

TICK = timedelta(minutes=1)
"""How long after something happened the schedule looks again: who waits for a tick to end does not wait for the whole move."""
BUDGET_SECONDS = 15.0
"""After so long a move passes by whatever repeats itself, and stops at scheduled broadcasts only."""

_PATIENCE_SECONDS = 85.0


class Handlers(Protocol):
    """The app's handlers, as a move needs them."""

    def hold(self) -> bool:
        """Let those running end and none begin. False where there is no app."""

    def settle(self) -> int:
        """Let them work until it is quiet, or for a while; how many messages they took."""

    def release(self) -> None:
        """Let them go on."""


@dataclass(frozen=True)
class Moments:
    """When something falls due next: rows in the table's index, and messages that wait in queues."""

    table: SqliteTable
    queues: SqliteQueues

    def next(self, after: datetime, until: datetime) -> datetime | None:
        """The first moment after `after` and up to `until`."""
        due = self.table.next_due(after=to_ms(after), until=to_ms(until))
        shown = self.queues.next_visible_at(after=after)
        found = [*([from_ms(due)] if due else []), *([shown] if shown and shown <= until else [])]
        return min(found, default=None)

    def next_broadcast(self, after: datetime, until: datetime) -> datetime | None:
        """The same, of scheduled broadcasts alone."""
        due = self.table.next_due(after=to_ms(after), until=to_ms(until), name=OPEN)
        return from_ms(due) if due else None


class Mover:
    """Moves the city's clock, one move at a time."""

    def __init__(self, clock: CityClock, moments: Moments, handlers: Handlers, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moments = moments
        self._handlers = handlers
        self._seconds = seconds
        self._turn = threading.Lock()

    def __call__(self, by: timedelta) -> datetime:
        """Move on by so much; an app that is away has nobody to stop for."""
        with self._turn:
            there = self._handlers.hold()
            try:
                target = self._clock.now() + by
                if there:
                    self._step_through(target)
                return self._to(target)
            finally:
                self._handlers.release()

    def _step_through(self, target: datetime) -> None:
        end, ran = self._seconds() + BUDGET_SECONDS, 0
        while moment := self._next(target, ran, hurried=self._seconds() >= end):
            self._to(moment)
            ran = self._handlers.settle()
            self._handlers.hold()

    def _next(self, target: datetime, ran: int, *, hurried: bool) -> datetime | None:
        now = self._clock.now()
        if hurried:
            return self._moments.next_broadcast(now, target)
        moment, tick = self._moments.next(now, target), now + TICK
        return tick if ran and tick < min(moment or target, target) else moment

    def _to(self, moment: datetime) -> datetime:
        """Never back: what handlers did on the way took time too."""
        return self._clock.advance(max(timedelta(0), moment - self._clock.now()))


class AppHandlers:
    """The handlers in the app's process, told over HTTP."""

    def __init__(self, app_url: str, key: str) -> None:
        self._app_url = app_url
        self._key = key

    def hold(self) -> bool:
        """Let those running end and none begin. False where the app is away."""
        return self._tell("hold") is not None

    def settle(self) -> int:
        """Let them work until it is quiet, or for a while; how many messages they took."""
        return int(json.loads(self._tell("settle") or b"{}").get("ran", 0))

    def release(self) -> None:
        """Let them go on."""
        self._tell("release")

    def _tell(self, command: str) -> bytes | None:
        try:
            answer = call("POST", f"{self._app_url}{CONTROL_PREFIX}{command}", patience=_PATIENCE_SECONDS, headers={"X-City-Key": self._key})
        except urllib3.exceptions.HTTPError:
            return None
        return answer.data if answer.status == 200 else b""
