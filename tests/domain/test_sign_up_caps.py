"""Caps on sign-ups: what one counts against, and in which windows."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.caps import DAY, HOUR, TEN_MINUTES, Cap, caps, hourly
from chalicelib.domain.city import SignUpLimits

LIMITS = SignUpLimits()
PHONE, EMAIL = Address(Channel.SMS, "+12025550101"), Address(Channel.EMAIL, "ana@example.org")
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def test_a_phones_sign_up_counts_for_its_network_its_number_its_prefix_and_the_hour() -> None:
    assert caps(PHONE, "203.0.113.7", LIMITS, vouched=False) == [
        Cap("network:203.0.113.7/32", 5, TEN_MINUTES),
        Cap("neighbours:203.0.113.0/24", 25, TEN_MINUTES),
        Cap("sms:+12025550101", 1, TEN_MINUTES, since_last=True),
        Cap("sms:+12025550101", 3, DAY),
        Cap("prefix:+1202555", 20, HOUR),
        Cap("all:sms", 200, HOUR),
    ]


def test_an_emails_sign_up_counts_for_its_network_its_address_and_the_hour() -> None:
    found = caps(EMAIL, "203.0.113.7", LIMITS, vouched=False)
    assert found[2:] == [Cap("mailbox:ana@example.org", 1, DAY, since_last=True), Cap("all:email", 200, HOUR)]


@pytest.mark.parametrize(
    ("network", "about"),
    [
        pytest.param("2001:db8:1:2::7", ["network:2001:db8:1:2::/64", "neighbours:2001:db8:1::/48"], id="IPv6"),
        pytest.param("", [], id="staff"),
        pytest.param("unknown", ["network:unknown"], id="nobody says"),
        pytest.param("203.0.113.7, 10.0.0.1", ["network:unknown"], id="two"),
    ],
)
def test_a_network_is_one_line_and_its_neighbours(network: str, about: list[str]) -> None:
    assert [cap.about for cap in caps(EMAIL, network, LIMITS, vouched=False)][:-2] == about


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("ana@example.org", "ana+city@example.org", True, id="a tag"),
        pytest.param("a.na@gmail.com", "an.a+x@gmail.com", True, id="dots that mean nothing"),
        pytest.param("a.na@example.org", "ana@example.org", False, id="dots that mean something"),
        pytest.param("+ana@example.org", "+ben@example.org", False, id="nothing but a tag"),
        pytest.param("ana@example.org", "ana@example.com", False, id="another host"),
    ],
)
def test_a_mailbox_is_one_by_whichever_of_its_addresses(one: str, other: str, same: bool) -> None:
    first, second = (caps(Address(Channel.EMAIL, value), "", LIMITS, vouched=False)[0].about for value in (one, other))
    assert (first == second) is same


def test_the_reserve_is_for_staff_and_for_whoever_answered_the_question() -> None:
    open_share, all_of_it = (hourly(Channel.SMS, LIMITS, vouched=vouched) for vouched in (False, True))
    assert (open_share.most, all_of_it.most) == (200, 300)
    assert open_share.window(NOON) == all_of_it.window(NOON)


def test_a_window_is_as_long_as_its_cap_and_begins_by_the_clock() -> None:
    cap = Cap("x", 5, TEN_MINUTES)
    assert cap.window(NOON) == cap.window(NOON + timedelta(minutes=9, seconds=59)) != cap.window(NOON + timedelta(minutes=10))
    assert cap.window(NOON) != Cap("x", 5, HOUR).window(NOON)


def test_where_more_than_one_a_day_may_go_a_window_counts() -> None:
    assert not caps(EMAIL, "", SignUpLimits(email_per_day=2), vouched=False)[0].since_last
