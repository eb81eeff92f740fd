"""Whether somebody who asked for a part of a topic wants a notice: the rules of T-Alerts, case by case."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.about import NOTHING_SAID, About, Activity, Entity, Period, Workload
from chalicelib.domain.filters import EVERYTHING, Facility, Filters, Hours, Journey
from chalicelib.domain.lines import Lines
from chalicelib.domain.matching import Mismatch, Told, told_again_at, why_not
from chalicelib.domain.notice import Kind, Severity

NEW_YORK = ZoneInfo("America/New_York")
BOARD, EXIT, RIDE = Activity.BOARD, Activity.EXIT, Activity.RIDE
WHEELCHAIR, ESCALATOR, PARKING, BIKES = Activity.USING_WHEELCHAIR, Activity.USING_ESCALATOR, Activity.PARK_CAR, Activity.STORE_BIKE
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
WEEKDAYS = frozenset({MON, TUE, WED, THU, FRI})


def there(text: str) -> datetime:
    """A moment in New York, by its wall time. 30 November 2026 is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


MONDAY_NOON = there("2026-11-30T12:00")


def told(about: About = NOTHING_SAID, *, kind: Kind = Kind.TRANSIT, severity: Severity = Severity.MODERATE, urgent: bool = False) -> Told:
    return Told(kind, severity, urgent, about)


def at(*entities: Entity, **changes: Any) -> Told:
    """A notice about these entities."""
    return told(About(entities=entities, **changes))


def says(filters: Filters, notice: Told, now: datetime = MONDAY_NOON) -> Mismatch | None:
    return why_not(filters, notice, zone=NEW_YORK, now=now)


def doing(*activities: Activity, **names: Any) -> Entity:
    return Entity(activities=frozenset(activities), **names)


def on(*legs: Journey, **changes: Any) -> Filters:
    return Filters(journeys=legs, **changes)


RED = Journey(route_type=1, route="Red", direction=0, origin="alewife", destination="park", between=frozenset({"harvard", "central"}))
PARK = Journey(route="Red", origin="park", destination="park")

# --- where -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("leg", "entity", "wanted"),
    [
        pytest.param(RED, Entity(route="Red"), True, id="its route"),
        pytest.param(RED, Entity(route="Blue"), False, id="another route"),
        pytest.param(RED, Entity(route_type=1), True, id="all of its route type"),
        pytest.param(RED, Entity(route_type=3), False, id="another route type"),
        pytest.param(RED, Entity(route_type=3, route="Red"), False, id="its route, but of another type: all that is named counts"),
        pytest.param(RED, Entity(route="Red", direction=0), True, id="its direction"),
        pytest.param(RED, Entity(route="Red", direction=1), False, id="the other direction"),
        pytest.param(replace(RED, direction=None), Entity(route="Red", direction=1), True, id="any direction asked"),
        pytest.param(replace(RED, direction=1), Entity(route="Red", direction=0), False, id="direction 0 is a direction"),
        pytest.param(replace(RED, route_type=None), Entity(route_type=0, route="Red"), True, id="any type asked"),
        pytest.param(RED, Entity(route_type=0, route="Red"), False, id="type 0 is a type"),
        pytest.param(replace(RED, route=None), Entity(route="Blue"), True, id="any route asked"),
        pytest.param(RED, Entity(route="Red", stop="alewife"), True, id="where they get on"),
        pytest.param(RED, Entity(route="Red", stop="park"), True, id="where they get off"),
        pytest.param(RED, Entity(stop="park"), True, id="a stop of theirs on any route"),
        pytest.param(RED, Entity(route="Blue", stop="park"), False, id="a stop of theirs on another route"),
        pytest.param(RED, Entity(route="Red", stop="ashmont"), False, id="a stop beyond"),
        pytest.param(RED, doing(RIDE, route="Red", stop="harvard"), True, id="between, riding"),
        pytest.param(RED, doing(BOARD, EXIT, RIDE, route="Red", stop="harvard"), True, id="between, riding among others"),
        pytest.param(RED, doing(BOARD, EXIT, route="Red", stop="harvard"), False, id="between, getting on and off only"),
        pytest.param(RED, Entity(route="Red", stop="harvard"), False, id="between, and no word of riding"),
        pytest.param(RED, doing(RIDE, route="Red", stop="ashmont"), False, id="a stop beyond, riding"),
        pytest.param(Journey(route="Red"), Entity(route="Red", stop="ashmont"), True, id="no stops asked: every stop"),
        pytest.param(Journey(origin="park"), Entity(stop="park"), True, id="from a stop: that stop"),
        pytest.param(Journey(origin="park"), Entity(stop="ashmont"), False, id="from a stop: no other"),
        pytest.param(Journey(origin="park"), Entity(route="Red"), True, id="from a stop to anywhere: what names no stop"),
        pytest.param(Journey(destination="park"), Entity(stop="park"), True, id="to a stop: that stop"),
        pytest.param(Journey(destination="park"), Entity(stop="ashmont"), False, id="to a stop: no other"),
        pytest.param(PARK, Entity(route="Red", stop="park"), True, id="one stop: that stop"),
        pytest.param(PARK, Entity(route="Red"), False, id="one stop: not what names no stop"),
        pytest.param(PARK, Entity(route="Red", trip="t1"), False, id="one stop: not a trip"),
        pytest.param(PARK, Entity(trip="t1"), False, id="one stop: not a trip of no route"),
        pytest.param(PARK, Entity(), True, id="one stop: the whole network is there too"),
        pytest.param(RED, Entity(), True, id="the whole network"),
        pytest.param(RED, Entity(direction=1), True, id="the whole network, with a direction of nothing"),
        pytest.param(RED, Entity(trip="t1"), True, id="a trip: we have no timetable"),
        pytest.param(RED, Entity(route="Red", trip="t1"), True, id="a trip of their route"),
        pytest.param(RED, Entity(route="Blue", trip="t1"), False, id="a trip of another route"),
    ],
)
def test_an_entity_is_on_somebodys_way_by_all_that_it_names(leg: Journey, entity: Entity, wanted: bool) -> None:
    assert says(on(leg), at(entity)) is (None if wanted else Mismatch.JOURNEY)


