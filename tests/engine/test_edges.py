"""Where the engine once broke: doubts, throttling, clocks apart, stops and late receipts. Each is the shortest run that broke it."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.jobs import FanOutJob
from chalicelib.domain.message import Answer, Outcome, Parcel
from chalicelib.errors import RenderFailed, StateLater, TransactionRefused
from chalicelib.flows.fan_out import fan_out
from chalicelib.flows.progress import progress
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.flows.sweep import sweep
from tests.engine.town import Crash, PlainRenderer, Told, Town

UNKNOWN, LATER = Outcome(Answer.UNKNOWN, "timeout"), Outcome(Answer.LATER, "20429")


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_text_that_arrived_before_a_crash_is_found_however_late_one_asks(town: Town) -> None:
    address, provider = town.address(town.follower("transit"), Channel.SMS), town.providers[Channel.SMS]
    provider.can_find = True

    def die(parcel: Parcel) -> None:
        provider.truth.append(Told(parcel.to, parcel.token, town.clock(), message=parcel.message))
        provider.before_call = lambda _parcel: None
        raise Crash

    provider.before_call = die
    name = town.broadcast("transit")
    town.work()
    town.clock.advance(timedelta(minutes=30))
    town.settle(name)
    assert town.handed_over() == {address.text: 1}


@pytest.mark.parametrize(
    ("words", "copies"),
    [
        pytest.param("Other", {"one": 1, "two": 1}, id="other words: it is asked for by its own, and sent again"),
        pytest.param("Hello", {"one": 0, "two": 1}, id="equal words: they pass for it, as docs/guarantees.md says"),
    ],
)
def test_what_another_broadcast_said_meanwhile_is_no_evidence_unless_it_said_the_very_same(town: Town, words: str, copies: dict[str, int]) -> None:
    address, provider = town.address(town.follower("transit/red-line", "events"), Channel.SMS), town.providers[Channel.SMS]
    provider.can_find = True
    provider.answers[address.value] = [UNKNOWN]  # never arrives
    one, two = town.broadcast("transit/red-line"), town.broadcast("events", title=words)
    town.settle(one, two)
    tokens = [town.services.tokens.read("delivery", told.token) for told in provider.truth]
    assert {which: sum(parts is not None and parts[0] == name for parts in tokens) for which, name in (("one", one), ("two", two))} == copies


def test_a_new_doubt_waits_its_own_window(town: Town) -> None:
    one, two = (town.address(town.follower("emergency", shard=3), Channel.SMS) for _ in range(2))
    provider, calls = town.providers[Channel.SMS], []
    provider.before_call = lambda parcel: calls.append((parcel.to, town.clock()))
    provider.answers = {one.value: [UNKNOWN], two.value: [LATER] * 3 + [UNKNOWN]}
    provider.swallowed.add(two.value)
    town.settle(town.broadcast("emergency", urgent=True))
    moments = [at for to, at in calls if to == two]
    assert moments[4] - moments[3] >= timedelta(seconds=210)


def test_throttling_that_lasts_costs_nobody_their_message(town: Town) -> None:
    address = town.address(town.follower("transit"), Channel.SMS)
    town.providers[Channel.SMS].answers[address.value] = [LATER] * 30
    name = town.broadcast("transit")
    town.settle(name)
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): 1}


def test_quiet_hours_that_end_at_many_times_fail_nobody(town: Town) -> None:
    for minute in range(12):
        town.follower("transit", shard=3, quiet=(6 * 60, 8 * 60 + minute * 5))
    name = town.broadcast("transit")
    town.settle(name)
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): 12}


def test_more_lost_answers_than_one_read_takes_are_settled(town: Town) -> None:
    for _ in range(120):
        address = town.address(town.follower("emergency", channels=[Channel.EMAIL], shard=3), Channel.EMAIL)
        town.providers[Channel.EMAIL].answers[address.value] = [UNKNOWN]
    name = town.broadcast("emergency", urgent=True)
    town.settle(name)
    assert town.counts(name)[Channel.EMAIL] == {Mark(State.ACCEPTED): 120}


def test_a_re_send_that_was_put_off_is_still_made(town: Town) -> None:
    address = town.address(town.follower("emergency"), Channel.SMS)
    town.providers[Channel.SMS].answers[address.value] = [UNKNOWN, LATER]
    town.settle(town.broadcast("emergency", urgent=True))
    assert town.handed_over() == {address.text: 1}


def test_a_worker_whose_clock_is_behind_the_planners_sends_all_the_same(town: Town) -> None:
    town.follower("emergency")
    name = town.broadcast("emergency", urgent=True)
    town.work(most=1)
    ahead = replace(town.services, now=lambda: town.clock() + timedelta(seconds=5))
    for shard in range(16):
        fan_out(FanOutJob(name, shard), services=ahead)
    town.work()
    assert sum(town.handed_over().values()) == 1


def test_a_worker_whose_clock_is_ahead_of_the_providers_makes_no_second_text(town: Town) -> None:
    address, provider = town.address(town.follower("transit"), Channel.SMS), town.providers[Channel.SMS]
    provider.can_find = True
    provider.answers[address.value] = [UNKNOWN]
    provider.swallowed.add(address.value)
    town.services = replace(town.services, now=lambda: town.clock() + timedelta(seconds=5))
    town.settle(town.broadcast("transit", urgent=True))
    assert town.handed_over() == {address.text: 1}


def test_a_stop_reaches_held_messages_though_the_sweeps_clock_is_ahead(town: Town) -> None:
    town.follower("transit", quiet=(6 * 60, 20 * 60))
    name = town.broadcast("transit")
    town.work()
    stop_broadcast(name, by="ana", services=town.services)
    for _ in range(3):
        sweep(services=replace(town.services, now=lambda: town.clock() + timedelta(seconds=5)))
        town.work()
    assert town.state_of(name) is BroadcastState.STOPPED


def test_counts_outlive_the_rows_they_were_summed_from(town: Town) -> None:
    town.follower("transit")
    name = town.broadcast("transit")
    town.settle(name)
    ended = town.plain.broadcasts.get(name)
    assert ended
    town.clock.advance(timedelta(days=31))
    town.state.table.forget_expired(town.clock())
    assert progress(ended, services=town.services).counts == ended.counts


def test_a_receipt_that_came_before_the_re_sends_mark_prevents_it(town: Town) -> None:
    one, two = (town.address(town.follower("emergency", shard=3), Channel.SMS) for _ in range(2))
    provider, calls = town.providers[Channel.SMS], []
    provider.answers = {one.value: [UNKNOWN], two.value: [LATER] * 4}
    provider.swallowed.add(one.value)

    def confirm_late(parcel: Parcel) -> None:
        calls.append(parcel.to)
        if calls.count(two) == 5:
            provider.before_call = lambda _parcel: None
            town.deliver_receipts()

    provider.before_call = confirm_late
    town.settle(town.broadcast("emergency", urgent=True))
    assert town.handed_over()[one.text] == 1


def test_a_message_that_cannot_be_made_is_found_before_anybody_is_marked(town: Town) -> None:
    class Broken(PlainRenderer):
        def sms(self, *_: object) -> None:  # type: ignore[override]
            raise RenderFailed("no sentence")

    town.follower("transit")
    whole, name = town.services, town.broadcast("transit")
    town.services = replace(whole, renderer=Broken)
    with pytest.raises(RenderFailed):
        town.work()
    town.services = whole
    town.clock.advance(timedelta(minutes=7))
    town.settle(name)
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): 1}


def test_nobody_is_called_after_expiry_however_slow_the_pace(tmp_path: Path) -> None:
    town = Town(tmp_path, pace={Channel.SMS: 1})
    for _ in range(10):
        town.follower("transit", shard=3)
    name = town.broadcast("transit", lasts=timedelta(seconds=5))
    end = town.clock() + timedelta(seconds=5)
    town.settle(name)
    assert all(one.at <= end for one in town.providers[Channel.SMS].truth)
    assert town.counts(name)[Channel.SMS][Mark(State.EXPIRED)] >= 4


def test_one_sick_broadcast_does_not_keep_the_sweep_from_the_others(town: Town) -> None:
    town.follower("transit")
    sick, well = town.broadcast("transit"), town.broadcast("transit")
    town.work()
    shards = town.services.store.progress.shards

    def read(name: str) -> object:
        if name == sick:
            raise StateLater("throttled")
        return shards(name)

    object.__setattr__(town.services.store.progress, "shards", read)
    with pytest.raises(ExceptionGroup):
        sweep(services=town.services)
    assert town.state_of(well) is BroadcastState.COMPLETED


def test_two_people_who_stop_at_once_leave_one_entry(town: Town) -> None:
    town.follower("transit")
    name = town.broadcast("transit")
    town.work(most=1)
    seen = town.plain.broadcasts.get(name)
    assert seen
    stop_broadcast(name, by="ana", services=town.services)
    with pytest.raises(TransactionRefused):
        town.state.table.transact([town.plain.broadcasts.stop_write(seen, town.clock())])
    assert [entry.what for entry in town.plain.audit.of(name)].count("broadcast.stopped") == 1


def test_receipts_that_were_faster_than_the_settle_end_the_wait(town: Town) -> None:
    address, provider = town.address(town.follower("transit"), Channel.SMS), town.providers[Channel.SMS]
    provider.swallowed.add(address.value)
    name = town.broadcast("transit")
    settle = town.services.store.batches.settle

    def receipt_first(*args: object, **kwargs: object) -> object:
        object.__setattr__(town.services.store.batches, "settle", settle)
        town.deliver_receipts()
        return settle(*args, **kwargs)  # type: ignore[arg-type]

    provider.answers[address.value] = [UNKNOWN]
    object.__setattr__(town.services.store.batches, "settle", receipt_first)
    town.work()
    town.work()
    town.tick()
    assert town.state_of(name) is BroadcastState.COMPLETED
    assert town.handed_over() == Counter({address.text: 1})
