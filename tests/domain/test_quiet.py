"""Quiet hours: what is held comes out at the first moment outside the window, in every zone and across clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chalicelib.domain.quiet import Window, is_quiet, released_at

NEW_YORK = ZoneInfo("America/New_York")
ZONES = ["America/New_York", "Europe/Madrid", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "America/Sao_Paulo", "UTC"]
NIGHT, NOON_REST, NEVER = (22 * 60, 7 * 60), (12 * 60, 13 * 60 + 30), (8 * 60, 8 * 60)


def there(text: str) -> datetime:
    """A moment in New York, by its wall time."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "at", "quiet"),
    [
        (NIGHT, "2026-12-01T21:59:59", False),
        (NIGHT, "2026-12-01T22:00", True),
        (NIGHT, "2026-12-02T00:00", True),
        (NIGHT, "2026-12-02T06:59:59", True),
        (NIGHT, "2026-12-02T07:00", False),
        (NOON_REST, "2026-12-01T11:59", False),
        (NOON_REST, "2026-12-01T12:00", True),
        (NOON_REST, "2026-12-01T13:29", True),
        (NOON_REST, "2026-12-01T13:30", False),
        (NEVER, "2026-12-01T08:00", False),
        ((0, 1), "2026-12-01T00:00", True),
        ((23 * 60 + 59, 0), "2026-12-01T23:59", True),
        ((23 * 60 + 59, 0), "2026-12-01T00:00", False),
    ],
)
def test_a_window_begins_with_its_first_minute_and_ends_before_its_last(window: Window, at: str, quiet: bool) -> None:
    assert is_quiet(window, NEW_YORK, there(at)) is quiet


@pytest.mark.parametrize(
    ("window", "at", "release"),
    [
        pytest.param(NIGHT, "2026-12-01T21:00", "2026-12-01T21:00", id="not quiet: now"),
        pytest.param(NIGHT, "2026-12-01T23:10:05.25", "2026-12-02T07:00", id="before midnight: the morning after"),
        pytest.param(NIGHT, "2026-12-02T00:00", "2026-12-02T07:00", id="after midnight: the same morning"),
        pytest.param(NIGHT, "2026-12-02T06:59:59", "2026-12-02T07:00", id="the last second"),
        pytest.param(NOON_REST, "2026-12-01T12:00", "2026-12-01T13:30", id="within a day, to the half hour"),
        pytest.param((20 * 60, 24 * 60 - 1), "2026-12-31T20:00", "2026-12-31T23:59", id="to the last minute of a year"),
        pytest.param((20 * 60, 0), "2026-12-31T20:30", "2027-01-01T00:00", id="until midnight"),
        pytest.param((20 * 60, 24 * 60), "2026-12-31T20:30", "2027-01-01T00:00", id="until 24:00"),
        pytest.param((22 * 60, 60), "2026-12-01T23:00", "2026-12-02T01:00", id="until the first hour of a day ends"),
        pytest.param(NIGHT, "2027-03-13T23:00", "2027-03-14T07:00", id="a night that is an hour shorter"),
        pytest.param(NIGHT, "2027-11-06T23:00", "2027-11-07T07:00", id="a night that is an hour longer"),
        pytest.param((60, 150), "2027-03-14T01:30", "2027-03-14T03:00", id="an end that the clocks skip: the first time after"),
        pytest.param((60, 120), "2027-03-14T01:59:30", "2027-03-14T03:00", id="an end at which they skip"),
        pytest.param((60, 180), "2027-03-14T01:30", "2027-03-14T03:00", id="an end to which they skip"),
        pytest.param((180, 150), "2027-03-14T01:30", "2027-03-15T02:30", id="an end that they skip, and quiet again after it: the next day's"),
    ],
)
def test_what_is_held_comes_out_when_the_window_ends(window: Window, at: str, release: str) -> None:
    found = released_at(window, NEW_YORK, there(at))
    assert found == there(release)
    assert found.tzinfo is UTC


def test_a_window_that_ends_within_an_hour_shown_twice_ends_when_it_is_over() -> None:
    first_half_past_one = datetime(2027, 11, 7, 5, 30, tzinfo=UTC)
    second_quarter_past_one = datetime(2027, 11, 7, 6, 15, 30, tzinfo=UTC)
    window = (30, 105)  # until 01:45
    assert released_at(window, NEW_YORK, first_half_past_one) == datetime(2027, 11, 7, 5, 45, tzinfo=UTC)
    assert released_at(window, NEW_YORK, second_quarter_past_one) == datetime(2027, 11, 7, 6, 45, tzinfo=UTC)
    assert released_at(window, NEW_YORK, second_quarter_past_one.replace(microsecond=250)) == datetime(2027, 11, 7, 6, 45, tzinfo=UTC)


def test_a_minute_of_the_hour_shown_twice_that_is_not_quiet_is_not_missed() -> None:
    window = (61, 0)  # from 01:01
    assert released_at(window, NEW_YORK, datetime(2027, 11, 7, 5, 59, 59, tzinfo=UTC)) == datetime(2027, 11, 7, 6, tzinfo=UTC)


def test_what_is_held_long_before_clocks_are_set_back_comes_out_at_the_very_minute_they_are() -> None:
    window = (61, 0)  # from 01:01
    assert released_at(window, NEW_YORK, datetime(2027, 11, 7, 5, 1, 40, 250, tzinfo=UTC)) == datetime(2027, 11, 7, 6, tzinfo=UTC)


def test_a_window_that_begins_and_ends_within_an_hour_shown_twice_ends_where_it_is_not_quiet_the_first_time() -> None:
    window = (110, 100)  # from 01:50 until 01:40, which clocks set back show again
    assert released_at(window, NEW_YORK, datetime(2027, 11, 7, 5, 55, tzinfo=UTC)) == datetime(2027, 11, 7, 6, 40, tzinfo=UTC)


minutes = some.integers(0, 24 * 60 - 1)
moments = some.integers(0, 2 * 365 * 86400).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
around_changes = some.sampled_from([datetime(2027, 3, 14, 7, tzinfo=UTC), datetime(2027, 11, 7, 6, tzinfo=UTC), datetime(2027, 10, 2, 15, tzinfo=UTC)])
near_changes = some.builds(lambda change, off: change + timedelta(seconds=off), around_changes, some.integers(-10_800, 10_800))


@given(some.tuples(minutes, minutes), some.sampled_from(ZONES), moments | near_changes)
def test_nothing_is_released_in_quiet_or_a_minute_later_than_it_could(window: Window, zone: str, now: datetime) -> None:
    release = released_at(window, ZoneInfo(zone), now)
    assert release >= now
    assert not is_quiet(window, ZoneInfo(zone), release)
    if release > now:
        steps = range(int((release - now).total_seconds() // 60) + 1)
        assert all(is_quiet(window, ZoneInfo(zone), now + timedelta(minutes=step)) for step in steps if now + timedelta(minutes=step) < release)
        assert is_quiet(window, ZoneInfo(zone), release - timedelta(microseconds=1))