@pytest.mark.parametrize(
    ("entity", "wanted"),
    [
        pytest.param(doing(BOARD, stop="alewife"), True, id="getting on where they get on"),
        pytest.param(doing(EXIT, stop="alewife"), False, id="getting off where they get on"),
        pytest.param(doing(RIDE, stop="alewife"), True, id="riding from where they get on"),
        pytest.param(doing(EXIT, stop="park"), True, id="getting off where they get off"),
        pytest.param(doing(BOARD, stop="park"), False, id="getting on where they get off"),
        pytest.param(doing(RIDE, stop="park"), True, id="riding to where they get off"),
        pytest.param(doing(BOARD, route="Red"), True, id="getting on anywhere"),
        pytest.param(doing(EXIT, route="Red"), True, id="getting off anywhere"),
        pytest.param(doing(RIDE, route="Red"), True, id="riding anywhere"),
        pytest.param(doing(WHEELCHAIR, stop="park"), False, id="an elevator that nobody asked for"),
        pytest.param(doing(WHEELCHAIR, EXIT, stop="park"), True, id="an elevator, and getting off"),
        pytest.param(doing(PARKING), False, id="parking everywhere"),
        pytest.param(Entity(stop="park"), True, id="whatever they do there"),
    ],
)
def test_an_entity_touches_what_riders_do_at_that_stop(entity: Entity, wanted: bool) -> None:
    assert says(on(RED), at(entity)) is (None if wanted else Mismatch.JOURNEY)


@pytest.mark.parametrize("activity", [BOARD, EXIT, RIDE])
def test_at_a_stop_that_somebody_asked_for_alone_all_riders_count(activity: Activity) -> None:
    assert says(on(PARK), at(doing(activity, stop="park"))) is None


@pytest.mark.parametrize("activity", [BOARD, EXIT, RIDE])
@pytest.mark.parametrize("leg", [Journey(origin="park"), Journey(destination="park")], ids=["from a stop", "to a stop"])
def test_what_names_no_stop_touches_all_that_riders_do(leg: Journey, activity: Activity) -> None:
    assert says(on(leg), at(doing(activity, route="Red"))) is None


