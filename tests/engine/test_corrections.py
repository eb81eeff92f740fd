"""A correction goes to exactly those who got the wrong one, or may have: read from its rows, whatever died on the way."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState, hash_of
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.jobs import FanOutJob, LaunchJob, read_send
from chalicelib.domain.message import Answer, Outcome
from chalicelib.domain.notice import Act
from chalicelib.errors import Conflict, NotFound, StateContended, StateLater, TransactionRefused
from chalicelib.flows.approve import approve
from chalicelib.flows.correct import correct
from chalicelib.flows.fan_out import fan_out
from chalicelib.flows.launch import launch
from chalicelib.flows.progress import not_read
from chalicelib.flows.send_batch import send_batch
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.state.table import Change
from chalicelib.store.broadcast_rows import broadcast_key
from tests.engine.correcting import a_correction, broadcast, corrected, may_have, recipients
from tests.engine.midway import After, happening, in_small_pages
from tests.engine.town import Crash, Killer, Town

UNKNOWN = Outcome(Answer.UNKNOWN, "timeout")
STOPPED = Mark(State.SKIPPED, SkipReason.BROADCAST_STOPPED)
SMS = Channel.SMS


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def texts_to(town: Town, subscriber: str) -> int:
    return town.handed_over()[town.address(subscriber, SMS).text]


# --- who -------------------------------------------------------------------------------------------------------------


def test_only_those_who_got_it_or_may_have_are_told_what_is_right(town: Town) -> None:
    people = {name: town.follower("transit", shard=3) for name in ("accepted", "delivered", "unknown", "failed", "opted out", "failed later")}
    answers = town.providers[SMS].answers
    answers[town.address(people["unknown"], SMS).value] = [UNKNOWN]
    answers[town.address(people["failed"], SMS).value] = [Outcome(Answer.REFUSED, "21211")]
    town.plain.addresses.opt_out(town.plain.vault.hash(town.address(people["opted out"], SMS)), town.clock())
    wrong = town.broadcast("transit")
    town.work()
    [(key, _)] = town.plain.batches.of_shard(wrong, 3)
    town.plain.batches.add_receipts(key, {State.DELIVERED: [1], State.FAILED: [5]})
    right = corrected(town, wrong)
    town.settle(right)
    assert recipients(town, right) == {(people[name], SMS) for name in ("accepted", "delivered", "unknown")}
    assert {name: texts_to(town, one) for name, one in people.items()} == {
        "accepted": 2,
        "delivered": 2,
        "unknown": 1,  # the first was lost
        "failed": 0,
        "opted out": 0,
        "failed later": 1,
    }


def test_who_is_unconfirmed_in_the_end_is_told_too(town: Town) -> None:
    person = town.follower("transit")
    town.providers[SMS].answers[town.address(person, SMS).value] = [UNKNOWN]
    wrong = town.broadcast("transit")
    town.settle(wrong)
    assert town.counts(wrong)[SMS] == {Mark(State.UNCONFIRMED): 1}
    town.settle(right := corrected(town, wrong))
    assert recipients(town, right) == {(person, SMS)}


def test_everybody_who_got_it_is_told_on_the_channels_it_came_by(town: Town) -> None:
    people = [town.follower("transit", "events", channels=list(Channel)) for _ in range(20)]
    wrong = town.broadcast("transit")
    town.settle(wrong)
    town.follower("transit")  # came later
    town.settle(right := corrected(town, wrong))
    assert recipients(town, right) == {(one, channel) for one in people for channel in Channel}
    assert town.counts(right) == {channel: Counter({Mark(State.ACCEPTED): 20}) for channel in Channel}


def test_who_follows_no_longer_is_told_unless_they_opted_out(town: Town) -> None:
    left, stopped = town.follower("transit"), town.follower("transit")
    wrong = town.broadcast("transit")
    town.settle(wrong)
    town.state.table.transact(town.plain.subscriptions.leave_writes(left, "transit", SMS))
    town.plain.addresses.opt_out(town.plain.vault.hash(town.address(stopped, SMS)), town.clock())
    town.settle(right := corrected(town, wrong))
    assert recipients(town, right) == {(left, SMS), (stopped, SMS)}
    assert (texts_to(town, left), texts_to(town, stopped)) == (2, 1)


def test_a_correction_keeps_each_language_and_waits_for_the_end_of_quiet_hours(town: Town) -> None:
    town.follower("transit", locale="es", shard=3)
    town.follower("transit", locale="en", quiet=(10 * 60, 11 * 60), shard=3)
    wrong = town.broadcast("transit")
    town.settle(wrong)
    town.clock.advance(timedelta(hours=3, minutes=30))  # it is past 10 in the city
    right = corrected(town, wrong)
    town.work()
    assert town.counts(right)[SMS] == {Mark(State.ACCEPTED): 1, Mark(State.HELD): 1}
    assert {town.plain.reach.everybody(right).__next__().locale} == {"es"}


def test_a_correction_can_be_corrected(town: Town) -> None:
    got, missed = town.follower("transit", shard=3), town.follower("transit", shard=3)
    wrong = town.broadcast("transit")
    town.settle(wrong)
    town.providers[SMS].answers[town.address(missed, SMS).value] = [Outcome(Answer.REFUSED, "30003")]
    town.settle(worse := corrected(town, wrong))
    town.settle(right := corrected(town, worse))
    assert recipients(town, right) == {(got, SMS)}
    content = town.plain.broadcasts.content(right)
    assert content and (content.act, content.revision, content.notice) == (Act.CORRECTED, 3, "nt_1")


def test_many_pages_are_corrected_page_by_page(town: Town) -> None:
    people = {(town.follower("transit", shard=3), SMS) for _ in range(25)}
    wrong = in_small_pages(town, 6).broadcast("transit")
    town.settle(wrong)
    town.settle(right := corrected(town, wrong))
    assert recipients(town, right) == people
    assert [len(shard.tokens) for shard in town.plain.progress.shards(right)] == [max(1, len(shard.tokens)) for shard in town.plain.progress.shards(wrong)]


# --- while the wrong one runs ----------------------------------------------------------------------------------------


def test_correcting_stops_what_still_runs_and_says_so_in_both_ledgers(town: Town) -> None:
    for _ in range(10):
        town.follower("transit", shard=3)
    wrong, right = town.broadcast("transit"), []
    happening(town, After("provider", nth=2, happens=lambda: right.append(corrected(town, wrong))))
    town.settle(wrong)
    town.settle(right[0])
    assert town.state_of(wrong) is BroadcastState.STOPPED
    assert town.counts(wrong)[SMS] == {Mark(State.ACCEPTED): 3, STOPPED: 7}
    assert recipients(town, right[0]) == may_have(town, wrong)
    assert [entry.what for entry in town.plain.audit.of(wrong) if entry.who == "ben"] == ["broadcast.stopped", "broadcast.corrected"]
    assert [entry.what for entry in town.plain.audit.of(right[0]) if entry.who == "ben"] == ["broadcast.created"]
    assert (broadcast(town, wrong).corrected_by, broadcast(town, right[0]).audience.corrects) == (right[0], wrong)


def test_a_page_waits_while_somebody_on_it_may_be_getting_the_wrong_one(town: Town) -> None:
    for _ in range(5):
        town.follower("transit", shard=3)
    wrong, right = town.broadcast("transit"), []

    def correct_at_once() -> None:
        right.append(corrected(town, wrong))
        launch(LaunchJob(right[0]), services=town.services)
        fan_out(FanOutJob(right[0], 3), services=town.services)
        assert recipients(town, right[0]) == set()

    happening(town, After("provider", nth=1, happens=correct_at_once))
    town.work()
    assert recipients(town, right[0]) == may_have(town, wrong)
    assert town.counts(wrong)[SMS] == {Mark(State.ACCEPTED): 3, STOPPED: 2}


@pytest.mark.parametrize("arrived", [True, False], ids=["it had arrived", "it had not"])
def test_whom_a_dead_worker_may_have_called_is_told_within_two_minutes(town: Town, arrived: bool) -> None:
    people = [town.follower("transit", shard=3) for _ in range(5)]

    def die() -> None:
        raise Crash

    wrong = town.broadcast("transit")
    if arrived:
        happening(town, After("provider", nth=2, happens=die))
    else:
        town.work(most=17)
        for provider in town.providers.values():
            provider.killer = Killer(at=2)
    town.work()
    decided = town.clock()
    right = corrected(town, wrong)
    while not recipients(town, right):
        assert town.clock() - decided <= timedelta(seconds=120)
        town.work()
        town.clock.advance(timedelta(seconds=5))
    assert recipients(town, right) == {(one, SMS) for one in people[:3]}
    town.settle(wrong, right)
    assert recipients(town, right) == may_have(town, wrong)


def test_shards_of_the_wrong_one_that_nobody_read_hold_nobody_to_tell(town: Town) -> None:
    got = town.follower("transit", shard=3)
    town.follower("transit", shard=4)
    wrong = town.broadcast("transit")
    town.work(most=1)
    fan_out(FanOutJob(wrong, 3), services=town.services)
    send_batch(read_send(town.state.queues.receive(["sms-routine"], 1, 60)[0].body), services=town.services)
    right = corrected(town, wrong)
    town.settle(wrong, right)
    assert recipients(town, right) == may_have(town, wrong) == {(got, SMS)}


def test_a_stopped_correction_counts_whom_it_never_read(town: Town) -> None:
    for _ in range(25):
        town.follower("transit", shard=3)
    wrong = in_small_pages(town, 6).broadcast("transit")
    town.settle(wrong)
    right = corrected(town, wrong)
    happening(town, After("update", f"B#{right}", "SHARD#3", nth=2, happens=lambda: stop_broadcast(right, by="ana", services=town.services)))
    town.settle(right)
    left = not_read(broadcast(town, right), services=town.services)
    assert left and left.channels[SMS] == 25 - town.counts(right)[SMS].total() > 0


def a_wrong_one(folder: Path) -> tuple[str, int]:
    """A town's state in which four of five got a broadcast on two pages, and somebody corrects it. The correction, and the ids that were given."""
    folder.mkdir()
    town = Town(folder)
    for _ in range(5):
        town.follower("transit", shard=3)
    wrong = in_small_pages(town, 3).broadcast("transit")
    happening(town, After("provider", nth=4, happens=lambda: stop_broadcast(wrong, by="ana", services=town.services)))
    town.settle(wrong)
    right = corrected(town, wrong)
    town.state.file.close()
    return right, town.ids


