"""What providers prove of an address is done to it, once: opted out, bad, or bad after a while; and the look passes it over."""

import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.domain.message import Advice, Answer, Outcome
from chalicelib.flows.heeding import Word, heed
from chalicelib.flows.record_receipt import record_receipt
from chalicelib.logs import JsonLine
from chalicelib.store.addresses import KnownAddress, address_key
from chalicelib.store.batch_rows import far_key, what_key
from tests.engine.town import Crash, Killer, Town

BAD, TWICE, FIVE, STOPPED = Advice.BAD_ADDRESS, Advice.BAD_IF_TWICE, Advice.BAD_IF_FIVE_TIMES, Advice.OPTED_OUT
CODES = {BAD: "30006", TWICE: "30005", FIVE: "Transient/MailboxFull", STOPPED: "complaint/abuse"}


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def known(town: Town, person: str, channel: Channel = Channel.SMS) -> KnownAddress:
    found = town.plain.addresses.find(town.address(person, channel))
    assert found
    return found


def a_delivery(town: Town, channel: Channel = Channel.SMS) -> str:
    """A broadcast handed over to whoever follows; the token of its last delivery."""
    town.settle(town.broadcast("transit"))
    return town.providers[channel].truth[-1].token


def receipt(town: Town, token: str, advice: Advice, *, state: State = State.FAILED) -> None:
    record_receipt([ReceiptJob(token, str(state), CODES.get(advice, ""), str(advice))], services=town.services)


# --- bad addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("advice", "enough"), [(BAD, 1), (TWICE, 2), (FIVE, 5)], ids=str)
def test_an_address_is_bad_after_so_many_deliveries_said_so(town: Town, advice: Advice, enough: int) -> None:
    person = town.follower("transit")
    for number in range(enough):
        assert known(town, person).bad is None, number
        receipt(town, a_delivery(town), advice)
    assert known(town, person).bad == CODES[advice]
    handed = len(town.providers[Channel.SMS].truth)
    skipped = town.broadcast("transit")
    town.settle(skipped)
    assert town.counts(skipped)[Channel.SMS] == {Mark(State.SKIPPED, SkipReason.NO_ADDRESS): 1}
    assert len(town.providers[Channel.SMS].truth) == handed


@pytest.mark.parametrize(("code", "advice", "bad"), [("21211", BAD, True), ("30004", TWICE, False), ("21408", Advice.NONE, False)])
def test_what_is_proven_at_the_hand_over_counts_as_much(town: Town, code: str, advice: Advice, bad: bool) -> None:
    person, other = town.follower("transit", shard=4), town.follower("transit", shard=4)
    town.providers[Channel.SMS].answers[town.address(person, Channel.SMS).value] = [Outcome(Answer.REFUSED, code, advice=advice)]
    first, second = town.broadcast("transit"), town.broadcast("transit")
    town.settle(first, second)
    assert (known(town, person).bad, known(town, person).faults) == (code if bad else None, int(advice is TWICE))
    assert town.counts(first)[Channel.SMS] == {Mark(State.FAILED): 1, Mark(State.ACCEPTED): 1}
    skipped = {Mark(State.SKIPPED, SkipReason.NO_ADDRESS): 1} if bad else {}
    assert town.counts(second)[Channel.SMS] == {Mark(State.ACCEPTED): 1 if bad else 2, **skipped}
    assert known(town, other).bad is None


def test_a_word_about_an_address_reaches_that_address_alone(town: Town) -> None:
    people = [town.follower("transit", shard=2) for _ in range(3)]
    town.settle(town.broadcast("transit"))
    [token] = [one.token for one in town.providers[Channel.SMS].truth if one.to == town.address(people[1], Channel.SMS)]
    receipt(town, token, BAD)
    assert [known(town, person).bad for person in people] == [None, CODES[BAD], None]


def test_one_delivery_counts_once_however_often_its_receipt_comes(town: Town) -> None:
    person = town.follower("transit")
    token = a_delivery(town)
    for _ in range(4):
        receipt(town, token, TWICE)
    assert (known(town, person).bad, known(town, person).faults) == (None, 1)


