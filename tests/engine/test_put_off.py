"""Batches that have to wait: under a switch, behind a sender that is down, at night, or because a message came a moment early."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState, Content
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.message import Answer, Outcome, SmsMessage
from chalicelib.domain.preferences import Preferences
from chalicelib.errors import BelfryError, Misconfigured, RenderFailed, StateLater
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.flows.turn_switch import turn_switch
from chalicelib.store.stores import Stores
from chalicelib.store.subscriptions import Subscription, audience_row, person_row
from tests.engine.town import QUEUES, VISIBILITY, PlainRenderer, Town

SMS = Channel.SMS
LOST, DOWN = Outcome(Answer.UNKNOWN, "lost"), Outcome(Answer.NOT_SENT, "down")


@pytest.fixture
def town() -> Town:
    return Town()


def throw(town: Town, *, stopped: bool) -> None:
    turn_switch("sms", stopped=stopped, why="", by="ana", services=town.services)


def live(town: Town, minutes: int) -> None:
    for _ in range(minutes):
        town.work()
        town.tick()
        town.clock.advance(timedelta(minutes=1))


def queued_by_the_hour(town: Town, hours: int) -> list[int]:
    """Messages queued in each hour."""
    sums = [len(town.notes.bodies)]
    for _ in range(hours):
        live(town, 60)
        sums.append(len(town.notes.bodies))
    return [after - before for before, after in pairwise(sums)]


# --- messages do not multiply ----------------------------------------------------------------------------------------


def test_a_batch_under_a_switch_is_looked_at_once_a_minute_however_long(town: Town) -> None:
    for _ in range(5):
        town.follower("transit", shard=3)
    throw(town, stopped=True)
    name = town.broadcast("transit")
    assert max(queued_by_the_hour(town, 12)[1:]) <= 62
    throw(town, stopped=False)
    town.settle(name)
    assert town.counts(name)[SMS] == {Mark(State.ACCEPTED): 5}


def test_batches_behind_a_sender_that_is_down_are_looked_at_as_often_as_it_is_probed() -> None:
    town = Town(pace={SMS: 100})
    for _ in range(32):
        town.follower("transit")
    town.providers[SMS].fault = lambda parcel: DOWN
    name = town.broadcast("transit")
    hours = queued_by_the_hour(town, 6)
    assert max(hours) <= 16 * 80
    town.providers[SMS].fault = lambda parcel: None
    town.settle(name)
    assert town.counts(name)[SMS] == {Mark(State.ACCEPTED): 32}


def test_receipts_that_pour_in_under_a_switch_bring_a_batch_no_second_message(town: Town) -> None:
    people = [town.follower("transit", shard=3) for _ in range(30)]
    provider, lost = town.providers[SMS], town.address(people[0], SMS)
    provider.answers[lost.value], provider.swallowed = [LOST], {lost.value}
    name = town.broadcast("transit")
    town.work()
    throw(town, stopped=True)
    for state in (State.ACCEPTED, State.DELIVERED):
        for one in sorted(provider.truth, key=lambda handed: handed.to.value):
            town.confirm(one, state)
            town.work(most=1)
            town.clock.advance(timedelta(milliseconds=200))
    assert max(queued_by_the_hour(town, 2)) <= 62
    throw(town, stopped=False)
    town.settle(name)
    assert set(town.handed_over().values()) == {1}


class Unsure:
    """The table's answer to a put-off is lost, once; or the queue is busy right after it."""

    def __init__(self, town: Town, *, lost: bool) -> None:
        self.town, self.lost, self.was_put_off, self.over = town, lost, False, False
        self.table, self.queues = town.services.store.table, town.services.queues

    def _fail(self) -> None:
        self.over = True
        raise StateLater("throttled")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    def update(self, key: Any, change: Any, **more: Any) -> Any:
        row = self.table.update(key, change, **more)
        self.was_put_off = self.was_put_off or (set(change.set) == {"due"} and not change.add)
        if self.was_put_off and self.lost and not self.over:
            self._fail()
        return row

    def named(self, name: str) -> Any:
        if self.was_put_off and not self.lost and not self.over:
            self._fail()
        return self.queues.named(name)


@pytest.mark.parametrize("urgent", [True, False], ids=["urgent", "routine"])
@pytest.mark.parametrize("lost", [True, False], ids=["an answer of the table is lost", "the queue is busy"])
def test_what_was_put_off_comes_back_in_its_time_whatever_went_wrong_then(town: Town, lost: bool, urgent: bool) -> None:
    town.follower("transit", shard=3)
    throw(town, stopped=True)
    town.broadcast("transit", urgent=urgent)
    unsure = Unsure(town, lost=lost)
    town.services = replace(town.services, store=Stores(unsure, town.services.store.vault), queues=unsure)  # type: ignore[arg-type]
    for second in range(1200):
        town.work()
        if second % 60 == 0:
            town.tick()
        if unsure.over:
            break
        town.clock.advance(timedelta(seconds=1))
    assert unsure.over
    throw(town, stopped=False)
    assert seconds_until(town, 1) <= 65


