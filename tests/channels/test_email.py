"""Emails through boto3, over real HTTP, to a stand-in for SES."""

import email.header
import email.utils
import functools
import json
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError
from urllib3.exceptions import SSLError as Urllib3SSLError

from chalicelib.channels.email import A_WHILE, CODES, EmailSender, _transport, email_sender
from chalicelib.channels.outcomes import UNTIL_MENDED, Answered, Lost, NeverLeft, judge
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import Advice, Answer, EmailMessage, Outcome, Parcel, SmsMessage
from chalicelib.domain.tokens import Tokens
from tests.channels.wire import Asked, Provider, Reply, closed_port, open_gate, provider
from tests.render.notices import FOUR, a_city, a_notice, a_renderer

MESSAGE = EmailMessage(
    "{{title_text}}", "{{body_text}} {{unsubscribe_url}}", "<p>{{body_html}}</p>", {"title_text": "T", "body_text": "B", "body_html": "B"}, "<red.x>", "en"
)
FROM = "alerts@larkhaven.example"
ONCE = Config(retries={"total_max_attempts": 1})


@functools.cache  # a boto3 client takes a while to make
def sender_to(url: str) -> EmailSender:
    return email_sender(SimpleNamespace(ses_url=url, email_from=FROM, email_pace=200), a_city())


def parcels(count: int, message: EmailMessage = MESSAGE) -> list[Parcel]:
    return [
        Parcel(
            Address(Channel.EMAIL, f"p{number}@example.org"),
            message,
            f"tok{number}",
            {"unsubscribe_url": f"https://x/u{number}", "preferences_url": f"https://x/p{number}"},
        )
        for number in range(count)
    ]


