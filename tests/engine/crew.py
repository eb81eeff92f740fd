"""Workers that run a call at a time: stopped before or after any state or provider call, resumed at any later time, or dead.

Each worker is a thread, and never do two of them run at once: whoever steps one waits until it rests again. So a run is the same
every time. The one assumption of the protocol is kept: nobody rests longer than PAUSE between being let through to a provider and
the call itself.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.engine.town import Crash
from tests.tables import Clock

PAUSE = timedelta(seconds=30)
CALL = "before provider"
"""How a resting place right before a provider call begins."""


class Worker:
    """One job in the hands of one process. `at` says where it rests; `skew` is how far its clock is from the true one."""

    def __init__(self, name: str, job: Callable[[], None], crew: "Crew", skew: timedelta) -> None:
        self.name, self.skew, self.at = name, skew, "start"
        self.done = self.died = False
        self.rested_at = self.reached_at = crew.clock()
        self.wakes_at: datetime | None = None
        self.error: BaseException | None = None
        self._crew, self._job = crew, job
        self._points, self._doomed = 0, False
        self._go, self._rests = threading.Lock(), threading.Lock()  # held, but for a moment when the turn passes to the other side
        self._go.acquire()
        self._rests.acquire()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def asleep(self) -> bool:
        """Whether it waits for a moment that has not come."""
        return self.wakes_at is not None and self._crew.clock() < self.wakes_at

    def step(self, points: int) -> None:
        """Let it pass this many places before and after calls; at the next it rests."""
        if self.done or self.asleep:
            return
        self.wakes_at = None
        self._points = points
        self._go.release()
        self._rests.acquire()

    def kill(self) -> None:
        """The process dies where it rests."""
        if not self.done:
            self._doomed = True
            self.wakes_at = None
            self.step(0)
            self._thread.join()

    def reach(self, at: str) -> None:
        """Called by the worker itself at each place where it may rest."""
        self.at, self.reached_at = at, self._crew.clock()
        if self._points:
            self._points -= 1
        else:
            self._rest()

    def sleep(self, seconds: float) -> None:
        """Called by the worker itself: wait for a moment."""
        self.at, self.wakes_at = "asleep", self._crew.clock() + timedelta(seconds=seconds)
        points = self._points
        self._rest()
        self._points = max(self._points, points)

    def _rest(self) -> None:
        self.rested_at = self._crew.clock()
        self._rests.release()
        self._go.acquire()
        if self._doomed:
            raise Crash(self.at)

    def _run(self) -> None:
        self._go.acquire()
        self._crew.here.worker = self
        try:
            if not self._doomed:
                self._job()
        except Crash:
            self.died = True
        except Exception as error:  # noqa: BLE001 - whoever runs the handlers sees it, and leaves the message to its visibility
            self.error = error
        finally:
            self.done, self.died = True, self.died or self._doomed
            self._rests.release()


class Crew:
    """All workers of a town. It takes the killer's place: every state and provider call passes through it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.here = threading.local()
        self.workers: list[Worker] = []

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        worker = self.who
        if worker is None:
            return call()
        worker.reach(f"before {name}")
        result = call()
        worker.reach(f"after {name}")
        return result

    def start(self, name: str, job: Callable[[], None], *, points: int, skew: timedelta = timedelta(0)) -> Worker:
        """A new worker, which goes on until it has passed this many places."""
        worker = Worker(name, job, self, skew)
        self.workers.append(worker)
        worker.step(points)
        return worker

    @property
    def who(self) -> Worker | None:
        """Whose thread this is; None outside of any."""
        return getattr(self.here, "worker", None)

    def now(self) -> datetime:
        """The time, as the clock of whoever asks shows it."""
        return self.clock() + (self.who.skew if self.who else timedelta(0))

    def sleep(self, seconds: float) -> None:
        """Wait, with everybody else free to go on."""
        worker = self.who
        if worker is None:
            self.advance(timedelta(seconds=seconds))
        else:
            worker.sleep(seconds)

    def advance(self, by: timedelta) -> None:
        """Let time pass. Whoever rests right before a provider call makes it in time."""
        end = self.clock() + by
        while waiting := [one for one in self.resting if one.at.startswith(CALL) and one.rested_at + PAUSE < end]:
            first = min(waiting, key=lambda one: one.rested_at)
            self.clock.advance(max(timedelta(0), first.rested_at + PAUSE - self.clock()))
            first.step(1)
        self.clock.advance(max(timedelta(0), end - self.clock()))

    def finish(self, worker: Worker) -> None:
        """Let a worker come to its end."""
        while not worker.done:
            if worker.wakes_at:
                self.advance(max(timedelta(0), worker.wakes_at - self.clock()))
            worker.step(1_000_000)

    @property
    def resting(self) -> list[Worker]:
        """Workers that are not done."""
        return [one for one in self.workers if not one.done]

    def dismiss(self) -> None:
        """Everybody dies."""
        for worker in self.resting:
            worker.kill()