def the_same_with(killer: Killer, folder: Path, base: Path, ids: int) -> Town:
    """A town that goes on from there, until it dies."""
    shutil.copytree(base, folder)
    town = Town(folder, killer=killer)
    town.ids = ids
    return in_small_pages(town, 3)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_death_at_any_call_of_a_correction_loses_and_doubles_nobody(tmp_path: Path, after: bool) -> None:
    right, ids = a_wrong_one(tmp_path / "base")
    clean = Killer()
    town = the_same_with(clean, tmp_path / "clean", tmp_path / "base", ids)
    town.settle(right)
    told = recipients(town, right)
    calls = [at for at, name in enumerate(clean.names, 1) if "SHARD#" not in name or "SHARD#3" in name]
    assert len(told) == 4 and len(calls) > 40
    for at in calls:
        town = the_same_with(Killer(at=at, after=after), tmp_path / f"{at}", tmp_path / "base", ids)
        town.settle(right)
        assert recipients(town, right) == told, f"died at {clean.names[at - 1]}"
        assert set(town.counts(right)[SMS]) <= {Mark(State.ACCEPTED), Mark(State.UNCONFIRMED)}
        assert set(town.handed_over().values()) == {1}
        town.state.file.close()


def test_whom_it_corrects_is_part_of_what_is_approved(town: Town) -> None:
    town.follower("transit")
    wrong = town.broadcast("transit")
    town.settle(wrong)
    right = broadcast(town, corrected(town, wrong))
    content = town.plain.broadcasts.content(right.id)
    assert content and right.approval
    assert right.approval.hash == hash_of(content, right.audience) != hash_of(content, replace(right.audience, corrects=None))


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_correction_is_approved_like_any_broadcast(town: Town) -> None:
    person = town.follower("emergency")
    wrong = town.broadcast("emergency", urgent=True)
    town.settle(wrong)
    right = corrected(town, wrong)
    town.work()
    assert town.state_of(right) is BroadcastState.AWAITING_APPROVAL
    approve(right, by="cleo", services=town.services)
    town.settle(right)
    assert texts_to(town, person) == 2


