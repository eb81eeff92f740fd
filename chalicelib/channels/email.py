"""Emails, through SES's bulk call: the layout and what all share once, each recipient's own values beside it.

    parcels → groups of one layout → one call of up to 50, asked of the gate first → one outcome per entry

Author text travels as values, never as layout, so nothing in it acts as a placeholder.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.utils import formataddr
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError, HTTPClientError, SSLError
from botocore.parsers import ResponseParserError

from chalicelib.channels.ses_events import TAG
from chalicelib.domain.address import Address
from chalicelib.domain.city import City
from chalicelib.domain.message import Answer, EmailMessage, Message, Outcome, Parcel

CONNECT_SECONDS = 2
READ_SECONDS = 8
"""Together the ten seconds that a call may take."""

# A recipient's status in an answer → ours. What is wrong with our account says nothing about a recipient: they stay untried.
ENTRIES: Mapping[str, Answer] = {
    "SUCCESS": Answer.ACCEPTED,
    "MESSAGE_REJECTED": Answer.REFUSED,  # SES takes it for harmful
    "INVALID_PARAMETER": Answer.REFUSED,  # not an address, or a value is missing
    "FAILED": Answer.REFUSED,  # could not be processed, for good
    "TRANSIENT_FAILURE": Answer.LATER,  # could not be processed just now
    "ACCOUNT_THROTTLED": Answer.LATER,  # too many a second
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": Answer.LATER,  # too many a day
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": Answer.NOT_SENT,
    "CONFIGURATION_SET_NOT_FOUND": Answer.NOT_SENT,
    "CONFIGURATION_SET_SENDING_PAUSED": Answer.NOT_SENT,
    "TEMPLATE_NOT_FOUND": Answer.NOT_SENT,
    "INVALID_SENDING_POOL_NAME": Answer.NOT_SENT,
    "ACCOUNT_SUSPENDED": Answer.NOT_SENT,
    "ACCOUNT_SENDING_PAUSED": Answer.NOT_SENT,
}

# An error of the whole call → ours, for errors that mean something else than their HTTP status says.
_ERRORS: Mapping[str, Answer] = {
    "TooManyRequestsException": Answer.LATER,
    "ThrottlingException": Answer.LATER,
    "Throttling": Answer.LATER,
    "LimitExceededException": Answer.LATER,
    "MessageRejected": Answer.REFUSED,
    "BadRequestException": Answer.REFUSED,
    "ValidationException": Answer.REFUSED,
}
_MAY_BE_ONE = frozenset({"BadRequestException", "ValidationException", "MessageRejected"})
"""Errors that one entry may have caused for all: the call is made again in halves. SES processed none of it."""
_MAY_HAVE_LEFT = (HTTPClientError, ResponseParserError)
"""Read timeouts, connections cut, answers that cannot be read."""
_NEVER_LEFT = (EndpointConnectionError, ConnectTimeoutError, SSLError)

Gate = Callable[[], bool]
MOST_IN_CALL = 50


class EmailSettings(Protocol):
    """What a sender of emails needs to know."""

    @property
    def ses_url(self) -> str | None:
        """A stand-in for SES; None for SES itself."""

    @property
    def email_from(self) -> str:
        """The address we send from."""

    @property
    def email_pace(self) -> int:
        """Recipients a second that SES lets us have."""


def email_sender(settings: EmailSettings, city: City) -> "EmailSender":
    """A sender for a city. A stand-in on this machine gets made-up credentials, never real ones."""
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1, "mode": "standard"})
    if settings.ses_url and settings.ses_url.startswith("http://"):
        session = boto3.Session(aws_access_key_id="stand-in", aws_secret_access_key="stand-in", region_name="us-east-1")  # noqa: S106
    else:
        session = boto3.Session()
    client = session.client("sesv2", endpoint_url=settings.ses_url, config=config)
    return EmailSender(client, sender=formataddr((city.programme, settings.email_from)), pace=settings.email_pace)


class EmailSender:
    """The Sender of emails. `sender` is what stands behind From; no call holds more than SES takes, or than `pace` a second allows."""

    def __init__(self, client: Any, *, sender: str, pace: int = MOST_IN_CALL) -> None:
        self.most = min(MOST_IN_CALL, pace)
        self._client = client
        self._sender = sender

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> Sequence[Outcome]:
        """One outcome per parcel, in order."""
        outcomes: dict[int, Outcome] = {}
        for numbers in _groups(parcels):
            group = [parcels[number] for number in numbers]
            outcomes |= dict(zip(numbers, self._send(group, gate), strict=True))
        return [outcomes.get(number, Outcome(Answer.REFUSED, "not_an_email")) for number in range(len(parcels))]

    def find(self, to: Address, message: Message, *, since: datetime) -> bool | None:  # noqa: ARG002 - the Sender's signature
        """SES cannot be asked what it took."""
        return None

    def _send(self, parcels: Sequence[Parcel], gate: Gate) -> Sequence[Outcome]:
        if not all(gate() for _ in parcels):  # SES counts recipients, not calls
            return [Outcome(Answer.NOT_SENT, "not_tried")] * len(parcels)
        try:
            answer = self._client.send_bulk_email(**_request(parcels, self._sender))
        except ClientError as error:
            if _code(error) in _MAY_BE_ONE and len(parcels) > 1:
                middle = len(parcels) // 2
                return [*self._send(parcels[:middle], gate), *self._send(parcels[middle:], gate)]
            return [_outcome_of_error(error)] * len(parcels)
        except (BotoCoreError, ResponseParserError) as error:
            return [_outcome_of_transport(error)] * len(parcels)
        results = answer.get("BulkEmailEntryResults", [])
        return [_outcome(result) for result in results] if len(results) == len(parcels) else [Outcome(Answer.UNKNOWN, "short_answer")] * len(parcels)


# --- the call --------------------------------------------------------------------------------------------------------


def _groups(parcels: Sequence[Parcel]) -> list[list[int]]:
    """The parcels of one layout together; their values may differ."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for number, parcel in enumerate(parcels):
        if isinstance(parcel.message, EmailMessage):
            groups.setdefault((parcel.message.subject, parcel.message.text, parcel.message.html), []).append(number)
    return list(groups.values())


