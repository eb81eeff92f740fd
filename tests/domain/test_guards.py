"""Guards: what is odd about a launch, and the first thing that is."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Audience, Broadcast, BroadcastState, ReviewReason, SendAt
from chalicelib.domain.city import Limits, Source
from chalicelib.domain.guards import MICROS, WAIVED, SourceUse, Spending, Weighed, is_breach, judge, nearly_spent
from chalicelib.domain.notice import Kind

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SMS, EMAIL = Channel.SMS, Channel.EMAIL
SOURCE = Source("metro", "notice", "metro", "en", Kind.TRANSIT, {}, None, urgent=False, broadcasts_per_hour=3, recipients_per_day=1000)
BOTH = Limits(spend_per_day=100, spend_per_month=1000)


def a_broadcast(planned: Mapping[str, int] | None = None, **changes: Any) -> Broadcast:
    """One that is due at noon, approved for a hundred by text."""
    audience = Audience(("transit",), ("transit",), (SMS, EMAIL))
    made = Broadcast("bc_1", BroadcastState.SCHEDULED, "ana", NOON, SendAt(NOON), audience, False, NOON, "h", planned=planned or {"sms": 100}, due=NOON)
    return replace(made, **changes)


def weighed(broadcast: Broadcast | None = None, counted: int = 100, **changes: Any) -> Weighed:
    return replace(Weighed(broadcast or a_broadcast(), {SMS: counted}, NOON), **changes)


def reason(one: Weighed) -> str | None:
    found = judge(one)
    return str(found.reason) if found else None


@pytest.mark.parametrize(
    ("planned", "counted", "said"),
    [
        ({"sms": 100}, {SMS: 100}, None),
        ({"sms": 100}, {SMS: 150}, None),
        ({"sms": 100}, {SMS: 151}, "audience_changed"),
        ({"sms": 100}, {SMS: 50}, None),
        ({"sms": 100}, {SMS: 49}, "audience_changed"),
        ({"sms": 10_000}, {SMS: 11_000}, None),
        ({"sms": 10_000}, {SMS: 11_001}, "audience_changed"),
        ({"sms": 10_000}, {SMS: 9_000}, None),
        ({"sms": 10_000}, {SMS: 8_999}, "audience_changed"),
        ({"sms": 0}, {SMS: 50}, None),
        ({"sms": 0}, {SMS: 51}, "audience_changed"),
        ({"sms": 0}, {SMS: 0}, None),
        ({"sms": 100, "email": 100}, {SMS: 150, EMAIL: 151}, "audience_changed"),
        ({"sms": 100}, {SMS: 100, EMAIL: 51}, "audience_changed"),
    ],
    ids=[
        "the same",
        "50 more",
        "51 more",
        "50 fewer",
        "51 fewer",
        "10 % more",
        "a little above 10 % more",
        "10 % fewer",
        "a little below",
        "50 where nobody was",
        "51 where nobody was",
        "nobody",
        "one channel of two",
        "a channel that was not counted",
    ],
)
def test_an_audience_may_be_off_by_a_tenth_or_by_fifty(planned: dict[str, int], counted: dict[Channel, int], said: str | None) -> None:
    assert reason(Weighed(a_broadcast(planned), counted, NOON)) == said


def test_a_changed_audience_is_told_with_its_channel_and_both_counts() -> None:
    found = judge(weighed(counted=300))
    assert found is not None
    assert (found.at, found.numbers) == (NOON, {"channel": "sms", "planned": 100, "counted": 300})


def test_what_a_person_wrote_and_nobody_counted_waits() -> None:
    uncounted = a_broadcast(planned=None)
    uncounted = replace(uncounted, planned=None)
    assert reason(weighed(uncounted)) == "audience_changed"
    assert reason(weighed(uncounted, source=SourceUse(SOURCE, paused=False))) is None


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (SourceUse(SOURCE, False, 3, 1000), None),
        (SourceUse(SOURCE, False, 4, 1000), "source_broadcasts"),
        (SourceUse(SOURCE, False, 3, 1001), "source_recipients"),
        (SourceUse(SOURCE, False, 4, 1001), "source_broadcasts"),
        (SourceUse(SOURCE, True), "source_paused"),
        (SourceUse(None, True), "source_paused"),
    ],
    ids=["at both caps", "one broadcast more", "one recipient more", "both", "paused", "no longer listed"],
)
def test_a_source_goes_up_to_its_caps(use: SourceUse, said: str | None) -> None:
    found = judge(weighed(source=use))
    assert (str(found.reason) if found else None) == said
    assert (is_breach(found) if found else False) is (said in {"source_broadcasts", "source_recipients"})


@pytest.mark.parametrize(
    ("cost", "day", "month", "limits", "said"),
    [
        (5, 100, 1000, BOTH, None),
        (5, 101, 1000, BOTH, "day"),
        (5, 100, 1001, BOTH, "month"),
        (5, 101, 1001, BOTH, "day"),
        (5, 10_000, 1000, Limits(spend_per_month=1000), None),
        (5, 100, 10_000, Limits(spend_per_day=100), None),
        (0, 10_000, 10_000, BOTH, None),
    ],
    ids=["at both", "over the day's", "over the month's", "over both", "no cap a day", "no cap a month", "costs nothing"],
)
def test_money_goes_up_to_the_budget(cost: int, day: int, month: int, limits: Limits, said: str | None) -> None:
    found = judge(weighed(spending=Spending(cost * MICROS, day * MICROS, month * MICROS, limits)))
    assert (found.numbers["period"] if found else None) == said
    assert not found or (found.reason is ReviewReason.SPEND and found.numbers["cost_micros"] == cost * MICROS)


def test_what_nobody_can_reckon_waits() -> None:
    found = judge(weighed(spending=Spending(None, 0, 0, BOTH)))
    assert found is not None
    assert (found.reason, found.numbers) == (ReviewReason.SPEND, {"cost": "unknown"})


@pytest.mark.parametrize(
    ("cost", "day", "month", "periods"),
    [(1, 79, 79, []), (1, 80, 80, ["day"]), (2, 81, 81, ["day"]), (1, 81, 81, []), (5, 80, 800, ["day", "month"]), (None, 80, 800, [])],
    ids=["below 80 %", "at 80 %", "past it at once", "past it before", "both", "nobody can reckon"],
)
def test_a_budget_is_nearly_spent_once(cost: int | None, day: int, month: int, periods: list[str]) -> None:
    assert nearly_spent(Spending(cost * MICROS if cost else None, day * MICROS, month * MICROS, BOTH)) == periods


@pytest.mark.parametrize(
    ("urgent", "late", "waits"),
    [
        (False, timedelta(minutes=30), False),
        (False, timedelta(minutes=30, milliseconds=1), True),
        (True, timedelta(minutes=5), False),
        (True, timedelta(minutes=5, milliseconds=1), True),
        (True, timedelta(0), False),
        (False, timedelta(minutes=-1), False),
    ],
    ids=["routine, at the limit", "routine, past it", "urgent, at the limit", "urgent, past it", "in time", "early"],
)
def test_what_is_late_waits(urgent: bool, late: timedelta, waits: bool) -> None:
    assert reason(weighed(a_broadcast(urgent=urgent), now=NOON + late)) == ("late" if waits else None)


def test_lateness_is_counted_from_when_it_was_due_last() -> None:
    approved_late = a_broadcast(due=NOON + timedelta(hours=5))
    assert reason(weighed(approved_late, now=NOON + timedelta(hours=5, minutes=20))) is None
    found = judge(weighed(approved_late, now=NOON + timedelta(hours=5, minutes=45)))
    assert found is not None
    assert found.numbers == {"late_seconds": 2700, "limit_seconds": 1800}


OVER_ALL = weighed(source=SourceUse(SOURCE, False, 4, 1001), spending=Spending(MICROS, 101 * MICROS, 0, BOTH))


def test_what_a_person_waived_is_not_held_against_it_but_the_next_thing_is() -> None:
    waived: list[str] = []
    while found := judge(replace(OVER_ALL, broadcast=a_broadcast(waived=frozenset(waived)))):
        waived.append(str(found.reason))
    assert waived == ["source_broadcasts", "source_recipients", "spend"]


def test_neither_a_changed_audience_nor_a_late_launch_is_ever_waived() -> None:
    assert WAIVED.isdisjoint({ReviewReason.AUDIENCE_CHANGED, ReviewReason.LATE})