# --- sent again, once, though not at once ----------------------------------------------------------------------------


def test_what_is_to_be_sent_again_is_sent_once_the_switch_is_released(town: Town) -> None:
    address = town.address(town.follower("transit"), SMS)
    town.providers[SMS].answers[address.value] = [LOST]
    name = town.broadcast("transit", urgent=True)
    town.work()
    throw(town, stopped=True)
    live(town, 10)
    assert len(town.providers[SMS].attempts) == 1
    throw(town, stopped=False)
    town.settle(name)
    assert (town.handed_over(), town.counts(name)[SMS]) == ({address.text: 1}, {Mark(State.ACCEPTED): 1})


@pytest.mark.parametrize("found", [False, None], ids=["the provider says no", "a switch is thrown between mark and look"])
def test_what_may_not_be_sent_again_now_keeps_its_one_more_time(town: Town, found: bool | None) -> None:
    """Its quiet hours begin after its first try, or somebody stops everything at this very moment."""
    local = (town.clock() + timedelta(minutes=5)).astimezone(town.services.city.zone)
    start = local.hour * 60 + local.minute
    person = town.follower("transit", quiet=(start, (start + 120) % 1440) if found is False else None)
    provider, address = town.providers[SMS], town.address(person, SMS)
    provider.can_find, provider.answers[address.value] = True, [LOST]
    name = town.broadcast("transit")
    town.work()
    if found is None:
        look = provider.find

        def find(*args: Any, **kwargs: Any) -> bool | None:
            throw(town, stopped=True)
            return look(*args, **kwargs)

        provider.find = find  # type: ignore[method-assign]
        live(town, 40)
        provider.find = look  # type: ignore[method-assign]
        throw(town, stopped=False)
    jobs = len(town.notes.bodies)
    town.settle(name)
    assert (town.handed_over(), town.counts(name)[SMS]) == ({address.text: 1}, {Mark(State.ACCEPTED): 1})
    assert len(town.notes.bodies) - jobs < 30, "asked again and again all night"


# --- what ended ends, whatever is broken -----------------------------------------------------------------------------


class Torn(PlainRenderer):
    """No text can be made."""

    def sms(self, content: Content, locale: str) -> SmsMessage:
        raise RenderFailed("torn")


def _no_sender(channel: Channel) -> Any:
    raise Misconfigured(f"no secret for {channel}")


BROKEN: Sequence[tuple[str, dict[str, Any]]] = [("a torn template", {"renderer": Torn}), ("no secret", {"sender": _no_sender})]


def limp(town: Town, minutes: int) -> int:
    """As `live`, though jobs fail. How many did."""
    failed = 0
    for _ in range(minutes):
        for message in town.state.queues.receive(list(QUEUES), 50, VISIBILITY):
            try:
                town.run(message)
            except BelfryError:
                failed += 1
        town.tick()
        town.clock.advance(timedelta(minutes=1))
    return failed


@pytest.mark.parametrize("parts", [one for _, one in BROKEN], ids=[name for name, _ in BROKEN])
@pytest.mark.parametrize("doubt", [False, True], ids=["untried", "in doubt"])
def test_what_cannot_be_sent_can_be_stopped(town: Town, parts: dict[str, Any], doubt: bool) -> None:
    address = town.address(town.follower("transit"), SMS)
    town.providers[SMS].answers[address.value] = [LOST] if doubt else [Outcome(Answer.LATER, "20429")]
    name = town.broadcast("transit")
    town.work(most=18)
    town.services = replace(town.services, **parts)
    assert limp(town, 30) > 0 or doubt
    stop_broadcast(name, by="ana", services=town.services)
    assert limp(town, 90) < 10
    expected = Mark(State.UNCONFIRMED) if doubt else Mark(State.SKIPPED, SkipReason.BROADCAST_STOPPED)
    assert (town.state_of(name), town.counts(name)[SMS]) == (BroadcastState.STOPPED, {expected: 1})


@pytest.mark.parametrize("parts", [one for _, one in BROKEN], ids=[name for name, _ in BROKEN])
def test_what_cannot_be_sent_expires(town: Town, parts: dict[str, Any]) -> None:
    town.follower("transit")
    town.services = replace(town.services, **parts)
    name = town.broadcast("transit", lasts=timedelta(hours=2))
    limp(town, 240)
    assert (town.state_of(name), town.counts(name)[SMS]) == (BroadcastState.COMPLETED, {Mark(State.EXPIRED): 1})


@pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "expired"])
def test_what_was_to_be_sent_again_in_the_morning_ends_with_its_broadcast(town: Town, stopped: bool) -> None:
    local = (town.clock() + timedelta(minutes=5)).astimezone(town.services.city.zone)
    start = local.hour * 60 + local.minute
    provider, address = town.providers[SMS], town.address(town.follower("transit", quiet=(start, (start + 600) % 1440)), SMS)
    provider.can_find, provider.answers[address.value] = True, [LOST]
    name = town.broadcast("transit", lasts=timedelta(hours=2))
    live(town, 40)
    if stopped:
        stop_broadcast(name, by="ana", services=town.services)
    live(town, 30 if stopped else 100)
    assert town.state_of(name) is (BroadcastState.STOPPED if stopped else BroadcastState.COMPLETED)
    assert town.counts(name)[SMS] == {Mark(State.UNCONFIRMED): 1}


def test_a_provider_that_hangs_when_it_is_asked_keeps_no_broadcast_open(town: Town) -> None:
    provider, address = town.providers[SMS], town.address(town.follower("transit"), SMS)
    provider.answers[address.value] = [LOST]

    def hang(*_args: object, **_more: object) -> None:
        town.clock.advance(timedelta(seconds=10.1))

    provider.find = hang  # type: ignore[method-assign,assignment]
    name = town.broadcast("transit", lasts=timedelta(hours=1))
    live(town, 120)
    assert (town.state_of(name), town.counts(name)[SMS]) == (BroadcastState.COMPLETED, {Mark(State.UNCONFIRMED): 1})


# --- a moment early --------------------------------------------------------------------------------------------------


def run_behind(town: Town, behind: timedelta) -> None:
    """One job, by a worker whose clock is behind that of whoever queued it."""
    [message] = town.state.queues.receive(list(QUEUES), 1, VISIBILITY)
    town.clock.advance(-behind)
    town.run(message)
    town.clock.advance(behind)


def seconds_until(town: Town, handed: int) -> int:
    for second in range(600):
        town.work()
        if len(town.providers[SMS].truth) >= handed:
            return second
        town.clock.advance(timedelta(seconds=1))
    return 600


@pytest.mark.parametrize("behind", [timedelta(milliseconds=50), timedelta(seconds=10)], ids=str)
def test_a_launch_that_comes_a_moment_early_goes_at_its_time_and_waits_for_no_tick(town: Town, behind: timedelta) -> None:
    town.follower("transit")
    town.broadcast("transit", urgent=True)
    run_behind(town, behind)
    assert seconds_until(town, 1) <= behind.total_seconds() + 1


def test_a_launch_that_comes_long_before_its_time_is_left_to_the_schedule(town: Town) -> None:
    town.follower("transit")
    town.broadcast("transit", later=timedelta(minutes=5))
    town.clock.advance(timedelta(minutes=5))
    run_behind(town, timedelta(minutes=2))
    assert town.state.queues.receive(list(QUEUES), 5, VISIBILITY) == []


@pytest.mark.parametrize("behind", [timedelta(milliseconds=50), timedelta(seconds=10)], ids=str)
def test_a_batch_that_is_taken_up_a_moment_early_goes_on_and_waits_for_no_tick(town: Town, behind: timedelta) -> None:
    for _ in range(10):
        town.follower("transit", shard=3)
    provider, calls = town.providers[SMS], iter(range(1, 1000))

    def slow(parcel: object) -> None:
        if next(calls) == 4:
            town.clock.advance(timedelta(seconds=36))

    provider.before_call = slow
    town.broadcast("transit", urgent=True)
    while len(provider.truth) < 6:
        town.work(most=1)
    run_behind(town, behind)
    assert seconds_until(town, 10) <= behind.total_seconds() + 1


# --- what a row may hold ---------------------------------------------------------------------------------------------


def test_a_zone_that_no_clock_knows_costs_nobody_their_message(town: Town) -> None:
    odd, plain = town.follower("transit", shard=3), town.follower("transit", shard=3)
    known = town.plain.addresses.find(town.address(odd, SMS))
    assert known
    one = Subscription(odd, "transit", SMS, known.hash, "en", preferences=Preferences(zone="Mars/Olympus", quiet=(1, 2)))
    town.state.table.put_many([audience_row(one), person_row(one)])
    name = town.broadcast("transit")
    town.settle(name)
    assert town.handed_over() == {town.address(who, SMS).text: 1 for who in (odd, plain)}