def _request(parcels: Sequence[Parcel], sender: str) -> dict[str, Any]:
    shared = _email(parcels[0])
    layout = {"Subject": shared.subject, "Text": shared.text, "Html": shared.html}
    always = [{"Name": "Auto-Submitted", "Value": "auto-generated"}]
    return {
        "FromEmailAddress": sender,
        "DefaultContent": {"Template": {"TemplateContent": layout, "TemplateData": json.dumps(dict(shared.values)), "Headers": always}},
        "BulkEmailEntries": [_entry(parcel, shared.values) for parcel in parcels],
    }


def _entry(parcel: Parcel, shared: Mapping[str, str]) -> dict[str, Any]:
    own = {name: value for name, value in {**_email(parcel).values, **parcel.values}.items() if shared.get(name) != value}
    return {
        "Destination": {"ToAddresses": [parcel.to.value]},
        "ReplacementTags": [{"Name": TAG, "Value": parcel.token}] if parcel.token else [],
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": json.dumps(own)}},
        "ReplacementHeaders": _headers(parcel),
    }


def _headers(parcel: Parcel) -> list[dict[str, str]]:
    """RFC 2919 and RFC 8058: which list this is, and the address that a mail program posts to when its owner has had enough."""
    headers = [("List-ID", _email(parcel).list_id)] if _email(parcel).list_id else []
    if "unsubscribe_url" in parcel.values:
        headers += [("List-Unsubscribe", f"<{parcel.values['unsubscribe_url']}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]
    return [{"Name": name, "Value": value} for name, value in headers]


def _email(parcel: Parcel) -> EmailMessage:
    assert isinstance(parcel.message, EmailMessage)  # noqa: S101 - _groups let no other through
    return parcel.message


# --- the answer ------------------------------------------------------------------------------------------------------


def _outcome(result: Mapping[str, str]) -> Outcome:
    status = result.get("Status", "")
    answer = ENTRIES.get(status, Answer.UNKNOWN)
    if answer is Answer.ACCEPTED:
        return Outcome(answer, provider_id=result.get("MessageId", ""))
    return Outcome(answer, status)


def _outcome_of_error(error: ClientError) -> Outcome:
    code, status = _code(error), int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    if code in _ERRORS:
        return Outcome(_ERRORS[code], code)
    if status == 429:
        return Outcome(Answer.LATER, code)
    return Outcome(Answer.NOT_SENT if 400 <= status < 500 else Answer.UNKNOWN, code)


def _outcome_of_transport(error: BotoCoreError | ResponseParserError) -> Outcome:
    name = type(error).__name__
    if isinstance(error, _NEVER_LEFT):
        return Outcome(Answer.NOT_SENT, name)
    return Outcome(Answer.UNKNOWN if isinstance(error, _MAY_HAVE_LEFT) else Answer.NOT_SENT, name)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
