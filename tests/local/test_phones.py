"""Phones: what the app gets when somebody texts, and what the phone shows."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator

from local.options import NUMBER
from tests.local.worlds import SmallWorld, StandIn, a_stand_in, a_world

ANA = "+14155550101"
TWO_REPLIES = b'<?xml version="1.0"?><Response><Message>One &amp; one</Message><Message><Body>\xd8\xaa\xd9\x88\xd9\x82\xd9\x81</Body></Message></Response>'


@pytest.fixture
def app() -> Iterator[StandIn]:
    with a_stand_in() as found:
        yield found


@pytest.fixture
def city(tmp_path: Path, app: StandIn) -> SmallWorld:
    return a_world(tmp_path, port=app.port)


def texts(city: SmallWorld) -> list[tuple[str, str, str, str]]:
    return [(one["direction"], one["via"], one["body"], one["status"]) for one in city.web.get(f"/phones/{ANA}/texts").json["texts"]]


def test_a_text_is_posted_signed_as_twilio_signs_it(city: SmallWorld, app: StandIn) -> None:
    city.web.post(f"/phones/{ANA}/texts", json={"body": "  línea roja 🚇 "})
    heard = app.heard[0]
    form = dict(parse_qsl(heard.body.decode(), keep_blank_values=True))
    assert heard.path == "/sms/inbound"
    assert RequestValidator(city.world.keyring.auth_token).validate(f"{city.options.app_url}/sms/inbound", form, heard.headers["X-Twilio-Signature"])
    assert (form["From"], form["To"], form["Body"], form["SmsStatus"]) == (ANA, NUMBER, "  línea roja 🚇 ", "received")
    assert form["MessageSid"] == form["SmsSid"] == city.web.get(f"/phones/{ANA}/texts").json["texts"][0]["sid"]


def test_the_answer_is_the_apps_own(city: SmallWorld, app: StandIn) -> None:
    app.status, app.content_type, app.body = 403, "application/problem+json", b'{"code": "unsigned"}'
    answer = city.web.post(f"/phones/{ANA}/texts", json={"body": "ALERTS"})
    assert (answer.status_code, answer.content_type, answer.data) == (403, "application/problem+json", b'{"code": "unsigned"}')


def test_replies_land_on_the_phone_and_not_in_the_outbox(city: SmallWorld, app: StandIn) -> None:
    app.body = TWO_REPLIES
    city.web.post(f"/phones/{ANA}/texts", json={"body": "ALERTS"})
    assert texts(city) == [("in", "text", "ALERTS", "received"), ("out", "reply", "One & one", "delivered"), ("out", "reply", "توقف", "delivered")]
    assert city.web.get("/outbox").json["messages"] == []


@pytest.mark.parametrize("body", [b"<Response/>", b"not xml", b'<!DOCTYPE a [<!ENTITY b "c">]><Response><Message>&b;</Message></Response>', b""])
def test_an_answer_without_messages_is_no_reply(city: SmallWorld, app: StandIn, body: bytes) -> None:
    app.body = body
    city.web.post(f"/phones/{ANA}/texts", json={"body": "hm"})
    assert texts(city) == [("in", "text", "hm", "received")]


@pytest.mark.parametrize(
    ("word", "blocked"),
    [("STOP", True), ("stop", True), (" Unsubscribe ", True), ("OPTOUT", True), ("STOP please", False), ("ALTO", False), ("HELP", False)],
)
def test_twilio_blocks_a_number_for_its_own_words_alone(city: SmallWorld, word: str, blocked: bool) -> None:
    city.web.post(f"/phones/{ANA}/texts", json={"body": word})
    assert city.world.ledger.is_blocked(ANA) is blocked


@pytest.mark.parametrize("word", ["START", "yes", "Unstop"])
def test_a_start_word_lifts_the_block(city: SmallWorld, word: str) -> None:
    city.web.post(f"/phones/{ANA}/texts", json={"body": "STOP"})
    city.web.post(f"/phones/{ANA}/texts", json={"body": word})
    assert not city.world.ledger.is_blocked(ANA)


def test_an_app_that_is_away_is_said_so_and_the_text_is_kept(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    answer = city.web.post(f"/phones/{ANA}/texts", json={"body": "hello?"})
    assert (answer.status_code, answer.json["title"]) == (502, "app_away")
    assert texts(city) == [("in", "text", "hello?", "received")]


@pytest.mark.parametrize(
    ("number", "sent", "pointer"),
    [
        pytest.param(ANA, {}, "#/body", id="no text"),
        pytest.param(ANA, {"body": 7}, "#/body", id="text is no text"),
        pytest.param(ANA, ["STOP"], "#", id="no object"),
        pytest.param("12", {"body": "STOP"}, "#/phone", id="no phone"),
    ],
)
def test_what_is_no_text_is_refused(city: SmallWorld, app: StandIn, number: str, sent: object, pointer: str) -> None:
    answer = city.web.post(f"/phones/{number}/texts", json=sent)
    assert (answer.status_code, answer.json["errors"][0]["pointer"], app.heard) == (422, pointer, [])