def nothing(town: Town, wrong: str) -> None:
    """Correct it as it is."""


def review(town: Town, wrong: str) -> None:
    town.state.table.update(broadcast_key(wrong), Change(set={"state": str(BroadcastState.NEEDS_REVIEW)}))


def send_to_nobody(town: Town, wrong: str) -> None:
    for number in range(1, 4):
        town.providers[SMS].answers[f"+1202555{number:04d}"] = [Outcome(Answer.REFUSED, "21211")]
    town.settle(wrong)


def stop_first(town: Town, wrong: str) -> None:
    stop_broadcast(wrong, by="ana", services=town.services)


def begin(town: Town, wrong: str) -> None:
    town.work(most=1)


def correct_before(town: Town, wrong: str) -> None:
    town.settle(wrong)
    corrected(town, wrong, key="earlier")


def forget(town: Town, wrong: str) -> None:
    town.settle(wrong)
    town.clock.advance(timedelta(days=30))


REFUSED: dict[str, tuple[Callable[[Town, str], None], str]] = {
    "not begun": (nothing, "nothing_to_correct"),
    "waiting for a person before it began": (review, "nothing_to_correct"),
    "stopped before it began": (stop_first, "nothing_to_correct"),
    "begun and not yet handed to anybody": (begin, "nothing_to_correct"),
    "handed to nobody": (send_to_nobody, "nothing_to_correct"),
    "corrected already": (correct_before, "already_corrected"),
    "so long ago that its rows are gone": (forget, "too_old"),
}


