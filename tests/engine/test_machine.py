"""A city in disorder: residents, communicators, providers, queues, clocks and deaths in any order, one call at a time.

Hypothesis makes up the story and shortens the one that breaks a promise. A worker may rest before or after any state or provider
call while others go on, wake after its lease, or never wake. What may never be is judged at each hand-over; what must come to be is
proven once the city came to rest.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, precondition, rule, run_state_machine_as_test

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.delivery import SETTLED, Mark, State
from chalicelib.flows.approve import approve
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.flows.sweep import sweep
from tests.engine.crew import Worker
from tests.engine.watched_town import MODES, WatchedTown

FEW = some.integers(0, 36)
POINTS = FEW | some.just(100)
"""How many places a worker passes before it rests; enough for most to come to their end."""
SKEWS = some.sampled_from([0, 0, 0, -4, 4])
PASSING = some.sampled_from([1, 5, 20, 45, 100, 180, 400, 960, 3600])
UNSENT = {State.SKIPPED, State.EXPIRED, State.FAILED}


@dataclass(frozen=True)
class Sent:
    """A broadcast, who followed when it was posted, and how many writes there had been."""

    name: str
    followers: frozenset[tuple[str, Channel]]
    writes: int


class City(RuleBasedStateMachine):
    """Rules are what may happen; each worker they start may be left resting."""

    broadcasts: Bundle[Sent] = Bundle("broadcasts")
    workers: Bundle[Worker] = Bundle("workers")

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Sent] = []
        self.unanswered: list[object] = []

    @initialize(
        target=broadcasts,
        seed=some.integers(0, 9),
        can_find=some.booleans(),
        page_rows=some.sampled_from([3, 4, 50]),
        urgent=some.booleans(),
        launched=some.booleans(),
    )
    def settle_down(self, seed: int, can_find: bool, page_rows: int, urgent: bool, launched: bool) -> Sent:
        self.town = town = WatchedTown(seed=seed, page_rows=page_rows)
        town.providers[Channel.SMS].can_find = can_find
        town.follower("transit", shard=5)
        town.follower("transit", "transit/red-line", shard=5)
        town.follower("transit/red-line", channels=[Channel.SMS, Channel.EMAIL], shard=5)
        town.follower("transit", quiet=(6 * 60, 7 * 60 + 3), shard=5)
        town.follower("transit/red-line", shard=5)
        town.follower("transit", "events", locale="es", shard=6)
        self.phones = [f"+1202555{number:04d}" for number in range(1, 7)] + ["+12025550100"]
        sent = self._post("transit/red-line", urgent=urgent)
        if launched:
            town.work_all(most=1)
        return sent

    # --- people ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.town.texts < 6)
    @rule(target=workers, who=some.integers(0, 6), body=some.sampled_from(["STOP", "START", "TRANSIT", "RED LINE", "STOP RED LINE"]), points=POINTS)
    def text(self, who: int, body: str, points: int) -> object:
        return self._begin("text", self.town.text(self.phones[who], body), points)

    @precondition(lambda self: len(self.sent) < 3)
    @rule(
        target=broadcasts,
        topic=some.sampled_from(["transit/red-line", "transit", "events"]),
        urgent=some.booleans(),
        later=some.sampled_from([0, 0, 70]),
        lasts=some.sampled_from([24 * 60, 20]),
        approved=some.booleans(),
    )
    def post(self, topic: str, urgent: bool, later: int, lasts: int, approved: bool) -> Sent:
        return self._post(topic, urgent=urgent, later=later, lasts=lasts, approved=approved)

    @rule(target=workers, sent=broadcasts, act=some.sampled_from([stop_broadcast, approve]), points=POINTS)
    def order(self, sent: Sent, act: Callable[..., object], points: int) -> object:
        return self._begin(act.__name__, self.town.order(lambda: act(sent.name, by="bo", services=self.town.services)), points)

    # --- machines ----------------------------------------------------------------------------------------------------

    @rule(target=workers, sent=broadcasts, points=POINTS)
    def look(self, sent: Sent, points: int) -> object:
        """Somebody looks at how far it is."""
        return self._begin("look", lambda: self.town.look(sent.name), points)

    @rule(target=workers, points=POINTS, skew=SKEWS)
    def tick(self, points: int, skew: int) -> object:
        return self._begin("sweep", lambda: sweep(services=self.town.services), points, skew)

    @precondition(lambda self: self.town.queues.visible())
    @rule(target=workers, which=some.integers(0, 5), keep=some.booleans(), points=POINTS, skew=SKEWS)
    def receive(self, which: int, keep: bool, points: int, skew: int) -> object:
        return self._receive(which, points, keep=keep, skew=skew)

    @precondition(lambda self: self.town.queues.visible())
    @rule(target=workers, which=some.integers(0, 2), first=FEW, second=POINTS)
    def receive_twice(self, which: int, first: int, second: int) -> object:
        left = [one for one in (self._receive(which, first, keep=True), self._receive(which, second)) if isinstance(one, Worker)]
        return multiple(*left)

    @precondition(lambda self: self.town.queues.visible())
    @rule(target=workers, which=some.integers(0, 2), first=FEW, second=FEW, then=FEW)
    def overtake(self, which: int, first: int, second: int, then: int) -> object:
        """A worker stalls past its lease; another takes over; the first wakes in the middle of it."""
        one = self._receive(which, first, keep=True)
        self.town.crew.advance(timedelta(seconds=95))
        other = self._receive(which, second)
        if isinstance(one, Worker):
            one.step(then)
            self._met(one)
        return multiple(*(worker for worker in (one, other) if isinstance(worker, Worker) and not worker.done))

    @precondition(lambda self: self.town.queues.visible())
    @rule(which=some.integers(0, 2), points=FEW)
    def receive_and_die(self, which: int, points: int) -> None:
        worker = self._receive(which, points, keep=True)
        if isinstance(worker, Worker):
            worker.kill()

    @precondition(lambda self: self.town.queues.visible())
    @rule(most=some.integers(1, 4))
    def work(self, most: int) -> None:
        self.town.work_where_nobody_lives()
        self.town.work_all(most=most)

    @rule(worker=workers, points=FEW)
    def resume(self, worker: Worker, points: int) -> None:
        worker.step(points)
        self._met(worker)

    @rule(worker=consumes(workers), seconds=some.sampled_from([0, 0, 100, 400]))
    def finish(self, worker: Worker, seconds: int) -> None:
        self.town.crew.advance(timedelta(seconds=seconds))
        self.town.crew.finish(worker)
        self._met(worker)

    @rule(worker=consumes(workers))
    def kill(self, worker: Worker) -> None:
        worker.kill()

    @rule(seconds=PASSING)
    def pass_time(self, seconds: int) -> None:
        self.town.crew.advance(timedelta(seconds=seconds))

    # --- providers ---------------------------------------------------------------------------------------------------

    @rule(channel=some.sampled_from([Channel.SMS, Channel.SMS, Channel.EMAIL]), mode=some.sampled_from(sorted(MODES)))
    def turn(self, channel: Channel, mode: str) -> None:
        self.town.providers[channel].mode = mode  # type: ignore[attr-defined]

    @rule(who=some.integers(0, 6), modes=some.lists(some.sampled_from(sorted(MODES)), min_size=1, max_size=3))
    def answer(self, who: int, modes: list[str]) -> None:
        """What the next calls to one number come to."""
        self.town.providers[Channel.SMS].plans[self.phones[who]] = list(modes)  # type: ignore[attr-defined]

    @precondition(lambda self: any(provider.truth for provider in self.town.providers.values()))
    @rule(which=some.integers(0, 20), state=some.sampled_from([State.ACCEPTED, State.DELIVERED]), copies=some.integers(1, 2), at_once=some.booleans())
    def report(self, which: int, state: State, copies: int, at_once: bool) -> None:
        truth = [one for provider in self.town.providers.values() for one in provider.truth]
        for _ in range(copies):
            self.town.report(truth[which % len(truth)], state, at_once=at_once)

    # --- what always holds ---------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_wrong(self) -> None:
        if hasattr(self, "town"):
            assert not self.town.wrong, "\n".join(self.town.wrong)

    def _post(self, topic: str, *, urgent: bool, later: int = 0, lasts: int = 24 * 60, approved: bool = True) -> Sent:
        town, state = self.town, BroadcastState.SCHEDULED if approved else BroadcastState.AWAITING_APPROVAL
        title = f"No. {len(self.sent)}"
        name = town.broadcast(topic, urgent=urgent, state=state, later=timedelta(seconds=later), lasts=timedelta(minutes=lasts), title=title)
        found = town.plain.broadcasts.get(name)
        assert found
        sent = Sent(name, frozenset(town.followers_of(found.audience.reached)), town.journal.writes)
        self.sent.append(sent)
        return sent

    def _receive(self, which: int, points: int, *, keep: bool = False, skew: int = 0) -> object:
        self.town.work_where_nobody_lives()
        found = self.town.queues.visible()
        return self._met(self.town.receive(found[which % len(found)], keep=keep, points=points, skew=skew)) if found else multiple()

    def _begin(self, name: str, job: object, points: int, skew: int = 0) -> object:
        return self._met(self.town.start(name, job, points=points, skew=skew))  # type: ignore[arg-type]

    def _met(self, worker: Worker) -> object:
        if worker.error is not None:
            raise worker.error
        return multiple() if worker.done else worker

    # --- the end -------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if hasattr(self, "town"):
            try:
                self._come_to_rest()
            finally:
                self.town.crew.dismiss()

    def _come_to_rest(self) -> None:
        for provider in self.town.providers.values():
            provider.mode = "takes"  # type: ignore[attr-defined]
        self.town.run_on([sent.name for sent in self.sent])
        for worker in self.town.crew.resting:
            self.town.crew.finish(worker)
            self._met(worker)
        self.town.run_on([sent.name for sent in self.sent])
        self.nothing_is_wrong()
        broken = [*(what for sent in self.sent for what in self._broken(sent)), *self.town.broken()]
        assert not broken, "\n".join(broken)

    def _broken(self, sent: Sent) -> list[str]:
        town, found = self.town, []
        standings = list(town.standings(sent.name))
        if town.state_of(sent.name) in {BroadcastState.AWAITING_APPROVAL, BroadcastState.NEEDS_REVIEW}:
            return [f"{who} is planned though it waits for a person" for who, _, _ in standings]
        seen = Counter((who, channel) for who, channel, _ in standings)
        came = {who for who, write in town.journal.moved.items() if write > sent.writes}
        must = {one for one in sent.followers if one[0] not in came} if sent.name not in town.journal.stopped else set()
        found += [f"planned {count} times: {who}" for who, count in seen.items() if count != 1]
        found += [f"lost: {who}" for who in must - set(seen)]
        found += [f"not of the audience: {who}" for who in set(seen) - sent.followers if who[0] not in came]
        found += [what for who, channel, mark in standings for what in self._of(sent, who, channel, mark)]
        return found

    def _of(self, sent: Sent, who: str, channel: Channel, mark: Mark) -> list[str]:
        town, found, name = self.town, [], f"{who[-3:]} on {channel}"
        pointer = town.plain.history.find(who, sent.name, channel)
        if pointer is None:
            return [f"{name} has no history"]
        handed = town.handed_to(pointer)
        if mark.state not in SETTLED:
            found.append(f"{name} is not settled: {mark}")
        if handed and mark.state in UNSENT:
            found.append(f"{name} was handed over and shows {mark}")
        if not handed and mark.state in {State.ACCEPTED, State.DELIVERED}:
            found.append(f"{name} was not handed over and shows {mark}")
        if (proven := town.proven_of(pointer)) and mark.state is not proven:
            found.append(f"{name} is {proven} by receipt and shows {mark}")
        return found


EASY = settings(
    deadline=None,
    print_blob=True,
    derandomize=True,
    max_examples=60,
    stateful_step_count=30,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


def test_no_disorder_breaks_a_promise() -> None:
    run_state_machine_as_test(City, settings=EASY)


@pytest.mark.deep
def test_no_disorder_breaks_a_promise_in_a_long_search() -> None:
    run_state_machine_as_test(City, settings=settings(EASY, derandomize=False, max_examples=3000, stateful_step_count=60))
