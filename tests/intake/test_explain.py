"""`POST /v1/deliveries/explain`: why an address did or did not get a broadcast, asked without an address in any URL or log."""

import logging
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import Consent, How, Step, detail_of
from chalicelib.domain.filters import EVERYTHING, Filters
from chalicelib.domain.preferences import UNCHOSEN, Preferences
from chalicelib.store.subscriptions import Subscription
from tests.intake.desk import Desk, Reply, a_broadcast

PHONE = "+12025550142"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def ask(desk: Desk, broadcast: Any, *, key: str = "admin", **address: Any) -> Reply:
    return desk.post("/v1/deliveries/explain", {"address": address or {"phone": PHONE}, "broadcast": broadcast}, key=key)


def follow(desk: Desk, topic: str, filters: Filters = EVERYTHING, preferences: Preferences = UNCHOSEN) -> None:
    store = desk.services.store
    known = store.addresses.claim(Address(Channel.SMS, PHONE), subscriber="a" * 32, verified=True)
    entry = Consent(
        known.subscriber, known.hash, Channel.SMS, topic, Step.JOINED, How.KEYWORD, "SM1", "es", desk.clock(), detail=detail_of(filters, preferences)
    )
    one = Subscription(known.subscriber, topic, Channel.SMS, known.hash, "es", preferences, filters)
    store.table.transact([*store.subscriptions.join_writes(one), store.consents.add_write(entry)])


def test_who_asked_for_a_part_is_told_with_what_they_chose(desk: Desk) -> None:
    follow(desk, "transit", Filters(areas=frozenset({"harbor"})), Preferences(zone="America/Chicago", quiet=(1260, 480)))
    name = desk.post("/v1/broadcasts", a_broadcast(send_at="2026-12-01T13:00:00Z")).json["id"]
    reply = ask(desk, name, phone="202-555-0142")
    assert (reply.status, reply.json) == (
        200,
        {
            "recipient": False,
            "channel": "sms",
            "state": None,
            "reason": "not_launched",
            "since": None,
            "because": [
                {"code": "not_launched", "detail": "The broadcast was never launched: its state is scheduled.", "state": "scheduled"},
                {
                    "code": "followed",
                    "detail": "They followed transit, which brings it, since 2026-12-01T12:00:00Z.",
                    "topic": "transit",
                    "at": "2026-12-01T12:00:00Z",
                },
            ],
            "preferences": {
                "language": "es",
                "zone": "America/Chicago",
                "quiet_from": "21:00",
                "quiet_until": "08:00",
                "paused_until": None,
                "digest": "now",
                "digest_hour": 8,
                "digest_day": 0,
                "calm": False,
                "email_first": False,
                "filters": {"areas": ["harbor"]},
            },
            "follows": ["transit"],
        },
    )


def test_a_stranger_is_answered_in_the_same_shape(desk: Desk) -> None:
    follow(desk, "transit")
    name = desk.post("/v1/broadcasts", a_broadcast(send_at="2026-12-01T13:00:00Z")).json["id"]
    known, stranger = ask(desk, name), ask(desk, name, email="nobody@example.org")
    assert stranger.json.keys() == known.json.keys()
    assert (stranger.json["channel"], stranger.json["preferences"], stranger.json["follows"]) == ("email", None, [])
    assert [one["code"] for one in stranger.json["because"]] == ["not_launched", "unknown_address"]


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        ({}, 422, [("#/address", "missing"), ("#/broadcast", "missing")]),
        ({"address": {}, "broadcast": "x"}, 422, [("#/address", "too_few")]),
        ({"address": {"phone": PHONE, "email": "a@example.org"}, "broadcast": "x"}, 422, [("#/address", "too_many")]),
        ({"address": {"kiosk": "pier"}, "broadcast": "x"}, 422, [("#/address/kiosk", "unknown_field")]),
        ({"address": {"phone": "call me"}, "broadcast": "x"}, 422, [("#/address/phone", "invalid_phone")]),
        ({"address": {"email": "ana"}, "broadcast": "x"}, 422, [("#/address/email", "invalid_email")]),
        ({"address": PHONE, "broadcast": "x"}, 422, [("#/address", "wrong_type")]),
        ({"address": {"phone": PHONE}, "broadcast": "bc_none"}, 404, []),
        ({"address": {"phone": PHONE}, "broadcast": "../B#1"}, 404, []),
    ],
    ids=["nothing", "no address", "two", "a kiosk", "no phone", "no email", "a bare phone", "no broadcast", "no name"],
)
def test_what_cannot_be_asked_is_a_problem(desk: Desk, body: Any, status: int, pointers: list[tuple[str, str]]) -> None:
    reply = desk.post("/v1/deliveries/explain", body, key="admin")
    assert (reply.status, reply.pointers) == (status, pointers)


@pytest.mark.parametrize("key", ["second", "approver"])
def test_it_takes_the_right_to_read_subscribers(desk: Desk, key: str) -> None:
    assert ask(desk, "bc_1", key=key).code == "missing_scope"


def test_no_log_line_holds_the_address_that_was_asked_for(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    follow(desk, "transit")
    with caplog.at_level(logging.DEBUG):
        ask(desk, desk.post("/v1/broadcasts", a_broadcast()).json["id"])
        ask(desk, "bc_none")
    assert "2025550142" not in "".join(str(vars(record)) for record in caplog.records)
