"""Abuse of sign-ups: nobody learns who is known, nobody is pestered, and no robot makes us text half a city."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import SignUpLimits
from chalicelib.domain.consent import How
from chalicelib.errors import StateLater
from chalicelib.flows.signing import Human, Origin
from chalicelib.flows.turn_switch import turn_switch
from chalicelib.flows.watching import WATCHDOG
from chalicelib.store.switches import SIGN_UPS, Thrown
from tests.conversation.booth import ANA, BEN
from tests.conversation.crossing import meddle
from tests.flows.counter import Counter

TEN = timedelta(minutes=10)
PAGE = Origin()
WIDE = SignUpLimits(network_per_ten_minutes=10**6, neighbours_per_ten_minutes=10**6, prefix_per_hour=10**6, per_hour=1000, reserve=100)
SURE, STAFF = Origin(human=Human.SURE), Origin(how=How.STAFF)


def number(of: int, prefix: str = "+1202555") -> str:
    return f"{prefix}{of:04d}"


def thrown(counter: Counter) -> Thrown | None:
    return counter.services.store.switches.thrown().get(SIGN_UPS)


def confirm(counter: Counter, phone: str) -> None:
    """The yes that a conversation would write."""
    store = counter.services.store
    found = store.sign_ups.waiting(store.vault.hash(Address(Channel.SMS, phone)), counter.clock())
    assert found, phone
    store.table.transact([store.sign_ups.confirm_write(found.id)])


def sign_up_many(counter: Counter, count: int, *, first: int = 0, apart: timedelta = timedelta(0), yes: int = 0, origin: Origin = PAGE) -> int:
    """Sign phones up, each so long after the last; the first of them say yes. How many were asked."""
    before = len(counter.got)
    for of in range(first, first + count):
        counter.sign_up(phone=number(of), origin=origin)
        counter.work()
        if of < first + yes:
            confirm(counter, number(of))
        counter.clock.advance(apart)
    return len(counter.got) - before


# --- who is known -----------------------------------------------------------------------------------------------------


def _known(counter: Counter) -> None:
    counter.text("JOIN transit")


def _stopped(counter: Counter) -> None:
    counter.text("JOIN transit")
    counter.text("STOP")


def _asked_before(counter: Counter) -> None:
    counter.sign_up()
    counter.work()


@pytest.mark.parametrize("past", [_known, _stopped, _asked_before])
@pytest.mark.parametrize("origin", [Origin(network="203.0.113.7"), STAFF], ids=["page", "staff"])
def test_the_same_is_read_and_written_for_whoever_we_know_and_whoever_we_do_not(tmp_path: Path, past: Callable[[Counter], None], origin: Origin) -> None:
    asked = []
    for name, before in (("a stranger", None), ("somebody", past)):
        (tmp_path / name).mkdir()
        counter = Counter(tmp_path / name)
        if before:
            before(counter)
            counter.clock.advance(TEN)
        calls = counter.count_calls()
        counter.sign_up(origin=origin)
        asked.append(calls)
    assert asked[0] == asked[1] != []


# --- pestering --------------------------------------------------------------------------------------------------------


def test_a_thousand_sign_ups_of_one_address_send_one_letter(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=replace(WIDE, per_hour=10**6, reserve=1))
    topics = list(counter.services.city.topics)
    for of in range(1000):
        counter.sign_up(
            email=(" Ana@Example.org ", f"ana+{of}@example.org")[of % 2], topics=[topics[of % len(topics)]], locale=("en", "es")[of % 2], origin=SURE
        )
        if of % 250 == 0:
            counter.clock.advance(timedelta(hours=5))
    counter.work()
    assert len(counter.postbox.took) == 1


def test_one_number_is_asked_once_in_ten_minutes_and_three_times_a_day(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=WIDE)
    asked = []
    for _ in range(24):
        counter.sign_up()
        asked.append(counter.work())
        counter.clock.advance(timedelta(minutes=5))
    assert asked == [1, 0, 1, 0, 1] + [0] * 19
    counter.sign_up(phone=BEN)
    assert counter.work() == 1
    counter.clock.advance(timedelta(days=1))
    counter.sign_up()
    assert counter.work() == 1


@pytest.mark.parametrize("origin", [Origin(network="203.0.113.7"), STAFF, SURE], ids=["page", "staff", "answered"])
def test_the_caps_on_a_number_count_for_every_way_in(tmp_path: Path, origin: Origin) -> None:
    counter = Counter(tmp_path)
    for one in (origin, Origin(network="198.51.100.1"), STAFF, SURE):
        counter.sign_up(origin=one)
    assert counter.work() == 1


def test_a_sign_up_that_could_not_be_kept_takes_nobodys_turn(tmp_path: Path) -> None:
    def fail() -> None:
        raise StateLater("busy")

    counter = Counter(tmp_path)
    mend = meddle(counter, {1: fail})
    for address in ({"phone": ANA}, {"email": "ana@example.org"}):
        with pytest.raises(StateLater):
            counter.sign_up(**address)
        mend()
        counter.sign_up(**address)
        assert counter.work() == 1
        mend = meddle(counter, {1: fail})


def test_of_two_sign_ups_at_once_one_is_asked(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    plain = counter.services

    def other() -> None:
        meddled, counter.services = counter.services, plain
        counter.sign_up()
        counter.services = meddled

    meddle(counter, {1: other})
    counter.sign_up()
    assert counter.work() == 1


# --- pumping ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("networks", "prefixes", "sent"),
    [
        pytest.param(["203.0.113.7"], 40, 5, id="one line"),
        pytest.param([f"203.0.113.{last}" for last in range(40)], 40, 25, id="neighbours"),
        pytest.param([f"2001:db8:1:{last:x}::1" for last in range(40)], 40, 25, id="neighbours of IPv6"),
        pytest.param([f"2001:db8:1:2::{last:x}" for last in range(40)], 40, 5, id="one line of IPv6"),
        pytest.param([f"203.0.{last}.1" for last in range(40)], 1, 20, id="numbers in a row"),
        pytest.param([f"203.0.{last}.1" for last in range(40)], 40, 40, id="from everywhere to everywhere"),
    ],
)
def test_forty_sign_ups_send_no_more_than_where_they_come_from_and_go_to_allows(tmp_path: Path, networks: list[str], prefixes: int, sent: int) -> None:
    counter = Counter(tmp_path)
    for of in range(40):
        counter.sign_up(phone=number(of, f"+1202{555 + of % prefixes}"), origin=Origin(network=networks[of % len(networks)]))
    counter.work()
    assert len(counter.got) == sent


def test_texts_from_the_phones_themselves_count_against_no_cap(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=SignUpLimits(per_hour=2, reserve=1, prefix_per_hour=1, number_per_day=1))
    counter.sign_up()
    turn_switch(SIGN_UPS, stopped=True, why="test", by="ana", services=counter.services)
    for of in range(201, 231):
        assert counter.text("JOIN transit", phone=number(of))
        assert counter.follows(number(of)) == {"transit": "en"}
    assert counter.text("JOIN jobs")
    assert set(counter.follows()) == {"jobs"}


def test_where_a_cap_cannot_be_counted_nothing_is_sent(tmp_path: Path) -> None:
    counter = Counter(tmp_path)

    class Throttled:
        def __getattr__(self, name: str) -> object:
            if name == "update":
                raise StateLater("busy")
            return getattr(counter.state.table, name)

    counter.services = replace(counter.services, store=replace(counter.services.store, table=Throttled()))  # type: ignore[arg-type]
    with pytest.raises(StateLater):
        counter.sign_up()
    assert counter.work() == 0


# --- the watchdog -----------------------------------------------------------------------------------------------------


def test_when_the_open_share_is_used_up_a_question_comes_first_and_somebody_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    counter = Counter(tmp_path, limits=replace(WIDE, per_hour=30, reserve=10))
    assert sign_up_many(counter, 50) == 20
    found = thrown(counter)
    assert found
    assert (found.by, found.why) == (WATCHDOG, "used_up")
    assert [record.getMessage() for record in caplog.records] == ["robots sign up"]
    assert sign_up_many(counter, 20, first=100, origin=SURE) == 10
    assert sign_up_many(counter, 1, first=200, origin=STAFF) == 0


def test_the_hours_share_is_another_for_letters(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=replace(WIDE, per_hour=30, reserve=10))
    sign_up_many(counter, 20)
    counter.sign_up(email="ana@example.org")
    counter.work()
    assert len(counter.postbox.took) == 1


def test_whom_nothing_speaks_for_is_asked_the_question_first(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    assert counter.sign_up(origin=Origin(human=Human.DOUBTFUL)) is False
    assert (counter.rows(), counter.work()) == (0, 0)
    assert counter.sign_up(origin=SURE) is True


def test_robots_who_take_their_time_are_noticed_by_nobody_confirming(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=WIDE)
    assert sign_up_many(counter, 60, apart=timedelta(minutes=5)) < 60
    found = thrown(counter)
    assert found
    assert found.why == "few_confirm"


def test_a_burst_of_robots_is_noticed_within_minutes(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=WIDE)
    began = counter.clock()
    sign_up_many(counter, 200, apart=timedelta(seconds=3))
    found = thrown(counter)
    assert found
    assert found.why == "burst"
    assert found.at - began < timedelta(minutes=7)


@pytest.mark.parametrize("apart", [timedelta(minutes=5), timedelta(seconds=10)], ids=["slowly", "in a crowd"])
def test_where_one_in_ten_confirms_nobody_is_asked_a_question(tmp_path: Path, apart: timedelta) -> None:
    counter = Counter(tmp_path, limits=WIDE)
    for start in range(0, 100, 8):
        assert sign_up_many(counter, 8, first=start, apart=apart, yes=1) == 8
    assert thrown(counter) is None


def test_it_looks_every_thirty_seconds_at_most(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=WIDE)
    calls = counter.count_calls()
    sign_up_many(counter, 20)
    assert len([call for call in calls if call == ("query", "SIGN-UPS")]) == 1
    counter.clock.advance(timedelta(seconds=30))
    sign_up_many(counter, 20, first=20)
    assert len([call for call in calls if call == ("query", "SIGN-UPS")]) == 2
    assert len([call for call in calls if call == ("update", "Key SIGN-UPS WATCH")]) == 2


def test_of_two_who_would_look_at_once_one_does(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    watch = counter.services.store.watch
    assert [watch.may_look(counter.clock()) for _ in range(2)] == [True, False]
    counter.clock.advance(timedelta(seconds=30))
    assert watch.may_look(counter.clock()) is True


def test_it_lies_down_after_an_hour_without_robots_and_forgets_them(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=replace(WIDE, per_hour=80, reserve=10))
    assert sign_up_many(counter, 90) == 70
    counter.clock.advance(timedelta(minutes=59))
    assert counter.sign_up(phone=number(300)) is False
    counter.clock.advance(timedelta(minutes=1))
    assert counter.sign_up(phone=number(300)) is True
    assert thrown(counter) is None
    for of in range(301, 304):
        counter.clock.advance(timedelta(minutes=30))
        assert counter.sign_up(phone=number(of)) is True


def test_it_lies_down_when_people_are_back(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=replace(WIDE, per_hour=60, reserve=40))
    sign_up_many(counter, 30)
    sign_up_many(counter, 10, first=100, apart=timedelta(minutes=1), yes=10, origin=SURE)
    counter.clock.advance(timedelta(minutes=55))
    assert counter.sign_up(phone=number(300)) is True
    assert thrown(counter) is None


def test_what_an_admin_released_stays_released_until_robots_come_again(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=WIDE)
    sign_up_many(counter, 60, apart=timedelta(minutes=5))
    assert thrown(counter)
    turn_switch(SIGN_UPS, stopped=False, why="it was a fair", by="ana", services=counter.services)
    assert sign_up_many(counter, 40, first=100, apart=timedelta(minutes=5)) == 40
    assert thrown(counter) is None


def test_a_share_that_is_used_up_is_told_of_once_though_an_admin_lets_it_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    counter = Counter(tmp_path, limits=replace(WIDE, per_hour=30, reserve=10))
    sign_up_many(counter, 30)
    turn_switch(SIGN_UPS, stopped=False, why="it is a fair", by="ana", services=counter.services)
    assert counter.sign_up(phone=number(300)) is False, "there is nothing left for whoever did not answer"
    assert thrown(counter) is None
    assert len(caplog.records) == 1
    counter.clock.advance(timedelta(hours=1))
    assert sign_up_many(counter, 30, first=400) == 20
    assert thrown(counter)
    assert len(caplog.records) == 2


def test_what_an_admin_threw_only_an_admin_releases(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=WIDE)
    turn_switch(SIGN_UPS, stopped=True, why="they call us", by="ana", services=counter.services)
    for _ in range(3):
        assert counter.sign_up() is False
        counter.clock.advance(timedelta(hours=2))
    turn_switch(SIGN_UPS, stopped=False, why="over", by="ana", services=counter.services)
    assert counter.sign_up() is True


def test_staff_are_never_asked_a_question_and_are_not_watched(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=WIDE)
    turn_switch(SIGN_UPS, stopped=True, why="test", by="ana", services=counter.services)
    assert sign_up_many(counter, 5, origin=STAFF) == 5
    assert counter.services.store.watch.asked(counter.clock() - timedelta(days=1)) == []
