"""A town whose workers work side by side, as many as the city gives each queue, in simulated time.

Exactly one of them runs at a time, so every run with the same seed is the same; whoever sleeps for a slot or waits for a provider lets the
others go on. Nobody waits for real.
"""

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.message import Outcome, Parcel
from chalicelib.flows.services import Gate
from infra.functions import WORKERS
from tests.engine.town import VISIBILITY, Provider, Town

ANSWERS_AFTER = 0.15
"""Seconds until a provider has answered the calls of a chunk."""


@dataclass
class Line(Provider):
    """A provider at the end of a line: what it takes it takes in its slot, and it answers a little later."""

    rest: Callable[[float], None] = lambda _seconds: None

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> list[Outcome]:
        outcomes = super().hand_over(parcels, gate=gate)
        self.rest(ANSWERS_AFTER)
        return outcomes


@dataclass
class _Worker:
    """One job in somebody's hands, on a thread of its own."""

    message: Any
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    done: bool = False
    error: BaseException | None = None


class SideBySide:
    """Runs a town. `town.services` sleep in its time from then on."""

    def __init__(self, town: Town) -> None:
        self.town = town
        town.services = replace(town.services, sleep=self.rest)
        self._free = {worker.queue: worker.at_once for worker in WORKERS}
        self._asleep: list[tuple[datetime, int, _Worker]] = []
        self._numbers, self._here, self._rests = itertools.count(), threading.local(), threading.Semaphore(0)

    def rest(self, seconds: float) -> None:
        """Whoever calls this goes on so much later."""
        worker = getattr(self._here, "worker", None)
        if worker is None:
            self.town.clock.advance(timedelta(seconds=seconds))
            return
        heapq.heappush(self._asleep, (self.town.clock() + timedelta(seconds=seconds), next(self._numbers), worker))
        self._rests.release()
        worker.go.acquire()

    def live(self, *, until: Callable[[], bool], hours: float = 5) -> None:
        """Let the city live, the schedule each minute, until that holds. Fails where it never does."""
        town, end = self.town, self.town.clock() + timedelta(hours=hours)
        while not until():
            assert town.clock() < end, "it never came to that"
            minute = town.clock() + timedelta(minutes=1)
            self._work_until(minute)
            town.clock.moment = minute
            town.tick()

    def _work_until(self, minute: datetime) -> None:
        while True:
            self._take_what_is_visible()
            shows = self.town.state.queues.next_visible_at()
            wakes = self._asleep[0][0] if self._asleep else minute
            moments = [wakes, minute, *([shows] if shows and shows > self.town.clock() else [])]
            if min(moments) >= minute:
                return
            self.town.clock.moment = max(self.town.clock(), min(moments))
            if wakes <= self.town.clock():
                self._go_on(heapq.heappop(self._asleep)[2])

    def _take_what_is_visible(self) -> None:
        for queue in self._free:
            while self._free[queue]:
                got = self.town.state.queues.receive([queue], 1, VISIBILITY)
                if not got:
                    break
                self._free[queue] -= 1
                worker = _Worker(got[0])
                threading.Thread(target=self._run, args=(worker,), daemon=True).start()
                self._go_on(worker)

    def _go_on(self, worker: _Worker) -> None:
        """Let a worker run until it rests or is done."""
        worker.go.release()
        self._rests.acquire()
        if worker.done:
            self._free[worker.message.queue] += 1
            if worker.error:
                raise worker.error

    def _run(self, worker: _Worker) -> None:
        worker.go.acquire()
        self._here.worker = worker
        try:
            self.town.run(worker.message)
        except BaseException as error:  # noqa: BLE001 - raised again where the test can see it
            worker.error = error
        worker.done = True
        self._rests.release()
