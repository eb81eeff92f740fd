"""A broadcast from due to settled, without faults."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.consent import How, Step
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.message import Advice, Answer, Outcome
from chalicelib.flows.progress import progress
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.state.table import Delete
from tests.engine.town import Town

UNKNOWN = Outcome(Answer.UNKNOWN, "timeout")


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_everyone_who_follows_is_handed_one_message_per_channel(town: Town) -> None:
    people = [town.follower("transit", channels=list(Channel)) for _ in range(40)]
    name = town.broadcast("transit")
    town.settle(name)
    assert town.handed_over() == Counter(town.address(one, channel).text for one in people for channel in Channel)
    assert town.counts(name) == {channel: Counter({Mark(State.ACCEPTED): 40}) for channel in Channel}


def test_whoever_follows_three_matching_topics_gets_one_copy(town: Town) -> None:
    person = town.follower("transit", "transit/red-line", "events")
    name = town.broadcast("transit/red-line", "events")
    town.settle(name)
    assert town.handed_over() == {town.address(person, Channel.SMS).text: 1}


def test_a_broadcast_reaches_followers_above_its_topic_but_not_below(town: Town) -> None:
    above, below = town.follower("transit"), town.follower("transit/red-line")
    first, second = town.broadcast("transit/red-line"), town.broadcast("transit")
    town.settle(first, second)
    assert town.handed_over() == {town.address(above, Channel.SMS).text: 2, town.address(below, Channel.SMS).text: 1}


def test_a_topic_that_nobody_follows_completes_with_zeros(town: Town) -> None:
    name = town.broadcast("jobs")
    town.settle(name)
    assert town.state_of(name) is BroadcastState.COMPLETED
    assert town.counts(name) == {channel: Counter() for channel in Channel}


def test_history_points_every_recipient_to_their_entry(town: Town) -> None:
    people = [town.follower("transit") for _ in range(7)]
    name = town.broadcast("transit")
    town.settle(name)
    for person in people:
        pointer = town.plain.history.find(person, name, Channel.SMS)
        assert pointer
        assert town.plain.batches.read([pointer.batch])[pointer.batch].standing(pointer.entry) == Mark(State.ACCEPTED)


def test_an_opted_out_address_is_skipped_and_the_ledger_says_why(town: Town) -> None:
    person = town.follower("transit")
    name = town.broadcast("transit")
    town.work(most=17)  # planned, not yet handed over
    town.plain.addresses.opt_out(town.plain.vault.hash(town.address(person, Channel.SMS)), town.clock())
    town.settle(name)
    assert not town.handed_over()
    assert town.counts(name)[Channel.SMS] == {Mark(State.SKIPPED, SkipReason.OPTED_OUT): 1}


def test_a_stop_leaves_the_untried_skipped_and_completes_as_stopped(town: Town) -> None:
    for _ in range(10):
        town.follower("transit", shard=3)
    name = town.broadcast("transit")
    seen: list[str] = []

    def stop_after_two(parcel: object) -> None:
        seen.append(str(parcel))
        if len(seen) == 2:
            stop_broadcast(name, by="ana", services=town.services)

    town.providers[Channel.SMS].before_call = stop_after_two
    town.settle(name)
    assert town.state_of(name) is BroadcastState.STOPPED
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): 3, Mark(State.SKIPPED, SkipReason.BROADCAST_STOPPED): 7}


def test_nothing_is_handed_over_after_expiry(town: Town) -> None:
    town.follower("transit")
    name = town.broadcast("transit", lasts=timedelta(minutes=5), later=timedelta(minutes=1))
    town.clock.advance(timedelta(minutes=6))
    town.settle(name)
    assert not town.handed_over()
    assert town.counts(name)[Channel.SMS] == {Mark(State.EXPIRED): 1}


def test_quiet_hours_hold_what_is_not_urgent_until_they_end(town: Town) -> None:
    person = town.follower("transit", quiet=(6 * 60, 9 * 60))  # it is 07:00 in the city
    name = town.broadcast("transit")
    town.work()
    town.tick()
    assert town.counts(name)[Channel.SMS] == {Mark(State.HELD): 1}
    town.settle(name)
    assert [one.at.hour for one in town.providers[Channel.SMS].truth] == [14]
    assert town.handed_over() == {town.address(person, Channel.SMS).text: 1}


def test_an_urgent_broadcast_passes_quiet_hours(town: Town) -> None:
    town.follower("emergency", quiet=(0, 23 * 60))
    name = town.broadcast("emergency", urgent=True)
    town.work()
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): 1}


def test_an_unapproved_broadcast_never_leaves(town: Town) -> None:
    town.follower("transit")
    name = town.broadcast("transit", state=BroadcastState.AWAITING_APPROVAL)
    for _ in range(3):
        town.work()
        town.tick()
        town.clock.advance(timedelta(minutes=1))
    assert not town.handed_over()
    assert town.state_of(name) is BroadcastState.AWAITING_APPROVAL


def test_a_missed_queue_message_is_caught_up_by_the_sweep(town: Town) -> None:
    town.follower("transit")
    name = town.broadcast("transit")
    lost = town.state.queues.receive(["launch"], 1, 60)
    town.state.queues.delete(lost[0].id)
    town.settle(name)
    assert sum(town.handed_over().values()) == 1


def test_an_equal_text_from_before_the_attempt_is_no_evidence(town: Town) -> None:
    address = town.address(town.follower("transit"), Channel.SMS)
    provider = town.providers[Channel.SMS]
    provider.can_find = True
    first = town.broadcast("transit")
    town.settle(first)
    town.clock.advance(timedelta(seconds=12))
    provider.answers[address.value] = [UNKNOWN]
    second = town.broadcast("transit")
    town.settle(second)
    assert town.handed_over()[address.text] == 2
    assert town.counts(second)[Channel.SMS] == {Mark(State.ACCEPTED): 1}


@pytest.mark.parametrize(
    ("looked_at", "last"),
    [([1], "accepted"), ([1, 4], "unconfirmed"), ([8], "unconfirmed"), ([8, 40], "unconfirmed"), ([40], "accepted")],
    ids=["a day later", "after three days", "only after a week", "its rows are gone since", "never while there were rows"],
)
def test_whom_no_receipt_spoke_of_reads_as_unconfirmed_in_the_end(town: Town, looked_at: list[int], last: str) -> None:
    town.follower("transit")
    name, began = town.broadcast("transit"), town.clock()
    town.settle(name)
    for day in looked_at:
        town.clock.moment = began + timedelta(days=day)
        if day > 30:
            town.state.table.transact([Delete(row.key) for row in town.state.rows() if row.key.partition.startswith(f"B#{name}#")])
        found = town.plain.broadcasts.get(name)
        assert found is not None
        counts = progress(found, services=town.services).counts
    assert counts is not None
    texts = counts["sms"]
    assert isinstance(texts, dict)
    assert {state: number for state, number in texts.items() if number} == {last: 1}


def test_a_provider_that_says_opted_out_ends_all_that_goes_there(town: Town) -> None:
    person = town.follower("transit", "events", channels=[Channel.SMS, Channel.EMAIL])
    address = town.address(person, Channel.SMS)
    town.providers[Channel.SMS].answers[address.value] = [Outcome(Answer.REFUSED, "21610", advice=Advice.OPTED_OUT)]
    town.settle(town.broadcast("transit"))
    assert town.plain.subscriptions.of(person, Channel.SMS) == []
    assert {one.topic for one in town.plain.subscriptions.of(person, Channel.EMAIL)} == {"transit", "events"}
    assert {(entry.topic, entry.step, entry.how) for entry in town.plain.consents.of(person)} == {
        ("transit", Step.STOPPED, How.PROVIDER),
        ("events", Step.STOPPED, How.PROVIDER),
    }
    assert set(town.plain.subscribers.find(address).memory.ended) == {"transit", "events"}


REFUSALS = {
    "opted out at the provider": (Outcome(Answer.REFUSED, "21610", advice=Advice.OPTED_OUT), Mark(State.FAILED), True),
    "a bad number": (Outcome(Answer.REFUSED, "21211", advice=Advice.BAD_ADDRESS), Mark(State.FAILED), False),
}


@pytest.mark.parametrize(("outcome", "mark", "opted_out"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_fails_the_delivery_and_heeds_what_it_says(town: Town, outcome: Outcome, mark: Mark, opted_out: bool) -> None:
    address = town.address(town.follower("transit"), Channel.SMS)
    town.providers[Channel.SMS].answers[address.value] = [outcome]
    name = town.broadcast("transit")
    town.settle(name)
    assert town.counts(name)[Channel.SMS] == {mark: 1}
    known = town.plain.addresses.find(address)
    assert known and (known.opted_out is not None) is opted_out


def test_later_is_tried_again_and_costs_nobody_a_copy(town: Town) -> None:
    people = [town.follower("transit", shard=1) for _ in range(5)]
    throttled = town.address(people[1], Channel.SMS).value
    town.providers[Channel.SMS].answers[throttled] = [Outcome(Answer.LATER, "20429")] * 3
    name = town.broadcast("transit")
    town.settle(name)
    assert town.handed_over() == Counter(town.address(one, Channel.SMS).text for one in people)


DOUBTS = {
    "routine, no evidence: never sent again": (False, False, False, 0, State.UNCONFIRMED),
    "routine, provider took it and says so": (False, True, True, 1, State.ACCEPTED),
    "routine, provider did not take it and says so: sent again once": (False, False, True, 1, State.ACCEPTED),
    "urgent, no evidence: sent again once": (True, False, False, 1, State.ACCEPTED),
    "urgent, no evidence, it had arrived": (True, True, False, 2, State.ACCEPTED),
}


@pytest.mark.parametrize(("urgent", "took", "can_find", "copies", "state"), DOUBTS.values(), ids=DOUBTS.keys())
def test_a_lost_answer_is_settled_by_evidence(town: Town, urgent: bool, took: bool, can_find: bool, copies: int, state: State) -> None:
    address = town.address(town.follower("transit"), Channel.SMS)
    provider = town.providers[Channel.SMS]
    provider.answers[address.value], provider.can_find = [UNKNOWN], can_find
    if took:
        provider.swallowed.add(address.value)
    name = town.broadcast("transit", urgent=urgent)
    town.work()
    assert town.counts(name)[Channel.SMS] == {Mark(State.UNKNOWN): 1}
    town.settle(name)
    assert town.counts(name)[Channel.SMS] == {Mark(state): 1}
    assert town.handed_over()[address.text] == copies


def test_a_receipt_settles_a_lost_answer_at_once(town: Town) -> None:
    address = town.address(town.follower("transit"), Channel.SMS)
    provider = town.providers[Channel.SMS]
    provider.answers[address.value] = [UNKNOWN]
    provider.swallowed.add(address.value)
    name = town.broadcast("transit")
    town.work()
    town.deliver_receipts()
    town.work()
    town.tick()
    assert town.state_of(name) is BroadcastState.COMPLETED
    assert town.counts(name)[Channel.SMS] == {Mark(State.DELIVERED): 1}


def test_receipts_in_any_order_and_number_never_move_a_delivery_back(town: Town) -> None:
    town.follower("transit")
    name = town.broadcast("transit")
    town.settle(name)
    for state in (State.DELIVERED, State.ACCEPTED, State.DELIVERED, State.FAILED, State.ACCEPTED):
        town.deliver_receipts(state=state)
    assert town.counts(name)[Channel.SMS] == {Mark(State.DELIVERED): 1}


def test_hand_overs_keep_to_the_pace(tmp_path: Path) -> None:
    town = Town(tmp_path, pace={Channel.SMS: 10})
    for _ in range(60):
        town.follower("transit", shard=2)
    name = town.broadcast("transit")
    town.settle(name)
    moments = [one.at for one in town.providers[Channel.SMS].truth]
    assert len(moments) == 60
    for start in moments:
        assert sum(start <= other < start + timedelta(seconds=1) for other in moments) <= 10
