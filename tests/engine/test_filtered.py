"""A carrier that takes a broadcast's texts for spam: what is routine pauses, an emergency goes on, and somebody is told once."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.domain.message import Advice
from chalicelib.flows.filtering import FEW
from chalicelib.flows.record_receipt import record_receipt
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.flows.turn_switch import turn_switch
from tests.engine.town import Crash, Killer, Town

HELD = 5
FILTERED = {"status": "failed", "code": "30007", "advice": str(Advice.OUR_WORDS)}


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def half_sent(town: Town, *, people: int = FEW + 10, urgent: bool = False) -> str:
    """A broadcast that all but some got; those are held until the evening."""
    for number in range(people + HELD):
        town.follower("transit", quiet=(6 * 60, 20 * 60) if number < HELD else None)
    name = town.broadcast("transit", urgent=urgent)
    town.work()
    return name


def filter_texts(town: Town, texts: int, *, since: int = 0) -> None:
    jobs = [ReceiptJob(one.token, **FILTERED) for one in town.providers[Channel.SMS].truth[since : since + texts]]
    record_receipt(jobs, services=town.services)


def thrown(town: Town) -> list[str]:
    return list(town.plain.switches.thrown())


def told(caplog: pytest.LogCaptureFixture) -> Iterator[tuple[int, bool]]:
    lines = [one for one in caplog.records if one.getMessage() == "carriers filter a broadcast" and one.levelno == logging.ERROR]
    return ((one.fields["texts"], one.fields["paused"]) for one in lines)  # type: ignore[attr-defined]


def test_a_few_filtered_texts_are_no_reason_to_pause(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    name = half_sent(town)
    filter_texts(town, FEW)
    town.settle(name)
    assert (thrown(town), list(told(caplog))) == ([], [])
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): 10 + HELD, Mark(State.FAILED): FEW}


def test_of_a_large_broadcast_one_in_a_hundred_is_a_reason(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    half_sent(town, people=3000)
    filter_texts(town, 30)
    assert thrown(town) == []
    filter_texts(town, 1, since=30)
    assert list(told(caplog)) == [(31, True)]


def test_a_broadcast_that_is_filtered_pauses_alone_until_somebody_lets_it_go_on(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    name = half_sent(town)
    other = town.broadcast("transit", title="Other words")
    filter_texts(town, FEW + 1)
    assert (thrown(town), list(told(caplog))) == ([f"broadcast:{name}"], [(FEW + 1, True)])
    town.settle(other)
    assert town.counts(other)[Channel.SMS] == {Mark(State.ACCEPTED): FEW + 10 + HELD}
    assert town.counts(name)[Channel.SMS].total() - town.counts(name)[Channel.SMS][Mark(State.FAILED)] == 9 + HELD
    assert town.state_of(name) is BroadcastState.SENDING
    turn_switch(f"broadcast:{name}", stopped=False, why="The link is mended.", by="ben", services=town.services)
    filter_texts(town, 2, since=FEW + 1)
    town.settle(name)
    assert (thrown(town), len(list(told(caplog)))) == ([], 1), "whoever let it go on has looked"
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): 7 + HELD, Mark(State.FAILED): FEW + 3}
    entries = [(one.who, one.what) for one in town.plain.audit.of(f"switch:broadcast:{name}")]
    assert sorted(entries) == [("ben", "switch.released"), ("engine", "switch.thrown")]


def test_an_emergency_goes_on_and_somebody_is_told(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    half_sent(town, urgent=True)
    filter_texts(town, FEW + 1)
    assert (thrown(town), list(told(caplog))) == ([], [(FEW + 1, False)])


def test_of_a_broadcast_that_has_ended_somebody_is_told_and_nothing_pauses(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(FEW + 5):
        town.follower("transit")
    town.settle(town.broadcast("transit"))
    filter_texts(town, FEW + 1)
    assert (thrown(town), list(told(caplog))) == ([], [(FEW + 1, False)])


def test_a_paused_broadcast_that_is_stopped_ends_and_leaves_no_switch(town: Town) -> None:
    name = half_sent(town)
    filter_texts(town, FEW + 1)
    stop_broadcast(name, by="ana", services=town.services)
    town.settle(name)
    assert (town.state_of(name), thrown(town)) == (BroadcastState.STOPPED, [])
    assert town.counts(name)[Channel.SMS][Mark(State.SKIPPED, SkipReason.BROADCAST_STOPPED)] == HELD


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_worker_that_dies_anywhere_leaves_the_telling_to_the_next(after: bool, caplog: pytest.LogCaptureFixture) -> None:
    deaths = 0
    while True:
        caplog.clear()
        town = Town(killer=(killer := Killer()))
        name = half_sent(town)
        killer.at, killer.after = killer.calls + deaths + 1, after
        try:
            filter_texts(town, FEW + 1)
            assert deaths > 3
            return
        except Crash:
            filter_texts(town, FEW + 1)
        deaths += 1
        assert thrown(town) == [f"broadcast:{name}"], deaths
        assert list(told(caplog)), deaths
