"""The world's SES, as boto3 meets it over the wire."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from local.options import EMAIL_FROM
from local.world.errands import EVENTS_QUEUE
from local.world.faults import Fault
from local.world.ledger import Message
from local.world.mail_events import plan_events
from tests.local.worlds import NOON, SmallWorld, served

SENDER = f"Larkhaven Alerts <{EMAIL_FROM}>"
LAYOUT = {"Subject": "{{title}}", "Text": "{{ body }} {{name}}", "Html": "<p>{{body}} <a href='{{{link}}}'>{{name}}</a></p>"}
SHARED = {"title": "Road & rail", "body": "Five < six", "name": "neighbour", "link": "https://city.example/?a=1&b=2"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallWorld]:
    with served(tmp_path_factory.mktemp("city")) as found:
        yield found


@pytest.fixture(scope="module")
def client(city: SmallWorld) -> Any:
    config = Config(retries={"total_max_attempts": 1}, read_timeout=5)
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    return session.client("sesv2", endpoint_url=city.options.world_url, config=config)


@pytest.fixture
def ses(city: SmallWorld, client: Any) -> Iterator[Any]:
    yield client
    city.world.faults.switch(Fault("email"))


def entry(to: str, *, values: dict[str, object] | None = None, headers: dict[str, str] | None = None, token: str = "token-1") -> dict[str, Any]:
    return {
        "Destination": {"ToAddresses": [to]},
        "ReplacementTags": [{"Name": "belfry", "Value": token}],
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": json.dumps(values or {})}},
        "ReplacementHeaders": [{"Name": name, "Value": value} for name, value in (headers or {}).items()],
    }


def send(ses: Any, *entries: dict[str, Any], layout: dict[str, str] | None = None, sender: str = SENDER) -> list[dict[str, str]]:
    always = [{"Name": "Auto-Submitted", "Value": "auto-generated"}]
    content = {"Template": {"TemplateContent": layout or LAYOUT, "TemplateData": json.dumps(SHARED), "Headers": always}}
    return list(ses.send_bulk_email(FromEmailAddress=sender, DefaultContent=content, BulkEmailEntries=list(entries))["BulkEmailEntryResults"])


def inbox(city: SmallWorld, address: str) -> list[dict[str, Any]]:
    return list(city.web.get(f"/inboxes/{address}").json["emails"])


def test_each_recipient_gets_the_shared_values_under_their_own(city: SmallWorld, ses: Any) -> None:
    results = send(ses, entry("ana@example.org", values={"name": "Ana"}), entry("ben@example.org"))
    assert [one["Status"] for one in results] == ["SUCCESS", "SUCCESS"]
    assert inbox(city, "ana@example.org")[0]["text"] == "Five < six Ana"
    assert inbox(city, "ben@example.org")[0]["text"] == "Five < six neighbour"


def test_nothing_is_escaped_when_placeholders_are_filled(city: SmallWorld, ses: Any) -> None:
    send(ses, entry("cleo@example.org", values={"name": "<b>Cleo</b> {{title}}"}))
    letter = inbox(city, "cleo@example.org")[0]
    assert letter["subject"] == "Road & rail"
    assert letter["html"] == "<p>Five < six <a href='https://city.example/?a=1&b=2'><b>Cleo</b> {{title}}</a></p>"


def test_own_headers_win_over_those_of_all(city: SmallWorld, ses: Any) -> None:
    send(ses, entry("dan@example.org", headers={"List-ID": "<transit.city.example>", "auto-submitted": "no"}))
    assert inbox(city, "dan@example.org")[0]["headers"] == {"List-ID": "<transit.city.example>", "auto-submitted": "no"}


def test_an_accepted_email_is_in_the_outbox_with_our_token(city: SmallWorld, ses: Any) -> None:
    result = send(ses, entry("Eve@Example.org", token="token-eve"))[0]
    found = [one for one in city.web.get("/outbox?channel=email").json["messages"] if one["provider_id"] == result["MessageId"]]
    assert [(one["to"], one["from"], one["subject"], one["body"], one["token"]) for one in found] == [
        ("eve@example.org", SENDER, "Road & rail", "Five < six neighbour", "token-eve")
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param(entry("x@example.org", values={"name": None}), "Attribute 'name' is not present", id="a value is missing"),
        pytest.param(entry("not-an-address"), "Illegal address", id="no address"),
        pytest.param(entry("x@example.org", token="with.dot"), "Invalid tag", id="a tag with a dot"),
        pytest.param(entry("x@example.org", headers={"List-ID": "café"}), "Invalid header", id="a header beyond ASCII"),
        pytest.param(entry("x@example.org", values={"title": "two\r\nBcc: all@example.org"}), "line break", id="a subject of two lines"),
    ],
)
def test_a_wrong_entry_fails_alone(city: SmallWorld, ses: Any, wrong: dict[str, Any], words: str) -> None:
    results = send(ses, wrong, entry("fay@example.org"))
    assert (results[0]["Status"], results[1]["Status"]) == ("INVALID_PARAMETER", "SUCCESS")
    assert words in results[0]["Error"]
    kept = city.web.get("/attempts?channel=email").json["messages"]
    assert [one["outcome"] for one in kept[-2:]] == ["refused", "accepted"]
    assert "x@example.org" not in {one["to"] for one in city.web.get("/outbox").json["messages"]}


def test_a_template_language_beyond_placeholders_is_refused(ses: Any) -> None:
    assert send(ses, entry("gil@example.org"), layout={**LAYOUT, "Text": "{{#if name}}x{{/if}}"})[0]["Status"] == "INVALID_PARAMETER"


@pytest.mark.parametrize(
    ("count", "sender", "error"),
    [
        pytest.param(51, SENDER, "BadRequestException", id="51 entries"),
        pytest.param(1, "other@elsewhere.example", "MessageRejected", id="a sender that is not ours"),
    ],
)
def test_a_wrong_call_is_refused_whole(city: SmallWorld, ses: Any, count: int, sender: str, error: str) -> None:
    with pytest.raises(ClientError) as refused:
        send(ses, *(entry("hal@example.org") for _ in range(count)), sender=sender)
    assert refused.value.response["Error"]["Code"] == error
    assert inbox(city, "hal@example.org") == []


def test_one_email_is_taken_as_it_is_braces_and_all(city: SmallWorld, ses: Any) -> None:
    body = {"Text": {"Data": "Hello {{name}}"}, "Html": {"Data": "<p>Hello</p>"}}
    content = {"Simple": {"Subject": {"Data": "Please confirm"}, "Body": body}}
    made = ses.send_email(FromEmailAddress=SENDER, Destination={"ToAddresses": ["ida@example.org"]}, Content=content)
    assert made["MessageId"]
    assert [(one["subject"], one["text"], one["html"]) for one in inbox(city, "ida@example.org")] == [("Please confirm", "Hello {{name}}", "<p>Hello</p>")]


@pytest.mark.parametrize(
    ("mode", "error", "status"),
    [pytest.param("429", "TooManyRequestsException", 429, id="too many"), pytest.param("500", "InternalServiceErrorException", 500, id="broken")],
)
def test_a_fault_of_the_call_hits_all_its_recipients(city: SmallWorld, ses: Any, mode: str, error: str, status: int) -> None:
    city.world.faults.switch(Fault("email", mode))
    with pytest.raises(ClientError) as refused:
        send(ses, entry("jo@example.org"), entry("kay@example.org"))
    assert (refused.value.response["Error"]["Code"], refused.value.response["ResponseMetadata"]["HTTPStatusCode"]) == (error, status)
    assert inbox(city, "jo@example.org") == inbox(city, "kay@example.org") == []


def test_a_dropped_reply_leaves_every_email_of_the_call_accepted(city: SmallWorld, ses: Any) -> None:
    city.world.faults.switch(Fault("email", "drop-reply"))
    with pytest.raises(ConnectionClosedError):
        send(ses, entry("leo@example.org"), entry("mia@example.org"))
    assert [len(inbox(city, who)) for who in ("leo@example.org", "mia@example.org")] == [1, 1]


def test_a_fault_of_recipients_hits_its_share_of_them(city: SmallWorld, ses: Any) -> None:
    city.world.faults.switch(Fault("email", "invalid", share=0.5))
    assert [one["Status"] for one in send(ses, *(entry(f"r{number}@example.org") for number in range(4)))] == ["SUCCESS", "INVALID_PARAMETER"] * 2


# --- what SES tells later --------------------------------------------------------------------------------------------


def an_email(to: str, *, seq: int = 1, code: str = "") -> Message:
    return Message("email", "email", SENDER, to, "Hello", NOON, subject="Hi", provider_id="0100-1", token="token-1", status="queued", code=code, seq=seq)


@pytest.mark.parametrize(
    ("to", "code", "kinds"),
    [
        pytest.param("ana@example.org", "", {"Send", "Delivery"}, id="delivered"),
        pytest.param("bounce@example.org", "", {"Send", "Bounce"}, id="bounced"),
        pytest.param("complaint@example.org", "", {"Send", "Delivery", "Complaint"}, id="complained of"),
        pytest.param("ana@example.org", "OnAccountSuppressionList", {"Send", "Bounce"}, id="suppressed"),
    ],
)
def test_events_carry_our_tag_and_say_what_became_of_the_email(to: str, code: str, kinds: set[str]) -> None:
    events = [json.loads(json.loads(one.payload)["Message"]) for one in plan_events(an_email(to, code=code), 0)]
    assert {one["eventType"] for one in events} == kinds
    assert {(one["mail"]["tags"]["belfry"][0], one["mail"]["messageId"]) for one in events} == {("token-1", "0100-1")}


def test_events_of_a_thousand_emails_come_within_five_seconds_some_twice_some_the_wrong_way_round() -> None:
    plans = [plan_events(an_email("ana@example.org", seq=seq), 1000.0) for seq in range(1000)]
    assert all(1000 < one.due < 1005 for plan in plans for one in plan)
    assert 50 < sum(len(plan) > 2 for plan in plans) < 250
    first = [min(plan, key=lambda one: one.due).status for plan in plans]
    assert 80 < first.count("delivered") < 300


def test_no_receipts_means_that_nothing_is_told() -> None:
    assert {(one.kind, one.payload) for one in plan_events(an_email("ana@example.org", code="no-receipts"), 0)} == {("quiet", "")}


def test_events_wait_in_the_queue_of_their_topic(city: SmallWorld, ses: Any) -> None:
    send(ses, entry("ned@example.org"))
    with city.world.ledger.file.writing() as connection:
        connection.execute("UPDATE world_errands SET due = 0")
    city.parts.errands.run_due()
    queues = SqliteQueues(SqliteFile(city.options.state_file), city.world.now)
    topics = {json.loads(one.body)["TopicArn"] for one in queues.receive([EVENTS_QUEUE], 10, 30)}
    assert topics == {"arn:aws:sns:us-east-1:123456789012:ses-events"}
    assert city.web.get("/outbox?channel=email").json["messages"][-1]["status"] == "delivered"
