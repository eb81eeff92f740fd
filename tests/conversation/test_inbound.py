"""`POST /sms/inbound` as Twilio calls it: signed or nothing, once, and never a 500 for what a person may write."""

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from chalicelib.channels.twilio_signature import signed_by_twilio
from tests.conversation.booth import ANA, FORM, URL, Answered, Booth
from tests.samples import sample

JOIN = [("MessageSid", "SM1"), ("From", ANA), ("To", "+15005550006"), ("Body", "JOIN transit")]


# --- signatures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(lambda booth: booth.submit("/sms/inbound", JOIN), id="no signature"),
        pytest.param(lambda booth: booth.twilio(JOIN, token="guessed"), id="another's token"),
        pytest.param(lambda booth: booth.twilio(JOIN, url="https://evil.example/sms/inbound"), id="for another URL"),
        pytest.param(lambda booth: booth.twilio(JOIN, url=f"{URL}/sms/status"), id="for another path"),
        pytest.param(lambda booth: _tampered(booth, urlencode([*JOIN, ("Body", "STOP")])), id="a field added"),
        pytest.param(lambda booth: _tampered(booth, urlencode(JOIN).replace("transit", "jobs")), id="a field changed"),
        pytest.param(lambda booth: _tampered(booth, "MessageSid=%ff%fe"), id="not UTF-8"),
        pytest.param(lambda booth: _tampered(booth, "&".join(f"a{number}=1" for number in range(500))), id="500 fields"),
        pytest.param(lambda booth: _tampered(booth, urlencode(JOIN), signature="ключ"), id="a signature that is no ASCII"),
        pytest.param(lambda booth: _tampered(booth, urlencode(JOIN), content_type="application/json"), id="not a form"),
        pytest.param(lambda booth: _tampered(booth, ""), id="empty"),
    ],
)
def test_what_twilio_did_not_sign_gets_403_without_a_body_and_does_nothing(tmp_path: Path, send: Callable[[Booth], Answered]) -> None:
    booth = Booth(tmp_path)
    before = booth.rows()
    answer = send(booth)
    assert (answer.status, answer.text) == (403, "")
    assert booth.rows() == before


def _tampered(booth: Booth, body: str, *, signature: str | None = None, content_type: str = FORM) -> Answered:
    signed = signature or RequestValidator("new").compute_signature(f"{URL}/sms/inbound", dict(JOIN))
    return booth.call("POST", "/sms/inbound", body.encode(), {"Content-Type": content_type, "X-Twilio-Signature": signed})


@pytest.mark.parametrize(
    ("fields", "url", "token"),
    [
        pytest.param(JOIN, f"{URL}/sms/inbound", "new", id="plain"),
        pytest.param(JOIN, f"{URL}:443/sms/inbound", "new", id="with the default port"),
        pytest.param(JOIN, f"{URL}/sms/inbound", "old", id="the token before this one"),
        pytest.param([*JOIN, ("NumMedia", ""), ("FromZip", "")], f"{URL}/sms/inbound", "new", id="blank values"),
        pytest.param([*JOIN, ("Tag", "b"), ("Tag", "a"), ("Tag", "b")], f"{URL}/sms/inbound", "new", id="a repeated name"),
        pytest.param([*JOIN[:3], ("Body", "  JOIN transit \n")], f"{URL}/sms/inbound", "new", id="spaces around"),
        pytest.param([*JOIN, ("AddedNextYear", "é+%&=")], f"{URL}/sms/inbound", "new", id="a parameter we do not know"),
    ],
)
def test_what_twilio_signed_is_answered(tmp_path: Path, fields: list[tuple[str, str]], url: str, token: str) -> None:
    booth = Booth(tmp_path)
    answer = booth.twilio(fields, url=url, token=token)
    assert answer.status == 200
    assert booth.follows() == {"transit": "en"}


