"""A stop: who was not read is counted, and whatever waits is settled at once."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.jobs import FanOutJob
from chalicelib.domain.message import Answer, Outcome
from chalicelib.flows.fan_out import fan_out
from chalicelib.flows.progress import not_read, progress
from chalicelib.flows.stop_broadcast import stop_broadcast
from tests.engine.correcting import broadcast
from tests.engine.midway import After, EachTakes, happening, in_small_pages
from tests.engine.town import Crash, Killer, Town

LATER = Outcome(Answer.LATER, "20429")
STOPPED = Mark(State.SKIPPED, SkipReason.BROADCAST_STOPPED)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def stopped_after(town: Town, name: str, pages: int) -> None:
    """Stop once shard 3 has read so many pages, and let everything end."""
    happening(town, After("update", "SHARD#3", nth=pages, happens=lambda: stop_broadcast(name, by="ana", services=town.services)))
    town.settle(name)


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_a_fan_out_stopped_midway_says_how_many_it_left_unread(town: Town, pages: int) -> None:
    people = [town.follower("transit", channels=[Channel.SMS, Channel.EMAIL], shard=3) for _ in range(20)]
    people += [town.follower("transit", "transit/red-line", shard=3) for _ in range(10)]
    name = in_small_pages(town, 9).broadcast("transit/red-line")
    stopped_after(town, name, pages)
    counts, left = town.counts(name), not_read(broadcast(town, name), services=town.services)
    assert left and left.exact
    assert 0 < left.channels[Channel.SMS] < 30
    assert counts[Channel.SMS].total() + left.channels[Channel.SMS] == 30
    assert counts[Channel.EMAIL].total() + left.channels[Channel.EMAIL] == 20
    assert left.channels[Channel.KIOSK] == 0
    assert set(counts[Channel.SMS]) == {STOPPED}
    assert not town.handed_over()
    assert len(people) == 30


def test_who_was_read_no_further_is_counted_on_the_channels_of_the_audience_alone(town: Town) -> None:
    for _ in range(4):
        town.follower("transit", channels=list(Channel), shard=3)
    wanted = (Channel.SMS, Channel.KIOSK)
    assert town.plain.headcounts.unread(["transit"], wanted, shard=3, after="").channels == dict.fromkeys(wanted, 4)


def test_a_broadcast_stopped_before_any_page_was_read_leaves_everybody_unread(town: Town) -> None:
    for shard in range(16):
        town.follower("transit", channels=[Channel.SMS, Channel.EMAIL], shard=shard)
    name = town.broadcast("transit")
    town.work(most=1)
    stop_broadcast(name, by="ana", services=town.services)
    town.settle(name)
    left = not_read(broadcast(town, name), services=town.services)
    assert left and left.channels == {Channel.SMS: 16, Channel.EMAIL: 16, Channel.KIOSK: 0}
    assert town.counts(name) == {channel: Counter() for channel in Channel}


def test_a_closed_shard_stays_as_it_was_counted(town: Town) -> None:
    town.follower("transit", shard=3)
    name = town.broadcast("transit")
    town.work(most=1)
    stop_broadcast(name, by="ana", services=town.services)
    town.work()
    town.follower("transit", shard=3)
    fan_out(FanOutJob(name, 3), services=town.services)
    left = not_read(broadcast(town, name), services=town.services)
    assert left and left.channels[Channel.SMS] == 1


def test_what_was_not_stopped_has_no_number_of_unread(town: Town) -> None:
    town.follower("transit")
    name = town.broadcast("transit")
    town.settle(name)
    assert not_read(broadcast(town, name), services=town.services) is None


def test_a_stop_settles_what_is_held_and_what_was_put_off_without_the_sweep(town: Town) -> None:
    for _ in range(4):
        address = town.address(town.follower("transit", shard=3), Channel.SMS)
        town.providers[Channel.SMS].answers[address.value] = [LATER] * 10
    town.follower("transit", shard=3, quiet=(6 * 60, 20 * 60))
    name = town.broadcast("transit")
    town.work()
    assert town.counts(name)[Channel.SMS] == {Mark(State.QUEUED): 4, Mark(State.HELD): 1}
    stop_broadcast(name, by="ana", services=town.services)
    moment = town.clock()
    town.work()
    assert town.counts(name)[Channel.SMS] == {STOPPED: 5}
    assert town.clock() == moment


def test_a_stop_once_everything_is_read_leaves_nobody_unread(town: Town) -> None:
    town.follower("transit", quiet=(6 * 60, 20 * 60))
    name = town.broadcast("transit")
    town.work()
    stop_broadcast(name, by="ana", services=town.services)
    town.settle(name)
    left = not_read(broadcast(town, name), services=town.services)
    assert left and left.channels == dict.fromkeys(Channel, 0)
    assert town.counts(name)[Channel.SMS] == {STOPPED: 1}


@pytest.mark.parametrize("state", [BroadcastState.SCHEDULED, BroadcastState.AWAITING_APPROVAL, BroadcastState.NEEDS_REVIEW])
def test_what_never_began_ends_at_once_and_is_never_summed(town: Town, state: BroadcastState) -> None:
    town.follower("transit")
    name = town.broadcast("transit", state=state, later=timedelta(minutes=10))
    assert stop_broadcast(name, by="ana", services=town.services).state is BroadcastState.STOPPED
    town.clock.advance(timedelta(hours=2))
    assert town.work() == 1  # the launch that was queued finds nothing to do
    looked = progress(broadcast(town, name), services=town.services)
    left = not_read(looked, services=town.services)
    assert (looked.counts, left and left.exact) == (None, False)
    assert not town.handed_over()


# --- pages -----------------------------------------------------------------------------------------------------------


def test_a_page_that_one_subscriber_fills_is_read_on(town: Town) -> None:
    for _ in range(3):
        town.follower("transit", "transit/red-line", channels=list(Channel), shard=3)
    name = in_small_pages(town, 1).broadcast("transit/red-line")
    town.work(most=1)
    happening(town, EachTakes(town, timedelta(seconds=1)))  # a job that came no further would end for lack of time
    for _ in range(5):
        fan_out(FanOutJob(name, 3), services=town.services)
    assert town.plain.progress.shards(name)[3].done
    happening(town, Killer())
    town.settle(name)
    assert town.counts(name) == {channel: Counter({Mark(State.ACCEPTED): 3}) for channel in Channel}


def test_a_job_that_runs_out_of_time_goes_on_and_queues_nothing_twice(town: Town) -> None:
    for _ in range(12):
        town.follower("transit", shard=3)
    name = in_small_pages(town, 4).broadcast("transit")
    happening(town, After("update", "SHARD#3", nth=1, happens=lambda: town.clock.advance(timedelta(seconds=41))))
    town.work(most=17)
    queued = []
    while got := town.state.queues.receive(["fan-out-routine", "sms-routine"], 1, 600):
        queued.append(got[0].queue)
        if got[0].queue.startswith("fan-out"):
            town.run(got[0])
    assert Counter(queued)["sms-routine"] == len(town.plain.progress.shards(name)[3].tokens)
    assert town.plain.progress.shards(name)[3].done


def test_of_two_jobs_that_turn_one_page_only_one_queues_it(town: Town) -> None:
    for _ in range(3):
        town.follower("transit", shard=3)
    name = town.broadcast("transit")
    town.work(most=1)
    happening(town, After("put_many", nth=1, happens=lambda: fan_out(FanOutJob(name, 3), services=town.services)))
    fan_out(FanOutJob(name, 3), services=town.services)
    assert len(town.plain.progress.shards(name)[3].tokens) == 1
    assert len(town.state.queues.receive(["sms-routine"], 10, 60)) == 1
    town.clock.advance(timedelta(minutes=2))
    town.settle(name)
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): 3}


def test_a_stop_finds_a_shard_whose_worker_died_after_its_last_page(town: Town) -> None:
    def die() -> None:
        raise Crash

    for _ in range(3):
        town.follower("transit", shard=3)
    name = town.broadcast("transit")
    happening(town, After("update", "SHARD#3", nth=1, happens=die))
    town.work(most=17)
    stop_broadcast(name, by="ana", services=town.services)
    town.settle(name)
    left = not_read(broadcast(town, name), services=town.services)
    assert left and left.channels[Channel.SMS] == 0
    assert town.counts(name)[Channel.SMS] == {STOPPED: 3}
