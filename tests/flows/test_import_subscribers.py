"""Importing subscribers: 10,000 rows with every kind of bad one, three times and killed on the way; whoever said no is left alone."""

import json
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import How, Step, read_detail, wording_id
from chalicelib.domain.filters import Filters
from chalicelib.domain.importing import MOST_TOPICS, Finding, Good, Row, Wrong, report_of
from chalicelib.domain.message import Streak
from chalicelib.domain.preferences import Preferences
from chalicelib.domain.topic import Topic
from chalicelib.errors import StateLater, TransactionRefused
from chalicelib.feeds.subscribers_csv import read_subscribers
from chalicelib.flows.import_subscribers import import_subscribers
from chalicelib.store.addresses import Fault
from chalicelib.store.stores import Stores
from chalicelib.store.subscriptions import Subscription
from local.proof.evidence import every_row
from tests.conversation.crossing import Meddling
from tests.engine.town import Crash, Killer, Town
from tests.feeds.subscribers import HEADER, KINDS, WORDS, a_row, mixed, phone, text_of


@pytest.fixture
def town() -> Town:
    return Town()


def run(town: Town, text: str, *, apply: bool = True) -> list[Finding]:
    """Import a file."""
    return list(import_subscribers(read(town, text), apply=apply, by="omar", services=town.services))


def read(town: Town, text: str) -> Iterator[Row | Wrong]:
    return read_subscribers(lambda: [text.encode("utf-8", "surrogatepass")], city=town.services.city, now=town.clock())


def of(*rows: dict[str, str]) -> str:
    return text_of(rows, header=(*HEADER, "person", "filters", "preferences"))


def content(town: Town) -> dict[Any, Any]:
    """All rows but the audit's, and without what is sealed anew each time."""
    return {
        row.key: {name: value for name, value in row.values.items() if name != "sealed"}
        for row in every_row(town.state.file)
        if not row.key.partition.startswith("AUDIT#")
    }


def follows(town: Town, number: int) -> list[Subscription]:
    known = town.plain.addresses.find(Address(Channel.SMS, phone(number)))
    return town.plain.subscriptions.of(known.subscriber) if known and known.subscriber else []


def codes(findings: list[Finding]) -> list[tuple[int, str, str]]:
    return [(one.line, one.column, one.code) for one in findings if isinstance(one, Wrong)]


# --- thousands --------------------------------------------------------------------------------------------------------


def file_of(count: int) -> tuple[str, dict[int, tuple[str, str]], int]:
    """A file with every kind of bad row among the good ones; what is to be said of each line; and how many subscriptions the good ones make."""
    text, line, expected, good = [text_of([])], 2, dict[int, tuple[str, str]](), 0
    for number, (row, kind) in enumerate(mixed(count)):
        if kind:
            expected[line] = (KINDS[kind].column, KINDS[kind].code)
        else:
            good += 1 + number % 2
        text.append(row)
        line += row.count("\n")
    return "".join(text), expected, good


@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.deep)])
def test_thousands_of_rows_are_told_line_by_line_and_the_good_ones_are_written_once_over_three_runs(town: Town, count: int) -> None:
    text, expected, good = file_of(count)
    for number in (0, 1, 3):  # whoever said stop, follows, or left since, is known before
        known = town.plain.addresses.claim(Address(Channel.SMS, phone(number)), subscriber=town.new_id(), verified=True)
        if number == 3:
            town.plain.addresses.opt_out(known.hash, town.clock())
    assert not [key for key in content(town) if key.partition.startswith("T#")]
    rows = list(read(town, text))

    def run(town: Town, *, apply: bool) -> list[Finding]:
        return list(import_subscribers(rows, apply=apply, by="omar", services=town.services))

    nothing = run(town, apply=False)
    assert not [key for key in content(town) if key.partition.startswith("T#")], "a dry run writes nothing"
    first = run(town, apply=True)
    assert first == nothing, "and says what will be"
    told = {one.line: (one.column, one.code) for one in first if isinstance(one, Wrong)}
    stopped = next(line for line, (_, code) in told.items() if code == "opted_out")
    assert told == expected | {stopped: ("phone", "opted_out")}
    assert {code for _, code in expected.values()} == {kind.code for kind in KINDS.values()}
    report = report_of(first, most=200)
    assert (report.rows, report.subscriptions, len(report.told)) == (count, good - 2, 200)
    once = content(town)
    assert sum(key.partition.startswith("T#") for key in once) == report.subscriptions
    for _ in range(2):
        town.clock.advance(timedelta(days=1))
        again = report_of(run(town, apply=True), most=0)
        assert (again.rows, again.good, again.subscriptions) == (count, 0, 0)
        assert content(town) == once


