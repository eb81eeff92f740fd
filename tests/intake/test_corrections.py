"""`POST /v1/broadcasts/{id}/correct`, and what a stop left, as the API shows it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.jobs import read_fan_out, read_launch, read_send
from chalicelib.domain.message import Answer, Outcome, Parcel, SmsMessage
from chalicelib.flows.fan_out import fan_out
from chalicelib.flows.launch import launch
from chalicelib.flows.send_batch import send_batch
from chalicelib.flows.services import Gate
from tests.intake.desk import Desk, a_broadcast, a_notice

WORDS = {"en": {"title": "Buses do run", "body": "The Red Line runs as usual."}, "ar": {"title": "الحافلات تعمل", "body": "كالمعتاد"}}
BOTH = (Channel.SMS, Channel.EMAIL)
DOOR = "/v1/broadcasts/{}/correct"


class Taking:
    """A provider that takes everything and keeps it."""

    most = 10

    def __init__(self) -> None:
        self.took: list[Parcel] = []

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> list[Outcome]:
        self.took += parcels
        return [Outcome(Answer.ACCEPTED, provider_id="p") for _ in parcels]

    def find(self, *_: Any, **__: Any) -> None:
        return None


class Hall(Desk):
    """A city hall that hands over what is queued."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.provider = Taking()
        self.services = replace(self.services, sender=lambda _channel: self.provider)

    def send(self) -> None:
        """Work off what is queued for sending."""
        while True:
            got = self.state.queues.receive(["launch", "fan-out-routine", "fan-out-urgent", *(f"{one}-routine" for one in Channel)], 1, 360)
            if not got:
                return
            body, queue = got[0].body, got[0].queue
            if queue == "launch":
                launch(read_launch(body), services=self.services)
            elif queue.startswith("fan-out"):
                fan_out(read_fan_out(body), services=self.services)
            else:
                send_batch(read_send(body), services=self.services)
            self.state.queues.delete(got[0].id)

    def sent(self, **changes: object) -> str:
        """A broadcast that everybody got."""
        reply = self.post("/v1/broadcasts", a_broadcast(**changes))
        assert reply.status == 202, reply.json
        self.send()
        return str(reply.json["id"])


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    made = Hall(tmp_path)
    for locale in ("en", "es", "es"):
        made.follower("transit", channels=BOTH, locale=locale)
    return made


def test_a_correction_is_answered_like_a_broadcast_with_numbers_from_the_rows(hall: Hall) -> None:
    wrong = hall.sent()
    hall.follower("transit", channels=BOTH)  # came later, and got nothing wrong
    reply = hall.post(DOOR.format(wrong), {"content": WORDS})
    assert reply.status == 202
    assert reply.json == {
        "id": reply.json["id"],
        "state": "scheduled",
        "audience": {"sms": 3, "email": 3, "kiosk": 0},
        "audience_exact": True,
        "parts": {"en": 1, "ar": 1},
        "cost": {"micros": 3 * 11_000, "currency": "USD"},
        "finishes_at": "2026-12-01T12:00:01Z",
    }
    assert reply.headers["Location"].endswith(f"/v1/broadcasts/{reply.json['id']}")
    assert hall.queued("launch") == [json.dumps({"broadcast": reply.json["id"]})]


def test_both_broadcasts_name_each_other(hall: Hall) -> None:
    wrong = hall.sent()
    right = hall.post(DOOR.format(wrong), {"content": WORDS}).json["id"]
    shown = [hall.get(f"/v1/broadcasts/{name}").json for name in (wrong, right)]
    assert [(one["corrects"], one["corrected_by"]) for one in shown] == [(None, right), (wrong, None)]
    assert [(one["act"], one["revision"]) for one in shown] == [("published", 1), ("corrected", 2)]
    assert shown[0]["notice"] == shown[1]["notice"]
    assert shown[0]["content_hash"] != shown[1]["content_hash"]


def test_a_text_says_that_it_is_a_correction_and_the_notice_page_says_what_is_right(hall: Hall) -> None:
    wrong = hall.sent()
    right = hall.post(DOOR.format(wrong), {"content": WORDS}).json
    hall.send()
    bodies = [parcel.message.body for parcel in hall.provider.took if isinstance(parcel.message, SmsMessage)]
    assert {body.split(": ")[1] for body in bodies[3:]} == {"Correction", "Aviso corregido"}
    notice = hall.get(f"/v1/broadcasts/{right['id']}").json["notice"]
    assert b"The Red Line runs as usual." in hall.call("GET", f"/n/{notice}").body


