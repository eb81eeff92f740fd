"""Moments: kept to the millisecond, spoken in UTC wherever the machine stands, and read only where nothing is left to guess."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chalicelib.domain.times import from_ms, minutes, parse_moment, parse_wall, parse_zone, spoken, to_ms
from chalicelib.errors import Invalid

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HALF_PAST = timezone(timedelta(hours=5, minutes=30))


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Kolkata"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own clock stands in some zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def problem(read: Callable[[], object]) -> tuple[str, str, str]:
    with pytest.raises(Invalid) as found:
        read()
    [one] = found.value.problems
    return one.pointer, one.code, one.detail


@given(some.integers(0, 10**15).map(lambda micros: datetime(1971, 1, 1, tzinfo=UTC) + timedelta(microseconds=32 * micros)))
def test_a_moment_is_kept_to_the_millisecond(moment: datetime) -> None:
    kept = from_ms(to_ms(moment))
    assert abs(kept - moment) <= timedelta(microseconds=500)
    assert (from_ms(to_ms(kept)), kept.tzinfo) == (kept, UTC)


@pytest.mark.usefixtures("machine")
def test_a_moment_is_spoken_in_utc_to_the_second() -> None:
    assert spoken(NOON.replace(microsecond=999_999)) == "2026-12-01T12:00:00Z"
    assert spoken(datetime(2026, 3, 9, 1, 2, 3, tzinfo=HALF_PAST)) == "2026-03-08T19:32:03Z"


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01T12:00:00Z", NOON),
        ("2026-12-01t12:00:00z", NOON),
        ("2026-12-01T17:30:00+05:30", NOON),
        ("2026-12-01T07:00:00.25-05:00", NOON + timedelta(milliseconds=250)),
        ("1971-01-01T00:00:00Z", datetime(1971, 1, 1, tzinfo=UTC)),
        ("9000-12-31T23:59:59Z", datetime(9000, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_into_utc(text: str, moment: datetime) -> None:
    found = parse_moment(text, "#/at")
    assert (found, found.tzinfo) == (moment, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01T12:00:00",
        "2026-12-01",
        "2026-12-01 12:00:00Z",
        "2026-02-29T12:00:00Z",
        "2026-12-01T12:00:00+25:00",
        "2026-12-01T12:00:60Z",
        "1970-12-31T23:59:59Z",
        "9001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "tomorrow",
        "",
    ],
)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    said = "Give a moment with its offset, such as 2026-12-01T23:00:00Z."
    assert problem(lambda: parse_moment(text, "#/at")) == ("#/at", "invalid_time", said)


@pytest.mark.parametrize("name", ["UTC", "America/New_York", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_a_zone_is_read_by_its_name(name: str) -> None:
    assert parse_zone(name, "#/zone") == ZoneInfo(name)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "America", "America/New_York/", "A/B/C/D", "EST5EDT "])
def test_what_is_no_zone_is_refused_with_an_example(name: str) -> None:
    assert problem(lambda: parse_zone(name, "#/zone")) == ("#/zone", "unknown_zone", "Give an IANA zone, such as America/New_York.")


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("local", ["1971-01-01T00:00", "9000-12-31T23:59:59", "2027-07-01T12:00"])
def test_a_wall_time_is_read_into_utc(local: str) -> None:
    for offset in (None, "+00:00"):
        found = parse_wall(local, ZoneInfo("UTC"), "#/local", offset=offset)
        assert (found, found.tzinfo) == (datetime.fromisoformat(local).replace(tzinfo=UTC), UTC)


@pytest.mark.parametrize("local", ["1970-12-31T23:59", "9001-01-01T00:00", "2027-02-29T12:00", "noon"])
def test_what_is_no_wall_time_is_refused_with_an_example(local: str) -> None:
    said = "Give a local time such as 2026-12-01T07:30."
    assert problem(lambda: parse_wall(local, ZoneInfo("UTC"), "#/local")) == ("#/local", "invalid_time", said)


def test_minutes_are_minutes() -> None:
    assert minutes(1.5) == timedelta(seconds=90)
