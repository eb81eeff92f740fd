"""SES's events: what each of them proves, and what it says of an address."""

import json

import pytest

from chalicelib.channels.ses_events import read_event
from chalicelib.domain.jobs import ReceiptJob
from tests.samples import sample


def event(name: str, **detail: object) -> dict[str, object]:
    return {
        "eventType": name,
        "mail": {"messageId": "m", "destination": ["p@example.org"], "tags": {"belfry": ["tok"], "ses:caller-identity": ["x"]}},
        **detail,
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(event("Send"), ReceiptJob("tok", "accepted"), id="Send"),
        pytest.param(event("Delivery"), ReceiptJob("tok", "delivered"), id="Delivery"),
        pytest.param(
            event("Bounce", bounce={"bounceType": "Permanent", "bounceSubType": "General"}),
            ReceiptJob("tok", "failed", "Permanent/General", "bad_address"),
            id="gone for good",
        ),
        pytest.param(
            event("Bounce", bounce={"bounceType": "Permanent", "bounceSubType": "OnAccountSuppressionList"}),
            ReceiptJob("tok", "failed", "Permanent/OnAccountSuppressionList", "bad_address"),
            id="suppressed",
        ),
        pytest.param(
            event("Bounce", bounce={"bounceType": "Transient", "bounceSubType": "MailboxFull"}),
            ReceiptJob("tok", "failed", "Transient/MailboxFull", "bad_if_five_times"),
            id="mailbox full",
        ),
        pytest.param(
            event("Bounce", bounce={"bounceType": "Undetermined", "bounceSubType": "New"}),
            ReceiptJob("tok", "failed", "Undetermined/New"),
            id="an unknown subtype",
        ),
        pytest.param(event("Bounce", bounce={"bounceType": "New", "bounceSubType": "x"}), ReceiptJob("tok", "failed", "New/x"), id="an unknown kind"),
        pytest.param(event("Bounce", bounce={}), ReceiptJob("tok", "failed", "/"), id="no kind at all"),
        pytest.param(
            event("Complaint", complaint={"complaintFeedbackType": "abuse"}), ReceiptJob("tok", "delivered", "complaint/abuse", "opted_out"), id="called spam"
        ),
        pytest.param(event("Complaint", complaint={}), ReceiptJob("tok", "delivered", "complaint/", "opted_out"), id="called spam, no type"),
        pytest.param(
            event("Complaint", complaint={"complaintFeedbackType": "not-spam"}), ReceiptJob("tok", "delivered", "complaint/not-spam"), id="called no spam"
        ),
        pytest.param(event("Reject", reject={"reason": "Bad content"}), ReceiptJob("tok", "failed", "Reject"), id="a virus"),
        pytest.param(event("Rendering Failure", failure={}), ReceiptJob("tok", "failed", "RenderingFailure"), id="a gap unfilled"),
    ],
)
def test_events(said, expected):
    assert list(read_event(said)) == [expected]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(event("DeliveryDelay"), id="a delay proves nothing"),
        pytest.param(event("Open"), id="nor does an opening"),
        pytest.param(event("Something New"), id="nor a word we do not know"),
        pytest.param({"eventType": "Delivery", "mail": {"messageId": "m"}}, id="no tags"),
        pytest.param({"eventType": "Delivery", "mail": {"tags": {"belfry": "tok"}}}, id="tags of another shape"),
        pytest.param({"notificationType": "Delivery", "mail": {}}, id="the older style has no tags"),
        pytest.param({}, id="nothing"),
        pytest.param({"eventType": "Bounce", "mail": None, "bounce": "x"}, id="nonsense"),
    ],
)
def test_what_proves_nothing_is_nothing(said):
    assert list(read_event(said)) == []


def test_real_events_are_read_or_passed_over():
    envelopes = json.loads(sample("ses-sns-events-b.json").read_text("utf-8"))
    messages = [found for found in _messages(envelopes) if "mail" in found]
    assert len(messages) > 5
    for message in messages:
        assert list(read_event(message)) == []
        tagged = {**message, "mail": {**message["mail"], "tags": {"belfry": ["tok"]}}}
        assert all(job.token == "tok" for job in read_event(tagged))


def _messages(found: object) -> list[dict]:
    """Every SES message anywhere in the sample."""
    if isinstance(found, dict):
        here = [found] if "mail" in found else []
        inner = [json.loads(found["Message"])] if isinstance(found.get("Message"), str) and found["Message"].startswith("{") else []
        return here + [one for value in [*found.values(), *inner] for one in _messages(value)]
    return [one for value in found for one in _messages(value)] if isinstance(found, list) else []
