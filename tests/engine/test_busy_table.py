"""A table that is too busy for a moment, and a write whose answer was lost: neither costs anybody a message, or anybody two."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.jobs import FanOutJob
from chalicelib.domain.message import Answer, Outcome
from chalicelib.errors import StateLater
from chalicelib.store.stores import Stores
from tests.engine.town import QUEUES, VISIBILITY, Crash, Town

SMS, EMAIL = Channel.SMS, Channel.EMAIL
Asked = Callable[[str, tuple[Any, ...]], bool]


class BusyTable:
    """Too busy for the first calls of a kind, however often the SDK tries; or taking what it answers `StateLater` to."""

    def __init__(self, inner: Any, asked: Asked, times: int) -> None:
        self.inner, self.asked, self.left = inner, asked, times

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.left and self.asked(name, args):
                self.left -= 1
                raise StateLater("throttled")
            return found(*args, **kwargs)

        return call if callable(found) else found


def busy(town: Town, asked: Asked, times: int = 1) -> BusyTable:
    table = BusyTable(town.state.table, asked, times)
    town.services = replace(town.services, store=Stores(table, town.services.store.vault))  # type: ignore[arg-type]
    return table


def _sets(**values: str) -> Asked:
    return lambda name, args: name == "update" and all(args[1].set.get(key) == value for key, value in values.items())


def _marks(name: str, args: tuple[Any, ...]) -> bool:
    return name == "update" and "attempting" in args[1].set and "state" not in args[1].set


KINDS: dict[str, Asked] = {
    "the first read": lambda name, args: name == "get_many" and any(key.sort.startswith("W#") for key in args[0]),
    "the claim": _sets(state="claimed"),
    "a mark": _marks,
    "the look": lambda name, args: name == "get_many" and any(key.partition.startswith("A#") for key in args[0]),
    "slots": lambda name, args: name == "update" and args[0].sort == "TEMPO",
    "history": lambda name, args: name == "put_many" and any(row.key.sort.startswith("H#") for row in args[0]),
    "the settlement": _sets(state="settled"),
}


def live(town: Town, name: str) -> None:
    """Second by second; a job that fails is seen again once its message is."""
    for second in range(3600):
        for message in town.state.queues.receive(list(QUEUES), 50, VISIBILITY):
            try:
                town.run(message)
            except StateLater:
                continue
        if second % 60 == 0:
            town.tick()
        if town.state_of(name) is BroadcastState.COMPLETED:
            return
        town.clock.advance(timedelta(seconds=1))


@pytest.mark.parametrize("times", [1, 4], ids=["once", "for some seconds"])
@pytest.mark.parametrize("urgent", [True, False], ids=["urgent", "routine"])
@pytest.mark.parametrize("asked", KINDS.values(), ids=KINDS.keys())
def test_a_busy_table_doubles_nobody_and_leaves_nobody_in_doubt(asked: Asked, urgent: bool, times: int) -> None:
    town = Town(pace={EMAIL: 1000})
    for _ in range(120):
        town.follower("transit", channels=[EMAIL], shard=3)
    table = busy(town, asked, times)
    began, name = town.clock(), town.broadcast("transit", urgent=urgent)
    live(town, name)
    assert table.left < times
    assert town.counts(name)[EMAIL] == {Mark(State.ACCEPTED): 120}
    assert set(town.handed_over().values()) == {1}
    assert len(town.handed_over()) == 120
    assert max(one.at for one in town.providers[EMAIL].truth) - began < timedelta(seconds=40)


def test_history_that_cannot_be_written_for_minutes_is_written_later_and_settles_nobody_twice() -> None:
    town = Town()
    people = [town.follower("transit", channels=[EMAIL], shard=3) for _ in range(10)]
    busy(town, KINDS["history"], times=40)
    name = town.broadcast("transit")
    live(town, name)
    assert town.counts(name)[EMAIL] == {Mark(State.ACCEPTED): 10}
    assert sum(town.handed_over().values()) == 10
    assert all(town.plain.history.find(one, name, EMAIL) for one in people)


def test_what_cannot_be_settled_for_a_minute_is_said_where_receipts_are() -> None:
    town = Town()
    for _ in range(10):
        town.follower("transit", channels=[EMAIL], shard=3)
    busy(town, _sets(state="settled"), times=30)
    name = town.broadcast("transit", urgent=True)
    live(town, name)
    assert town.counts(name)[EMAIL] == {Mark(State.ACCEPTED): 10}
    assert set(town.handed_over().values()) == {1}


def in_a_function(town: Town, name: str) -> None:
    """As `live`, but whoever works for longer than a minute dies."""
    ends: list[datetime] = []

    def sleep(seconds: float) -> None:
        town.clock.advance(timedelta(seconds=seconds))
        if ends and town.clock() > ends[-1]:
            raise Crash

    town.services = replace(town.services, sleep=sleep)
    for second in range(3600):
        for message in town.state.queues.receive(list(QUEUES), 50, VISIBILITY):
            ends.append(town.clock() + timedelta(seconds=60))
            try:
                town.run(message)
            except StateLater:
                continue
        ends.clear()
        if second % 60 == 0:
            town.tick()
        if town.state_of(name) is BroadcastState.COMPLETED:
            return
        town.clock.advance(timedelta(seconds=1))


@pytest.mark.parametrize("urgent", [True, False], ids=["urgent", "routine"])
@pytest.mark.parametrize("kind", ["history left over", "slow history", "slow settlement"])
def test_a_table_that_is_busy_for_longer_than_a_worker_lives_costs_nobody_an_answer(kind: str, urgent: bool) -> None:
    town = Town()
    for _ in range(10):
        town.follower("transit", channels=[EMAIL], shard=3)
    end = town.clock() + timedelta(seconds=90)

    class Busy(BusyTable):
        def __getattr__(self, name: str) -> Any:
            found = getattr(self.inner, name)

            def call(*args: Any, **kwargs: Any) -> Any:
                if town.clock() >= end or not self.asked(name, args):
                    return found(*args, **kwargs)
                if kind == "history left over":
                    return list(args[0])
                town.services.sleep(8)
                raise StateLater("throttled")

            return call if callable(found) else found

    table = Busy(town.state.table, KINDS["the settlement" if kind == "slow settlement" else "history"], 0)
    town.services = replace(town.services, store=Stores(table, town.services.store.vault))  # type: ignore[arg-type]
    name = town.broadcast("transit", urgent=urgent)
    in_a_function(town, name)
    assert town.counts(name)[EMAIL] == {Mark(State.ACCEPTED): 10}
    assert set(town.handed_over().values()) == {1}


def test_a_batch_whose_look_is_throttled_for_minutes_is_left_longer_each_time() -> None:
    town = Town(pace={SMS: 10})
    town.follower("transit", shard=3)
    end, claims = town.clock() + timedelta(minutes=10), 0

    def asked(name: str, args: tuple[Any, ...]) -> bool:
        nonlocal claims
        claims += KINDS["the claim"](name, args)
        return KINDS["the look"](name, args) and town.clock() < end

    busy(town, asked, times=10_000)
    name = town.broadcast("transit")
    live(town, name)
    assert claims < 60
    assert town.counts(name)[SMS] == {Mark(State.ACCEPTED): 1}


class Repeating:
    """A table at the end of a bad line: the answer to one write is lost, something else goes on, and the SDK sends the write again."""

    def __init__(self, inner: Any, asked: Asked, meanwhile: Callable[[], object]) -> None:
        self.inner, self.asked, self.meanwhile, self.over = inner, asked, meanwhile, False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.over or not self.asked(name, args):
                return found(*args, **kwargs)
            self.over = True
            found(*args, **kwargs)
            self.meanwhile()
            return found(*args, **kwargs)

        return call if callable(found) else found


def repeat(town: Town, asked: Asked, meanwhile: Callable[[], object] = lambda: None) -> None:
    table = Repeating(town.state.table, asked, meanwhile)
    town.services = replace(town.services, store=Stores(table, town.services.store.vault))  # type: ignore[arg-type]


def test_a_checkpoint_that_is_repeated_after_another_read_on_loses_nobody() -> None:
    town = Town(page_rows=2)
    people = {town.follower("transit", shard=5) for _ in range(6)}
    name = town.broadcast("transit")
    asked: Asked = lambda call, args: call == "update" and args[0].sort == "SHARD#5" and "tokens" in args[1].set  # noqa: E731
    repeat(town, asked, lambda: town.handle("fan-out-routine", FanOutJob(name, 5).body))
    town.settle(name)
    assert town.counts(name)[SMS] == {Mark(State.ACCEPTED): 6}
    assert town.broken({name: {(one, SMS) for one in people}}) == []


@pytest.mark.parametrize(
    "asked",
    [_sets(state="claimed"), _marks, _sets(state="settled"), _sets(state="queued")],
    ids=["the claim", "a mark", "the settlement", "laid down again"],
)
def test_a_write_of_a_worker_that_is_repeated_is_still_its_own(asked: Asked) -> None:
    town = Town()
    for _ in range(8):
        town.follower("transit", shard=5)
    provider = town.providers[SMS]
    provider.answers[f"+1202555{5:04d}"] = [Outcome(Answer.LATER, "20429")]
    repeat(town, asked)
    began, name = town.clock(), town.broadcast("transit")
    live(town, name)
    assert town.counts(name)[SMS] == {Mark(State.ACCEPTED): 8}
    assert set(town.handed_over().values()) == {1}
    assert max(one.at for one in provider.truth) - began < timedelta(seconds=30)
