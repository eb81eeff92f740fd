"""The world's Twilio, as the real SDK meets it over the wire."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from urllib3.exceptions import HTTPError

from chalicelib.channels.sms import SmsSender, sms_sender
from chalicelib.channels.twilio_http import TwilioHttp
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import SmsMessage
from local.options import NUMBER
from local.world.faults import Fault
from local.world.ledger import Message
from local.world.twilio_api import plan_callbacks
from tests.engine.test_doubts import Desk
from tests.local.worlds import NOON, SmallWorld, served

ANA = "+14155550101"
BEN = "+14155550102"
CLEO = "+14155550103"
DORA = "+14155550104"
EMIL = "+14155550105"
CALLBACK = "http://127.0.0.1:9/sms/status?t=token-1"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallWorld]:
    with served(tmp_path_factory.mktemp("city")) as found:
        yield found


@pytest.fixture
def twilio(city: SmallWorld) -> Iterator[Client]:
    yield a_client(city, city.world.keyring.auth_token)
    city.world.faults.switch(Fault("sms"))


def a_client(city: SmallWorld, token: str) -> Client:
    return Client(city.account, token, http_client=TwilioHttp(url=city.options.world_url, at_once=2))


def send(twilio: Client, to: str = ANA, body: str = "Hello") -> str:
    return str(twilio.messages.create(to=to, from_=NUMBER, body=body, status_callback=CALLBACK).sid)


def last_attempt(city: SmallWorld) -> dict[str, object]:
    return dict(city.web.get("/attempts?channel=sms").json["messages"][-1])


def test_a_created_message_is_answered_as_twilio_answers(twilio: Client) -> None:
    made = twilio.messages.create(to=ANA, from_=NUMBER, body="¡Hola! " + "x" * 160, status_callback=CALLBACK)
    assert (made.sid[:2], len(made.sid), made.status, made.direction) == ("SM", 34, "queued", "outbound-api")
    assert (made.num_segments, made.error_code, made.to, made.from_) == ("2", None, ANA, NUMBER)


def test_an_accepted_text_is_in_the_outbox_with_our_token(city: SmallWorld, twilio: Client) -> None:
    sid = send(twilio, body="In the outbox")
    found = [one for one in city.web.get("/outbox").json["messages"] if one["provider_id"] == sid]
    assert [(one["channel"], one["to"], one["from"], one["body"], one["token"], one["status"]) for one in found] == [
        ("sms", ANA, NUMBER, "In the outbox", "token-1", "queued")
    ]


def test_a_text_can_be_fetched_by_its_sid(twilio: Client) -> None:
    sid = send(twilio, body="Fetched")
    assert twilio.messages(sid).fetch().body == "Fetched"
    with pytest.raises(TwilioRestException) as refused:
        twilio.messages("SM" + "0" * 32).fetch()
    assert (refused.value.status, refused.value.code) == (404, 20404)


def test_texts_are_listed_newest_first_by_receiver_and_time(city: SmallWorld, twilio: Client) -> None:
    first, second = send(twilio, to=CLEO, body="one"), send(twilio, to=CLEO, body="two")
    now = city.world.now()
    city.world.ledger.end_errands(city.world.ledger.due_errands(time.time() + 10, 1000))
    assert [one.sid for one in twilio.messages.list(to=CLEO, date_sent_after=now - timedelta(minutes=1))] == [second, first]
    assert [one.sid for one in twilio.messages.list(to=CLEO, limit=1, page_size=1)] == [second]
    assert [one.sid for one in twilio.messages.list(to=CLEO, page_size=1)] == [second, first]
    assert twilio.messages.list(to=CLEO, date_sent_after=now + timedelta(minutes=1)) == []
    assert twilio.messages.list(to=CLEO, date_sent_before=now - timedelta(minutes=1)) == []
    assert len(twilio.messages.list(to=CLEO, date_sent=now.date())) == 2
    assert twilio.messages.list(to=CLEO, date_sent=now.date() - timedelta(days=1)) == []


def test_a_text_that_waits_to_be_sent_is_in_no_list_by_date(city: SmallWorld, twilio: Client) -> None:
    sid, now = send(twilio, to=DORA), city.world.now()
    assert [(one.sid, one.date_sent is None, one.date_created is None) for one in twilio.messages.list(to=DORA)] == [(sid, True, False)]
    for dates in ({"date_sent_after": now - timedelta(days=1)}, {"date_sent_before": now + timedelta(days=1)}, {"date_sent": now.date()}):
        assert twilio.messages.list(to=DORA, **dates) == []
    city.world.ledger.end_errands(city.world.ledger.due_errands(time.time() + 10, 1000))
    assert [one.sid for one in twilio.messages.list(to=DORA, date_sent_after=now - timedelta(days=1))] == [sid]


def test_what_waits_at_the_provider_is_found_all_the_same(city: SmallWorld, twilio: Client) -> None:
    send(twilio, to=EMIL, body="Waits")
    settings = SimpleNamespace(twilio_url=city.options.world_url, twilio_number=NUMBER, public_url="http://127.0.0.1:9", sms_pace=100)
    sender = sms_sender(settings, {"account_sid": city.account, "auth_token": city.world.keyring.auth_token})
    since = city.world.now() - timedelta(minutes=1)
    assert sender.find(Address(Channel.SMS, EMIL), SmsMessage("Waits", 1, "GSM-7"), since=since) is True
    assert sender.find(Address(Channel.SMS, EMIL), SmsMessage("Other", 1, "GSM-7"), since=since) is False


class Counted(TwilioHttp):
    """Twilio, and how often it is asked for a list."""

    lists = 0

    def request(self, method: str, url: str, *rest: Any, **more: Any) -> Any:
        self.lists += method == "GET" and url.endswith("/Messages.json")
        return super().request(method, url, *rest, **more)


def test_about_old_doubts_twilio_is_asked_once_for_each_person_whatever_languages_the_city_speaks(city: SmallWorld, twilio: Client) -> None:
    desk = Desk()
    wire = Counted(url=city.options.world_url, at_once=2)
    sender = SmsSender(Client(city.account, city.world.keyring.auth_token, http_client=wire), number=NUMBER, public_url="http://127.0.0.1:9")
    desk.town.services = replace(desk.town.services, sender=lambda _channel: sender)
    began = city.world.now()
    send(twilio, to=desk.address(0), body="in ht")
    send(twilio, to=desk.address(2), body="in no language of ours")
    assert len(desk.town.services.city.languages) == 12
    assert desk.resolve(stale=True, doubt_from=began) == (("accepted", "unknown", "unknown"), [1, 2])
    assert wire.lists == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"to": "+1"}, 21211, id="too short to be a number"),
        pytest.param({"to": "resident"}, 21211, id="no number"),
        pytest.param({"to": ""}, 21604, id="nobody"),
        pytest.param({"body": " "}, 21602, id="nothing said"),
        pytest.param({"from_": "+14155559999"}, 21606, id="not our number"),
        pytest.param({"from_": ""}, 21603, id="from nobody"),
        pytest.param({"body": "x" * 1601}, 21617, id="too long"),
    ],
)
def test_a_wrong_request_is_refused_with_twilios_code_and_kept_as_an_attempt(city: SmallWorld, twilio: Client, change: dict[str, str], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        twilio.messages.create(**{"to": ANA, "from_": NUMBER, "body": "Hello", **change})
    assert (refused.value.status, refused.value.code) == (400, code)
    assert (last_attempt(city)["outcome"], last_attempt(city)["code"]) == ("refused", str(code))


def test_wrong_credentials_are_refused(city: SmallWorld) -> None:
    with pytest.raises(TwilioRestException) as refused:
        send(a_client(city, "not the token"))
    assert (refused.value.status, refused.value.code) == (401, 20003)


@pytest.mark.parametrize(
    ("mode", "status", "code", "outcome"),
    [
        pytest.param("429", 429, 20429, "later", id="too many"),
        pytest.param("500", 500, 20500, "error", id="broken"),
        pytest.param("opted-out", 400, 21610, "refused", id="opted out"),
        pytest.param("invalid", 400, 21211, "refused", id="invalid"),
    ],
)
def test_a_fault_refuses_as_twilio_would_and_nothing_is_accepted(city: SmallWorld, twilio: Client, mode: str, status: int, code: int, outcome: str) -> None:
    before = len(city.web.get("/outbox").json["messages"])
    city.world.faults.switch(Fault("sms", mode))
    with pytest.raises(TwilioRestException) as refused:
        send(twilio)
    assert (refused.value.status, refused.value.code, last_attempt(city)["outcome"]) == (status, code, outcome)
    assert len(city.web.get("/outbox").json["messages"]) == before


def test_a_dropped_reply_leaves_the_text_accepted_and_the_caller_without_an_answer(city: SmallWorld, twilio: Client) -> None:
    city.world.faults.switch(Fault("sms", "drop-reply"))
    with pytest.raises(HTTPError):
        send(twilio, body="Nobody heard the answer")
    assert city.web.get("/outbox?channel=sms").json["messages"][-1]["body"] == "Nobody heard the answer"
    city.world.faults.switch(Fault("sms"))
    assert twilio.messages.list(to=ANA, limit=1)[0].body == "Nobody heard the answer"


def test_a_hanging_provider_accepts_nothing_and_is_let_go_when_the_fault_ends(city: SmallWorld, twilio: Client) -> None:
    before = len(city.web.get("/outbox").json["messages"])
    city.world.faults.switch(Fault("sms", "hang", until=time.time() + 0.3))
    with pytest.raises(HTTPError):
        send(twilio)
    assert last_attempt(city)["outcome"] == "hung"
    assert len(city.web.get("/outbox").json["messages"]) == before


def test_a_share_hits_exactly_that_part_of_the_calls(city: SmallWorld, twilio: Client) -> None:
    city.world.faults.switch(Fault("sms", "429", share=0.25))
    refused = 0
    for _ in range(8):
        try:
            send(twilio)
        except TwilioRestException:
            refused += 1
    assert refused == 2


def test_a_number_that_texted_stop_is_blocked_until_it_texts_start(city: SmallWorld, twilio: Client) -> None:
    city.world.ledger.block(BEN, blocked=True)
    with pytest.raises(TwilioRestException) as refused:
        send(twilio, to=BEN)
    assert refused.value.code == 21610
    city.world.ledger.block(BEN, blocked=False)
    assert send(twilio, to=BEN)


# --- what Twilio tells later -----------------------------------------------------------------------------------------


def test_callbacks_of_a_thousand_texts_come_within_five_seconds_some_twice_some_the_wrong_way_round() -> None:
    plans = [plan_callbacks(Message("sms", "api", NUMBER, ANA, "Hello", NOON, seq=seq), CALLBACK, 1000.0) for seq in range(1000)]
    assert all({"sent", "delivered"} == {one.status for one in plan} for plan in plans)
    assert all(1000 < one.due < 1005 for plan in plans for one in plan)
    assert 50 < sum(len(plan) > 2 for plan in plans) < 250
    first = [min(plan, key=lambda one: one.due).status for plan in plans]
    assert 100 < first.count("delivered") < 300


def test_a_text_without_a_callback_still_arrives() -> None:
    plan = plan_callbacks(Message("sms", "api", NUMBER, ANA, "Hello", NOON, seq=1), "", 0)
    assert {one.kind for one in plan} == {"quiet"}


def test_a_plan_is_the_same_again_for_the_same_text(tmp_path: Path) -> None:
    text = Message("sms", "api", NUMBER, ANA, "Hello", NOON, seq=7)
    assert plan_callbacks(text, CALLBACK, 0) == plan_callbacks(text, CALLBACK, 0)