def taken(asked: Asked) -> Reply:
    """As SES answers a bulk call that it takes whole."""
    entries = asked.json["BulkEmailEntries"]
    return Reply(200, {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": entry["Destination"]["ToAddresses"][0]} for entry in entries]})


def refusing(status: int, code: str, message: str = "no") -> Reply:
    return Reply(status, {"message": message}, {"x-amzn-errortype": code})


def turned_away(code: str) -> Outcome:
    return Outcome(Answer.NOT_SENT, code, advice=Advice.OUR_ACCOUNT, wait=UNTIL_MENDED)


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Provider]:
    with provider(taken) as one:
        yield one


@pytest.fixture
def ses(stand_in: Provider) -> Provider:
    stand_in.asked.clear()
    stand_in.answer = taken
    return stand_in


def hand_over(one: Provider, count: int = 1) -> Sequence[Outcome]:
    return sender_to(one.url).hand_over(parcels(count), gate=open_gate)


def filled(asked: Asked) -> list[dict[str, str]]:
    """Every email of a bulk call as SES would make it: each gap once, the recipient's value before the shared one."""
    template = asked.json["DefaultContent"]["Template"]
    shared = json.loads(template["TemplateData"])
    made = []
    for entry in asked.json["BulkEmailEntries"]:
        values = shared | json.loads(entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"])
        made.append({part: re.sub(r"\{\{(\w+)\}\}", lambda gap: values[gap[1]], text) for part, text in template["TemplateContent"].items()})  # noqa: B023
    return made


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_fifty_recipients_are_one_call_with_what_all_share_said_once(ses):
    outcomes = hand_over(ses, 50)
    [asked] = ses.asked
    assert (asked.method, asked.path) == ("POST", "/v2/email/outbound-bulk-emails")
    assert asked.json["DefaultContent"]["Template"]["TemplateContent"] == {"Subject": MESSAGE.subject, "Text": MESSAGE.text, "Html": MESSAGE.html}
    assert json.loads(asked.json["DefaultContent"]["Template"]["TemplateData"]) == MESSAGE.values
    entry = asked.json["BulkEmailEntries"][7]
    assert entry["Destination"] == {"ToAddresses": ["p7@example.org"]}
    assert json.loads(entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"]) == {
        "unsubscribe_url": "https://x/u7",
        "preferences_url": "https://x/p7",
    }
    assert outcomes[7] == Outcome(Answer.ACCEPTED, provider_id="p7@example.org")
    assert filled(asked)[7] == {"Subject": "T", "Text": "B https://x/u7", "Html": "<p>B</p>"}


def test_each_recipient_has_their_own_way_out_in_the_headers(ses):
    hand_over(ses, 2)
    headers = {one["Name"]: one["Value"] for one in ses.asked[0].json["BulkEmailEntries"][1]["ReplacementHeaders"]}
    assert headers == {"List-ID": "<red.x>", "List-Unsubscribe": "<https://x/u1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    assert ses.asked[0].json["DefaultContent"]["Template"]["Headers"] == [{"Name": "Auto-Submitted", "Value": "auto-generated"}]


def test_our_token_is_a_tag_that_ses_takes(ses):
    token = Tokens([b"k" * 32]).sign("delivery", "bc_" + "a" * 32, "15", "P0012#" + "b" * 32 + "#13", "49", "2")
    one = parcels(1)[0]
    sender_to(ses.url).hand_over([Parcel(one.to, one.message, token, one.values)], gate=open_gate)
    [tag] = ses.asked[0].json["BulkEmailEntries"][0]["ReplacementTags"]
    assert tag == {"Name": "belfry", "Value": token}
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", token)


def test_the_sender_is_the_programme(ses):
    hand_over(ses)
    assert ses.asked[0].json["FromEmailAddress"] == f"Larkhaven Alerts <{FROM}>"


def test_a_programme_name_in_another_script_is_encoded(ses):
    sender = email_sender(SimpleNamespace(ses_url=ses.url, email_from=FROM, email_pace=200), replace(a_city(), programme="تنبيهات"))
    sender.hand_over(parcels(1), gate=open_gate)
    name, address = email.utils.parseaddr(ses.asked[0].json["FromEmailAddress"])
    assert address == FROM
    assert str(email.header.make_header(email.header.decode_header(name))) == "تنبيهات"


def test_a_real_notice_arrives_with_an_authors_placeholders_as_words(ses):
    notice = a_notice({"en": FOUR["en"].__class__("Win {{unsubscribe_url}}", "{{x}} <b> %s")})
    sender_to(ses.url).hand_over(parcels(1, a_renderer().email(notice, "en", "transit")), gate=open_gate)
    [made] = filled(ses.asked[0])
    assert made["Subject"] == "Win {{unsubscribe_url}}"
    assert "{{x}} <b> %s" in made["Text"]
    assert "https://x/u0" in made["Text"]
    assert "<p>{{x}} &lt;b&gt; %s</p>" in made["Html"]


def test_a_letter_goes_the_same_way_without_list_headers_or_tag(ses):
    letter = EmailMessage("{{subject}}", "{{text}}", "{{html}}", {"subject": "Confirm {{x}}", "text": "t", "html": "<p>t</p>"}, "", "en")
    sender_to(ses.url).hand_over([Parcel(Address(Channel.EMAIL, "ana@example.org"), letter, "")], gate=open_gate)
    [entry] = ses.asked[0].json["BulkEmailEntries"]
    assert (entry["ReplacementTags"], entry["ReplacementHeaders"]) == ([], [])
    assert filled(ses.asked[0])[0]["Subject"] == "Confirm {{x}}"


def test_one_layout_is_one_call_though_values_differ(ses):
    renderer = a_renderer()
    red, transit = (renderer.email(a_notice(FOUR), "en", topic) for topic in ("transit/red-line", "transit"))
    mixed = [*parcels(2, red), *parcels(2, transit)]
    sender_to(ses.url).hand_over(mixed, gate=open_gate)
    assert len(ses.asked) == 1
    assert ["Red Line" in one["Text"].split("follow:")[1] for one in filled(ses.asked[0])] == [True, True, False, False]


def test_layouts_that_differ_are_calls_of_their_own_and_outcomes_keep_their_order(ses):
    renderer = a_renderer()
    mixed = [
        parcel
        for pair in zip(parcels(2, renderer.email(a_notice(FOUR), "en", "transit")), parcels(2, renderer.email(a_notice(FOUR), "ar", "transit")), strict=True)
        for parcel in pair
    ]
    mixed.insert(1, Parcel(Address(Channel.EMAIL, "x@example.org"), SmsMessage("x", 1, "GSM-7"), "t"))
    outcomes = sender_to(ses.url).hand_over(mixed, gate=open_gate)
    assert len(ses.asked) == 2
    assert [outcome.provider_id for outcome in outcomes] == ["p0@example.org", "", "p0@example.org", "p1@example.org", "p1@example.org"]
    assert outcomes[1] == Outcome(Answer.REFUSED, "not_an_email")


def test_a_closed_gate_stops_the_call(ses):
    assert list(sender_to(ses.url).hand_over(parcels(2), gate=lambda: False)) == [Outcome(Answer.NOT_SENT, "not_tried")] * 2
    assert ses.asked == []


def test_ses_cannot_be_asked_what_it_took(ses):
    assert sender_to(ses.url).find(Address(Channel.EMAIL, "a@example.org"), MESSAGE, since=datetime(2026, 1, 1, tzinfo=UTC)) is None


# --- what answers mean -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["MESSAGE_REJECTED", "TRANSIENT_FAILURE", "ACCOUNT_DAILY_QUOTA_EXCEEDED", "MAIL_FROM_DOMAIN_NOT_VERIFIED", "A_NEW_WORD"])
def test_each_recipient_has_a_status_of_their_own(ses, status):
    ses.answer = lambda asked: Reply(
        200, {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "m1"}, {"Status": status, "Error": "p1@example.org is bad"}]}
    )
    assert list(hand_over(ses, 2)) == [Outcome(Answer.ACCEPTED, provider_id="m1"), judge(Answered(200, status), CODES)]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param({"Status": "SUCCESS"}, Outcome(Answer.UNKNOWN, "no_id"), id="taken, but by no name"),
        pytest.param({}, Outcome(Answer.UNKNOWN, "no_status"), id="nothing at all"),
    ],
)
def test_an_odd_word_of_one_recipient_proves_nothing(ses, result, expected):
    ses.answer = lambda asked: Reply(200, {"BulkEmailEntryResults": [result]})
    assert list(hand_over(ses)) == [expected]