def test_a_screen_shows_what_is_right_in_place_of_what_was_wrong(hall: Hall) -> None:
    token = hall.post("/v1/kiosks", {"id": "pier", "name": "Pier", "topics": ["transit"], "languages": ["en"]}, key="admin").json["token"]
    hall.post(DOOR.format(hall.sent()), {"content": WORDS})
    hall.send()
    [item] = hall.call("GET", "/kiosk/v1/state", headers={"Authorization": f"Bearer {token}"}).json["items"]
    assert (item["langs"]["en"]["title"], item["langs"]["en"]["label"]) == ("Buses do run", "Correction")


def test_what_a_source_says_later_neither_stops_a_correction_nor_is_taken_for_old_news(hall: Hall) -> None:
    def later_ones() -> list[tuple[int, str, bool]]:
        return [(content.revision, str(content.act), one.stop_at is not None) for one, content in hall.broadcasts()[1:]]

    hall.hook("demo-city", a_notice(topics=["transit"]))
    hall.publish()
    hall.send()
    hall.clock.advance(timedelta(seconds=1))
    hall.post(DOOR.format(hall.broadcasts()[0][0].id), {"content": WORDS})
    assert hall.hook("demo-city", a_notice(topics=["transit"])).json["ignored"] == [{"ref": "n1", "code": "unchanged"}]
    hall.publish()
    assert later_ones() == [(2, "corrected", False)]
    hall.hook("demo-city", a_notice(topics=["transit"], type="notice.updated", revision=2, content={"en": {"title": "Later", "body": "News"}}))
    hall.publish()
    assert later_ones() == [(2, "corrected", False), (3, "updated", False)]


SAID: dict[str, tuple[dict[str, object], dict[str, object], str, str]] = {
    "what the wrong one was": ({"severity": "severe", "urgency": "future"}, {}, "severe", "future"),
    "what is said now": ({"severity": "severe", "urgency": "future"}, {"severity": "minor", "urgency": "expected"}, "minor", "expected"),
}


@pytest.mark.parametrize(("before", "said", "severity", "urgency"), SAID.values(), ids=SAID.keys())
def test_severity_and_urgency_are(hall: Hall, before: dict[str, object], said: dict[str, object], severity: str, urgency: str) -> None:
    right = hall.post(DOOR.format(hall.sent(**before)), {"content": WORDS, **said}).json["id"]
    shown = hall.get(f"/v1/broadcasts/{right}").json
    assert (shown["severity"], shown["urgency"], shown["kind"], shown["topics"]) == (severity, urgency, "transit", ["transit/red-line"])


def test_link_and_expiry_are_those_of_the_correction(hall: Hall) -> None:
    wrong = hall.sent(link="https://wrong.example", expires_at="2026-12-09T12:00:00Z")
    plain, given = hall.post(DOOR.format(wrong), {"content": WORDS}).json["id"], {"link": "https://right.example", "expires_at": "2026-12-05T12:00:00Z"}
    hall.send()
    again = hall.post(DOOR.format(plain), {"content": WORDS, **given}).json["id"]
    shown = [hall.get(f"/v1/broadcasts/{name}").json for name in (plain, again)]
    assert [(one["link"], one["expires_at"]) for one in shown] == [(None, "2026-12-02T12:00:00Z"), ("https://right.example", "2026-12-05T12:00:00Z")]


def test_an_urgent_correction_waits_for_a_second_person(hall: Hall) -> None:
    wrong = hall.sent()
    reply = hall.post(DOOR.format(wrong), {"content": WORDS, "severity": "extreme", "urgency": "immediate"})
    assert reply.json["state"] == "awaiting_approval"
    assert hall.queued("launch") == []
    assert hall.post(f"/v1/broadcasts/{reply.json['id']}/approve", key="approver").json["state"] == "scheduled"