def test_any_entity_on_any_leg_is_enough() -> None:
    both = on(RED, Journey(route="Blue", direction=1))
    assert says(both, at(Entity(route="Green"), Entity(route="Blue", direction=1))) is None
    assert says(both, at(Entity(route="Green"), Entity(route="Blue", direction=0))) is Mismatch.JOURNEY


def test_what_names_no_entity_is_about_every_way() -> None:
    assert says(on(RED), told()) is None
    assert says(Filters(facilities=frozenset({Facility.ELEVATOR})), told()) is None


LINES = Lines({"red": (("alewife", "harvard", "central", "park"),)}, {"70061": "alewife", "70067": "harvard", "70075": "park"})
COMMUTER = Journey(route="red", origin="Alewife", destination="Park")


@pytest.mark.parametrize(
    ("leg", "entity", "wanted"),
    [
        pytest.param(COMMUTER, doing(BOARD, route="Red", stop="70061"), True, id="a platform where they get on"),
        pytest.param(COMMUTER, doing(EXIT, route="Red", stop="70061"), False, id="getting off at that platform"),
        pytest.param(COMMUTER, doing(EXIT, stop="70075"), True, id="a platform where they get off"),
        pytest.param(COMMUTER, doing(RIDE, stop="70067"), True, id="a platform between, riding"),
        pytest.param(COMMUTER, doing(RIDE, stop="Central"), True, id="a station between, riding"),
        pytest.param(COMMUTER, doing(BOARD, stop="70067"), False, id="a platform between, getting on"),
        pytest.param(COMMUTER, doing(RIDE, stop="70099"), False, id="a stop that nobody knows"),
        pytest.param(replace(COMMUTER, origin="Park", destination="Alewife"), doing(RIDE, stop="70067"), True, id="the other way"),
        pytest.param(replace(COMMUTER, route=None), doing(RIDE, stop="70067"), False, id="no route asked: nobody knows the way"),
        pytest.param(replace(COMMUTER, destination=None), doing(RIDE, stop="70067"), False, id="no end asked"),
        pytest.param(replace(COMMUTER, origin=None), doing(RIDE, stop="70067"), False, id="no beginning asked"),
        pytest.param(replace(COMMUTER, destination="Central", between=frozenset({"70075"})), doing(RIDE, stop="park"), True, id="a platform of their own"),
        pytest.param(Journey(origin="70061", destination="70061"), Entity(stop="alewife"), True, id="one platform asked: its station"),
        pytest.param(Journey(origin="70061", destination="Alewife"), Entity(route="Red"), False, id="a platform and its station are one stop"),
        pytest.param(Journey(route="RED"), Entity(route="red"), True, id="a route in another spelling"),
    ],
)
def test_stops_are_compared_by_their_stations_in_any_spelling(leg: Journey, entity: Entity, wanted: bool) -> None:
    assert says(on(leg), replace(at(entity), lines=LINES)) is (None if wanted else Mismatch.JOURNEY)


def test_elevators_between_a_platform_and_its_station_are_at_one_stop() -> None:
    asked = Filters(journeys=(Journey(origin="70061", destination="Alewife"),), facilities=LIFT, hours=MORNINGS)
    notice = replace(at(doing(WHEELCHAIR, stop="alewife")), lines=LINES)
    assert says(asked, notice, there("2026-11-30T15:00")) is None


# --- facilities ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facility", "activity"),
    [(Facility.ELEVATOR, WHEELCHAIR), (Facility.ESCALATOR, ESCALATOR), (Facility.PARKING_AREA, PARKING), (Facility.BIKE_STORAGE, BIKES)],
)
def test_each_facility_is_one_activity(facility: Facility, activity: Activity) -> None:
    asked = Filters(facilities=frozenset({facility}))
    assert says(asked, at(doing(activity, stop="park"))) is None
    for other in set(Activity) - {activity}:
        assert says(asked, at(doing(other, stop="park"))) is Mismatch.FACILITY
    assert says(asked, at(Entity(stop="park"))) is None


LIFT = frozenset({Facility.ELEVATOR})


