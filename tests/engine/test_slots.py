"""Slots: evenly spaced, forfeited when missed, urgent first, shared by all workers; switches and changed minds are looked at before each hand-over."""

import math
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.pace import News, Tempo
from chalicelib.domain.preferences import Preferences
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.flows.slots import BURST_SECONDS, GRACE, Pacer, SlotGate, pacer
from chalicelib.state.table import Row
from chalicelib.store.pace import UNSEEN, Slots, Wanted, find_tempo, tempo_key
from chalicelib.store.subscriptions import Subscription
from chalicelib.store.switches import ALL, Thrown
from tests.engine.town import Town
from tests.tables import NOON, Clock

TENTH = timedelta(seconds=0.1)
A_BURST = math.floor(98 * BURST_SECONDS)
CHUNK, HORIZON = 25, timedelta(seconds=1.5)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, pace={Channel.SMS: 100})


def a_gate(count: int | None = 10, apart: timedelta = TENTH) -> tuple[SlotGate, Clock]:
    clock = Clock()
    return SlotGate(Slots(NOON, apart, count), clock, lambda seconds: clock.advance(timedelta(seconds=seconds))), clock


def reserve(town: Town, *, urgent: bool = False, chunk: int = CHUNK, seen: Tempo | None = None) -> Slots:
    wanted = Wanted(chunk, chunk, timedelta(seconds=10) if urgent else HORIZON, urgent)
    return town.plain.pace.reserve(Channel.SMS, wanted, pace=100, seen=seen or Tempo(), now=town.clock())


def test_calls_pass_in_their_slots() -> None:
    gate, clock = a_gate()
    moments = [clock() for _ in range(10) if gate.until(NOON + timedelta(hours=1))()]
    assert [moment - NOON for moment in moments] == [number * TENTH for number in range(10)]
    assert not gate.until(NOON + timedelta(hours=1))()


def test_whom_a_provider_did_not_take_may_be_called_again_in_time_without_another_slot() -> None:
    gate, clock = a_gate(1)
    enter = gate.until(NOON + TENTH)
    assert enter()
    assert not enter()
    assert enter(again=True)
    clock.advance(TENTH)
    assert enter(again=True)
    clock.advance(timedelta(microseconds=1))
    assert not enter(again=True)


def test_a_missed_slot_is_forfeited_and_a_little_late_is_none_missed() -> None:
    gate, clock = a_gate()
    clock.advance(GRACE)
    assert gate.until(NOON + timedelta(hours=1))()
    clock.advance(3 * TENTH)
    assert gate.left == 7  # two were missed: the one of 0.3 s is late by no more than the grace
    assert gate.until(NOON + timedelta(hours=1))()
    assert gate.left == 6
    clock.advance(timedelta(seconds=5))
    assert gate.left == 0
    assert not gate.until(NOON + timedelta(hours=1))()


def test_no_call_begins_after_the_last_moment() -> None:
    gate, clock = a_gate()
    assert gate.until(NOON)()
    assert not gate.until(NOON + TENTH / 2)()
    assert clock() == NOON
    assert gate.until(NOON + TENTH)()


def test_without_a_pace_calls_pass_at_once() -> None:
    gate, clock = a_gate(None, timedelta(0))
    assert gate.left is None
    assert all(gate.until(NOON)() for _ in range(100))
    clock.advance(TENTH)
    assert not gate.until(NOON)()


def test_workers_get_slots_one_after_the_other_at_98_percent(town: Town) -> None:
    windows = [reserve(town) for _ in range(4)]
    starts = [(one.start - NOON).total_seconds() for one in windows]
    assert starts == pytest.approx([0, 0.255, 0.51, 0.765], abs=0.003)
    assert {one.apart for one in windows} == {timedelta(seconds=1 / 98)}


def test_routine_reserves_little_ahead_and_urgent_further(town: Town) -> None:
    windows = [reserve(town) for _ in range(8)]
    assert [one.wait is None for one in windows] == [True] * 6 + [False] * 2
    assert timedelta(0) < (windows[-1].wait or timedelta(0)) <= timedelta(seconds=2)
    assert reserve(town, urgent=True).wait is None


