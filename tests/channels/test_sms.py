"""Texts through the real SDK, over real HTTP, to a stand-in for Twilio."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from twilio.rest import Client

from chalicelib.channels.outcomes import UNTIL_MENDED
from chalicelib.channels.sms import AT_ONCE, SmsSender, at_once_of, sms_sender
from chalicelib.channels.twilio_http import CALL_SECONDS, CONNECT_SECONDS, TwilioHttp
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import Advice, Answer, KioskMessage, Outcome, Parcel, SmsMessage
from chalicelib.errors import Misconfigured
from tests.channels.wire import Asked, Provider, Reply, closed_port, open_gate, provider

SECRET = {"account_sid": "AC" + "1" * 32, "auth_token": "made-up"}
NUMBER = "+15005550006"
PATH = f"/2010-04-01/Accounts/{SECRET['account_sid']}/Messages.json"


def sender_to(url: str | None) -> SmsSender:
    return sms_sender(SimpleNamespace(twilio_url=url, twilio_number=NUMBER, public_url="https://alerts.example.gov", sms_pace=100), SECRET)


def parcels(count: int, body: str = "Hello 公") -> list[Parcel]:
    return [Parcel(Address(Channel.SMS, f"+1202555{number:04d}"), SmsMessage(body, 1, "UCS-2"), f"tok{number}") for number in range(count)]


def created(asked: Asked) -> Reply:
    """As Twilio answers a text it takes."""
    return Reply(201, {"sid": f"SM{asked.form['To'][1:]}", "status": "queued", "body": asked.form["Body"]})


def refusing(status: int, code: int | None, body: object = None) -> Reply:
    return Reply(status, body if body is not None else {"code": code, "message": "no", "status": status})


def turned_away(code: str) -> Outcome:
    return Outcome(Answer.NOT_SENT, code, advice=Advice.OUR_ACCOUNT, wait=UNTIL_MENDED)


@pytest.fixture
def twilio() -> Iterator[Provider]:
    with provider(created) as one:
        yield one


def hand_over(one: Provider, count: int = 1) -> Sequence[Outcome]:
    return sender_to(one.url).hand_over(parcels(count), gate=open_gate)


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_a_text_goes_out_with_our_number_and_our_token(twilio):
    [outcome] = hand_over(twilio)
    [asked] = twilio.asked
    assert (asked.method, asked.path) == ("POST", PATH)
    assert asked.form == {"To": "+12025550000", "From": NUMBER, "Body": "Hello 公", "StatusCallback": "https://alerts.example.gov/sms/status?t=tok0"}
    assert asked.headers["authorization"].startswith("Basic ")
    assert outcome == Outcome(Answer.ACCEPTED, provider_id="SM12025550000")


def test_outcomes_come_in_the_order_of_parcels_however_the_calls_end(twilio):
    barrier = threading.Barrier(5)

    def answer(asked: Asked) -> Reply:
        barrier.wait(60)
        return refusing(400, 21211) if asked.form["To"].endswith("3") else created(asked)

    twilio.answer = answer
    outcomes = hand_over(twilio, 5)
    assert [outcome.provider_id for outcome in outcomes] == ["SM12025550000", "SM12025550001", "SM12025550002", "", "SM12025550004"]
    assert outcomes[3] == Outcome(Answer.REFUSED, "21211", advice=Advice.BAD_ADDRESS)


def test_only_so_many_calls_are_in_flight_and_their_connections_are_used_again(twilio):
    full = threading.Barrier(AT_ONCE)
    counted = iter(range(1000))

    def answer(asked: Asked) -> Reply:
        if next(counted) < AT_ONCE:
            full.wait(60)
        return created(asked)

    twilio.answer = answer
    sender = sender_to(twilio.url)
    outcomes = [*sender.hand_over(parcels(25), gate=open_gate), *sender.hand_over(parcels(25), gate=open_gate)]
    assert {outcome.answer for outcome in outcomes} == {Answer.ACCEPTED}
    assert (twilio.most_at_once, len(twilio.asked)) == (AT_ONCE, 50)
    assert twilio.connections <= AT_ONCE


def test_the_gate_is_asked_before_each_call_and_a_closed_one_stops_it(twilio):
    turns = iter([True, True, False, False, False])
    lock = threading.Lock()

    def gate() -> bool:
        with lock:
            return next(turns)

    outcomes = sender_to(twilio.url).hand_over(parcels(5), gate=gate)
    assert sorted(outcome.answer for outcome in outcomes) == [Answer.ACCEPTED] * 2 + [Answer.NOT_SENT] * 3
    assert len(twilio.asked) == 2


def test_a_parcel_of_another_channel_is_refused_and_not_sent(twilio):
    stray = Parcel(Address(Channel.SMS, "+12025550000"), KioskMessage({}), "t")
    assert sender_to(twilio.url).hand_over([stray], gate=open_gate) == [Outcome(Answer.REFUSED, "not_a_text")]
    assert twilio.asked == []


def test_an_incomplete_secret_is_said_at_start():
    with pytest.raises(Misconfigured, match="auth_token"):
        sms_sender(SimpleNamespace(twilio_url=None, twilio_number=NUMBER, public_url="https://x", sms_pace=100), {"account_sid": "AC1"})


# --- what answers mean -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(refusing(400, 21610), Outcome(Answer.REFUSED, "21610", advice=Advice.OPTED_OUT), id="opted out at Twilio"),
        pytest.param(refusing(400, 21211), Outcome(Answer.REFUSED, "21211", advice=Advice.BAD_ADDRESS), id="no such number"),
        pytest.param(refusing(400, 21614), Outcome(Answer.REFUSED, "21614", advice=Advice.BAD_ADDRESS), id="takes no texts"),
        pytest.param(refusing(400, 21612), Outcome(Answer.REFUSED, "21612", advice=Advice.BAD_ADDRESS), id="out of reach"),
        pytest.param(refusing(400, 21408), Outcome(Answer.REFUSED, "21408"), id="a country we do not serve"),
        pytest.param(refusing(400, 21617), Outcome(Answer.REFUSED, "21617"), id="too long"),
        pytest.param(refusing(429, 20429), Outcome(Answer.LATER, "20429"), id="too many requests"),
        pytest.param(refusing(429, None, "busy"), Outcome(Answer.LATER, "429"), id="too many, not in JSON"),
        pytest.param(refusing(400, 21611), Outcome(Answer.LATER, "21611"), id="their queue is full"),
        pytest.param(refusing(401, 20003), turned_away("20003"), id="our credentials"),
        pytest.param(refusing(403, None, "no"), turned_away("403"), id="forbidden"),
        pytest.param(refusing(404, 20404), turned_away("20404"), id="no such account"),
        pytest.param(refusing(400, 21606), turned_away("21606"), id="our number cannot send"),
        pytest.param(refusing(500, 20500), Outcome(Answer.UNKNOWN, "20500"), id="their failure"),
        pytest.param(refusing(503, None, "<html>"), Outcome(Answer.UNKNOWN, "503"), id="their failure, not in JSON"),
        pytest.param(refusing(408, None, "slow"), Outcome(Answer.UNKNOWN, "408"), id="they gave up waiting"),
        pytest.param(Reply(302, "", {"Location": "/x"}), Outcome(Answer.UNKNOWN, "302"), id="a redirect is not followed"),
        pytest.param(Reply(201, "not json"), Outcome(Answer.UNKNOWN, "JSONDecodeError"), id="taken, but unreadable"),
        pytest.param(Reply(201, {"status": "queued"}), Outcome(Answer.UNKNOWN, "no_id"), id="taken, but by no name"),
        pytest.param(Reply(201, "[]"), Outcome(Answer.UNKNOWN, "AttributeError"), id="taken, in a shape of no text"),
        pytest.param(refusing(400, None, "[]"), Outcome(Answer.REFUSED, "400"), id="refused, in a shape of no error"),
        pytest.param(Reply(cut=True), Outcome(Answer.UNKNOWN, "ProtocolError"), id="cut off"),
        pytest.param(
            refusing(429, None, {"type": "t", "title": "x", "status": 429, "code": 20429}), Outcome(Answer.LATER, "20429"), id="their newer kind of problem"
        ),
        pytest.param(
            refusing(500, None, {"type": "t", "title": "x", "status": "odd", "code": 9}), Outcome(Answer.UNKNOWN, "9"), id="a problem with an odd status"
        ),
    ],
)
def test_answers(twilio, reply, expected):
    twilio.answer = lambda asked: reply
    assert list(hand_over(twilio)) == [expected]
    assert len(twilio.asked) == 1, "sent once, whatever came"


def test_no_tls_where_we_expect_it_is_not_sent(twilio):
    sender = sender_to(twilio.url.replace("http://", "https://"))
    assert list(sender.hand_over(parcels(1), gate=open_gate)) == [Outcome(Answer.NOT_SENT, "NoHandshake")]
    assert twilio.asked == []


def test_a_refused_account_is_told_of_once_and_without_a_number(twilio, caplog):
    twilio.answer = lambda asked: refusing(401, 20003)
    hand_over(twilio, 3)
    assert [(one.getMessage(), one.fields) for one in caplog.records] == [("provider refuses our account", {"provider": "twilio", "codes": ["20003"]})]


def test_nobody_listening_is_not_sent():
    assert list(sender_to(closed_port()).hand_over(parcels(1), gate=open_gate)) == [Outcome(Answer.NOT_SENT, "NewConnectionError")]


def test_a_name_that_does_not_resolve_is_not_sent():
    [outcome] = sender_to("http://nowhere.invalid").hand_over(parcels(1), gate=open_gate)
    assert outcome == Outcome(Answer.NOT_SENT, "NameResolutionError")


def test_no_answer_in_time_is_unknown(twilio):
    twilio.answer = lambda asked: Reply(hang=True)
    client = Client("AC1", "made-up", http_client=TwilioHttp(url=twilio.url, at_once=1, seconds=0.2))
    sender = SmsSender(client, number=NUMBER, public_url="https://alerts.example.gov")
    assert list(sender.hand_over(parcels(1), gate=open_gate)) == [Outcome(Answer.UNKNOWN, "ReadTimeoutError")]


def test_a_call_may_take_ten_seconds_and_connecting_three(twilio):
    line = TwilioHttp(url=twilio.url, at_once=1).lines.take()
    assert (round(line.sock.gettimeout()), line.timeout) == (CALL_SECONDS, CONNECT_SECONDS) == (10, 3)
    line.close()


def test_without_a_stand_in_calls_go_to_twilio_itself():
    assert TwilioHttp(url=None, at_once=1).lines.url == "https://api.twilio.com"


@pytest.mark.parametrize("reply", [refusing(429, 20429), refusing(401, 20003)], ids=["later", "our credentials"])
def test_once_the_provider_says_later_the_rest_is_left_alone(twilio, reply):
    twilio.answer = lambda asked: reply
    outcomes = hand_over(twilio, 25)
    assert {outcome.answer for outcome in outcomes} <= {Answer.LATER, Answer.NOT_SENT}
    assert len(twilio.asked) <= AT_ONCE


# --- evidence --------------------------------------------------------------------------------------------------------

SINCE = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
TO, TEXT = Address(Channel.SMS, "+12025550000"), SmsMessage("Hello", 1, "GSM-7")


def held(*messages: dict[str, object]) -> Reply:
    return Reply(200, {"messages": list(messages), "next_page_uri": None, "uri": "/x", "page": 0, "page_size": 50})


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(held({"sid": "SM1", "body": "Hello", "date_created": "Tue, 01 Dec 2026 12:00:01 +0000"}), True, id="this text, since then"),
        pytest.param(held({"sid": "SM1", "body": "Hello", "date_created": None}), True, id="this text, no date yet"),
        pytest.param(held({"sid": "SM1", "body": "Hello", "date_created": "Tue, 01 Dec 2026 11:59:59 +0000"}), False, id="this text, but before"),
        pytest.param(held({"sid": "SM1", "body": "Hello!", "date_created": "Tue, 01 Dec 2026 12:00:01 +0000"}), False, id="another text"),
        pytest.param(held(), False, id="none"),
        pytest.param(refusing(500, 20500), None, id="no answer"),
        pytest.param(Reply(cut=True), None, id="cut off"),
        pytest.param(Reply(200, "not json"), None, id="unreadable"),
        pytest.param(Reply(200, "[]"), None, id="a list of nothing"),
        pytest.param(Reply(200, {"messages": None}), None, id="no list"),
        pytest.param(held({"sid": "SM1", "date_created": 5}), None, id="a date of another shape"),
    ],
)
def test_the_provider_is_asked_what_it_holds(twilio, reply, expected):
    twilio.answer = lambda asked: reply
    assert sender_to(twilio.url).find(TO, TEXT, since=SINCE) is expected
    [asked] = twilio.asked
    assert (asked.method, asked.path) == ("GET", PATH)
    assert asked.query == {"To": "+12025550000", "PageSize": "1000"}, "by no date: a text that waits at Twilio has none"


def test_for_words_in_many_languages_the_provider_is_asked_once(twilio):
    twilio.answer = lambda asked: held({"sid": "SM1", "body": "Hola", "date_created": "Tue, 01 Dec 2026 12:00:01 +0000"})
    sender = sender_to(twilio.url)
    assert sender.find(TO, TEXT, SmsMessage("Hola", 1, "GSM-7"), SmsMessage("안녕", 1, "UCS-2"), since=SINCE) is True
    assert sender.find(TO, TEXT, SmsMessage("Salut", 1, "GSM-7"), since=SINCE) is False
    assert len(twilio.asked) == 2


def test_a_no_needs_a_list_that_is_whole(twilio):
    texts = [{"sid": f"SM{number}", "body": "Another", "date_created": "Tue, 01 Dec 2026 11:00:00 +0000"} for number in range(1000)]
    twilio.answer = lambda asked: held(*texts)
    assert sender_to(twilio.url).find(TO, TEXT, since=SINCE) is None
    texts.pop()
    assert sender_to(twilio.url).find(TO, TEXT, since=SINCE) is False
    assert len(twilio.asked) == 2


def test_a_message_of_another_channel_is_asked_for_nowhere(twilio):
    assert sender_to(twilio.url).find(TO, KioskMessage({}), since=SINCE) is None
    assert twilio.asked == []


def test_nothing_about_a_call_is_logged(twilio, caplog):
    caplog.set_level(0)
    hand_over(twilio)
    sender_to(twilio.url).find(TO, TEXT, since=SINCE)
    assert "2025550000" not in caplog.text
    assert "Hello" not in caplog.text


@pytest.mark.parametrize(("pace", "expected"), [(1, 2), (8, 2), (20, 5), (100, 25), (1000, 25)])
def test_a_slow_sender_has_few_calls_on_their_way(pace: int, expected: int) -> None:
    assert at_once_of(pace) == expected