@pytest.mark.parametrize(
    ("leg", "entity", "no"),
    [
        pytest.param(PARK, doing(WHEELCHAIR, stop="park"), None, id="at one stop: its elevator"),
        pytest.param(PARK, doing(WHEELCHAIR, stop="alewife"), Mismatch.JOURNEY, id="at one stop: no other elevator"),
        pytest.param(PARK, doing(BOARD, stop="park"), Mismatch.FACILITY, id="at one stop: not its trains"),
        pytest.param(Journey(route="Red"), doing(RIDE, route="Red"), Mismatch.FACILITY, id="on a route: not its trains"),
        pytest.param(Journey(route="Red"), doing(WHEELCHAIR, route="Red", stop="park"), None, id="on a route: its elevators"),
        pytest.param(Journey(origin="park"), doing(BOARD, stop="park"), Mismatch.FACILITY, id="from a stop: not its trains"),
        pytest.param(Journey(destination="park"), doing(EXIT, stop="park"), Mismatch.FACILITY, id="to a stop: not its trains"),
        pytest.param(RED, doing(WHEELCHAIR, stop="park"), None, id="between two stops: their elevators"),
        pytest.param(RED, doing(BOARD, stop="alewife"), None, id="between two stops: the trains too"),
        pytest.param(RED, doing(WHEELCHAIR, stop="harvard"), Mismatch.JOURNEY, id="between two stops: not the elevators passed by"),
        pytest.param(RED, doing(ESCALATOR, stop="park"), Mismatch.FACILITY, id="between two stops: no other facility"),
    ],
)
def test_facilities_are_asked_for_beside_a_ride_and_else_instead_of_it(leg: Journey, entity: Entity, no: Mismatch | None) -> None:
    assert says(on(leg, facilities=LIFT), at(entity)) is no


# --- what it is ------------------------------------------------------------------------------------------------------

ORDER = [Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME]


@pytest.mark.parametrize("least", ORDER)
@pytest.mark.parametrize("severity", ORDER)
def test_a_threshold_lets_its_own_severity_and_worse_pass(least: Severity, severity: Severity) -> None:
    passes = ORDER.index(severity) >= ORDER.index(least)
    assert says(Filters(severity=least), told(severity=severity)) is (None if passes else Mismatch.SEVERITY)


def areas(*names: str) -> frozenset[str]:
    return frozenset(names)


@pytest.mark.parametrize(
    ("filters", "about", "no"),
    [
        pytest.param(Filters(areas=areas("harbor", "north-end")), About(areas=areas("north-end")), None, id="an area of theirs"),
        pytest.param(Filters(areas=areas("harbor")), About(areas=areas("north-end")), Mismatch.AREA, id="another area"),
        pytest.param(Filters(areas=areas("harbor")), About(), None, id="the whole city"),
        pytest.param(Filters(), About(areas=areas("harbor")), None, id="any area asked"),
        pytest.param(Filters(categories=areas("music", "food")), About(categories=areas("food")), None, id="a category of theirs"),
        pytest.param(Filters(categories=areas("music")), About(categories=areas("food")), Mismatch.CATEGORY, id="another category"),
        pytest.param(Filters(categories=areas("music")), About(), None, id="no category said"),
        pytest.param(Filters(), About(categories=areas("food")), None, id="any category asked"),
        pytest.param(Filters(pay=60_000), About(pay=60_000), None, id="just enough pay"),
        pytest.param(Filters(pay=60_000), About(pay=59_999), Mismatch.PAY, id="too little pay"),
        pytest.param(Filters(pay=60_000), About(), None, id="no pay said"),
        pytest.param(Filters(), About(pay=1), None, id="any pay asked"),
        pytest.param(Filters(pay=1), About(pay=0), Mismatch.PAY, id="no pay at all"),
        pytest.param(Filters(pay=0), About(pay=0), None, id="a floor of nothing"),
        pytest.param(Filters(workload=Workload.PART_TIME), About(workload=Workload.PART_TIME), None, id="their workload"),
        pytest.param(Filters(workload=Workload.PART_TIME), About(workload=Workload.FULL_TIME), Mismatch.WORKLOAD, id="another workload"),
        pytest.param(Filters(workload=Workload.PART_TIME), About(), None, id="no workload said"),
        pytest.param(Filters(), About(workload=Workload.FULL_TIME), None, id="any workload asked"),
        pytest.param(Filters(agencies=areas("Parks", "Health")), About(agency="Health"), None, id="an agency of theirs"),
        pytest.param(Filters(agencies=areas("Dept of Health")), About(agency="DEPT OF HEALTH"), None, id="their agency in another spelling"),
        pytest.param(Filters(agencies=areas("Parks")), About(agency="Health"), Mismatch.AGENCY, id="another agency"),
        pytest.param(Filters(agencies=areas("Parks")), About(), None, id="no agency said"),
        pytest.param(Filters(), About(agency="Health"), None, id="any agency asked"),
    ],
)
def test_events_and_jobs_pass_by_what_both_sides_say(filters: Filters, about: About, no: Mismatch | None) -> None:
    assert says(filters, told(about, kind=Kind.JOB)) is no