@pytest.mark.parametrize("rows", [500, pytest.param(2_000, marks=pytest.mark.deep)])
def test_ten_times_as_many_rows_take_about_as_much_memory(town: Town, rows: int) -> None:
    def peak(count: int) -> int:
        rows = read_subscribers(lambda: pieces(count), city=town.services.city, now=town.clock())
        tracemalloc.start()
        try:
            report_of(import_subscribers(rows, apply=False, by="omar", services=town.services), most=200)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(50)  # what is loaded once
    few, many = peak(rows), peak(10 * rows)
    assert many < 1.5 * few


def pieces(count: int) -> Iterator[bytes]:
    yield text_of([]).encode()
    for text, _ in mixed(count):
        yield text.encode("utf-8", "surrogatepass")


# --- dying and meeting others ----------------------------------------------------------------------------------------

FEW = of(a_row(1, topics="transit;jobs"), a_row(2, email="b@example.org"), a_row(3, person="p"), a_row(4, person="p", preferences='{"calm": true}'))


def test_a_run_that_dies_at_any_call_is_finished_by_the_next_and_nothing_is_written_twice() -> None:
    whole = Town()
    run(whole, FEW)
    calls, wanted = whole.killer.calls, content(whole)
    assert calls > 10
    for at in range(1, calls + 1):
        for after in (False, True):
            town = Town(killer=Killer(at=at, after=after))
            with pytest.raises(Crash):
                run(town, FEW)
            run(town, FEW)
            assert sorted(_shape(content(town))) == sorted(_shape(wanted)), (at, after)


def _shape(rows: dict[Any, Any]) -> Iterator[str]:
    """Rows without the ids that are new in each city."""
    for key, values in rows.items():
        name = key.sort if key.partition.startswith("A#") else key.partition.split("#")[0] + key.sort.split("#")[-1]
        yield f"{name} {sorted(set(values))} {values.get('topic')} {values.get('channel')} {values.get('verified')}"


class Meddled:
    """A table at which somebody does something right before each of the first transactions that write a subscription."""

    def __init__(self, inner: Any, meddle: Callable[[], None], times: int) -> None:
        self.inner, self.meddle, self.times = inner, meddle, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def transact(self, writes: Any) -> None:
        if self.times and len(writes) > 1:
            self.times -= 1
            self.meddle()
        self.inner.transact(writes)


def meddled(town: Town, meddle: Callable[[], None], times: int = 1) -> Town:
    town.services = replace(town.services, store=Stores(Meddled(town.state.table, meddle, times), town.plain.vault))
    return town


@pytest.mark.parametrize("known", [True, False], ids=["of somebody we know", "of a stranger"])
def test_a_stop_that_comes_between_is_heeded(town: Town, known: bool) -> None:
    hash = town.plain.vault.hash(Address(Channel.SMS, phone(1)))
    if known:
        run(town, of(a_row(1, topics="jobs")))
    meddled(town, lambda: town.plain.addresses.opt_out(hash, town.clock()))
    assert codes(run(town, of(a_row(1)))) == [(2, "phone", "opted_out")]
    assert "transit" not in [one.topic for one in follows(town, 1)]


@pytest.mark.parametrize("known", [True, False], ids=["of somebody we know", "of a stranger"])
def test_another_import_of_the_same_file_at_once_writes_what_is_left(town: Town, known: bool) -> None:
    other = Town(state=town.state)
    if known:
        run(town, of(a_row(1, topics="jobs")))
    meddled(town, lambda: assert_good(run(other, of(a_row(1)))))
    assert codes(run(town, of(a_row(1)))) == [(2, "phone", "already")]
    [one] = [one for one in follows(town, 1) if one.topic == "transit"]
    assert [entry.topic for entry in town.plain.consents.of(one.subscriber)].count("transit") == 1


def assert_good(findings: list[Finding]) -> None:
    assert codes(findings) == []


def test_who_is_never_let_through_is_told_to_run_again(town: Town) -> None:
    def refuse() -> None:
        raise TransactionRefused({0: None})

    meddled(town, refuse, times=99)
    with pytest.raises(StateLater):
        run(town, of(a_row(1)))