def test_every_status_that_ses_documents_is_in_the_table():
    client = boto3.client("sesv2", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    assert set(client.meta.service_model.shape_for("BulkEmailStatus").enum) - {"SUCCESS"} <= set(CODES)


def test_every_error_that_ses_documents_for_the_call_is_in_the_table_or_plain_from_its_status():
    client = boto3.client("sesv2", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    assert {shape.name for shape in client.meta.service_model.operation_model("SendBulkEmail").error_shapes} - {"NotFoundException"} <= set(CODES)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(refusing(429, "TooManyRequestsException"), Outcome(Answer.LATER, "TooManyRequestsException"), id="too many"),
        pytest.param(refusing(400, "ThrottlingException"), Outcome(Answer.LATER, "ThrottlingException"), id="throttled"),
        pytest.param(refusing(400, "LimitExceededException"), Outcome(Answer.LATER, "LimitExceededException"), id="a limit"),
        pytest.param(
            refusing(429, "TooManyRequestsException", "Daily message quota exceeded."), Outcome(Answer.LATER, "DailyQuota", wait=A_WHILE), id="the day's quota"
        ),
        pytest.param(refusing(400, "MessageRejected", "Email address is not verified. In us-east-1: x"), turned_away("NotVerified"), id="our domain"),
        pytest.param(refusing(400, "NewException"), Outcome(Answer.NOT_SENT, "NewException"), id="an error we do not know"),
        pytest.param(refusing(429, "Odd"), Outcome(Answer.LATER, "Odd"), id="429 by any name"),
        pytest.param(refusing(400, "MessageRejected"), Outcome(Answer.REFUSED, "MessageRejected"), id="rejected"),
        pytest.param(refusing(400, "BadRequestException"), Outcome(Answer.REFUSED, "BadRequestException"), id="bad request"),
        pytest.param(refusing(400, "AccountSuspendedException"), turned_away("AccountSuspendedException"), id="our account"),
        pytest.param(refusing(400, "SendingPausedException"), turned_away("SendingPausedException"), id="paused"),
        pytest.param(refusing(403, "AccessDeniedException"), turned_away("AccessDeniedException"), id="our role"),
        pytest.param(refusing(404, "NotFoundException"), turned_away("NotFoundException"), id="not found"),
        pytest.param(refusing(500, "InternalFailure"), Outcome(Answer.UNKNOWN, "InternalFailure"), id="their failure"),
        pytest.param(refusing(500, "BadRequestException"), Outcome(Answer.UNKNOWN, "BadRequestException"), id="their failure, under another name"),
        pytest.param(Reply(503, "<html>"), Outcome(Answer.UNKNOWN, "503"), id="their failure, not in JSON"),
        pytest.param(Reply(200, {"BulkEmailEntryResults": []}), Outcome(Answer.UNKNOWN, "short_answer"), id="fewer answers than recipients"),
        pytest.param(Reply(cut=True), Outcome(Answer.UNKNOWN, "ConnectionClosedError"), id="cut off"),
    ],
)
def test_answers_to_the_whole_call(ses, reply, expected):
    ses.answer = lambda asked: reply
    assert list(hand_over(ses)) == [expected]
    assert len(ses.asked) == 1, "sent once, whatever came"


def test_one_recipient_that_spoils_the_call_is_found_by_halves_and_the_others_still_go(ses):
    def answer(asked: Asked) -> Reply:
        bad = any("p13@" in entry["Destination"]["ToAddresses"][0] for entry in asked.json["BulkEmailEntries"])
        return refusing(400, "BadRequestException") if bad else taken(asked)

    ses.answer = answer
    outcomes = hand_over(ses, 50)
    assert [number for number, outcome in enumerate(outcomes) if outcome.answer is not Answer.ACCEPTED] == [13]
    assert outcomes[13] == Outcome(Answer.REFUSED, "BadRequestException")


