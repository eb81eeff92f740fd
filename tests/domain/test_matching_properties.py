"""What holds of matching whatever is asked and said: in every zone, across clock changes, by any entity."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some

from chalicelib.domain.about import About, Activity, Entity, Period, Workload, about_values, read_about, widened
from chalicelib.domain.filters import Facility, Filters, Hours, Journey, filter_values, read_filters
from chalicelib.domain.hours import is_inside, next_inside
from chalicelib.domain.matching import Mismatch, Told, told_again_at, why_not
from chalicelib.domain.notice import Kind, Severity

ZONES = ["America/New_York", "Europe/Madrid", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Chatham", "America/Sao_Paulo", "UTC"]
STEP = timedelta(minutes=5)

zones = some.sampled_from(ZONES).map(ZoneInfo)
# Within days of the clock changes of one of the zones, or anywhere in two years.
CHANGES = [
    datetime.fromisoformat(day).replace(tzinfo=UTC)
    for day in ("2026-02-15", "2026-03-08", "2026-03-29", "2026-04-04", "2026-09-26", "2026-10-03", "2026-11-01")
]
moments = some.one_of(
    some.tuples(some.sampled_from(CHANGES), some.integers(-3 * 86400, 2 * 86400)).map(lambda drawn: drawn[0] + timedelta(seconds=drawn[1])),
    some.integers(0, 2 * 365 * 86400).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
)
marks = some.integers(0, 287).map(lambda number: number * 5)
days = some.frozensets(some.integers(0, 6), min_size=1)
hours = some.builds(Hours, days=days, start=marks, end=marks | some.just(1440))


def walk(start: datetime, end: datetime) -> list[datetime]:
    """Every five minutes of the clock in between, and the beginning itself. No clock changes between two of them."""
    first = datetime.fromtimestamp((int(start.timestamp()) // 300 + 1) * 300, UTC)
    return [start, *(first + STEP * count for count in range(max(0, -(-(end - first) // STEP))))]


def shows(asked: Hours, zone: ZoneInfo, moment: datetime) -> bool:
    """The plain reading of days and hours, by the clock on the wall."""
    local = moment.astimezone(zone)
    minute, today, yesterday = local.hour * 60 + local.minute, local.weekday() in asked.days, (local.weekday() - 1) % 7 in asked.days
    if asked.start < asked.end:
        return today and asked.start <= minute < asked.end
    return (today and minute >= asked.start) or (yesterday and minute < asked.end)


# --- hours -----------------------------------------------------------------------------------------------------------


@given(asked=hours, zone=zones, now=moments)
@settings(deadline=None)
def test_the_next_moment_inside_is_the_first_that_clocks_show(asked: Hours, zone: ZoneInfo, now: datetime) -> None:
    found = next_inside(asked, zone, now)
    assert found is not None
    assert is_inside(asked, zone, now) is shows(asked, zone, now) is (found == now)
    assert shows(asked, zone, found)
    assert not any(shows(asked, zone, moment) for moment in walk(now, found) if moment < found)
    assert found.tzinfo is UTC


@given(day=some.integers(0, 6), start=marks, end=marks, zone=zones, now=moments)
def test_hours_over_midnight_are_those_before_it_and_those_after_it(day: int, start: int, end: int, zone: ZoneInfo, now: datetime) -> None:
    assume(start >= end)
    night = Hours(frozenset({day}), start, end)
    evening = is_inside(Hours(frozenset({day}), start, 1440), zone, now)
    morning = end > 0 and is_inside(Hours(frozenset({(day + 1) % 7}), 0, end), zone, now)
    assert is_inside(night, zone, now) is (evening or morning)


@given(travel=hours, zone=zones, start=moments, length=some.integers(1, 9 * 288).map(lambda count: STEP * count))
@settings(deadline=None)
def test_somebody_rides_while_a_period_holds_if_any_moment_of_it_is_in_their_hours(travel: Hours, zone: ZoneInfo, start: datetime, length: timedelta) -> None:
    notice = Told(Kind.TRANSIT, Severity.MINOR, False, About(periods=(Period(start, start + length),)))
    found = why_not(Filters(travel=travel), notice, zone=zone, now=start)
    rides = any(shows(travel, zone, moment) for moment in walk(start, start + length) if moment < start + length)
    assert found is (None if rides else Mismatch.TRAVEL)


# --- whatever is asked and said ----------------------------------------------------------------------------------------

names = some.sampled_from(["a", "b", "c"])
maybe_names, numbers = some.none() | names, some.none() | some.integers(0, 1)
activities = some.frozensets(some.sampled_from(Activity), max_size=3)
entities = some.builds(Entity, route_type=numbers, route=maybe_names, direction=numbers, stop=maybe_names, trip=maybe_names, activities=activities)
legs = some.builds(
    Journey, route_type=numbers, route=maybe_names, direction=numbers, origin=maybe_names, destination=maybe_names, between=some.frozensets(names, max_size=2)
)
facilities = some.frozensets(some.sampled_from(Facility), max_size=2)
periods = some.builds(lambda start, length, open_: Period(start, None if open_ else start + STEP * length), moments, some.integers(1, 288), some.booleans())
sets = some.frozensets(names, max_size=2)
abouts = some.builds(
    About,
    entities=some.lists(entities, max_size=3).map(tuple),
    periods=some.lists(periods, max_size=2).map(tuple),
    estimated=some.booleans(),
    areas=sets,
    categories=sets,
    pay=some.none() | some.integers(0, 3),
    workload=some.none() | some.sampled_from(Workload),
    agency=maybe_names,
)
asks = some.builds(
    Filters,
    journeys=some.lists(legs, max_size=2).map(tuple),
    facilities=facilities,
    severity=some.none() | some.sampled_from(Severity),
    hours=some.none() | hours,
    travel=some.none() | hours,
    areas=sets,
    categories=sets,
    pay=some.none() | some.integers(0, 3),
    workload=some.none() | some.sampled_from(Workload),
    agencies=sets,
)
notices = some.builds(Told, some.sampled_from(Kind), some.sampled_from(Severity), some.booleans(), abouts)
TIMES = {Mismatch.DAYS, Mismatch.HOURS}


def passes(filters: Filters, notice: Told, zone: ZoneInfo, now: datetime) -> bool:
    return why_not(filters, notice, zone=zone, now=now) is None


@given(filters=asks, notice=notices, more=entities, zone=zones, now=moments)
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])  # few match, and those that do are what it is about
def test_one_more_entity_never_turns_a_match_away(filters: Filters, notice: Told, more: Entity, zone: ZoneInfo, now: datetime) -> None:
    assume(notice.about.entities and passes(filters, notice, zone, now))
    wider = replace(notice, about=replace(notice.about, entities=(*notice.about.entities, more)))
    assert passes(filters, wider, zone, now)


@given(filters=asks, notice=notices, more=legs, zone=zones, now=moments)
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])  # few match, and those that do are what it is about
def test_one_more_leg_never_turns_a_match_away(filters: Filters, notice: Told, more: Journey, zone: ZoneInfo, now: datetime) -> None:
    filters = replace(filters, hours=None)
    assume(filters.journeys and passes(filters, notice, zone, now))
    assert passes(replace(filters, journeys=(*filters.journeys, more)), notice, zone, now)


NOTHING_ASKED = {
    "journeys": (),
    "severity": None,
    "hours": None,
    "travel": None,
    "areas": frozenset(),
    "categories": frozenset(),
    "pay": None,
    "workload": None,
}


@pytest.mark.parametrize("name", [*NOTHING_ASKED, "agencies"])
@given(filters=asks, notice=notices, zone=zones, now=moments)
@settings(deadline=None, max_examples=40)
def test_a_filter_left_open_never_turns_a_match_away(name: str, filters: Filters, notice: Told, zone: ZoneInfo, now: datetime) -> None:
    without = replace(filters, **{name: NOTHING_ASKED.get(name, frozenset())}, facilities=frozenset())
    if passes(replace(filters, facilities=frozenset()), notice, zone, now):
        assert passes(without, notice, zone, now)


@pytest.mark.parametrize("name", ["route_type", "route", "direction"])
@given(leg=legs, entity=entities, asked=facilities)
def test_what_either_side_leaves_open_never_turns_a_match_away(name: str, leg: Journey, entity: Entity, asked: frozenset[Facility]) -> None:
    def fits(leg: Journey, entity: Entity) -> bool:
        notice = Told(Kind.TRANSIT, Severity.MINOR, False, About(entities=(entity,)))
        return passes(Filters(journeys=(leg,), facilities=asked), notice, ZoneInfo("UTC"), CHANGES[0])

    if fits(leg, entity):
        assert fits(replace(leg, **{name: None}), entity)
        assert fits(leg, replace(entity, **{name: None}))


@given(filters=asks, notice=notices, zone=zones, now=moments)
@settings(deadline=None)
def test_what_is_urgent_knows_no_hours(filters: Filters, notice: Told, zone: ZoneInfo, now: datetime) -> None:
    urgent = replace(notice, urgent=True)
    found = why_not(filters, urgent, zone=zone, now=now)
    assert found not in TIMES
    assert found == why_not(replace(filters, hours=None), urgent, zone=zone, now=now)


@given(filters=asks, notice=notices, zone=zones, now=moments)
@settings(deadline=None)
def test_an_emergency_asks_for_areas_only(filters: Filters, notice: Told, zone: ZoneInfo, now: datetime) -> None:
    emergency = replace(notice, kind=Kind.EMERGENCY)
    assert why_not(filters, emergency, zone=zone, now=now) == why_not(Filters(areas=filters.areas), emergency, zone=zone, now=now)


@given(filters=asks, asked=hours, notice=notices, zone=zones, now=moments)
@settings(deadline=None)
def test_what_is_told_later_passes_then_and_only_the_hours_kept_it(filters: Filters, asked: Hours, notice: Told, zone: ZoneInfo, now: datetime) -> None:
    filters = replace(filters, hours=asked)
    no, again = why_not(filters, notice, zone=zone, now=now), told_again_at(filters, notice, zone=zone, now=now)
    if again is None:
        over = notice.about.periods and all(one.end is not None for one in notice.about.periods)
        assert no not in TIMES or over
    else:
        assert no in TIMES
        assert again > now
        assert passes(filters, notice, zone, again)
        assert passes(replace(filters, hours=None), notice, zone, now)


@given(filters=asks, now=notices, before=abouts, zone=zones, moment=moments)
@settings(deadline=None)
def test_whoever_was_told_is_told_how_it_goes_on(filters: Filters, now: Told, before: About, zone: ZoneInfo, moment: datetime) -> None:
    now = replace(now, about=replace(now.about, estimated=before.estimated))
    update, first = replace(now, about=widened(now.about, before)), replace(now, about=before)
    for told in (now, first):
        assert why_not(filters, update, zone=zone, now=moment) is None or why_not(filters, told, zone=zone, now=moment) is not None


@given(filters=asks, about=abouts)
def test_what_is_asked_and_said_is_kept_as_it_is(filters: Filters, about: About) -> None:
    assert read_filters(json.loads(json.dumps(filter_values(filters)))) == filters
    assert read_about(json.loads(json.dumps(about_values(about)))) == about
    assert bool(filter_values(filters)) is (filters != Filters())
    assert bool(about_values(about)) is (about != About())