def test_the_same_request_again_gets_the_first_answer(hall: Hall) -> None:
    wrong = hall.sent()
    first, again = (hall.post(DOOR.format(wrong), {"content": WORDS}, name="once") for _ in range(2))
    assert (again.status, again.json, again.headers["Idempotent-Replayed"]) == (202, first.json, "true")
    other = hall.post(DOOR.format(wrong), {"content": WORDS, "severity": "minor"}, name="once")
    assert (other.status, other.code) == (422, "key_reused")
    assert hall.post("/v1/broadcasts", a_broadcast(), name="once").status == 202  # another route, another name


REFUSED: dict[str, tuple[dict[str, object], list[tuple[str, str]]]] = {
    "no words": ({}, [("#/content", "missing")]),
    "no English": ({"content": {"es": WORDS["en"]}}, [("#/content/en", "missing")]),
    "topics of its own": ({"content": WORDS, "topics": ["jobs"]}, [("#/topics", "unknown_field")]),
    "channels of its own": ({"content": WORDS, "channels": ["sms"]}, [("#/channels", "unknown_field")]),
    "a bad link": ({"content": WORDS, "link": "javascript:alert(1)"}, [("#/link", "bad_form")]),
    "expired": ({"content": WORDS, "expires_at": "2026-11-30T00:00:00Z"}, [("#/expires_at", "expired")]),
    "no severity of ours": ({"content": WORDS, "severity": "bad"}, [("#/severity", "not_one_of")]),
}


@pytest.mark.parametrize(("body", "pointers"), REFUSED.values(), ids=REFUSED.keys())
def test_wrong_fields_are_named_and_nothing_is_stopped(hall: Hall, body: dict[str, object], pointers: list[tuple[str, str]]) -> None:
    wrong = hall.post("/v1/broadcasts", a_broadcast()).json["id"]
    launch(read_launch(hall.queued("launch")[0]), services=hall.services)
    reply = hall.post(DOOR.format(wrong), body)
    assert (reply.status, reply.pointers) == (422, pointers)
    assert hall.get(f"/v1/broadcasts/{wrong}").json["stop_at"] is None


def test_who_may_not_write_may_not_correct(hall: Hall) -> None:
    wrong = hall.sent()
    assert (hall.post(DOOR.format(wrong), {"content": WORDS}, key="approver").status, hall.post(DOOR.format(wrong), {}, key="nobody").status) == (403, 401)
    headers = {"Authorization": "Bearer key-of-communicator", "Content-Type": "application/json"}
    assert hall.call("POST", DOOR.format(wrong), b"{}", headers).code == "no_idempotency_key"


def test_what_is_not_there_or_reached_nobody_is_not_corrected(hall: Hall) -> None:
    assert hall.post(DOOR.format("bc_" + "0" * 32), {"content": WORDS}).status == 404
    waiting = hall.post("/v1/broadcasts", a_broadcast(send_at="2026-12-02T12:00:00Z")).json["id"]
    reply = hall.post(DOOR.format(waiting), {"content": WORDS})
    assert (reply.status, reply.code) == (409, "nothing_to_correct")


# --- what a stop left ------------------------------------------------------------------------------------------------


def test_a_stopped_broadcast_shows_who_was_not_read_beside_its_counts(hall: Hall) -> None:
    name = hall.post("/v1/broadcasts", a_broadcast()).json["id"]
    assert hall.get(f"/v1/broadcasts/{name}").json["not_read"] is None
    launch(read_launch(hall.queued("launch")[0]), services=hall.services)
    hall.post(f"/v1/broadcasts/{name}/stop")
    hall.send()
    shown = hall.get(f"/v1/broadcasts/{name}").json
    assert (shown["not_read"], shown["not_read_exact"]) == ({"sms": 3, "email": 3, "kiosk": 0}, True)
    assert sum(shown["counts"]["sms"][state] for state in ("queued", "accepted", "delivered", "unknown")) == 0


def test_of_what_never_began_everybody_is_unread_as_counted_when_it_was_posted(hall: Hall) -> None:
    name = hall.post("/v1/broadcasts", a_broadcast(send_at="2026-12-02T12:00:00Z")).json["id"]
    shown = hall.post(f"/v1/broadcasts/{name}/stop").json
    assert (shown["state"], shown["not_read"], shown["not_read_exact"]) == ("stopped", {"sms": 3, "email": 3, "kiosk": 0}, False)