def test_no_half_begins_after_the_last_moment(ses):
    ses.answer = lambda asked: refusing(400, "BadRequestException")
    turns = iter([True, False, False, False])
    outcomes = sender_to(ses.url).hand_over(parcels(4), gate=lambda *, again=False: next(turns) if again else True)
    assert list(outcomes) == [Outcome(Answer.NOT_SENT, "not_tried")] * 4
    assert [len(asked.json["BulkEmailEntries"]) for asked in ses.asked] == [4, 2]


def test_each_recipient_takes_one_slot_however_many_calls_there_are(ses):
    ses.answer = lambda asked: refusing(400, "MessageRejected")
    slots: list[None] = []
    outcomes = sender_to(ses.url).hand_over(parcels(8), gate=lambda *, again=False: again or slots.append(None) is None)
    assert {outcome.answer for outcome in outcomes} == {Answer.REFUSED}
    assert (len(slots), len(ses.asked)) == (8, 15)


def test_a_failure_of_theirs_is_not_tried_again_in_halves(ses):
    ses.answer = lambda asked: refusing(500, "BadRequestException")
    assert {outcome.answer for outcome in hand_over(ses, 8)} == {Answer.UNKNOWN}
    assert len(ses.asked) == 1


def test_no_tls_where_we_expect_it_is_not_sent(ses):
    url = ses.url.replace("http://", "https://")
    client = boto3.client("sesv2", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x", config=ONCE)
    assert list(EmailSender(client, sender=FROM).hand_over(parcels(1), gate=open_gate)) == [Outcome(Answer.NOT_SENT, "SSLError")]
    assert ses.asked == []


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        pytest.param(Urllib3SSLError(ssl.SSLCertVerificationError(1, "x")), NeverLeft("SSLError"), id="their certificate"),
        pytest.param(Urllib3SSLError(ssl.SSLEOFError(8, "x")), Lost("SSLError"), id="cut off while the answer came"),
        pytest.param(ssl.SSLEOFError(), Lost("SSLError"), id="of another shape"),
        pytest.param("words", Lost("SSLError"), id="no error in it"),
    ],
)
def test_a_tls_failure_is_unknown_unless_it_can_only_be_a_handshake(cause, expected):
    assert _transport(SSLError(endpoint_url="x", error=cause)) == expected


def test_what_boto3_will_not_even_send_is_not_sent(ses):
    client = boto3.client("sesv2", endpoint_url=ses.url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x", config=ONCE)
    bad = EmailSender(client, sender=None)  # type: ignore[arg-type]
    assert list(bad.hand_over(parcels(1), gate=open_gate)) == [Outcome(Answer.NOT_SENT, "ParamValidationError")]
    assert ses.asked == []


def test_a_refused_account_is_told_of_once_and_without_a_recipient(ses, caplog):
    ses.answer = lambda asked: refusing(400, "AccountSuspendedException")
    hand_over(ses, 3)
    assert [(one.getMessage(), one.fields) for one in caplog.records] == [
        ("provider refuses our account", {"provider": "ses", "codes": ["AccountSuspendedException"]})
    ]


def test_nobody_listening_is_not_sent():
    assert list(sender_to(closed_port()).hand_over(parcels(2), gate=open_gate)) == [Outcome(Answer.NOT_SENT, "EndpointConnectionError")] * 2


def test_no_answer_in_time_is_unknown(ses):
    ses.answer = lambda asked: Reply(hang=True)
    quick = Config(read_timeout=0.2, retries={"total_max_attempts": 1})
    client = boto3.client("sesv2", endpoint_url=ses.url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x", config=quick)
    assert list(EmailSender(client, sender=FROM).hand_over(parcels(2), gate=open_gate)) == [Outcome(Answer.UNKNOWN, "ReadTimeoutError")] * 2


def test_the_client_never_tries_again_and_gives_up_within_ten_seconds(ses):
    config = sender_to(ses.url)._client.meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.connect_timeout + config.read_timeout == 10


def test_a_slow_account_gets_small_calls_and_a_slot_for_each_recipient() -> None:
    asked: list[None] = []
    sender = EmailSender(object(), sender=FROM, pace=14)
    assert sender.most == 14
    list(sender.hand_over(parcels(3), gate=lambda: asked.append(None) is not None))
    assert len(asked) == 1  # the first refusal ends it: nobody is called