# --- who is left alone -----------------------------------------------------------------------------------------------


def test_whoever_said_stop_stays_stopped_whatever_the_file_says(town: Town) -> None:
    run(town, of(a_row(1)))
    [one] = follows(town, 1)
    town.plain.addresses.opt_out(one.address, town.clock())
    town.state.table.transact(town.plain.subscriptions.leave_writes(one.subscriber, "transit", Channel.SMS))
    assert codes(run(town, of(a_row(1, consent_at="2026-11-30")))) == [(2, "phone", "opted_out")]
    assert follows(town, 1) == []
    [known] = town.plain.addresses.read([one.address])
    assert known and known.opted_out


def test_an_address_that_was_erased_stays_erased(town: Town) -> None:
    hash = town.plain.vault.hash(Address(Channel.SMS, phone(1)))
    town.plain.addresses.opt_out(hash, town.clock())
    before = content(town)
    assert codes(run(town, of(a_row(1)))) == [(2, "phone", "opted_out")]
    assert content(town) == before


@pytest.mark.parametrize("step", [Step.LEFT, Step.STOPPED])
def test_a_leaving_is_undone_by_a_later_consent_alone(town: Town, step: Step) -> None:
    run(town, of(a_row(1, topics="transit;jobs")))
    [joined] = [one for one in town.plain.consents.of(follows(town, 1)[0].subscriber) if one.topic == "transit"]
    town.clock.advance(timedelta(days=1))
    left = replace(joined, topic="*" if step is Step.STOPPED else "transit", step=step, how=How.KEYWORD, source="SM1", at=town.clock())
    gone = town.plain.subscriptions.leave_writes(joined.subscriber, "transit", Channel.SMS)
    town.state.table.transact([*gone, town.plain.consents.add_write(left)])
    found = run(town, of(a_row(1, topics="transit;jobs")))
    assert codes(found) == [(2, "phone", "left_since"), (2, "phone", "already")]
    town.clock.advance(timedelta(days=2))
    again = run(town, of(a_row(1, topics="transit", consent_at="2026-12-03")))
    assert again == [Good(2, "phone", 1)]


# --- what is written -------------------------------------------------------------------------------------------------


def test_a_row_becomes_a_subscription_with_its_proof_in_the_ledger(town: Town) -> None:
    found = run(town, of(a_row(1, topics="events", areas="harbor", zone="America/Chicago", quiet_from="21:00", quiet_until="07:00", language="es")))
    assert found == [Good(2, "phone", 1)]
    [one] = follows(town, 1)
    chosen = (Filters(areas=frozenset({"harbor"})), Preferences(zone="America/Chicago", quiet=(1260, 420)))
    assert (one.topic, one.channel, one.locale, one.filters, one.preferences) == ("events", Channel.SMS, "es", *chosen)
    known = town.plain.addresses.find(Address(Channel.SMS, phone(1)))
    assert known and (known.verified, known.subscriber, known.opted_out) == (True, one.subscriber, None)
    assert town.plain.preferences.of(one.subscriber) == chosen[1]
    [entry] = town.plain.consents.of(one.subscriber)
    assert (entry.step, entry.how, entry.topic, entry.at, entry.wording) == (Step.JOINED, How.IMPORT, "events", town.clock(), wording_id(WORDS))
    assert town.plain.consents.wording(entry.wording) == WORDS
    assert json.loads(entry.detail)["proof"] == {"at": "2025-03-01T05:00:00Z", "how": "paper", "reference": "form 1"}
    assert read_detail(entry.detail) == chosen


def test_a_row_with_a_digest_and_as_many_topics_as_may_be_is_one_transaction(town: Town) -> None:
    topics = {f"t{number}": Topic(f"t{number}", {}) for number in range(MOST_TOPICS)}
    town.services = replace(town.services, city=replace(town.services.city, topics=topics))
    found = run(town, of(a_row(1, topics=";".join(topics), preferences='{"digest": "daily"}')))
    assert found == [Good(2, "phone", MOST_TOPICS)]
    assert len(follows(town, 1)) == MOST_TOPICS
    assert len(town.plain.subscriptions.slots()) == 1


