"""Emails, through SES's bulk call: the layout and what all share once, each recipient's own values beside it.

    parcels → groups of one layout → one call of up to 50, asked of the gate first → evidence → one outcome per entry
                                     ↳ refused whole, maybe for one recipient's sake: in halves, in the slots taken already

Author text travels as values, never as layout, so nothing in it acts as a placeholder.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import formataddr
from http import HTTPStatus
from typing import Any, Protocol

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError, HTTPClientError, SSLError
from botocore.parsers import ResponseParserError

from chalicelib.channels.outcomes import (
    UNTIL_MENDED,
    Accepted,
    Answered,
    Evidence,
    Lost,
    Meaning,
    NeverLeft,
    ended_before_sending,
    judge,
    tell_of_refusal,
)
from chalicelib.channels.ses_events import TAG
from chalicelib.domain.address import Address
from chalicelib.domain.city import City
from chalicelib.domain.message import NOT_TRIED, Advice, Answer, EmailMessage, Message, Outcome, Parcel
from chalicelib.state.straight import straight_client

CONNECT_SECONDS = 2
READ_SECONDS = 8
"""Together the ten seconds that a call may take."""

DAILY_QUOTA, NOT_VERIFIED = "DailyQuota", "NotVerified"
# What SES says in words only, under a code that also means something else → our name for it.
WORDS: Mapping[str, str] = {
    "daily message quota": DAILY_QUOTA,  # by its code it is the same as too many a second
    "is not verified": NOT_VERIFIED,  # our own domain; by its code SES takes the email for harmful
}

A_WHILE = timedelta(hours=1)

# SES's code → what it means: a recipient's own status in an answer to the bulk call, or the error of the whole call.
CODES: Mapping[str, Meaning] = {
    # of one recipient; SUCCESS is no code, for it brings an id
    "MESSAGE_REJECTED": Meaning(Answer.REFUSED),  # SES takes it for harmful
    "INVALID_PARAMETER": Meaning(Answer.REFUSED),  # not an address, or a value is missing
    "FAILED": Meaning(Answer.REFUSED),  # could not be processed, for good
    "TRANSIENT_FAILURE": Meaning(Answer.LATER),  # could not be processed just now
    # of the whole call, where one recipient may be the cause: it is made again in halves, for SES processed none of it
    "BadRequestException": Meaning(Answer.REFUSED),
    "MessageRejected": Meaning(Answer.REFUSED),
    "ValidationException": Meaning(Answer.REFUSED),
    # too much just now: SES drops what it throttles
    "ACCOUNT_THROTTLED": Meaning(Answer.LATER),
    "LimitExceededException": Meaning(Answer.LATER),
    "Throttling": Meaning(Answer.LATER),
    "ThrottlingException": Meaning(Answer.LATER),
    "TooManyRequestsException": Meaning(Answer.LATER),
    # too much for a day: a rolling one, so room comes back bit by bit
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": Meaning(Answer.LATER, wait=A_WHILE),
    DAILY_QUOTA: Meaning(Answer.LATER, wait=A_WHILE),
    # we ourselves: nothing goes through before a person acts
    "ACCOUNT_SENDING_PAUSED": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    "ACCOUNT_SUSPENDED": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    "CONFIGURATION_SET_NOT_FOUND": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    "CONFIGURATION_SET_SENDING_PAUSED": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    "INVALID_SENDING_POOL_NAME": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    "TEMPLATE_NOT_FOUND": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    NOT_VERIFIED: Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    "AccountSuspendedException": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    "MailFromDomainNotVerifiedException": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    "SendingPausedException": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),
    # an error of the call that we do not know says nothing of its fifty recipients
    "4xx": Meaning(Answer.NOT_SENT),
}
_MAY_BE_ONE = frozenset({"BadRequestException", "MessageRejected", "ValidationException"})

_MAY_HAVE_LEFT = (HTTPClientError, ResponseParserError)
"""Read timeouts, connections cut, answers that cannot be read."""
_NEVER_LEFT = (EndpointConnectionError, ConnectTimeoutError)

_STAND_IN = {"aws_access_key_id": "stand-in", "aws_secret_access_key": "stand-in", "region_name": "us-east-1"}

MOST_IN_CALL = 50


class Gate(Protocol):
    """Asked for each recipient before a call, and once more before each call made `again` for recipients who have their slots."""

    def __call__(self, *, again: bool = False) -> bool:
        """False: do not call."""


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
    stand_in = settings.ses_url and settings.ses_url.startswith("http://")
    client = straight_client("sesv2", config, **(_STAND_IN if stand_in else {}), endpoint_url=settings.ses_url)
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
            found = [judge(evidence, CODES) for evidence in self._send([parcels[number] for number in numbers], gate)]
            outcomes |= dict(zip(numbers, found, strict=True))
        tell_of_refusal(outcomes.values(), provider="ses")
        return [outcomes.get(number, Outcome(Answer.REFUSED, "not_an_email")) for number in range(len(parcels))]

    def find(self, to: Address, *messages: Message, since: datetime) -> bool | None:  # noqa: ARG002 - the Sender's signature
        """SES cannot be asked what it took."""
        return None

    def _send(self, parcels: Sequence[Parcel], gate: Gate) -> Sequence[Evidence]:
        """What is known of each recipient in the end."""
        if not all(gate() for _ in parcels):  # SES counts recipients, not calls
            return [NeverLeft(NOT_TRIED)] * len(parcels)
        return self._call(parcels, gate)

    def _call(self, parcels: Sequence[Parcel], gate: Gate) -> Sequence[Evidence]:
        """One call; more, of half as many each, where one recipient may be why all are refused."""
        try:
            answer = self._client.send_bulk_email(**_request(parcels, self._sender))
        except ClientError as error:
            evidence = _error(error)
            if evidence.code in _MAY_BE_ONE and evidence.status < HTTPStatus.INTERNAL_SERVER_ERROR and len(parcels) > 1:
                middle = len(parcels) // 2
                return [*self._again(parcels[:middle], gate), *self._again(parcels[middle:], gate)]
            return [evidence] * len(parcels)
        except (BotoCoreError, ResponseParserError) as error:
            return [_transport(error)] * len(parcels)
        results = answer.get("BulkEmailEntryResults", [])
        return [_result(one) for one in results] if len(results) == len(parcels) else [Lost("short_answer")] * len(parcels)

    def _again(self, parcels: Sequence[Parcel], gate: Gate) -> Sequence[Evidence]:
        """A part of a call that was refused whole: SES took none of it, so that their slots are good still, and only the time is asked."""
        return self._call(parcels, gate) if gate(again=True) else [NeverLeft(NOT_TRIED)] * len(parcels)


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


def _result(result: Mapping[str, str]) -> Evidence:
    """A recipient's part of an answer."""
    status = result.get("Status", "")
    return Accepted(result.get("MessageId", "")) if status == "SUCCESS" else Answered(HTTPStatus.OK, status or "no_status")


def _error(error: ClientError) -> Answered:
    """The error of a whole call."""
    said, status = error.response.get("Error", {}), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    words = str(said.get("Message", "")).lower()
    code = next((ours for part, ours in WORDS.items() if part in words), str(said.get("Code", "")))
    return Answered(status if isinstance(status, int) else HTTPStatus.INTERNAL_SERVER_ERROR, code)


def _transport(error: BotoCoreError | ResponseParserError) -> Evidence:
    name = type(error).__name__
    if isinstance(error, SSLError):
        return NeverLeft(name) if ended_before_sending(_cause(error)) else Lost(name)
    if isinstance(error, _NEVER_LEFT):
        return NeverLeft(name)
    return Lost(name) if isinstance(error, _MAY_HAVE_LEFT) else NeverLeft(name)


def _cause(error: SSLError) -> object:
    """Python's own error, which botocore keeps within urllib3's."""
    inner = error.kwargs.get("error")
    return inner.args[0] if isinstance(inner, Exception) and inner.args else inner