def test_while_an_urgent_batch_waits_routine_takes_no_slot(town: Town) -> None:
    reserve(town, urgent=True)
    town.clock.advance(timedelta(seconds=2))
    assert reserve(town).wait == timedelta(milliseconds=1255)
    assert reserve(town, urgent=True).wait is None
    town.clock.advance(timedelta(seconds=4))
    assert reserve(town).wait is None


def test_an_old_view_of_a_senders_health_gets_no_slots_by_it(town: Town) -> None:
    slow = Tempo(version=3, speed=1000)
    town.state.table.put(row_of(slow))
    slots = reserve(town, chunk=5)
    assert slots.apart == timedelta(seconds=1)
    assert slots.tempo.version == 3


def test_a_shut_sender_gives_one_probe_and_then_none(town: Town) -> None:
    town.state.table.put(row_of(Tempo(version=1, shut_until=int(NOON.timestamp() * 1000))))
    probe, other = reserve(town), reserve(town, urgent=True)
    assert (probe.count, probe.wait) == (1, None)
    assert other.wait == timedelta(seconds=50)


def test_a_slow_senders_chunk_is_small(tmp_path: Path) -> None:
    town = Town(tmp_path, pace={Channel.SMS: 2})
    way = pacer(Channel.SMS, urgent=False, tempo=Tempo(), services=town.services)
    assert way.take(25, 100) is None
    assert way.fits(25) == 9


# --- one worker's way to them ----------------------------------------------------------------------------------------


def a_worker(town: Town, *, urgent: bool = False, busy: float | None = None, tempo: Tempo = UNSEEN) -> Pacer:
    """`busy`: others use the sender, for so many seconds to come."""
    if busy is not None:
        tempo = replace(tempo, next=to_ms(NOON) + round(busy * 1000))
        town.state.table.put(row_of(tempo))
    return pacer(Channel.SMS, urgent=urgent, tempo=tempo, services=town.services)


def kept(town: Town) -> Tempo:
    return find_tempo(Channel.SMS, town.state.table.get_many([tempo_key(Channel.SMS)]))


@pytest.mark.parametrize(
    ("busy", "chunk", "rest", "count"),
    [
        pytest.param(None, 25, 200, A_BURST, id="alone with a sender: for a while to come"),
        pytest.param(None, 5, A_BURST - 1, A_BURST - 1, id="or as many as there are"),
        pytest.param(None, A_BURST + 1, 200, A_BURST + 1, id="but a chunk at least"),
        pytest.param(0.5, 25, 200, 25, id="among others: a chunk"),
        pytest.param(0.5, 25, 3, 3, id="or what is left of it"),
        pytest.param(0.5, 1, 1, 1, id="a single one"),
    ],
)
def test_a_worker_takes_as_many_slots_as_its_recipients_need(town: Town, busy: float | None, chunk: int, rest: int, count: int) -> None:
    way = a_worker(town, busy=busy)
    assert way.take(chunk, rest) is None
    assert (way.gate.left, way.fits(chunk)) == (count, min(chunk, count))
    assert kept(town).next > 0


def test_a_worker_is_woken_shortly_before_its_first_slot(town: Town) -> None:
    assert a_worker(town, busy=0.5).take(25, 25) is None
    assert town.clock() == NOON + timedelta(seconds=0.47)


@pytest.mark.parametrize(("more", "again"), [(-1, False), (0, False), (1, True)], ids=["fewer", "as many", "more"])
def test_slots_left_from_before_are_used_before_any_is_taken(town: Town, more: int, again: bool) -> None:
    way = a_worker(town)
    way.take(25, 200)
    before = kept(town)
    assert way.take((way.gate.left or 0) + more, 200) is None
    assert (kept(town) != before) is again


def test_where_there_is_no_slot_a_worker_keeps_none_and_waits(town: Town) -> None:
    way = a_worker(town, busy=3)
    assert way.take(25, 25) == timedelta(seconds=2.22)  # when half of what may be given away ahead is used
    assert (way.gate.left, town.clock()) == (0, NOON)