def test_phone_and_email_of_a_row_are_one_person_and_so_are_rows_that_name_one(town: Town) -> None:
    mailed = a_row(3, person="7", email="c@example.org", phone="")
    run(town, of(a_row(1, email="a@example.org"), a_row(2, person="7"), mailed, a_row(4, person="8"), a_row(5)))
    people = [{one.subscriber for one in follows(town, number)} for number in (1, 2, 4, 5)]
    assert all(len(one) == 1 for one in people)
    assert {one.channel for one in follows(town, 1)} == {one.channel for one in follows(town, 2)} == {Channel.SMS, Channel.EMAIL}
    assert len(set.union(*people)) == 4
    assert all(len(one) == 32 and int(one, 16) >= 0 for some in people for one in some)


def test_a_second_number_of_a_person_gets_what_it_asked_for_and_takes_nothing_from_the_first(town: Town) -> None:
    for _ in range(2):
        run(town, of(a_row(1, person="7"), a_row(2, person="7"), a_row(3, email="a@example.org")))
        run(town, of(a_row(4, email="a@example.org")))
        found = [[one for one in follows(town, number) if one.channel is Channel.SMS] for number in (1, 2, 3, 4)]
        assert [[one.topic for one in some] for some in found] == [["transit"]] * 4
        assert [some[0].address for some in found] == [town.plain.vault.hash(Address(Channel.SMS, phone(number))) for number in (1, 2, 3, 4)]


def test_two_numbers_of_a_person_that_come_at_once_are_both_kept(town: Town) -> None:
    """Two people import two halves of a file."""

    def other() -> None:
        town.services, meddled = plain, town.services
        run(town, of(a_row(1, person="7")))
        town.services = meddled

    plain = town.services
    town.services = replace(plain, store=Stores(Meddling(town.state.table, {2: other}), town.plain.vault))
    run(town, of(a_row(2, person="7")))
    assert [len(follows(town, number)) for number in (1, 2)] == [1, 1]
    assert follows(town, 1)[0].address != follows(town, 2)[0].address


def test_a_new_address_of_somebody_we_know_is_theirs(town: Town) -> None:
    run(town, of(a_row(1)))
    run(town, of(a_row(1, topics="jobs", email="a@example.org")))
    assert Counter((one.channel, one.topic) for one in follows(town, 1)) == {
        (Channel.SMS, "transit"): 1,
        (Channel.SMS, "jobs"): 1,
        (Channel.EMAIL, "jobs"): 1,
    }


def test_what_somebody_we_know_chose_holds_for_what_they_follow_next(town: Town) -> None:
    run(town, of(a_row(1)))
    subscriber = follows(town, 1)[0].subscriber
    town.state.table.transact([town.plain.preferences.write(subscriber, Preferences(calm=True))])
    run(town, of(a_row(1, topics="jobs"), a_row(1, topics="events", preferences='{"digest": "daily"}')))
    assert {one.topic: one.preferences.calm for one in follows(town, 1)} == {"transit": False, "jobs": True, "events": False}
    assert town.plain.preferences.of(subscriber) == Preferences(calm=True), "a file does not overrule what they chose for all"


def test_what_providers_hold_against_an_address_is_not_forgotten(town: Town) -> None:
    run(town, of(a_row(1)))
    address = Address(Channel.SMS, phone(1))
    town.plain.addresses.heed_fault(town.plain.vault.hash(address), Fault("w", "30006", Streak(1, timedelta(days=1))), town.clock())
    run(town, of(a_row(1, topics="jobs")))
    known = town.plain.addresses.find(address)
    assert known and known.bad == "30006"


def test_an_address_that_waited_for_its_link_is_proven_by_the_file(town: Town) -> None:
    town.plain.addresses.claim(Address(Channel.SMS, phone(1)), subscriber="1" * 32, verified=False)
    run(town, of(a_row(1)))
    known = town.plain.addresses.find(Address(Channel.SMS, phone(1)))
    assert known and (known.verified, known.subscriber) == (True, "1" * 32)


def test_an_import_is_in_the_audit_and_a_dry_run_is_not(town: Town) -> None:
    run(town, FEW, apply=False)
    assert town.plain.audit.of("subscribers") == []
    run(town, FEW)
    told = [(one.who, one.what, one.why) for one in town.plain.audit.of("subscribers")]
    assert sorted(told) == [("omar", "subscribers.import_begun", ""), ("omar", "subscribers.imported", "6 subscriptions")]


def test_no_row_but_the_sealed_address_holds_the_number(town: Town, tmp_path: Path) -> None:
    run(town, of(a_row(1, email="ana@example.org")))
    kept = json.dumps([[str(key), str(values)] for key, values in content(town).items()])
    assert phone(1)[2:] not in kept and "ana@" not in kept