@pytest.mark.parametrize(("before", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_corrected_is_refused_with_its_reason(town: Town, before: Callable[[Town, str], None], code: str) -> None:
    town.follower("transit", shard=3)
    wrong = town.broadcast("transit")
    before(town, wrong)
    with pytest.raises(Conflict) as refused:
        corrected(town, wrong)
    assert refused.value.reason == code
    with pytest.raises(NotFound):
        corrected(town, "bc_unknown")


def test_what_has_not_begun_is_not_stopped_by_correcting_it(town: Town) -> None:
    wrong = town.broadcast("transit")
    with pytest.raises(Conflict):
        corrected(town, wrong)
    assert town.state_of(wrong) is BroadcastState.SCHEDULED


def test_what_was_put_aside_in_the_middle_is_corrected_and_never_taken_up_again(town: Town) -> None:
    person = town.follower("transit")
    wrong = town.broadcast("transit")
    town.settle(wrong)
    town.state.table.update(broadcast_key(wrong), Change(set={"state": str(BroadcastState.NEEDS_REVIEW)}))
    right = corrected(town, wrong)
    assert town.state_of(wrong) is BroadcastState.STOPPED
    town.settle(right)
    assert recipients(town, right) == {(person, SMS)}


def test_a_correction_that_was_stopped_makes_room_for_a_better_one(town: Town) -> None:
    town.follower("transit")
    wrong = town.broadcast("transit")
    town.settle(wrong)
    first = corrected(town, wrong, key="first")
    stop_broadcast(first, by="ben", services=town.services)
    second = corrected(town, wrong, key="second")
    town.settle(second)
    assert broadcast(town, wrong).corrected_by == second
    assert sum(town.handed_over().values()) == 2


# --- at the same time ------------------------------------------------------------------------------------------------


def a_sent_one(town: Town) -> str:
    town.follower("transit")
    wrong = town.broadcast("transit")
    town.settle(wrong)
    return wrong


def test_the_same_request_at_the_same_time_makes_one_correction(town: Town) -> None:
    wrong, first = a_sent_one(town), []
    happening(town, After("get", "NOTICE", nth=1, happens=lambda: first.append(correct(a_correction(wrong), services=town.services))))
    second = correct(a_correction(wrong), services=town.services)
    assert (second.answer, second.replayed, first[0].replayed) == (first[0].answer, True, False)
    assert len(town.plain.broadcasts.page(limit=10)[0]) == 2


def test_of_two_who_correct_at_once_the_second_learns_of_the_first(town: Town) -> None:
    wrong, first = a_sent_one(town), []
    happening(town, After("get", "NOTICE", nth=1, happens=lambda: first.append(corrected(town, wrong, key="other"))))
    with pytest.raises(Conflict, match=r"was corrected by bc_") as refused:
        corrected(town, wrong)
    assert first[0] in refused.value.detail


def test_a_broadcast_that_ends_while_it_is_being_stopped_is_corrected_as_it_ended(town: Town) -> None:
    town.follower("transit")
    wrong = town.broadcast("transit")
    town.work(most=1)
    happening(town, After("get", "BROADCAST", nth=1, happens=lambda: town.settle(wrong)))
    right = corrected(town, wrong)
    assert town.state_of(wrong) is BroadcastState.COMPLETED
    assert broadcast(town, wrong).corrected_by == right


class Refusing:
    """A table whose every transaction meets what `says`."""

    def __init__(self, inner: Any, says: Exception) -> None:
        self.inner, self.says = inner, says

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def transact(self, writes: object) -> None:
        """It does not happen."""
        raise self.says


NOT_NOW: dict[str, tuple[bool, Exception, type[Exception]]] = {
    "the stop always loses": (True, TransactionRefused({0: {}}), StateLater),
    "the correction always loses": (False, TransactionRefused({3: {}}), StateLater),
    "the same request is in flight": (False, StateContended(frozenset({0})), Conflict),
    "others are at the same rows": (False, StateContended(frozenset({3})), StateContended),
    "the table throttles": (False, StateLater("ThrottlingError"), StateLater),
}


@pytest.mark.parametrize(("running", "says", "raised"), NOT_NOW.values(), ids=NOT_NOW.keys())
def test_what_cannot_be_kept_now_is_for_the_caller_to_send_again(town: Town, running: bool, says: Exception, raised: type[Exception]) -> None:
    wrong = a_sent_one(town)
    if running:
        wrong = town.broadcast("transit")
        town.work(most=1)
    watched = town.services.store.table
    object.__setattr__(watched, "inner", Refusing(watched.inner, says))
    with pytest.raises(raised):
        corrected(town, wrong)
