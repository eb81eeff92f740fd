"""Queues that keep no order and give out every message up to three times, to workers side by side; receipts in any order, doubled, early and late."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.delivery import Mark, State
from chalicelib.flows.sweep import sweep
from chalicelib.state.queue import Outgoing
from local.proof.truth import HandOver
from tests.engine.crew import Worker
from tests.engine.loose_queues import Waiting
from tests.engine.watched_town import WatchedTown
from tests.experiments.sizes import SIZES

FULL, SEEDS = 1000, 20
AT_ONCE = 8
"""Workers side by side."""
LATER = (5, 60, 400)
"""Seconds after which a message comes once more."""

Standings = dict[tuple[str, Channel], Mark]


@SIZES
def test_no_order_and_no_number_of_messages_changes_what_comes_of_anybody(share: float) -> None:
    """Seen to fail with the conditions on what was read taken out of `store.batches.Batches.claim` (two workers of one batch: doubled),
    with the token of `fan_out._turn_page` the same each time (two planners share batches), and with `domain.delivery.standing` giving
    what the worker wrote before what receipts proved (other standings)."""
    people = round(FULL * share)
    town, name, audience = a_town(people)
    expected = in_order(town, name)
    assert {mark.state for mark in expected.values()} == {State.DELIVERED, State.FAILED, State.SKIPPED}
    for seed in range(max(2, round(SEEDS * share))):
        town, name, audience = a_town(people)
        found = Disorder(town, random.Random(seed)).run(name)
        assert town.wrong == [], f"seed {seed}"
        assert found == expected, f"seed {seed}"
        assert town.broken({name: audience}) == [], f"seed {seed}"
        assert set(town.handed_over().values()) == {1}, f"seed {seed}"


def a_town(people: int) -> tuple[WatchedTown, str, set[tuple[str, Channel]]]:
    """People of every kind: on two topics, with an email too, with quiet hours, opted out, with a number that takes nothing."""
    town, audience = WatchedTown(), set()
    for number in range(people):
        channels = (Channel.SMS, Channel.EMAIL) if number % 5 == 0 else (Channel.SMS,)
        topics = ("transit", "transit/red-line") if number % 4 == 0 else ("transit",)
        quiet = (6 * 60, 7 * 60 + 3) if number % 10 == 7 else None  # it is 07:00 in the city
        one = town.follower(*topics, channels=channels, quiet=quiet, locale="es" if number % 3 == 0 else "en")
        audience |= {(one, channel) for channel in channels}
        if number % 10 == 3:
            town.carriers[Channel.SMS].plans[town.address(one, Channel.SMS).value] = ["refuses"]
        if number % 10 == 6:
            town.opt_out(one, Channel.SMS)
    return town, town.broadcast("transit/red-line"), audience


def fate(one: HandOver) -> State:
    """What becomes of a message that a provider took: the same however often one asks."""
    return State.FAILED if sum(one.to.value.encode()) % 6 == 0 else State.DELIVERED


def in_order(town: WatchedTown, name: str) -> Standings:
    """Every message once, in the order sent; every receipt once, in order, after the end."""
    town.run_on()
    for provider in town.providers.values():
        for one in provider.truth:
            town.report(one, State.ACCEPTED, at_once=True)
            town.report(one, fate(one), at_once=True)
    return standings(town, name)


def standings(town: WatchedTown, name: str) -> Standings:
    return {(who, channel): mark for who, channel, mark in town.standings(name)}


@dataclass
class Disorder:
    """Works a town off by dice."""

    town: WatchedTown
    dice: random.Random
    active: list[Worker] = field(default_factory=list)
    receipts: list[tuple[HandOver, State]] = field(default_factory=list)
    known: Counter[Channel] = field(default_factory=Counter)

    def run(self, name: str) -> Standings:
        """Until the broadcast ended, every receipt came, and nothing is left in a queue."""
        while self.town.state_of(name) is not BroadcastState.COMPLETED:
            self._work_off()
            sweep(services=self.town.services)
            self.town.crew.advance(timedelta(seconds=60))
        self._hear(most=1_000_000)
        while self.town.queues.messages:
            self._work_off()
            self.town.crew.advance(timedelta(seconds=60))
        return standings(self.town, name)

    def _work_off(self) -> None:
        """All that is visible, by several at once."""
        while (found := self.town.queues.visible()) or self.active:
            if found and len(self.active) < AT_ONCE and self.dice.random() < 0.5:
                self._receive(self.dice.choice(found))
            elif self.active:
                self._go_on(self.dice.choice(self.active))
            if self.dice.random() < 0.1:
                self._hear(most=20)

    def _receive(self, message: Waiting) -> None:
        """One to three workers get it, some of them only later. A receipt is one call: it is recorded at once."""
        for _ in range(self.dice.randint(0, 2)):
            if self.dice.random() < 0.3:
                self.town.queues.add(message.queue, Outgoing(message.body, self.dice.choice(LATER)))
            else:
                self._begin(message, keep=True)
        self._begin(message, keep=False)

    def _begin(self, message: Waiting, *, keep: bool) -> None:
        if message.queue == "receipts":
            self.town.handle(message.queue, message.body)
            self.town.queues.delete(message.id)
        else:
            self.active.append(self.town.receive(message, keep=keep, points=0, skew=0))

    def _go_on(self, worker: Worker) -> None:
        worker.step(self.dice.randint(1, 6))
        if worker.error:
            raise worker.error
        if worker.done:
            self.active.remove(worker)

    def _hear(self, *, most: int) -> None:
        """Some of the receipts that are on their way: what was taken since, one to three of each, shuffled among those before."""
        for channel, provider in self.town.providers.items():
            for one in provider.truth[self.known[channel] :]:
                self.receipts += [(one, state) for state in (State.ACCEPTED, fate(one)) for _ in range(self.dice.randint(1, 3))]
            self.known[channel] = len(provider.truth)
        self.dice.shuffle(self.receipts)
        heard, self.receipts = self.receipts[:most], self.receipts[most:]
        for one, state in heard:
            self.town.report(one, state, at_once=self.dice.random() < 0.5)
