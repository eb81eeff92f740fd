"""Whom a notice is about, through the doors: taken strictly, kept with its broadcast, shown, and part of what an approval vouches for."""

from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.about import NOTHING_SAID, Activity, Entity
from chalicelib.domain.filters import Filters, Journey
from chalicelib.domain.matching import Mismatch, why_not
from chalicelib.flows.occasions import occasion_of
from tests.feeds.feeds import a_feed, an_alert
from tests.intake.desk import HERE, Desk, a_broadcast, a_notice

ABOUT: dict[str, Any] = {
    "entities": [{"route": "Red", "direction": 0, "stop": "70061", "activities": ["BOARD"]}],
    "periods": [{"start": "2026-12-01T12:00:00Z", "end": None}],
    "areas": ["harbor"],
    "categories": ["music"],
    "pay": 62_000,
    "workload": "full_time",
    "agency": "Parks",
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("about", "problem"),
    [
        ("harbor", ("#/about", "wrong_type")),
        ({"where": "x"}, ("#/about/where", "unknown_field")),
        ({"entities": []}, ("#/about/entities", "too_few")),
        ({"entities": [{}]}, ("#/about/entities/0", "too_few")),
        ({"entities": [{"stop": str(number)} for number in range(101)]}, ("#/about/entities", "too_many")),
        ({"entities": [{"station": "x"}]}, ("#/about/entities/0/station", "unknown_field")),
        ({"entities": [{"stop": ""}]}, ("#/about/entities/0/stop", "too_short")),
        ({"entities": [{"stop": " x"}]}, ("#/about/entities/0/stop", "bad_form")),
        ({"entities": [{"trip": "x" * 101}]}, ("#/about/entities/0/trip", "too_long")),
        ({"entities": [{"stop": 9}]}, ("#/about/entities/0/stop", "wrong_type")),
        ({"entities": [{"route": "Red", "direction": 2}]}, ("#/about/entities/0/direction", "too_large")),
        ({"entities": [{"route_type": -1}]}, ("#/about/entities/0/route_type", "too_small")),
        ({"entities": [{"route_type": 1800}]}, ("#/about/entities/0/route_type", "too_large")),
        ({"entities": [{"stop": "9", "activities": ["FLY"]}]}, ("#/about/entities/0/activities/0", "not_one_of")),
        ({"entities": [{"stop": "9", "activities": []}]}, ("#/about/entities/0/activities", "too_few")),
        ({"entities": [{"stop": "9", "activities": ["RIDE", "RIDE"]}]}, ("#/about/entities/0/activities", "repeated")),
        ({"entities": [{"direction": 1}]}, ("#/about/entities/0/direction", "needs_route")),
        ({"periods": [{}]}, ("#/about/periods/0", "too_few")),
        ({"periods": [{"from": "x"}]}, ("#/about/periods/0/from", "unknown_field")),
        ({"periods": [{"start": "x" * 41}]}, ("#/about/periods/0/start", "too_long")),
        ({"periods": [{"start": "noon"}]}, ("#/about/periods/0/start", "invalid_time")),
        ({"periods": [{"end": "2026-12-01T23:00:00Z"}] * 51}, ("#/about/periods", "too_many")),
        ({"areas": ["harbor", "atlantis"]}, ("#/about/areas/1", "unknown_area")),
        ({"areas": ["harbor", "harbor"]}, ("#/about/areas", "repeated")),
        ({"categories": ["x" * 61]}, ("#/about/categories/0", "too_long")),
        ({"categories": [f"c{number}" for number in range(21)]}, ("#/about/categories", "too_many")),
        ({"pay": -1}, ("#/about/pay", "too_small")),
        ({"pay": 1_000_000_001}, ("#/about/pay", "too_large")),
        ({"pay": 1.5}, ("#/about/pay", "wrong_type")),
        ({"pay": "62000"}, ("#/about/pay", "wrong_type")),
        ({"workload": "weekends"}, ("#/about/workload", "not_one_of")),
        ({"agency": ""}, ("#/about/agency", "too_short")),
        ({"estimated": True}, ("#/about/estimated", "unknown_field")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_field_is_named_on_both_doors_and_nothing_kept(desk: Desk, about: Any, problem: tuple[str, str]) -> None:
    before, (at, code) = desk.rows(), problem
    reply, hooked = desk.post("/v1/broadcasts", a_broadcast(about=about)), desk.hook("demo-city", a_notice(about=about))
    assert (reply.status, hooked.status) == (422, 422)
    assert problem in reply.pointers
    assert (at.replace("#", "#/data"), code) in hooked.pointers
    assert (desk.rows(), desk.queued("launch"), desk.queued("intake")) == (before, [], [])


def test_a_correction_goes_to_those_who_got_it_whatever_it_is_about(desk: Desk) -> None:
    reply = desk.post("/v1/broadcasts/bc_1/correct", {"content": a_broadcast()["content"], "about": ABOUT})
    assert reply.pointers == [("#/about", "unknown_field")]


def test_a_broadcast_is_kept_and_shown_with_what_it_is_about(desk: Desk) -> None:
    name = desk.post("/v1/broadcasts", a_broadcast(about=ABOUT)).json["id"]
    ((_, content),) = desk.broadcasts()
    assert content.about.entities == (Entity(route="Red", direction=0, stop="70061", activities=frozenset({Activity.BOARD})),)
    assert desk.get(f"/v1/broadcasts/{name}").json["about"] == ABOUT


@pytest.mark.parametrize("about", [None, {}], ids=["left out", "empty"])
def test_a_broadcast_that_says_nothing_more_is_shown_so(desk: Desk, about: Any) -> None:
    name = desk.post("/v1/broadcasts", a_broadcast(about=about)).json["id"]
    assert desk.get(f"/v1/broadcasts/{name}").json["about"] is None


def test_null_is_as_good_as_nothing(desk: Desk) -> None:
    assert desk.post("/v1/broadcasts", {**a_broadcast(), "about": None}).status == 202
    assert desk.broadcasts()[0][1].about == NOTHING_SAID


def test_an_approval_vouches_for_whom_it_is_about(desk: Desk) -> None:
    hashes = set()
    for about in (None, {"areas": ["harbor"]}, {"areas": ["north-end"]}):
        name = desk.post("/v1/broadcasts", a_broadcast(about=about)).json["id"]
        hashes.add(desk.get(f"/v1/broadcasts/{name}").json["content_hash"])
        desk.post(f"/v1/broadcasts/{name}/stop")
    assert len(hashes) == 3


# --- sources ---------------------------------------------------------------------------------------------------------


def test_a_source_says_it_once_and_other_people_are_an_update(desk: Desk) -> None:
    def post(about: Any) -> Any:
        reply = desk.hook("demo-city", a_notice(revision=None, about=about)).json
        desk.publish()
        return reply["accepted"], [one["code"] for one in reply["ignored"]]

    entities = [{"stop": "70061"}, {"stop": "70063"}]
    areas = ["harbor", "north-end"]
    assert post({"entities": entities, "areas": areas}) == (["n1"], [])
    assert post({"entities": entities[::-1], "areas": areas[::-1]}) == ([], ["unchanged"])
    assert post({"entities": [*entities, {"stop": "70065"}], "areas": areas}) == (["n1"], [])
    assert [(len(content.about.entities), content.about.areas) for _, content in desk.broadcasts()] == [(2, frozenset(areas)), (3, frozenset(areas))]


def test_a_period_that_moves_a_little_is_no_update(desk: Desk) -> None:
    def post(end: str) -> Any:
        reply = desk.hook("demo-city", a_notice(revision=None, about={"periods": [{"end": end}]})).json
        desk.publish()
        return reply["accepted"]

    assert (post("2026-12-01T18:00:00Z"), post("2026-12-01T18:09:59Z"), post("2026-12-01T18:10:00Z")) == (["n1"], [], ["n1"])


def test_an_alerts_entities_are_kept_while_it_waits_and_with_its_broadcast(desk: Desk) -> None:
    selector = {"route_id": "Red", "direction_id": 1, "activities": ["RIDE"]}
    name = desk.hook("demo-transit", a_feed(an_alert(informed_entity=[selector], duration_certainty="ESTIMATED"))).json["id"]
    desk.publish()
    ((broadcast, content),) = desk.broadcasts()
    assert name.startswith("in_")
    assert content.about.entities == (Entity(route="Red", direction=1, activities=frozenset({Activity.RIDE})),)
    shown = desk.get(f"/v1/broadcasts/{broadcast.id}").json["about"]
    assert shown == {
        "entities": [{"route": "Red", "direction": 1, "activities": ["RIDE"]}],
        "periods": [{"start": "2026-12-01T11:00:00Z", "end": "2026-12-01T13:00:00Z"}],
        "estimated": True,
    }


@pytest.mark.parametrize(("scale", "urgent", "state"), [(10, True, "awaiting_approval"), (9, False, "scheduled")])
def test_high_priority_of_a_feed_is_urgent_and_waits_where_the_city_does_not_trust_it_for_that(desk: Desk, scale: int, urgent: bool, state: str) -> None:
    assert not desk.city.sources["demo-transit"].urgent
    desk.hook("demo-transit", a_feed(an_alert(severity=scale)))
    desk.publish()
    ((broadcast, _),) = desk.broadcasts()
    assert (broadcast.urgent, broadcast.state) == (urgent, state)


def test_followers_are_judged_by_the_lines_of_the_city(tmp_path: Path) -> None:
    line = '\n[[lines]]\nroute = "Red"\nstops = ["alewife", "harvard", "park"]\nplatforms = { 70067 = "harvard" }\n'
    desk = Desk(tmp_path, city=(HERE / "city.toml").read_text("utf-8") + line)
    desk.post("/v1/broadcasts", a_broadcast(about={"entities": [{"stop": "70067", "activities": ["RIDE"]}]}))
    ((broadcast, content),) = desk.broadcasts()
    occasion = occasion_of(broadcast, content, services=desk.services)
    through, past = (Filters(journeys=(Journey(route="Red", origin="Alewife", destination=stop),)) for stop in ("Park", "Harvard"))
    beyond = Filters(journeys=(Journey(route="Red", origin="Park", destination="Alewife Garage"),))
    judged = [why_not(one, occasion.told, zone=occasion.zone, now=desk.clock()) for one in (through, past, beyond)]
    assert judged == [None, None, Mismatch.JOURNEY]
