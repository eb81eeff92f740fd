"""What SES tells of an email afterwards, as SNS wraps it: Send, then Delivery, Bounce or Complaint."""

import json
import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.channels.ses_events import TAG
from chalicelib.domain.times import spoken
from local.world.ledger import ACCEPTED, NO_RECEIPTS, Errand, Message
from local.world.wire import new_hex

SUPPRESSED = "OnAccountSuppressionList"
TOPIC = "arn:aws:sns:us-east-1:123456789012:ses-events"

_MTA = "a8-70.smtp-out.amazonses.com"
_STATUS = {"Send": "sent", "Delivery": "delivered", "Bounce": "bounced", "Complaint": "complained"}


def plan_events(message: Message, start: float) -> list[Errand]:
    """The events of an accepted email, within 5 s: now and then twice, late, or the wrong way round. Decided by its number, so repeatable."""
    if message.outcome != ACCEPTED:
        return []
    chance = random.Random(message.seq)  # noqa: S311 - a play of chance, not a secret
    due = [start + chance.uniform(0.02, 0.8)]
    kinds = _kinds(message)
    for _ in kinds[1:]:
        due.append(due[-1] + chance.uniform(0.05, 1.2))
    if chance.random() < 0.15:
        due[0], due[1] = due[1], due[0]
    if chance.random() < 0.08:
        due[-1] = start + chance.uniform(3.2, 4.5)
    errands = [_errand(message, kind, when) for kind, when in zip(kinds, due, strict=True)]
    if chance.random() < 0.12:
        errands.append(_errand(message, chance.choice(kinds), due[-1] + chance.uniform(0, 0.3)))
    return errands


def _kinds(message: Message) -> list[str]:
    if message.code == SUPPRESSED or message.recipient.startswith("bounce@"):
        return ["Send", "Bounce"]
    return ["Send", "Delivery", "Complaint"] if message.recipient.startswith("complaint@") else ["Send", "Delivery"]


def _errand(message: Message, kind: str, due: float) -> Errand:
    quiet = message.code == NO_RECEIPTS
    return Errand(due, "quiet" if quiet else "event", _STATUS[kind], payload="" if quiet else json.dumps(_notification(message, kind)))


def _notification(message: Message, kind: str) -> dict[str, str]:
    event = {"eventType": kind, "mail": _mail(message), kind.lower(): _details(message, kind)}
    return {
        "Type": "Notification",
        "MessageId": new_hex(),
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": json.dumps(event) + "\n",
        "Timestamp": spoken(message.at),
    }


def _mail(message: Message) -> Mapping[str, object]:
    headers = {"From": message.sender, "To": message.recipient, "Subject": message.subject, **message.headers}
    return {
        "timestamp": _precise(message.at),
        "source": message.sender,
        "sendingAccountId": "123456789012",
        "messageId": message.provider_id,
        "destination": [message.recipient],
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
        "commonHeaders": {"from": [message.sender], "to": [message.recipient], "messageId": message.provider_id, "subject": message.subject},
        "tags": {"ses:source-ip": ["127.0.0.1"], **({TAG: [message.token]} if message.token else {})},
    }


def _details(message: Message, kind: str) -> Mapping[str, object]:
    at = _precise(message.at + timedelta(seconds=1))
    who = [{"emailAddress": message.recipient}]
    if kind == "Delivery":
        return {"timestamp": at, "processingTimeMillis": 546, "recipients": [message.recipient], "smtpResponse": "250 2.0.0 Ok", "reportingMTA": _MTA}
    if kind == "Bounce":
        sub_type = SUPPRESSED if message.code == SUPPRESSED else "General"
        return {"feedbackId": new_hex(), "bounceType": "Permanent", "bounceSubType": sub_type, "bouncedRecipients": who, "timestamp": at}
    return {"feedbackId": new_hex(), "complainedRecipients": who, "complaintFeedbackType": "abuse", "timestamp": at} if kind == "Complaint" else {}


def _precise(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
