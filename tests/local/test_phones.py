"""Phones: what the app gets when somebody texts, and what the phone shows."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from local.options import NUMBER
from tests.local.worlds import SmallWorld, StandIn, a_stand_in, a_world

NUMBERS = itertools.count(14155550100)
TWO_REPLIES = b'<?xml version="1.0"?><Response><Message>One &amp; one</Message><Message><Body>\xd8\xaa\xd9\x88\xd9\x82\xd9\x81</Body></Message></Response>'


@dataclass(frozen=True)
class Phone:
    """A phone nobody used before."""

    city: SmallWorld
    number: str

    def say(self, body: str) -> TestResponse:
        return self.city.web.post(f"/phones/{self.number}/texts", json={"body": body})

    @property
    def texts(self) -> list[tuple[str, str, str, str]]:
        found = self.city.web.get(f"/phones/{self.number}/texts").json["texts"]
        return [(one["direction"], one["via"], one["body"], one["status"]) for one in found]

    @property
    def blocked(self) -> bool:
        return self.city.world.ledger.is_blocked(self.number)


@pytest.fixture(scope="module")
def listener() -> Iterator[StandIn]:
    with a_stand_in() as found:
        yield found


@pytest.fixture(scope="module")
def city(listener: StandIn, tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    return a_world(tmp_path_factory.mktemp("city"), port=listener.port)


@pytest.fixture
def app(listener: StandIn) -> StandIn:
    listener.heard.clear()
    listener.status, listener.content_type, listener.body = 200, "text/xml", b"<Response/>"
    return listener


@pytest.fixture
def phone(city: SmallWorld, app: StandIn) -> Phone:
    return Phone(city, f"+{next(NUMBERS)}")


def test_a_text_is_posted_signed_as_twilio_signs_it(phone: Phone, app: StandIn) -> None:
    phone.say("  línea roja 🚇 ")
    heard = app.heard[0]
    form = dict(parse_qsl(heard.body.decode(), keep_blank_values=True))
    assert heard.path == "/sms/inbound"
    assert RequestValidator(phone.city.world.keyring.auth_token).validate(
        f"{phone.city.options.app_url}/sms/inbound", form, heard.headers["X-Twilio-Signature"]
    )
    assert (form["From"], form["To"], form["Body"], form["SmsStatus"]) == (phone.number, NUMBER, "  línea roja 🚇 ", "received")
    assert form["MessageSid"] == form["SmsSid"] == phone.city.web.get(f"/phones/{phone.number}/texts").json["texts"][0]["sid"]


def test_the_answer_is_the_apps_own(phone: Phone, app: StandIn) -> None:
    app.status, app.content_type, app.body = 403, "application/problem+json", b'{"code": "unsigned"}'
    answer = phone.say("ALERTS")
    assert (answer.status_code, answer.content_type, answer.data) == (403, "application/problem+json", b'{"code": "unsigned"}')


def test_replies_land_on_the_phone_and_not_in_the_outbox(phone: Phone, app: StandIn) -> None:
    app.body = TWO_REPLIES
    assert phone.say("ALERTS").status_code == 200
    assert phone.texts == [("in", "text", "ALERTS", "received"), ("out", "reply", "One & one", "delivered"), ("out", "reply", "توقف", "delivered")]
    assert phone.city.web.get("/outbox").json["messages"] == []


@pytest.mark.parametrize("body", [b"<Response/>", b"not xml", b'<!DOCTYPE a [<!ENTITY b "c">]><Response><Message>&b;</Message></Response>', b""])
def test_an_answer_without_messages_is_no_reply(phone: Phone, app: StandIn, body: bytes) -> None:
    app.body = body
    phone.say("hm")
    assert phone.texts == [("in", "text", "hm", "received")]


@pytest.mark.parametrize(
    ("word", "blocked"),
    [("STOP", True), ("stop", True), (" Unsubscribe ", True), ("OPTOUT", True), ("STOP please", False), ("ALTO", False), ("HELP", False)],
)
def test_twilio_blocks_a_number_for_its_own_words_alone(phone: Phone, word: str, blocked: bool) -> None:
    phone.say(word)
    assert phone.blocked is blocked


@pytest.mark.parametrize("word", ["START", "yes", "Unstop"])
def test_a_start_word_lifts_the_block(phone: Phone, word: str) -> None:
    phone.say("STOP")
    phone.say(word)
    assert not phone.blocked


def test_an_app_that_is_away_is_said_so_and_the_text_is_kept(tmp_path: Path) -> None:
    phone = Phone(a_world(tmp_path), f"+{next(NUMBERS)}")
    answer = phone.say("hello?")
    assert (answer.status_code, answer.json["code"]) == (502, "app_away")
    assert phone.texts == [("in", "text", "hello?", "received")]


@pytest.mark.parametrize(
    ("number", "sent", "pointer"),
    [
        pytest.param("+14155550199", {}, "#/body", id="no text"),
        pytest.param("+14155550199", {"body": 7}, "#/body", id="text is no text"),
        pytest.param("+14155550199", ["STOP"], "#", id="no object"),
        pytest.param("12", {"body": "STOP"}, "#/phone", id="no phone"),
    ],
)
def test_what_is_no_text_is_refused(city: SmallWorld, app: StandIn, number: str, sent: object, pointer: str) -> None:
    answer = city.web.post(f"/phones/{number}/texts", json=sent)
    assert (answer.status_code, answer.json["errors"][0]["pointer"], app.heard) == (422, pointer, [])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        pytest.param(rb'{"body": "\ud83d"}', "#/body", id="half a character"),
        pytest.param(b'{"body": "\xff"}', "#", id="no UTF-8"),
        pytest.param(b"STOP", "#", id="no JSON"),
        pytest.param(b"[" * 100_000, "#", id="nested too deep"),
        pytest.param(b"", "#", id="nothing"),
    ],
)
def test_bytes_that_are_no_text_are_refused(city: SmallWorld, app: StandIn, body: bytes, pointer: str) -> None:
    answer = city.web.post("/phones/+14155550199/texts", data=body)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert (answer.json["errors"][0]["pointer"], app.heard) == (pointer, [])
