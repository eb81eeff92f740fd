"""A city at its pace, in simulated time: as many workers side by side as it gives each queue, and each step as long as it was measured to take.

The flows, the slots and the rows are the real ones; whoever waits for a slot, a row or a provider lets the others go on. What is not simulated:
a machine that oversleeps, and a network with bad moments. Nobody waits for real.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bench.prices import STATE_SECONDS, STRETCH
from bench.wire import Run
from chalicelib.domain.address import Address, Channel
from chalicelib.state.table import Page
from chalicelib.store.headcounts import MOST_READ
from chalicelib.store.sealed import Vault
from chalicelib.store.stores import Stores
from chalicelib.store.subscriptions import Subscription, audience_row
from tests.engine.town import HandOver, Killer, Town
from tests.experiments.side_by_side import Line, SideBySide
from tests.tables import memory_city

ROUTINE, URGENT = "transit", "emergency"
URGENT_PEOPLE = 1000
HEAD_START = timedelta(minutes=1)
"""How long the routine broadcast has been going when the urgent one comes."""


@dataclass(frozen=True)
class Costs:
    """Seconds of CPU here: to count one recipient before the launch, to fan one out, and to hand one over."""

    launch: float
    fan_out: float
    hand_over: float

    @classmethod
    def of(cls, run: Run) -> "Costs":
        """As measured in a run."""
        counted = min(run.recipients, MOST_READ)
        return cls(run.cpu["launch"] / counted, run.cpu["fan_out"] / run.recipients, run.cpu["hand_over"] / run.recipients)


@dataclass
class _Steps(Killer):
    """Kills nobody: each call takes its time."""

    costs: Costs = field(default_factory=lambda: Costs(0, 0, 0))
    rest: Callable[[float], None] = lambda _seconds: None
    here: threading.local = field(default_factory=threading.local)

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        if name.startswith("provider."):
            self.rest(self.costs.hand_over * STRETCH)
            return call()
        self.rest(STATE_SECONDS)
        found = call()
        if name.startswith("query") and isinstance(found, Page):
            each = self.costs.launch if getattr(self.here, "queue", "") == "launch" else self.costs.fan_out
            self.rest(len(found.rows) * each * STRETCH)
        return found


class _Town(Town):
    """A town that knows how long its functions ran."""

    def __init__(self, steps: _Steps, channel: Channel, pace: int, followers: dict[str, int]) -> None:
        state = memory_city()
        self.jobs: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        _follow(Stores(state.table, Vault(b"h" * 32, b"s" * 32)), channel, followers)
        super().__init__(killer=steps, state=state, pace={channel: pace})
        self.ids = sum(followers.values())

    def handle(self, queue: str, body: str) -> None:
        """What the queue's handler does, timed."""
        began = self.clock()
        self.killer.here.queue = queue  # type: ignore[attr-defined]
        super().handle(queue, body)
        self.jobs[queue] += 1
        self.seconds[queue] += (self.clock() - began).total_seconds()  # type: ignore[assignment]


def _follow(store: Stores, channel: Channel, followers: dict[str, int]) -> None:
    number = 0
    for topic, count in followers.items():
        rows = []
        for number in range(number + 1, number + 1 + count):  # noqa: B020 - goes on where the topic before it ended
            address = Address(channel, f"+1202{number:07d}" if channel is Channel.SMS else f"p{number}@example.org")
            subscriber = f"{number % 16:x}{number:031x}"
            rows.append(store.addresses.row(address, subscriber=subscriber, verified=True))
            rows.append(audience_row(Subscription(subscriber, topic, channel, store.vault.hash(address), "en")))
        for start in range(0, len(rows), 25):
            store.table.put_many(rows[start : start + 25])


@dataclass
class Simulated:
    """A city with so many followers of its topics, and the costs of its steps."""

    channel: Channel
    pace: int
    followers: dict[str, int]
    costs: Costs

    def __post_init__(self) -> None:
        """Lay out the city and its workers."""
        steps = _Steps(costs=self.costs)
        self.town = _Town(steps, self.channel, self.pace, self.followers)
        self._workers = SideBySide(self.town)
        steps.rest = self._workers.rest
        line = Line(self.channel, min(25 if self.channel is Channel.SMS else 50, self.pace), steps, self.town.clock, rest=self._workers.rest)
        line.marked = self.town.providers[self.channel].marked
        self.town.providers[self.channel] = line

    def broadcast(self, topic: str, *, urgent: bool = False) -> tuple[str, datetime]:
        """A broadcast that is accepted now."""
        return self.town.broadcast(topic, urgent=urgent), self.town.clock()

    def live(self, *, until: Callable[[], bool]) -> None:
        """Let the city live until that holds."""
        self._workers.live(until=until)

    def handed_over(self, broadcast: str) -> list[HandOver]:
        """What the provider got of a broadcast, in order."""
        read = self.town.services.tokens.read
        return [one for one in self.town.providers[self.channel].truth if (read("delivery", one.token) or [""])[0] == broadcast]


def at_pace(channel: Channel, people: int, pace: int, costs: Costs) -> tuple[dict[str, float], float]:
    """From accepted to the last hand-over, and the most hand-overs of one second of the clock; and function seconds per recipient."""
    city = Simulated(channel, pace, {ROUTINE: people}, costs)
    name, accepted = city.broadcast(ROUTINE)
    city.live(until=lambda: len(city.town.providers[channel].truth) == people)
    moments = [one.at for one in city.handed_over(name)]
    seconds = Counter(int(moment.timestamp()) for moment in moments)
    told = {"seconds": round((max(moments) - accepted).total_seconds(), 1), "max_per_second": max(seconds.values())}
    return told, sum(city.town.seconds.values()) / people


def urgent_ratio(routine: int, pace: int, costs: Costs) -> tuple[float, dict[str, float]]:
    """p95 from accepted to handed over of an urgent broadcast beside a routine one, as a ratio to the same alone."""
    alone, beside = (_urgent_p95(people, pace, costs) for people in (0, routine))
    return round(beside / alone, 2), {"alone_p95_s": round(alone, 2), "beside_p95_s": round(beside, 2)}


def _urgent_p95(routine: int, pace: int, costs: Costs) -> float:
    city = Simulated(Channel.SMS, pace, {ROUTINE: routine, URGENT: URGENT_PEOPLE}, costs)
    if routine:
        _, began = city.broadcast(ROUTINE)
        city.live(until=lambda: city.town.clock() >= began + HEAD_START)
        assert 0 < len(city.town.providers[Channel.SMS].truth) < routine, "the routine broadcast is not under way"
    name, accepted = city.broadcast(URGENT, urgent=True)
    city.live(until=lambda: len(city.handed_over(name)) == URGENT_PEOPLE)
    waits = sorted((one.at - accepted).total_seconds() for one in city.handed_over(name))
    return waits[int(len(waits) * 0.95) - 1]