STRICT = Filters(
    journeys=(PARK,),
    facilities=LIFT,
    severity=Severity.EXTREME,
    hours=Hours(frozenset({SUN}), 60, 61),
    travel=Hours(frozenset({SUN}), 60, 61),
    areas=areas("harbor"),
    categories=areas("music"),
    pay=99,
    workload=Workload.PART_TIME,
    agencies=areas("Parks"),
)
ELSEWHERE = About(
    entities=(doing(BOARD, route="Blue", stop="x"),),
    periods=(Period(MONDAY_NOON, MONDAY_NOON + timedelta(hours=1)),),
    areas=areas("harbor"),
    categories=areas("food"),
    pay=1,
    workload=Workload.FULL_TIME,
    agency="Health",
)


def test_an_emergency_passes_every_filter_but_the_area() -> None:
    emergency = told(ELSEWHERE, kind=Kind.EMERGENCY, severity=Severity.MINOR, urgent=True)
    assert says(STRICT, emergency) is None
    assert told_again_at(STRICT, emergency, zone=NEW_YORK, now=MONDAY_NOON) is None
    assert says(STRICT, replace(emergency, about=replace(ELSEWHERE, areas=areas("north-end")))) is Mismatch.AREA


@pytest.mark.parametrize("kind", [Kind.TRANSIT, Kind.EVENT, Kind.JOB, Kind.ANNOUNCEMENT])
def test_the_first_filter_that_says_no_is_named_and_hours_come_last(kind: Kind) -> None:
    notice, asked = told(ELSEWHERE, kind=kind), STRICT
    expected = [
        (Mismatch.SEVERITY, {"severity": None}),
        (Mismatch.CATEGORY, {"categories": frozenset()}),
        (Mismatch.PAY, {"pay": None}),
        (Mismatch.WORKLOAD, {"workload": None}),
        (Mismatch.AGENCY, {"agencies": frozenset()}),
        (Mismatch.JOURNEY, {"journeys": ()}),
        (Mismatch.FACILITY, {"facilities": frozenset()}),
        (Mismatch.TRAVEL, {"travel": None}),
        (Mismatch.DAYS, {"hours": None}),
    ]
    for no, without in expected:
        assert says(asked, notice) is no
        asked = replace(asked, **without)
    assert says(asked, notice) is None


def test_whoever_asked_for_everything_gets_everything() -> None:
    assert says(EVERYTHING, told(ELSEWHERE)) is None
    assert says(Filters(), told(ELSEWHERE)) is None


# --- when they ride --------------------------------------------------------------------------------------------------

COMMUTE = Filters(travel=Hours(WEEKDAYS, 7 * 60, 9 * 60))
NIGHT_SHIFT = Filters(travel=Hours(frozenset({MON}), 22 * 60, 2 * 60))


def span(start: str | None, end: str | None) -> Period:
    return Period(there(start) if start else None, there(end) if end else None)


