"""A provider that takes a message and whose reply gets lost, for one call in twenty. What is unknown is decided by evidence, each in its time."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import LEASE, WINDOW_ROUTINE, WINDOW_URGENT
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.message import Answer, Outcome, Parcel
from tests.engine.town import Town
from tests.experiments.sizes import SIZES

FULL, SHARE_LOST, PACE = 2000, 0.05, 100
SEED = 20
STEP = timedelta(seconds=20)
RECEIPTS_TAKE = timedelta(minutes=2)
SOON = timedelta(minutes=5)
"""How long after its time has come a doubt may still stand."""
LOST = Outcome(Answer.UNKNOWN, "ReadTimeoutError")


@dataclass(frozen=True)
class Case:
    """One provider and one kind of broadcast. `copies`: how many messages somebody gets whose reply was lost; `ends`: where they stand
    then; `window`: how long after the attempt the doubt lasts at least."""

    ends: State
    urgent: bool = False
    takes: bool = True
    can_find: bool = False
    receipts: bool = False
    copies: int = 1
    window: timedelta = LEASE + WINDOW_ROUTINE


CASES = {
    "a receipt proves it": Case(State.DELIVERED, receipts=True, window=RECEIPTS_TAKE),
    "the provider is asked and has it": Case(State.ACCEPTED, can_find=True),
    "the provider is asked and never had it": Case(State.ACCEPTED, can_find=True, takes=False),
    "nobody can tell": Case(State.UNCONFIRMED),
    "nobody can tell, and it was never taken": Case(State.UNCONFIRMED, takes=False, copies=0),
    "urgent, and a receipt proves it": Case(State.DELIVERED, urgent=True, receipts=True, window=RECEIPTS_TAKE),
    "urgent, and the provider has it": Case(State.ACCEPTED, urgent=True, can_find=True, window=LEASE + WINDOW_URGENT),
    "urgent, and nobody can tell": Case(State.ACCEPTED, urgent=True, copies=2, window=LEASE + WINDOW_URGENT),
}


@SIZES
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_lost_reply_is_settled_by_evidence_in_its_time(tmp_path: Path, share: float, case: Case) -> None:
    """The window is the protocol's: a receipt settles at once, and the provider is asked, or given up, 15 minutes (2 where urgent) after
    the lease of the attempt. Seen to fail with `domain.doubt.rule` never believing a receipt (woken for ever), with `decided_at`
    an hour later or at once, with `rule_answer` sending again whatever was found, or never, and with `laying._next` settling a batch
    whose outcomes are unknown (they stay so)."""
    losses = Losses(Town(tmp_path, pace={Channel.SMS: PACE}), case, people=round(FULL * share))
    losses.live()
    town, name, lost, settled = losses.town, losses.name, losses.lost, losses.settled
    standing, handed = {who: mark for who, _, mark in town.standings(name)}, town.handed_over()
    copies = {who: handed[town.address(who, Channel.SMS).text] for who in standing}
    assert len(lost) >= FULL * share * SHARE_LOST / 2, f"seed {SEED}"
    assert {standing[who] for who in lost} == {Mark(case.ends)}, f"seed {SEED}"
    assert {copies[who] for who in lost} == {case.copies}, f"seed {SEED}"
    assert {copies[who] for who in standing.keys() - lost.keys()} == {1}, f"seed {SEED}"
    doubted = {who: settled[who] - at for who, at in lost.items()}
    assert min(doubted.values()) >= case.window, f"seed {SEED}"
    assert max(doubted.values()) <= case.window + SOON, f"seed {SEED}"
    assert town.broken({name: {(who, Channel.SMS) for who in losses.people}}) == [], f"seed {SEED}"


class Losses:
    """A broadcast whose provider loses replies. `lost`: whose reply, when; `settled`: when their standing was no more unknown."""

    def __init__(self, town: Town, case: Case, *, people: int) -> None:
        self.town, self.case, self.dice = town, case, random.Random(SEED)
        self.people = {town.follower("transit"): None for _ in range(people)}
        self.of = {town.address(who, Channel.SMS): who for who in self.people}
        self.provider = town.providers[Channel.SMS]
        self.provider.fault, self.provider.can_find = self.lose, case.can_find
        self.lost: dict[str, datetime] = {}
        self.settled: dict[str, datetime] = {}
        self.confirmed = 0
        self.name = town.broadcast("transit", urgent=case.urgent)

    def lose(self, parcel: Parcel) -> Outcome | None:
        """One reply in twenty, but nobody's second one."""
        who = self.of[parcel.to]
        if who in self.lost or self.dice.random() >= SHARE_LOST:
            return None
        self.lost[who] = self.town.clock()
        if self.case.takes:
            self.provider.swallowed.add(parcel.to.value)
        return LOST

    def live(self) -> None:
        """Until the broadcast ended and every receipt came."""
        end = self.town.clock() + timedelta(hours=1)
        while self.town.state_of(self.name) is not BroadcastState.COMPLETED or self._is_waited_for():
            assert self.town.clock() < end, f"seed {SEED}: it never ended"
            self._work()
            self._confirm()
            self.town.tick()
            self._look()
            self.town.clock.advance(STEP)

    def _work(self) -> None:
        """All that is visible; ten jobs for each person are more than there can be."""
        most = 10 * len(self.people)
        assert self.town.work(most=most) < most, f"seed {SEED}: it goes round in circles"

    def _confirm(self) -> None:
        """Receipts come in the order of the messages, a while after them."""
        while self._is_waited_for() and self.provider.truth[self.confirmed].at + RECEIPTS_TAKE <= self.town.clock():
            self.town.confirm(self.provider.truth[self.confirmed])
            self.confirmed += 1
        self._work()

    def _is_waited_for(self) -> bool:
        return self.case.receipts and self.confirmed < len(self.provider.truth)

    def _look(self) -> None:
        if self.lost.keys() - self.settled.keys():
            known = {who: mark.state for who, _, mark in self.town.standings(self.name)}
            for who in self.lost.keys() - self.settled.keys():
                if known[who] is not State.UNKNOWN:
                    self.settled[who] = self.town.clock()
