"""The operator's command after a restore: what it leaves alone, what it waits for, and that it may die anywhere and be run again."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.batch import BatchState
from chalicelib.domain.broadcast import BroadcastState, Review, ReviewReason
from chalicelib.domain.consent import EVERYTHING, How, Leaving, Step
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.notice import Kind, Notice, Severity, Text
from chalicelib.errors import Invalid, StateLater
from chalicelib.flows.after_restore import MARGIN, Restored, after_restore
from chalicelib.flows.approve import approve
from chalicelib.flows.publish_post import publish_post
from chalicelib.flows.sign_up import sign_up
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.store.posts import Post
from tests.engine.town import VISIBILITY, Crash, Killer, Town
from tests.tables import NOON, sqlite_city

LATER = timedelta(hours=3)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return a_town(tmp_path)


def a_town(folder: Path, killer: Killer | None = None) -> Town:
    return Town(folder, killer=killer, table=sqlite_city(folder).table)


def restore(town: Town, *leavings: Leaving, taken: datetime = NOON) -> Restored:
    return after_restore(leavings, taken=taken, by="omar", services=town.services)


def begin(town: Town, *, sends: int, shards: int = 16) -> None:
    """Launch a broadcast, read so many shards of its audience, and work so many of its batches."""
    for queue, most in (("launch", 1), ("fan-out-routine", shards), ("sms-routine", sends)):
        for _ in range(most):
            for message in town.state.queues.receive([queue], 1, VISIBILITY):
                town.run(message)


def live(town: Town, ticks: int = 30) -> None:
    for _ in range(ticks):
        town.work()
        town.tick()
        town.clock.advance(timedelta(minutes=10))


def standings(town: Town, name: str) -> Counter[State]:
    return Counter(mark.state for _, _, mark in town.standings(name))


# --- broadcasts ------------------------------------------------------------------------------------------------------


def test_a_broadcast_that_was_being_sent_ends_for_good_with_the_rest_unconfirmed(town: Town) -> None:
    for number in range(8):
        town.follower("transit", shard=number)
    name = town.broadcast("transit")
    begin(town, sends=3)
    town.clock.advance(LATER)
    done = restore(town)
    assert (done.broadcasts, done.unconfirmed) == ([name], 5)
    assert standings(town, name) == {State.ACCEPTED: 3, State.UNCONFIRMED: 5}
    live(town)
    approve(name, by="berta", services=town.services)
    live(town)
    assert sum(town.handed_over().values()) == 3, "even where somebody lets it go"
    assert town.state_of(name) is BroadcastState.COMPLETED


def test_whom_nobody_had_read_is_counted_and_read_by_nobody(town: Town) -> None:
    for number in range(16):
        town.follower("transit", shard=number)
    name = town.broadcast("transit")
    begin(town, sends=2, shards=4)
    town.clock.advance(LATER)
    restore(town)
    found = town.plain.broadcasts.get(name)
    assert found and town.plain.progress.unread(found).channels[Channel.SMS] == 12
    assert standings(town, name) == {State.ACCEPTED: 2, State.UNCONFIRMED: 2}
    approve(name, by="berta", services=town.services)
    live(town)
    assert sum(town.handed_over().values()) == 2


def test_held_waiting_and_abandoned_batches_are_closed_alike(town: Town) -> None:
    held, doubted, abandoned = (town.follower("transit", quiet=quiet, shard=shard) for shard, quiet in ((1, (360, 540)), (2, None), (3, None)))
    provider = town.providers[Channel.SMS]
    provider.before_call = lambda parcel: _lose(parcel.to == town.address(doubted, Channel.SMS))
    name = town.broadcast("transit")
    begin(town, sends=9)
    states = {far.state for shard in range(16) for _, far in town.plain.batches.of_shard(name, shard)}
    assert {BatchState.HELD, BatchState.CLAIMED} <= states
    town.clock.advance(timedelta(minutes=3))
    assert restore(town).unconfirmed == 3
    assert standings(town, name) == {State.UNCONFIRMED: 3}
    assert town.plain.history.find(held, name, Channel.SMS)
    assert abandoned
    live(town)
    assert not town.handed_over()


def _lose(doubted: bool) -> None:
    raise Crash


def test_one_that_is_scheduled_goes_where_a_person_says_that_it_did_not(town: Town) -> None:
    person = town.follower("transit")
    name = town.broadcast("transit", later=timedelta(minutes=10))
    assert restore(town).broadcasts == [name]
    live(town)
    assert not town.handed_over()
    found = town.plain.broadcasts.get(name)
    assert found and found.review == Review(ReviewReason.RESTORED, NOON, {"was": "scheduled"})
    approve(name, by="berta", services=town.services)
    live(town)
    assert town.handed_over() == {town.address(person, Channel.SMS).text: 1}


@pytest.mark.parametrize("state", [BroadcastState.AWAITING_APPROVAL, BroadcastState.NEEDS_REVIEW])
def test_one_that_waited_for_a_person_waits_for_this_reason_now(town: Town, state: BroadcastState) -> None:
    town.follower("transit")
    name = town.broadcast("transit", state=state)
    assert restore(town).broadcasts == [name]
    found = town.plain.broadcasts.get(name)
    assert found and found.review and found.review.numbers == {"was": str(state)}


def test_more_broadcasts_than_one_page_holds_are_all_found(town: Town) -> None:
    names = {town.broadcast("jobs", state=BroadcastState.AWAITING_APPROVAL) for _ in range(101)}
    assert set(restore(town).broadcasts) == names


def test_what_ended_or_was_stopped_is_left_alone(town: Town) -> None:
    town.follower("transit")
    ended, never = town.broadcast("transit"), town.broadcast("transit", later=timedelta(minutes=10))
    town.settle(ended)
    stop_broadcast(never, by="ana", services=town.services)
    midway = town.broadcast("transit")
    begin(town, sends=0)
    stop_broadcast(midway, by="ana", services=town.services)
    assert restore(town).broadcasts == []
    town.settle(midway)
    assert town.counts(midway)[Channel.SMS] == {Mark(State.SKIPPED, "broadcast_stopped"): 1}
    assert sum(town.handed_over().values()) == 1


def test_what_is_made_or_approved_after_the_first_run_is_left_alone_by_the_next(town: Town) -> None:
    town.follower("transit")
    before = town.broadcast("transit", later=timedelta(minutes=10))
    restore(town)
    town.clock.advance(timedelta(minutes=1))
    approve(before, by="berta", services=town.services)
    after = town.broadcast("transit", later=timedelta(minutes=10))
    assert restore(town).broadcasts == []
    assert {town.state_of(name) for name in (before, after)} == {BroadcastState.SCHEDULED}
    other = restore(town, taken=NOON - timedelta(days=1))
    assert set(other.broadcasts) == {before, after}, "another backup is another restore"


def test_a_batch_in_a_workers_hands_is_waited_for(town: Town) -> None:
    town.follower("transit", shard=1)
    town.providers[Channel.SMS].before_call = lambda parcel: _lose(True)
    name = town.broadcast("transit")
    begin(town, sends=1)
    with pytest.raises(StateLater, match="stop the workers"):
        restore(town)
    assert town.state_of(name) is BroadcastState.NEEDS_REVIEW, "but nobody goes on with it"
    town.clock.advance(timedelta(minutes=2))
    assert restore(town).unconfirmed == 1


def test_a_broadcast_that_moves_on_meanwhile_is_looked_at_again(tmp_path: Path) -> None:
    town = a_town(tmp_path, killer := Meanwhile("transact", "review"))
    town.follower("transit")
    name = town.broadcast("transit", later=timedelta(minutes=10))
    killer.then = lambda: stop_broadcast(name, by="ana", services=town.services)
    restore(town)
    assert killer.then is None, "it came between"
    assert town.state_of(name) is BroadcastState.STOPPED


def test_a_batch_whose_recipients_cannot_be_found_is_closed_all_the_same(town: Town) -> None:
    town.follower("transit", shard=1)
    town.broadcast("transit")
    begin(town, sends=0)
    with town.state.file.writing() as connection:
        connection.execute("DELETE FROM state_rows WHERE sk LIKE 'W#%'")
    assert restore(town).unconfirmed == 1


class Meanwhile(Killer):
    """Lets something happen right before the first call whose name holds these words."""

    then: Callable[[], Any] | None = None

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        if self.then and all(word in name for word in self.words):
            then, self.then = self.then, None
            then()
        return super().__call__(name, call)


# --- who left --------------------------------------------------------------------------------------------------------


def test_an_opt_out_is_done_again_with_all_that_goes_with_it(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    person = town.follower("transit", "events")
    address = town.address(person, Channel.SMS)
    hash, when = town.plain.vault.hash(address), NOON + timedelta(minutes=30)
    town.clock.advance(LATER)
    assert restore(town, Leaving(hash, when)).opt_outs == 1
    found = town.plain.addresses.find(address)
    assert found and found.opted_out == when
    assert town.plain.subscriptions.of(person) == []
    assert {(one.topic, one.step, one.how) for one in town.plain.consents.of(person)} == {(topic, Step.STOPPED, How.LOG) for topic in ("transit", "events")}
    assert set(town.plain.subscribers.find(address).memory.ended) == {"transit", "events"}, "START brings it back"
    told = [record.fields["at"] for record in caplog.records if record.getMessage() == "opted out"]  # type: ignore[attr-defined]
    assert told == ["2026-12-01T12:30:00Z"], "said again, for the next restore"


def test_an_opt_out_of_somebody_who_joined_after_the_backup_is_kept(town: Town) -> None:
    hash = town.plain.vault.hash(Address(Channel.SMS, "+12025550199"))
    assert restore(town, Leaving(hash, NOON)).opt_outs == 1
    [found] = town.plain.addresses.read([hash])
    assert found and found.opted_out == NOON


@pytest.mark.parametrize(("before", "counts"), [(MARGIN, True), (MARGIN + timedelta(seconds=1), False)])
def test_who_left_long_before_the_backup_is_in_it(town: Town, before: timedelta, counts: bool) -> None:
    person = town.follower("transit")
    address = town.address(person, Channel.SMS)
    assert restore(town, Leaving(town.plain.vault.hash(address), NOON - before)).opt_outs == int(counts)
    found = town.plain.addresses.find(address)
    assert found and (found.opted_out is not None) is counts


def test_one_topic_that_was_left_is_left_again_and_no_other(town: Town) -> None:
    person = town.follower("transit", "events")
    hash = town.plain.vault.hash(town.address(person, Channel.SMS))
    leaving = Leaving(hash, NOON, "transit")
    assert restore(town, leaving, Leaving(hash, NOON, "jobs"), Leaving("1.unknown", NOON, "events")).leavings == 1
    assert [one.topic for one in town.plain.subscriptions.of(person)] == ["events"]
    assert [(one.topic, one.step, one.how) for one in town.plain.consents.of(person)] == [("transit", Step.LEFT, How.LOG)]


def test_what_somebody_did_after_the_first_run_is_not_undone_by_the_next(town: Town) -> None:
    person = town.follower("transit", "events")
    address = town.address(person, Channel.SMS)
    hash, follows = town.plain.vault.hash(address), town.plain.subscriptions.of(person)
    gone = (Leaving(hash, NOON, "events"), Leaving(hash, NOON + timedelta(minutes=1), EVERYTHING))
    assert (restore(town, *gone).opt_outs, restore(town, *gone).opt_outs) == (1, 0)
    known = town.plain.addresses.find(address)
    assert known
    town.state.table.transact([town.plain.addresses.welcome_write(known), *(write for one in follows for write in town.plain.subscriptions.join_writes(one))])
    again = restore(town, *gone)
    assert (again.opt_outs, again.leavings) == (0, 0)
    assert town.plain.subscriptions.of(person) == follows


# --- posts and letters -----------------------------------------------------------------------------------------------


def test_a_post_that_was_open_is_published_by_nobody_and_stays_readable(town: Town) -> None:
    notice = Notice("r1", Kind.TRANSIT, Severity.MODERATE, {"en": Text("Hello", "World")}, "en", topics=("transit",))
    post = Post("in_1", "demo-city", "h", {}, NOON, parts=1)
    town.state.table.transact(town.plain.posts.create_writes(post, [notice]))
    assert restore(town).posts == 1
    publish_post("in_1", services=town.services)
    live(town)
    assert town.plain.broadcasts.page(limit=10)[0] == []
    kept = town.plain.posts.get("in_1")
    assert kept and [notice.ref for notice in town.plain.posts.work(kept)] == ["r1"]
    town.plain.posts.put_aside("in_gone")


def test_a_letter_on_its_way_is_not_written_twice(town: Town) -> None:
    sign_up(email="new@example.org", topics=["jobs"], locale="en", services=town.services)
    [name] = town.services.store.replies.due(NOON + LATER)
    town.clock.advance(LATER)
    assert restore(town).letters == 1
    assert town.plain.replies.state(name) == {"state": "failed", "tries": 1}
    assert town.services.store.replies.due(NOON + timedelta(days=3)) == []


def test_a_letter_in_a_workers_hands_is_waited_for(town: Town) -> None:
    sign_up(email="new@example.org", topics=["jobs"], locale="en", services=town.services)
    [name] = town.services.store.replies.due(NOON + LATER)
    town.plain.replies.claim(name, NOON, claim="a worker's")
    with pytest.raises(StateLater, match="stop the workers"):
        restore(town)
    town.clock.advance(timedelta(minutes=2))
    assert restore(town).letters == 1


def test_a_backup_of_a_moment_to_come_is_refused_before_anything_is_done(town: Town) -> None:
    name = town.broadcast("transit", later=timedelta(minutes=10))
    with pytest.raises(Invalid):
        restore(town, taken=NOON + timedelta(seconds=1))
    assert town.state_of(name) is BroadcastState.SCHEDULED


# --- the command itself ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_command_that_dies_at_any_call_is_finished_by_the_next_run(tmp_path: Path, after: bool) -> None:
    seen, at = set(), 0
    while True:
        at += 3
        (folder := tmp_path / str(at)).mkdir()
        town = a_town(folder)
        people = [town.follower("transit", "events", shard=number) for number in range(3)]
        name, other = town.broadcast("transit"), town.broadcast("events", later=timedelta(minutes=10))
        begin(town, sends=1)
        handed = town.handed_over()
        town.clock.advance(LATER)
        gone = Leaving(town.plain.vault.hash(town.address(people[0], Channel.SMS)), NOON)
        town.killer.calls, town.killer.at, town.killer.after = 0, at, after
        died = _dies(town, gone)
        town.killer.at = 0
        town.clock.advance(timedelta(minutes=2))
        restore(town, gone)
        seen.add(died)
        assert {town.state_of(one) for one in (name, other)} == {BroadcastState.NEEDS_REVIEW}
        assert standings(town, name) == {State.ACCEPTED: 1, State.UNCONFIRMED: 2}, at
        assert town.plain.subscriptions.of(people[0]) == []
        assert [one.what for one in town.plain.audit.of("restore")] == ["table.restored"]
        live(town, 4)
        assert town.handed_over() == handed, at
        if not died:
            break
    assert seen == {True, False}
    assert at > 50


def _dies(town: Town, gone: Leaving) -> bool:
    try:
        restore(town, gone)
    except Crash:
        return True
    return False