@pytest.mark.parametrize(
    ("filters", "periods", "rides"),
    [
        pytest.param(COMMUTE, [span("2026-11-30T08:00", "2026-11-30T08:30")], True, id="within"),
        pytest.param(COMMUTE, [span("2026-11-30T06:00", "2026-11-30T07:01")], True, id="ends in it"),
        pytest.param(COMMUTE, [span("2026-11-30T06:00", "2026-11-30T07:00")], False, id="ends when it begins"),
        pytest.param(COMMUTE, [span("2026-11-30T08:59", "2026-11-30T20:00")], True, id="begins in it"),
        pytest.param(COMMUTE, [span("2026-11-30T09:00", "2026-11-30T20:00")], False, id="begins when it ends"),
        pytest.param(COMMUTE, [span("2026-11-30T10:00", "2026-12-01T06:00")], False, id="over one night"),
        pytest.param(COMMUTE, [span("2026-11-30T10:00", "2026-12-01T08:00")], True, id="into the next morning"),
        pytest.param(COMMUTE, [span("2026-12-05T00:00", "2026-12-07T00:00")], False, id="a weekend"),
        pytest.param(COMMUTE, [span("2026-12-05T00:00", "2026-12-12T00:00")], True, id="a week"),
        pytest.param(COMMUTE, [span("2026-12-05T00:00", "2026-12-06T00:00"), span("2026-12-08T07:00", "2026-12-08T08:00")], True, id="any of several"),
        pytest.param(COMMUTE, [span("2026-12-05T00:00", "2026-12-06T00:00"), span("2026-12-12T00:00", "2026-12-13T00:00")], False, id="none of several"),
        pytest.param(COMMUTE, [span("2026-12-05T00:00", None)], True, id="no end"),
        pytest.param(COMMUTE, [span(None, "2026-12-05T00:00")], True, id="no beginning"),
        pytest.param(COMMUTE, [span(None, None)], True, id="neither"),
        pytest.param(COMMUTE, [span("2026-11-30T08:00", "2026-11-30T08:00")], True, id="a moment within"),
        pytest.param(COMMUTE, [span("2026-11-30T06:00", "2026-11-30T06:00")], False, id="a moment before"),
        pytest.param(COMMUTE, [], True, id="no period"),
        pytest.param(NIGHT_SHIFT, [span("2026-12-01T00:30", "2026-12-01T01:00")], True, id="after the midnight of that night"),
        pytest.param(NIGHT_SHIFT, [span("2026-11-30T00:30", "2026-11-30T01:00")], False, id="before the dawn of that day"),
        pytest.param(NIGHT_SHIFT, [span("2026-11-30T22:30", "2026-11-30T23:00")], True, id="before that midnight"),
        pytest.param(Filters(travel=Hours(frozenset(), 0, 60)), [span("2026-11-30T00:00", "2026-12-30T00:00")], False, id="somebody who never rides"),
    ],
)
def test_a_notice_passes_where_it_holds_while_they_ride(filters: Filters, periods: list[Period], rides: bool) -> None:
    assert says(filters, told(About(periods=tuple(periods)))) is (None if rides else Mismatch.TRAVEL)


@pytest.mark.parametrize(
    ("start", "end", "rides"),
    [
        pytest.param("2026-12-04T10:00", "2026-12-04T11:00", False, id="Friday at ten: Saturday at ten at night"),
        pytest.param("2026-12-05T19:00", "2026-12-05T20:00", False, id="Saturday at seven in the evening: Monday at seven, and not a minute of it"),
        pytest.param("2026-12-05T19:01", "2026-12-05T20:00", True, id="a minute later"),
        pytest.param("2026-12-04T10:00", "2026-12-30T00:00", False, id="a far end is a guess too"),
        pytest.param("2026-12-04T10:00", None, False, id="no end is a guess too"),
        pytest.param(None, "2026-12-04T10:00", True, id="no beginning"),
    ],
)
def test_a_guessed_end_is_36_hours_after_the_beginning(start: str | None, end: str | None, rides: bool) -> None:
    assert says(COMMUTE, told(About(periods=(span(start, end),), estimated=True))) is (None if rides else Mismatch.TRAVEL)


def test_an_urgent_notice_still_has_to_be_about_their_way_and_their_time() -> None:
    weekend = About(periods=(span("2026-12-05T00:00", "2026-12-06T00:00"),))
    assert says(COMMUTE, told(weekend, urgent=True)) is Mismatch.TRAVEL
    assert says(on(RED), replace(at(Entity(route="Blue")), urgent=True)) is Mismatch.JOURNEY


# --- when to tell ----------------------------------------------------------------------------------------------------