@pytest.mark.parametrize(("days", "bad"), [(29, True), (31, False)])
def test_faults_far_apart_do_not_add_up(town: Town, days: int, bad: bool) -> None:
    person = town.follower("transit")
    receipt(town, a_delivery(town), TWICE)
    town.clock.advance(timedelta(days=days))
    receipt(town, a_delivery(town), TWICE)
    assert (known(town, person).bad is not None) is bad
    assert known(town, person).faults == (0 if bad else 1)


def test_a_bad_address_stays_bad_by_its_first_code(town: Town) -> None:
    person = town.follower("transit")
    first, second = a_delivery(town), a_delivery(town)
    receipt(town, first, BAD)
    receipt(town, second, TWICE)
    assert (known(town, person).bad, known(town, person).faults) == (CODES[BAD], 0)


def test_a_word_that_comes_again_after_the_address_proved_good_is_not_held_against_it(town: Town) -> None:
    person = town.follower("transit")
    token = a_delivery(town)
    receipt(town, token, BAD)
    town.plain.addresses.prove_good(known(town, person).hash)
    receipt(town, token, BAD)
    assert known(town, person).bad is None


def test_a_receipt_that_says_failed_is_final(town: Town) -> None:
    town.follower("transit")
    name = town.broadcast("transit")
    town.settle(name)
    receipt(town, town.providers[Channel.SMS].truth[-1].token, Advice.NONE)
    town.clock.advance(timedelta(hours=2))
    town.tick()
    town.work()
    assert town.counts(name)[Channel.SMS] == {Mark(State.FAILED): 1}
    assert sum(town.handed_over().values()) == 1


# --- opt-outs --------------------------------------------------------------------------------------------------------


def test_a_complaint_after_a_delivery_is_heeded_though_both_mean_delivered(town: Town) -> None:
    person = town.follower("transit", channels=[Channel.EMAIL])
    token = a_delivery(town, Channel.EMAIL)
    receipt(town, token, Advice.NONE, state=State.DELIVERED)
    receipt(town, token, STOPPED, state=State.DELIVERED)
    assert known(town, person, Channel.EMAIL).opted_out
    assert town.plain.subscriptions.of(person) == []


def test_an_opt_out_heeded_before_does_not_undo_what_its_owner_did_since(town: Town) -> None:
    person = town.follower("transit")
    [follows], token = town.plain.subscriptions.of(person), a_delivery(town)
    receipt(town, token, STOPPED)
    assert known(town, person).opted_out
    town.state.table.transact([town.plain.addresses.welcome_write(known(town, person)), *town.plain.subscriptions.join_writes(follows)])
    for _ in range(2):
        receipt(town, token, STOPPED)
    assert known(town, person).opted_out is None
    assert town.plain.subscriptions.of(person) == [follows]


def test_more_words_than_a_row_remembers_are_heeded_all_the_same(town: Town) -> None:
    person = town.follower("transit")
    hash = known(town, person).hash
    for number in range(20):
        heed(Word(f"bc_{number}", "21610", STOPPED), hash, Channel.SMS, services=town.services)
        assert known(town, person).opted_out
        town.state.table.transact([town.plain.addresses.welcome_write(known(town, person))])
    assert known(town, person).heeded == tuple(f"bc_{number}:opted_out" for number in range(12, 20))


def test_an_opt_out_of_an_address_that_is_gone_stays_said(town: Town) -> None:
    person = town.follower("transit")
    token, hash = a_delivery(town), known(town, person).hash
    town.state.table.delete(address_key(hash))
    receipt(town, token, BAD)
    assert town.plain.addresses.read([hash]) == [None]
    receipt(town, token, STOPPED)
    [found] = town.plain.addresses.read([hash])
    assert found and found.opted_out