@pytest.mark.parametrize("urgent", [True, False], ids=["urgent", "routine"])
def test_routine_waits_behind_an_urgent_workers_slots(town: Town, urgent: bool) -> None:
    a_worker(town, urgent=urgent).take(25, 25)
    assert (kept(town).urgent_until > kept(town).next) is urgent


def test_routine_waits_behind_no_urgent_message_that_stands_alone(town: Town) -> None:
    pacer(Channel.SMS, urgent=True, tempo=UNSEEN, services=town.services, alone=True).take(1, 1)
    assert kept(town).next > kept(town).urgent_until == 0


def test_a_worker_too_slow_for_its_slots_takes_the_next_further_ahead(town: Town) -> None:
    way, leads = a_worker(town), []
    for _ in range(9):
        began = town.clock()
        way.take(25, 25)
        leads.append((from_ms(kept(town).next) - began).total_seconds() - 0.255)
        town.clock.advance(timedelta(seconds=20))
        assert way.fits(25) == 0
    assert leads == pytest.approx([0.03, 0.06, 0.12, 0.24, 0.48, 0.96, 1.92, 2, 2], abs=0.001)


def test_a_worker_that_used_its_slots_in_time_takes_the_next_no_further_ahead(town: Town) -> None:
    way = a_worker(town)
    for left in (25, 1):
        way.take(left, left)
        assert way.fits(25) == left
        assert all(way.gate.until(NOON + timedelta(hours=1))() for _ in range(left))
        assert way.lead == timedelta(milliseconds=30)


@pytest.mark.parametrize(
    ("tempo", "news", "expected"),
    [
        pytest.param(UNSEEN, News(answered=5), UNSEEN, id="good news of a sender that is well is no news"),
        pytest.param(UNSEEN, News(answered=5, unanswered=1), Tempo(version=1, bad=1, told=6, since=to_ms(NOON)), id="a lost answer is"),
        pytest.param(UNSEEN, News(throttled=1), Tempo(version=1, speed=49_000, changed_at=to_ms(NOON)), id="so is a throttle"),
        pytest.param(Tempo(speed=20_000), News(answered=5), Tempo(version=1, speed=30_000, changed_at=to_ms(NOON)), id="and good news of one that was not"),
    ],
)
def test_a_worker_tells_the_others_what_they_need_to_know(town: Town, tempo: Tempo, news: News, expected: Tempo) -> None:
    way = a_worker(town, tempo=tempo)
    if tempo != UNSEEN:
        town.state.table.put(row_of(tempo))
    way.tell(news)
    assert kept(town) == way.tempo == expected


def test_a_sender_without_a_pace_needs_no_slots_and_no_news(town: Town) -> None:
    way = pacer(Channel.EMAIL, urgent=False, tempo=UNSEEN, services=town.services)
    assert (way.take(50, 100), way.fits(50), way.gate.left) == (None, 50, None)
    way.tell(News(throttled=5))
    assert way.tempo == UNSEEN
    assert not town.state.table.get_many([tempo_key(Channel.EMAIL)])


# --- slow machines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slow", [0.3, 0.9], ids=["slower than a chunk's slots", "much slower"])
def test_a_machine_that_is_slow_to_wake_hands_everything_over_all_the_same(town: Town, slow: float) -> None:
    for _ in range(120):
        town.follower("transit", shard=3)
    look = town.services.store.table.inner.get_many

    def slowly(*args: object, **kwargs: object) -> object:
        town.clock.advance(timedelta(seconds=slow))
        reserve(town)  # another worker is there too
        return look(*args, **kwargs)

    object.__setattr__(town.services.store.table, "get_many", slowly)
    town.services = replace(town.services, sleep=lambda seconds: town.clock.advance(timedelta(seconds=seconds + slow)))
    name = town.broadcast("transit")
    town.settle(name)
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): 120}
    assert max(Counter(int(one.at.timestamp()) for one in town.providers[Channel.SMS].truth).values()) <= 100


def row_of(tempo: Tempo) -> Row:
    values = {name: getattr(tempo, name) for name in Tempo.__dataclass_fields__ if getattr(tempo, name)}
    return Row(tempo_key(Channel.SMS), values)