MORNINGS = Hours(WEEKDAYS, 6 * 60, 9 * 60)
NIGHTS = Hours(frozenset({FRI}), 22 * 60, 2 * 60)


@pytest.mark.parametrize(
    ("hours", "now", "no", "again"),
    [
        pytest.param(MORNINGS, "2026-11-30T06:00", None, None, id="the first minute"),
        pytest.param(MORNINGS, "2026-11-30T08:59:59", None, None, id="the last second"),
        pytest.param(MORNINGS, "2026-11-30T09:00", Mismatch.HOURS, "2026-12-01T06:00", id="just over"),
        pytest.param(MORNINGS, "2026-11-30T05:59:59.5", Mismatch.HOURS, "2026-11-30T06:00", id="just before"),
        pytest.param(MORNINGS, "2026-12-04T12:00", Mismatch.HOURS, "2026-12-07T06:00", id="over the weekend"),
        pytest.param(MORNINGS, "2026-12-04T22:00", Mismatch.HOURS, "2026-12-07T06:00", id="still Friday there, Saturday elsewhere"),
        pytest.param(MORNINGS, "2026-12-05T07:00", Mismatch.DAYS, "2026-12-07T06:00", id="their hours, not their day"),
        pytest.param(NIGHTS, "2026-12-04T23:00", None, None, id="before midnight"),
        pytest.param(NIGHTS, "2026-12-05T01:59", None, None, id="after midnight, the same night"),
        pytest.param(NIGHTS, "2026-12-05T02:00", Mismatch.DAYS, "2026-12-11T22:00", id="the night is over"),
        pytest.param(NIGHTS, "2026-12-04T01:00", Mismatch.HOURS, "2026-12-04T22:00", id="the night before"),
        pytest.param(Hours(frozenset({SUN}), 22 * 60, 2 * 60), "2026-12-07T01:00", None, None, id="from Sunday into Monday"),
        pytest.param(Hours(frozenset({MON}), 540, 540), "2026-12-01T08:59", None, None, id="from an hour to the same: a day and a night"),
        pytest.param(Hours(frozenset({MON}), 540, 540), "2026-11-30T08:59", Mismatch.HOURS, "2026-11-30T09:00", id="and not before"),
        pytest.param(Hours(frozenset({MON}), 0, 1440), "2026-11-30T23:59:59", None, None, id="a whole day"),
        pytest.param(Hours(frozenset({MON}), 1320, 0), "2026-12-01T00:00", Mismatch.DAYS, "2026-12-07T22:00", id="until midnight"),
        pytest.param(Hours(frozenset(), 0, 1440), "2026-11-30T12:00", Mismatch.DAYS, None, id="no day: never"),
        pytest.param(Hours(frozenset({SUN}), 120, 180), "2027-03-14T01:00", Mismatch.HOURS, "2027-03-21T02:00", id="an hour that clocks skip"),
        pytest.param(Hours(frozenset({SUN}), 150, 240), "2027-03-14T01:00", Mismatch.HOURS, "2027-03-14T03:00", id="half of it skipped"),
    ],
)
def test_nothing_is_told_outside_the_hours_but_when_they_begin(hours: Hours, now: str, no: Mismatch | None, again: str | None) -> None:
    asked = Filters(hours=hours)
    assert says(asked, told(), there(now)) is no
    assert told_again_at(asked, told(), zone=NEW_YORK, now=there(now)) == (there(again) if again else None)


def test_hours_that_clocks_show_twice_are_there_twice() -> None:
    asked = Filters(hours=Hours(frozenset({SUN}), 75, 90))  # 01:15 to 01:30
    between = datetime(2027, 11, 7, 5, 45, tzinfo=UTC)  # the first 01:45 of that morning
    assert told_again_at(asked, told(), zone=NEW_YORK, now=between) == datetime(2027, 11, 7, 6, 15, tzinfo=UTC)
    entered = Filters(hours=Hours(frozenset({SUN}), 30, 105))  # clocks go back into the middle of it
    assert told_again_at(entered, told(), zone=NEW_YORK, now=datetime(2027, 11, 7, 5, 50, tzinfo=UTC)) == datetime(2027, 11, 7, 6, 0, tzinfo=UTC)