def test_the_log_tells_of_an_opt_out_by_the_keyed_hash_alone(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    person = town.follower("transit")
    receipt(town, a_delivery(town), STOPPED)
    lines = [json.loads(JsonLine().format(one)) for one in caplog.records if one.getMessage() == "opted out"]
    assert [(line["address"], line["its_at"]) for line in lines] == [(known(town, person).hash, "2026-12-01T12:00:00Z")]
    assert town.address(person, Channel.SMS).value not in caplog.text


# --- whatever happens meanwhile --------------------------------------------------------------------------------------


@pytest.mark.parametrize("advice", [BAD, TWICE, STOPPED], ids=str)
def test_a_receipt_whose_worker_dies_anywhere_is_heeded_once_when_it_comes_again(tmp_path: Path, advice: Advice) -> None:
    died = 0
    for at in range(1, 30):
        for after in (False, True):
            (folder := tmp_path / f"{at}{after}").mkdir()
            town = Town(folder)
            person = town.follower("transit", "events")
            token = a_delivery(town)
            town.killer.calls, town.killer.at, town.killer.after = 0, at, after
            try:
                receipt(town, token, advice)
            except Crash:
                died += 1
            town.killer.at = 0
            receipt(town, token, advice)
            found = known(town, person)
            assert (found.bad is not None, found.faults, found.opted_out is not None) == (advice is BAD, int(advice is TWICE), advice is STOPPED), at
            assert (town.plain.subscriptions.of(person) == []) is (advice is STOPPED)
            assert len(found.heeded) == 1
    assert died > 4


def test_two_words_at_once_both_count(tmp_path: Path) -> None:
    """Between reading and writing, another receipt of the same address comes."""
    town = Town(tmp_path, killer=(killer := Between()))
    person = town.follower("transit")
    first, second = a_delivery(town), a_delivery(town)
    killer.then = lambda: receipt(town, second, TWICE)
    receipt(town, first, TWICE)
    assert known(town, person).bad == CODES[TWICE]


def test_a_stop_in_between_is_kept(tmp_path: Path) -> None:
    town = Town(tmp_path, killer=(killer := Between()))
    person = town.follower("transit")
    first, second = a_delivery(town), a_delivery(town)
    killer.then = lambda: receipt(town, second, STOPPED)
    receipt(town, first, STOPPED)
    assert known(town, person).opted_out
    assert len(known(town, person).heeded) == 2


class Between(Killer):
    """Lets something happen right before the next update of an address row."""

    then = None

    def __call__(self, name: str, call):  # type: ignore[no-untyped-def]
        if self.then and name.startswith("update") and "ADDRESS" in name:
            then, self.then = self.then, None
            then()
        return super().__call__(name, call)


# --- what is nobody's fault here -------------------------------------------------------------------------------------


def test_a_provider_that_refuses_our_account_in_receipts_is_told_of_once_and_nothing_is_held_against_anybody(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    people = [town.follower("transit", shard=1) for _ in range(3)]
    town.settle(town.broadcast("transit"))
    jobs = [ReceiptJob(one.token, "failed", "30034", "our_account") for one in town.providers[Channel.SMS].truth]
    record_receipt(jobs, services=town.services)
    assert [(one.getMessage(), one.fields) for one in caplog.records] == [("provider refuses our account", {"codes": ["30034"]})]  # type: ignore[attr-defined]
    assert [known(town, person).bad for person in people] == [None] * 3


def test_a_word_about_a_batch_that_is_gone_is_passed_over(town: Town) -> None:
    person = town.follower("transit")
    name = town.broadcast("transit")
    town.settle(name)
    pointer = town.plain.history.find(person, name, Channel.SMS)
    assert pointer
    town.state.table.delete(what_key(pointer.batch))
    town.state.table.delete(far_key(pointer.batch))
    receipt(town, town.providers[Channel.SMS].truth[-1].token, BAD)
    assert known(town, person).bad is None


def test_a_token_that_is_not_ours_is_passed_over(town: Town) -> None:
    receipt(town, "made-up", BAD)


def test_a_word_that_asks_nothing_changes_nothing(town: Town) -> None:
    before = known(town, town.follower("transit"))
    heed(Word("bc_1", "30008", Advice.NONE), before.hash, Channel.SMS, services=town.services)
    assert town.plain.addresses.read([before.hash]) == [before]


def test_an_address_that_is_gone_cannot_be_proven_good(town: Town) -> None:
    town.plain.addresses.prove_good("1.gone")
    assert town.plain.addresses.read(["1.gone"]) == [None]
