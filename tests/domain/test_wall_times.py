"""Wall times: the instant they mean, and a question where they mean none or two."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.times import parse_wall
from chalicelib.errors import Invalid

NEW_YORK, LORD_HOWE, CASABLANCA, AUCKLAND = "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Auckland"

SKIPPED = [
    (NEW_YORK, "2027-03-14T02:30", "2027-03-14T01:30:00-05:00", "2027-03-14T03:30:00-04:00"),
    (NEW_YORK, "2027-03-14T02:00", "2027-03-14T01:00:00-05:00", "2027-03-14T03:00:00-04:00"),
    (LORD_HOWE, "2027-10-03T02:15", "2027-10-03T01:45:00+10:30", "2027-10-03T02:45:00+11:00"),
    (CASABLANCA, "2027-03-14T02:30", "2027-03-14T01:30:00+00:00", "2027-03-14T03:30:00+01:00"),
    (AUCKLAND, "2027-09-26T02:30", "2027-09-26T01:30:00+12:00", "2027-09-26T03:30:00+13:00"),
]
TWICE = [
    (NEW_YORK, "2027-11-07T01:30", "2027-11-07T01:30:00-04:00", "2027-11-07T01:30:00-05:00"),
    (NEW_YORK, "2027-11-07T01:00", "2027-11-07T01:00:00-04:00", "2027-11-07T01:00:00-05:00"),
    (LORD_HOWE, "2027-04-04T01:45", "2027-04-04T01:45:00+11:00", "2027-04-04T01:45:00+10:30"),
    (CASABLANCA, "2027-02-07T02:30", "2027-02-07T02:30:00+01:00", "2027-02-07T02:30:00+00:00"),
    (AUCKLAND, "2027-04-04T02:30", "2027-04-04T02:30:00+13:00", "2027-04-04T02:30:00+12:00"),
]
PLAIN = [
    (NEW_YORK, "2027-03-14T01:59", "2027-03-14T06:59:00+00:00"),
    (NEW_YORK, "2027-03-14T03:00", "2027-03-14T07:00:00+00:00"),
    (NEW_YORK, "2027-11-07T02:00", "2027-11-07T07:00:00+00:00"),
    (LORD_HOWE, "2027-10-03T02:30", "2027-10-02T15:30:00+00:00"),
    (LORD_HOWE, "2027-04-04T02:00", "2027-04-03T15:30:00+00:00"),
    (CASABLANCA, "2027-02-07T03:00", "2027-02-07T03:00:00+00:00"),
    (AUCKLAND, "2028-02-29T12:00", "2028-02-28T23:00:00+00:00"),
    (NEW_YORK, "8999-12-31T23:59:59", "9000-01-01T04:59:59+00:00"),
]


def refused(local: str, zone: str, offset: str | None = None) -> tuple[str, str, str]:
    with pytest.raises(Invalid) as found:
        parse_wall(local, ZoneInfo(zone), "#/local", offset=offset, offset_pointer="#/offset")
    (problem,) = found.value.problems
    return problem.pointer, problem.code, problem.detail


@pytest.mark.parametrize("offset", [None, "+11:00", "-05:00"])
@pytest.mark.parametrize(("zone", "local", "before", "after"), SKIPPED)
def test_a_time_that_the_clocks_skip_is_asked_about_naming_both_neighbours(zone: str, local: str, before: str, after: str, offset: str | None) -> None:
    pointer, code, detail = refused(local, zone, offset)
    assert (pointer, code) == ("#/local", "time_skipped")
    assert f"{before} or {after}" in detail


@pytest.mark.parametrize(("zone", "local", "first", "second"), TWICE)
def test_a_time_that_the_clocks_show_twice_is_asked_about_naming_both_moments(zone: str, local: str, first: str, second: str) -> None:
    pointer, code, detail = refused(local, zone)
    assert (pointer, code) == ("#/local", "time_twice")
    assert f"{first} or {second}" in detail


@pytest.mark.parametrize(("zone", "local", "first", "second"), TWICE)
def test_an_offset_says_which_of_two_is_meant(zone: str, local: str, first: str, second: str) -> None:
    for meant in (first, second):
        assert parse_wall(local, ZoneInfo(zone), "#/local", offset=meant[-6:]) == datetime.fromisoformat(meant)


@pytest.mark.parametrize(("zone", "local", "instant"), PLAIN)
def test_any_other_time_means_one_instant(zone: str, local: str, instant: str) -> None:
    found = parse_wall(local, ZoneInfo(zone), "#/local")
    assert (found, found.tzinfo) == (datetime.fromisoformat(instant), UTC)


def test_an_offset_may_be_said_where_it_is_not_needed() -> None:
    assert parse_wall("2027-07-01T12:00", ZoneInfo(NEW_YORK), "#/local", offset="-04:00") == datetime(2027, 7, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "offset", "said"),
    [("2027-11-07T01:30", "-06:00", "-04:00 or -05:00"), ("2027-07-01T12:00", "-05:00", "are -04:00 from")],
    ids=["shown twice", "shown once"],
)
def test_an_offset_that_the_clocks_do_not_have_is_refused(local: str, offset: str, said: str) -> None:
    pointer, code, detail = refused(local, NEW_YORK, offset)
    assert (pointer, code, said in detail) == ("#/offset", "wrong_offset", True)


def test_an_offset_that_came_from_no_field_is_refused_all_the_same() -> None:
    with pytest.raises(Invalid) as found:
        parse_wall("2027-07-01T12:00", ZoneInfo(NEW_YORK), "#/local", offset="-05:00")
    assert [(one.pointer, one.code) for one in found.value.problems] == [("", "wrong_offset")]


@pytest.mark.parametrize("local", ["2027-02-29T12:00", "2027-07-01 12:00", "2027-07-01T24:00", "2027-07-01T12:00Z", "1970-01-01T00:00", "9999-01-01T00:00", ""])
def test_what_is_no_local_time_is_refused(local: str) -> None:
    assert refused(local, NEW_YORK)[:2] == ("#/local", "invalid_time")