def test_hours_are_those_of_the_residents_zone() -> None:
    six_there = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
    assert why_not(Filters(hours=MORNINGS), told(), zone=ZoneInfo("UTC"), now=six_there) is None
    assert why_not(Filters(hours=MORNINGS), told(), zone=NEW_YORK, now=six_there) is Mismatch.HOURS


def test_what_is_urgent_is_told_at_any_hour_of_any_day() -> None:
    for now in ("2026-12-05T03:00", "2026-12-01T03:00"):
        assert says(Filters(hours=MORNINGS), told(urgent=True), there(now)) is None
        assert told_again_at(Filters(hours=MORNINGS), told(urgent=True), zone=NEW_YORK, now=there(now)) is None


@pytest.mark.parametrize(
    ("legs", "no"),
    [
        pytest.param((), None, id="anywhere"),
        pytest.param((PARK,), None, id="at one stop"),
        pytest.param((Journey(route="Red"),), None, id="on a route"),
        pytest.param((RED,), Mismatch.HOURS, id="beside a ride"),
        pytest.param((PARK, RED), Mismatch.HOURS, id="beside one ride of two"),
    ],
)
def test_who_asked_for_facilities_and_no_trains_is_told_at_any_hour_of_their_days(legs: tuple[Journey, ...], no: Mismatch | None) -> None:
    asked = Filters(journeys=legs, facilities=LIFT, hours=MORNINGS)
    out_of_order = at(doing(WHEELCHAIR, stop="park"))
    assert says(asked, out_of_order, there("2026-11-30T15:00")) is no
    assert says(asked, out_of_order, there("2026-12-05T07:00")) is Mismatch.DAYS


def test_facilities_on_another_day_wait_for_the_midnight_of_their_day() -> None:
    asked = Filters(facilities=LIFT, hours=MORNINGS)
    saturday = there("2026-12-05T07:00")
    assert told_again_at(asked, at(doing(WHEELCHAIR, stop="park")), zone=NEW_YORK, now=saturday) == there("2026-12-07T00:00")


@pytest.mark.parametrize(
    ("about", "again"),
    [
        pytest.param(About(periods=(span("2026-11-30T10:00", "2026-12-01T05:00"),)), None, id="over by then"),
        pytest.param(About(periods=(span("2026-11-30T10:00", "2026-12-01T06:00"),)), None, id="over at that moment"),
        pytest.param(About(periods=(span("2026-11-30T10:00", "2026-12-01T06:01"),)), "2026-12-01T06:00", id="holds by then"),
        pytest.param(About(periods=(span("2026-11-30T10:00", None),)), "2026-12-01T06:00", id="no end"),
        pytest.param(
            About(periods=(span(None, "2026-11-30T13:00"), span("2026-12-02T10:00", "2026-12-03T00:00"))), "2026-12-01T06:00", id="one of two to come"
        ),
        pytest.param(About(periods=(span("2026-11-30T10:00", "2026-11-30T13:00"),), estimated=True), "2026-12-01T06:00", id="a guessed end"),
        pytest.param(About(), "2026-12-01T06:00", id="no period"),
    ],
)
def test_what_is_over_when_the_hours_begin_is_not_told_any_more(about: About, again: str | None) -> None:
    found = told_again_at(Filters(hours=MORNINGS), told(about), zone=NEW_YORK, now=there("2026-11-30T12:00"))
    assert found == (there(again) if again else None)


def test_whoever_names_no_day_is_never_told() -> None:
    holds = About(periods=(span("2026-11-30T10:00", "2026-12-30T13:00"),))
    assert told_again_at(Filters(hours=Hours(frozenset())), told(holds), zone=NEW_YORK, now=MONDAY_NOON) is None


@pytest.mark.parametrize(
    "filters",
    [Filters(), Filters(hours=MORNINGS, severity=Severity.EXTREME), on(RED, hours=MORNINGS)],
    ids=["no hours", "another filter says no too", "their way says no too"],
)
def test_only_what_the_hours_alone_keep_is_told_later(filters: Filters) -> None:
    night = there("2026-12-01T03:00")
    assert told_again_at(filters, at(Entity(route="Blue")), zone=NEW_YORK, now=night) is None
