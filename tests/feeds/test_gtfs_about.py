"""What an alert is about: whose trains, which stops, when; in the standard's words and in MBTA's."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.about import MOST_ENTITIES, NOTHING_SAID, About, Activity, Entity, Period
from chalicelib.domain.notice import Severity, Urgency
from chalicelib.feeds.gtfs_about import MOST_NAME
from tests.feeds.feeds import NOON, NOW, a_feed, an_alert, as_protobuf, read, read_one
from tests.samples import sample

HOUR = timedelta(hours=1)
NAMED = {"agency_id": "1", "route_type": 0, "route_id": "Green-B", "direction_id": 1, "stop_id": "70209"}


def about(**alert: Any) -> About:
    return read_one(a_feed(an_alert(**alert))).about


def entities(*selectors: dict[str, Any]) -> tuple[Entity, ...]:
    return about(informed_entity=list(selectors)).entities


@pytest.mark.parametrize(
    ("selector", "entity"),
    [
        pytest.param(NAMED, Entity(route_type=0, route="Green-B", direction=1, stop="70209"), id="all that it names, together"),
        pytest.param({"route_id": "Red", "direction_id": 0}, Entity(route="Red", direction=0), id="direction 0"),
        pytest.param({"agency_id": "MTA NYCT"}, Entity(), id="an agency alone is the whole network"),
        pytest.param({"route_type": 3}, Entity(route_type=3), id="all buses"),
        pytest.param({"route_type": -1, "route_id": "Red"}, Entity(route="Red"), id="a type that is none"),
        pytest.param(
            {"trip": {"trip_id": "t1", "route_id": "Red", "direction_id": 1}}, Entity(trip="t1", route="Red", direction=1), id="a trip with its route"
        ),
        pytest.param({"route_id": "Red", "trip": {"trip_id": "t1", "route_id": "Blue"}}, Entity(trip="t1", route="Red"), id="the selector's own route first"),
        pytest.param({"stop_id": 9}, Entity(stop="9"), id="a number for a name"),
        pytest.param({"route_id": "Red", "direction_id": "1"}, Entity(route="Red", direction=1), id="a direction as text"),
        pytest.param({"route_id": "Red", "direction_id": 7}, Entity(route="Red"), id="a direction that is none"),
        pytest.param({"route_id": "", "stop_id": "9"}, Entity(stop="9"), id="an empty name"),
        pytest.param({"route_id": "Red", "trip": "t1"}, Entity(route="Red"), id="a trip that is none"),
        pytest.param({"stop_id": "x" * 600}, Entity(stop="x" * MOST_NAME), id="an endless name"),
    ],
)
def test_a_selector_becomes_an_entity(selector: dict[str, Any], entity: Entity) -> None:
    assert entities(selector) == (entity,)


def test_protobuf_says_the_same_as_json() -> None:
    feed = a_feed(an_alert(informed_entity=[NAMED, {"trip": {"trip_id": "t1", "route_id": "Red", "direction_id": 0}}]))
    assert read_one(as_protobuf(feed)).about == read_one(feed).about
    assert read_one(feed).about.entities[1] == Entity(route="Red", direction=0, trip="t1")


def test_entities_keep_their_order_each_once() -> None:
    assert entities({"route_id": "Red"}, {"stop_id": "9"}, {"route_id": "Red"}) == (Entity(route="Red"), Entity(stop="9"))


@pytest.mark.parametrize("selectors", [None, [], "x", [5, "x"]], ids=["none", "an empty list", "text", "a list of others"])
def test_without_selectors_nothing_is_named(selectors: Any) -> None:
    assert about(informed_entity=selectors).entities == ()


@pytest.mark.parametrize(
    ("said", "known"),
    [
        pytest.param(["BOARD", "EXIT"], {Activity.BOARD, Activity.EXIT}, id="getting on and off"),
        pytest.param(list(Activity), set(Activity), id="all there are"),
        pytest.param(["USING_WHEELCHAIR", "USING_JETPACK"], {Activity.USING_WHEELCHAIR}, id="one unknown"),
        pytest.param(["USING_JETPACK"], set(), id="none known"),
        pytest.param(["ride"], {Activity.RIDE}, id="in small letters"),
        pytest.param("RIDE", {Activity.RIDE}, id="no list"),
        pytest.param([None, 5, {"x": 1}, ["RIDE"]], set(), id="no names"),
        pytest.param(None, set(), id="none"),
    ],
)
def test_activities_that_we_know_are_kept(said: Any, known: set[Activity]) -> None:
    assert entities({"stop_id": "9", "activities": said}) == (Entity(stop="9", activities=frozenset(known)),)


def test_an_alert_that_names_too_much_is_about_its_routes_and_else_about_everything() -> None:
    stops = [{"route_id": f"r{number % 20}", "stop_id": str(number)} for number in range(MOST_ENTITIES + 1)]
    assert len(entities(*stops[:MOST_ENTITIES])) == MOST_ENTITIES
    assert entities(*stops) == tuple(Entity(route=f"r{number}") for number in range(20))
    assert entities(*({"route_id": f"r{number}"} for number in range(MOST_ENTITIES + 1))) == ()


# --- when ------------------------------------------------------------------------------------------------------------


def span(start: int | None, end: int | None) -> dict[str, int]:
    """A period by hours from noon."""
    return {name: NOON + 3600 * hours for name, hours in (("start", start), ("end", end)) if hours is not None}


def held(start: int | None, end: int | None) -> Period:
    return Period(None if start is None else NOW + HOUR * start, None if end is None else NOW + HOUR * end)


@pytest.mark.parametrize(
    ("times", "periods"),
    [
        pytest.param({"active_period": [span(-1, 1)]}, [held(-1, 1)], id="active alone"),
        pytest.param({"active_period": [span(-1, 1)], "impact_period": [span(2, 3)]}, [held(2, 3)], id="impact, not active"),
        pytest.param({"active_period": [span(-1, 1)], "communication_period": [span(-2, 9)]}, [], id="when to tell is not when it holds"),
        pytest.param({"impact_period": [span(2, 3)], "communication_period": [span(-2, 9)]}, [held(2, 3)], id="impact beside communication"),
        pytest.param({"active_period": [span(4, 5), span(-1, 1), span(4, 5)]}, [held(-1, 1), held(4, 5)], id="in order, each once"),
        pytest.param({"active_period": [span(-1, None)]}, [held(-1, None)], id="no end"),
        pytest.param({"active_period": [span(None, 1)]}, [held(None, 1)], id="no beginning"),
        pytest.param({"active_period": None}, [], id="none"),
    ],
)
def test_an_alert_holds_in_its_impact_periods_or_else_in_the_active_ones(times: dict[str, Any], periods: list[Period]) -> None:
    found = about(**({"active_period": None} | times))
    assert (found.periods, found.estimated) == (tuple(periods), False)


@pytest.mark.parametrize(
    ("certainty", "estimated"), [("ESTIMATED", True), ("estimated", True), ("KNOWN", False), ("UNKNOWN", False), (None, False), (5, False)]
)
def test_a_guessed_end_is_said_to_be_one(certainty: Any, estimated: bool) -> None:
    assert about(duration_certainty=certainty).estimated is estimated


@pytest.mark.parametrize(("certainty", "start"), [("ESTIMATED", NOW - HOUR * 5), ("KNOWN", None)])
def test_a_guess_without_a_beginning_counts_from_when_the_alert_was_made(certainty: str, start: datetime | None) -> None:
    found = about(duration_certainty=certainty, created_timestamp=NOON - 5 * 3600, active_period=[span(None, 1)])
    assert found.periods == (Period(start, NOW + HOUR),)


# --- what makes a change ---------------------------------------------------------------------------------------------


def test_other_activities_are_a_change_and_their_order_is_none() -> None:
    def fingerprint(*said: str) -> str:
        return read_one(a_feed(an_alert(informed_entity=[{"stop_id": "9", "activities": list(said)}]))).fingerprint

    assert fingerprint("BOARD", "EXIT") == fingerprint("EXIT", "BOARD") == fingerprint("EXIT", "BOARD", "EXIT", "USING_JETPACK")
    assert fingerprint("BOARD", "EXIT") != fingerprint("BOARD")


def test_the_fingerprint_is_the_same_in_every_process_and_on_every_day() -> None:
    """What was told before is compared with it: were it another one, every alert would be told again."""
    told = a_feed(an_alert(informed_entity=[{"stop_id": "9", "activities": [str(one) for one in Activity]}]))
    assert read_one(told).fingerprint == "e3a69a7c78c3dcd533875800f6406f1258bf7f80ff5ce9d24e23e56130f07239"
    assert read_one(a_feed()).fingerprint == "3e2538280cffdab93203055f7698a4bc2d77fa88dc7fff44a7c995f4ae140d02"


@pytest.mark.parametrize(
    ("scale", "urgency"), [(10, Urgency.IMMEDIATE), ("10", Urgency.IMMEDIATE), (9, Urgency.EXPECTED), (11, Urgency.EXPECTED), (None, Urgency.EXPECTED)]
)
def test_only_high_priority_is_told_at_any_hour(scale: Any, urgency: Urgency) -> None:
    assert read_one(a_feed(an_alert(severity=scale))).urgency is urgency


# --- real feeds ------------------------------------------------------------------------------------------------------


def test_enhanced_alerts_of_boston_say_what_riders_do() -> None:
    notices = read(json.loads(sample("mbta-alerts-enhanced-2017.json").read_text("utf-8")), now=datetime(2017, 12, 29, 14, 49, tzinfo=UTC))
    lechmere, wonderland, unnamed, *_, worcester = (one.about for one in notices)
    green = frozenset({Activity.BOARD, Activity.EXIT})
    assert lechmere.entities[0] == Entity(route_type=0, route="Green-B", stop="70209", activities=green)
    assert (len(lechmere.entities), len(lechmere.periods), lechmere.estimated) == (8, 8, False)
    assert lechmere.periods[0] == Period(datetime(2017, 12, 30, 9, 30, tzinfo=UTC), datetime(2017, 12, 31, 7, 30, tzinfo=UTC))
    assert wonderland.entities == tuple(Entity(stop=stop, activities=frozenset({Activity.USING_WHEELCHAIR})) for stop in ("70059", "70060"))
    assert wonderland.periods[0].end is None
    assert unnamed.entities == ()
    assert worcester.entities[0] == Entity(
        route_type=2, route="CR-Worcester", trip="CR-Weekday-Fall-17-511", activities=frozenset({Activity.BOARD, Activity.EXIT, Activity.RIDE})
    )
    assert notices[0].severity is Severity.SEVERE


def test_a_closed_alert_of_boston_has_no_period() -> None:
    found = read_one(json.loads(sample("mbta-alerts-enhanced-closed-2023.json").read_text("utf-8"))).about
    assert [one.stop for one in found.entities] == ["70245", "70246"]
    assert found.periods == ()


def test_alerts_of_brest_name_routes_and_periods() -> None:
    notices = read(sample("gtfsrt-brest-bibus-alerts-2021.pb").read_bytes(), now=datetime(2021, 12, 21, 12, tzinfo=UTC))
    assert {tuple(one.about.entities) for one in notices} >= {(Entity(route="45"),), (Entity(route="14"),)}
    assert all(one.about.periods and one.about != NOTHING_SAID for one in notices)


def test_the_quirks_of_five_publishers_are_read() -> None:
    notices = read(json.loads(sample("gtfsrt-real-world-quirks-a.json").read_text("utf-8")), now=datetime(2025, 4, 3, 12, tzinfo=UTC))
    barcelona, boston, york, toronto, oslo = (one.about.entities for one in notices)
    assert barcelona == (Entity(route="302"), Entity(route="303"), Entity(stop="107046"))
    assert boston == (Entity(route_type=2, route="CR-Haverhill", direction=0, trip="SPRING2025V2-728425-1231-HaverhillBradfordVan"),)
    assert york[0] == Entity(route="SIM11")
    assert len(toronto) == len(set(toronto)) > 10
    assert oslo == ()