def test_a_query_is_part_of_what_is_signed(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    signature = RequestValidator("new").compute_signature(f"{URL}/sms/inbound?from=fallback", dict(JOIN))
    headers = {"Content-Type": FORM, "X-Twilio-Signature": signature}
    assert booth.call("POST", "/sms/inbound?from=fallback", urlencode(JOIN).encode(), headers).status == 200
    assert booth.call("POST", "/sms/inbound", urlencode(JOIN).encode(), headers).status == 403


def test_vectors_of_the_field_are_judged_as_they_say() -> None:
    vectors = [one for one in json.loads(sample("webhook-signature-vectors-a.json").read_text("utf-8"))["twilio"] if "params" in one]
    assert vectors
    for one in vectors:
        pairs = [(name, value) for name, value in one["params"]]
        assert signed_by_twilio(one["url"], pairs, one["signature"], secret={"auth_token": one["auth_token"]}) is one["valid"], one["name"]


def test_without_a_token_nothing_is_signed() -> None:
    assert not signed_by_twilio(URL, JOIN, "x" * 28, secret={})


# --- once -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["JOIN transit", "STOP", "START", "LEAVE jobs", "LANG es", "LIST", "HELP", "hello", "STOP 14?"])
def test_a_text_delivered_again_gets_the_same_reply_and_changes_nothing(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    booth.text("JOBS")
    first = booth.text(text, sid="SMagain")
    rows, ledger, follows = booth.rows(), booth.ledger(), booth.follows()
    assert [booth.text(text, sid="SMagain") for _ in range(3)] == [first] * 3
    assert (booth.rows(), booth.ledger(), booth.follows()) == (rows, ledger, follows)


def test_a_stop_delivered_again_after_start_does_not_stop(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("JOBS")
    booth.text("STOP", sid="SMstop")
    booth.text("START")
    assert booth.text("STOP", sid="SMstop") == booth.says("stopped", "en")
    assert booth.follows() == {"jobs": "en"}


def test_the_same_text_from_several_threads_is_answered_once(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: booth.twilio(JOIN).text, range(12)))
    assert set(answers) == {booth.twilio(JOIN).text}
    assert booth.steps() == [("joined", "transit")]


# --- what people write ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param("   \n\t ", id="blank"),
        pytest.param("🙂🚌🚲", id="emoji only"),
        pytest.param("გამარჯობა", id="Georgian"),
        pytest.param("ᚠᚢᚦ", id="runes"),
        pytest.param("x" * 1600, id="1600 characters"),
        pytest.param("stop " * 5000, id="25,000 characters"),
        pytest.param("\u202e\u200b\ufeff", id="invisible"),
        pytest.param("a\x00b\x07\x1b", id="control characters"),
        pytest.param("<Response>&amp;</Message>", id="markup"),
        pytest.param("{{ city }} {% raw %} %(x)s %s", id="template language"),
        pytest.param("' OR 1=1; --", id="quotes"),
        pytest.param("\ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"), id="half an emoji"),
    ],
)
def test_whatever_is_written_gets_a_helpful_reply(tmp_path: Path, body: str) -> None:
    booth = Booth(tmp_path)
    reply = booth.text(body)
    assert reply in {booth.says("which_language", "en"), booth.says("stopped", "en")}
    assert booth.follows() == {}


def test_a_text_without_a_body_is_an_empty_text(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert "English" in booth.twilio(JOIN[:3]).text


@pytest.mark.parametrize("sender", ["", "22000", "LARKHAVEN", "whatsapp:+12025550101", "+1202555010１", "+" * 50])
def test_a_sender_that_is_no_phone_gets_silence(tmp_path: Path, sender: str) -> None:
    booth = Booth(tmp_path)
    assert booth.text("JOIN transit", phone=sender) is None
    assert booth.rows() == 0


@pytest.mark.parametrize("sid", ["", "SM 1", "SM#1", "x" * 65])
def test_a_text_without_a_proper_id_is_malformed(tmp_path: Path, sid: str) -> None:
    booth = Booth(tmp_path)
    assert booth.twilio([("MessageSid", sid), *JOIN[1:]]).status == 400
    assert booth.rows() == 0


def test_a_reply_is_escaped_as_xml(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert "Msg &amp; data rates may apply" in booth.twilio(JOIN).text


@pytest.mark.parametrize(
    ("body", "kind", "follows", "stopped"),
    [("stopp plz", "STOP", {}, True), ("JOBS", "START", {"transit": "en"}, False), ("JOBS", "HELP", {"transit": "en"}, False)],
)
def test_where_twilio_has_answered_itself_we_act_and_stay_silent(tmp_path: Path, body: str, kind: str, follows: dict[str, str], stopped: bool) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    assert booth.text(body, OptOutType=kind) is None
    assert booth.follows() == follows
    assert booth.person().opted_out is stopped
    assert all(not one.wording for one in booth.ledger()[1:])


def test_an_opt_out_type_we_do_not_know_leaves_the_text_as_it_is(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT", OptOutType="MAYBE")
    assert booth.follows() == {"transit": "en"}


def test_no_log_line_holds_a_number_or_what_was_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    booth = Booth(tmp_path)
    with caplog.at_level(logging.DEBUG):
        for text in ("JOIN transit", "my secret words", "STOP", "+12025550101"):
            booth.text(text)
        booth.twilio(JOIN, token="guessed")
        booth.text("my secret words", phone="22000")
    said = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name.startswith("belfry"))
    assert "text answered" in said
    assert all(secret not in said for secret in ("2025550101", "my secret words", "JOIN transit"))
