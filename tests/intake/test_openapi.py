"""The OpenAPI document is valid, names every door of the API, and is what requests and answers are held to."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from chalicelib.domain.about import Activity, Workload
from chalicelib.domain.address import Channel
from chalicelib.domain.alerts import Ignored
from chalicelib.domain.broadcast import BroadcastState, ReviewReason
from chalicelib.domain.notice import Act, Kind, Severity, Urgency
from chalicelib.intake.schema import document
from chalicelib.store.api_keys import SCOPES
from tests.feeds.feeds import a_feed, an_alert
from tests.feeds.subscribers import KINDS, a_row, line_of, phone, text_of
from tests.intake.desk import Desk, Reply, a_broadcast, a_notice

DOCUMENT: dict[str, Any] = json.loads(document())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
SOMEBODY = {"phone": "(202) 555-0101", "topics": ["transit"], "locale": "en", "consent": {"how": "Signed form 12", "at": "2026-12-01T11:00:00Z"}}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def assert_fits(schema: dict[str, Any], value: Any) -> None:
    registry: Any = Registry().with_resource("urn:doc", DRAFT202012.create_resource(DOCUMENT))
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:doc#/'))
    Draft202012Validator(absolute, registry=registry).validate(value)


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_the_document_is_served_to_anybody(desk: Desk) -> None:
    reply = desk.call("GET", "/v1/openapi.json")
    assert (reply.status, reply.json) == (200, DOCUMENT)


def plain(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_the_document_and_the_app_have_the_same_doors(desk: Desk) -> None:
    served = {(method.lower(), plain(path)) for path, methods in desk.app.routes.items() if path.startswith(("/v1/", "/hooks/")) for method in methods}
    described = {(method, plain(path)) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == served


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (("NewBroadcast", "kind"), Kind),
        (("NewBroadcast", "severity"), Severity),
        (("NewBroadcast", "urgency"), Urgency),
        (("Broadcast", "state"), BroadcastState),
        (("Broadcast", "act"), Act),
        (("Review", "reason"), ReviewReason),
        (("About", "workload"), Workload),
    ],
    ids=["kind", "severity", "urgency", "state", "act", "review", "workload"],
)
def test_the_document_knows_our_words(at: tuple[str, str], words: Any) -> None:
    assert set(SCHEMAS[at[0]]["properties"][at[1]]["enum"]) == set(words)


def test_the_document_knows_channels_activities_codes_and_scopes() -> None:
    assert set(SCHEMAS["Entity"]["properties"]["activities"]["items"]["enum"]) == set(Activity)
    assert set(SCHEMAS["NewBroadcast"]["properties"]["channels"]["items"]["enum"]) == set(Channel)
    assert set(SCHEMAS["PostAnswer"]["properties"]["ignored"]["items"]["properties"]["code"]["enum"]) == set(Ignored)
    wanted = {scope for methods in DOCUMENT["paths"].values() for one in methods.values() for need in one["security"] for scope in need["key"]}
    assert wanted <= set(SCOPES)


@pytest.mark.parametrize(
    "name",
    [
        "NewBroadcast",
        "NewCorrection",
        "NoticeEvent",
        "Approve",
        "NewKiosk",
        "Text",
        "SendAt",
        "About",
        "Entity",
        "Period",
        "TurnSwitch",
        "NewSubscriber",
        "ExplainDelivery",
        "EraseSubscriber",
    ],
)
def test_what_we_take_refuses_unknown_fields(name: str) -> None:
    assert SCHEMAS[name]["additionalProperties"] is False


def import_of(desk: Desk, rows: str) -> Reply:
    """Rows of another system, written."""
    return desk.post("/v1/subscribers/import?apply=true", raw=(text_of([]) + rows).encode(), key="admin", Content_Type="text/csv")


def test_answers_are_as_the_document_says(desk: Desk) -> None:
    desk.follower("transit", channels=(Channel.SMS, Channel.EMAIL))
    made = desk.post("/v1/broadcasts", a_broadcast(kind="emergency", send_at={"local": "2026-12-02T07:30", "zone": "America/New_York"}))
    name = made.json["id"]
    narrow = desk.post("/v1/broadcasts", a_broadcast(topics=["events"], about={"areas": ["harbor"], "periods": [{"end": "2026-12-02T12:30:00Z"}]}))
    doubled = desk.post("/v1/broadcasts", a_broadcast(send_at="2026-12-02T12:30:00Z"))
    assert doubled.json["state"] == "needs_review"
    kiosk = {"id": "pier", "name": "Pier", "topics": ["transit"], "languages": ["en"]}
    answers = [
        ("post", "/v1/broadcasts", made),
        ("post", "/v1/broadcasts", desk.post("/v1/broadcasts", {})),
        ("post", "/v1/broadcasts", doubled),
        ("get", "/v1/broadcasts/{id}", desk.get(f"/v1/broadcasts/{doubled.json['id']}")),
        ("post", "/v1/broadcasts/preview", desk.post("/v1/broadcasts/preview", a_broadcast())),
        ("get", "/v1/broadcasts", desk.get("/v1/broadcasts")),
        ("get", "/v1/broadcasts/{id}", desk.get(f"/v1/broadcasts/{name}")),
        ("get", "/v1/broadcasts/{id}", desk.get(f"/v1/broadcasts/{narrow.json['id']}")),
        ("post", "/v1/broadcasts/{id}/approve", desk.post(f"/v1/broadcasts/{name}/approve", key="approver")),
        ("post", "/v1/broadcasts/{id}/stop", desk.post(f"/v1/broadcasts/{name}/stop")),
        ("post", "/v1/broadcasts/{id}/correct", desk.post(f"/v1/broadcasts/{name}/correct", {"content": a_broadcast()["content"]})),
        ("get", "/v1/topics", desk.get("/v1/topics")),
        ("post", "/v1/kiosks", desk.post("/v1/kiosks", kiosk, key="admin")),
        ("post", "/v1/kiosks", desk.post("/v1/kiosks", kiosk, key="admin")),
        ("get", "/v1/kiosks", desk.get("/v1/kiosks", key="admin")),
        ("post", "/hooks/{source}", desk.hook("demo-city", a_notice())),
        ("post", "/hooks/{source}", desk.hook("demo-transit", a_feed(an_alert(), an_alert("b", closed_timestamp=5)))),
        ("post", "/hooks/{source}", desk.hook("nobody", a_notice())),
        ("post", "/v1/subscribers", desk.post("/v1/subscribers", SOMEBODY)),
        ("post", "/v1/subscribers", desk.post("/v1/subscribers", {**SOMEBODY, "phone": "911"})),
        ("post", "/v1/subscribers/erase", desk.post("/v1/subscribers/erase", {"address": {"phone": "202-555-0101"}}, key="admin")),
        ("get", "/v1/switches", desk.get("/v1/switches", key="admin")),
        ("post", "/v1/subscribers/import", import_of(desk, line_of(a_row(1)) + KINDS["no language"].make(2))),
        ("post", "/v1/subscribers/import", import_of(desk, "")),
        ("post", "/v1/deliveries/explain", desk.post("/v1/deliveries/explain", {"address": {"phone": phone(1)}, "broadcast": name}, key="admin")),
        ("post", "/v1/deliveries/explain", desk.post("/v1/deliveries/explain", {"address": {"email": "a@example.org"}, "broadcast": name}, key="admin")),
        ("post", "/v1/switches", desk.post("/v1/switches", {"name": "source:demo-transit", "stopped": True, "why": "A loop."}, key="admin")),
        ("get", "/v1/switches", desk.get("/v1/switches", key="admin")),
        ("post", "/hooks/{source}", desk.hook("demo-transit", a_feed())),
    ]
    for method, path, reply in answers:
        described = DOCUMENT["paths"][path][method]["responses"][str(reply.status)]
        described = DOCUMENT["components"]["responses"]["Problem"] if "$ref" in described else described
        assert_fits(described["content"][reply.headers["Content-Type"]]["schema"], reply.json)