# --- switches --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [ALL, "sms"])
def test_a_thrown_switch_lets_nobody_be_called_until_it_is_released(town: Town, name: str) -> None:
    people = [town.follower("transit", channels=[Channel.EMAIL, Channel.SMS], shard=3) for _ in range(60)]
    sent = town.broadcast("transit")

    def throw(_parcel: object) -> None:
        town.state.table.transact([town.plain.switches.throw_write(name, Thrown("ana", town.clock()))])
        town.providers[Channel.SMS].before_call = lambda _parcel: None

    town.providers[Channel.SMS].before_call = throw
    for _ in range(5):
        town.work()
        town.tick()
        town.clock.advance(timedelta(seconds=61))
    assert 0 < len(town.providers[Channel.SMS].truth) <= 3
    assert len(town.providers[Channel.EMAIL].truth) == 60
    town.state.table.transact([town.plain.switches.release_write(name)])
    town.settle(sent)
    assert town.counts(sent)[Channel.SMS] == {Mark(State.ACCEPTED): len(people)}


def test_what_expires_under_a_switch_is_expired_and_not_sent(town: Town) -> None:
    town.follower("transit")
    town.state.table.transact([town.plain.switches.throw_write(ALL, Thrown("ana", town.clock()))])
    sent = town.broadcast("transit", lasts=timedelta(minutes=30))
    town.settle(sent)
    assert town.counts(sent)[Channel.SMS] == {Mark(State.EXPIRED): 1}


# --- minds that changed ----------------------------------------------------------------------------------------------


def held(town: Town, *topics: str) -> str:
    return town.follower(*topics, quiet=(6 * 60, 8 * 60))


def test_whoever_left_the_topic_while_their_message_was_held_gets_none(town: Town) -> None:
    person = held(town, "transit")
    sent = town.broadcast("transit")
    town.work()
    town.state.table.transact(town.plain.subscriptions.leave_writes(person, "transit", Channel.SMS))
    town.settle(sent)
    assert town.counts(sent)[Channel.SMS] == {Mark(State.SKIPPED, SkipReason.OPTED_OUT): 1}


def test_whoever_left_one_topic_and_stays_on_another_that_it_reaches_gets_it(town: Town) -> None:
    person = held(town, "transit", "transit/red-line")
    sent = town.broadcast("transit/red-line")
    town.work()
    town.state.table.transact(town.plain.subscriptions.leave_writes(person, "transit/red-line", Channel.SMS))
    town.settle(sent)
    assert town.counts(sent)[Channel.SMS] == {Mark(State.ACCEPTED): 1}


def test_whoever_chose_another_language_is_told_in_it(town: Town) -> None:
    said: list[str] = []
    plain = town.services.renderer()

    class Noting(type(plain)):  # type: ignore[misc]
        def sms(self, content: object, locale: str) -> object:
            said.append(locale)
            return plain.sms(content, locale)  # type: ignore[arg-type]

    town.services = replace(town.services, renderer=Noting)
    person = held(town, "transit")
    sent = town.broadcast("transit")
    town.work()
    address = town.plain.vault.hash(town.address(person, Channel.SMS))
    spanish = Subscription(person, "transit", Channel.SMS, address, "es", Preferences(quiet=(6 * 60, 8 * 60)))
    town.state.table.transact(town.plain.subscriptions.join_writes(spanish))
    town.settle(sent)
    assert said[-1] == "es"
    assert town.counts(sent)[Channel.SMS] == {Mark(State.ACCEPTED): 1}


def test_new_quiet_hours_hold_what_was_about_to_be_released(town: Town) -> None:
    person = held(town, "transit")
    sent = town.broadcast("transit")
    town.work()
    address = town.plain.vault.hash(town.address(person, Channel.SMS))
    town.state.table.transact(
        town.plain.subscriptions.join_writes(Subscription(person, "transit", Channel.SMS, address, "en", Preferences(quiet=(6 * 60, 10 * 60))))
    )
    town.settle(sent)
    [one] = town.providers[Channel.SMS].truth
    assert one.at >= NOON + timedelta(hours=3)
