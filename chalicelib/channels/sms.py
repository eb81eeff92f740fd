"""Texts, through Twilio's REST API.

    parcels → at most ten calls at once, each asked of the gate first → the SDK → one outcome each

Once the provider says "later", or cannot be reached, the rest of the chunk is not tried.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http import HTTPStatus
from threading import Event
from typing import Protocol

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from chalicelib.channels.twilio_http import TwilioHttp
from chalicelib.channels.twilio_status import ADVICE
from chalicelib.domain.address import Address
from chalicelib.domain.message import Advice, Answer, Message, Outcome, Parcel, SmsMessage
from chalicelib.errors import Misconfigured

AT_ONCE = 10

# Twilio's code → our answer, for codes that mean something else than their HTTP status says. Nothing was sent in any of these.
_ANSWERS: Mapping[str, Answer] = {
    "20429": Answer.LATER,  # too many requests
    "21611": Answer.LATER,  # this sender's queue at Twilio is full
    "30001": Answer.LATER,  # the same, in its older words
    "20003": Answer.NOT_SENT,  # our credentials are wrong, or the account has no money
    "20005": Answer.NOT_SENT,  # our account is not active
    "30002": Answer.NOT_SENT,  # our account is suspended
    "21606": Answer.NOT_SENT,  # our number cannot send texts
    "21212": Answer.NOT_SENT,  # our number is not a number
    "21659": Answer.NOT_SENT,  # our number is not ours
}
_OUR_FAULT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_NEVER_LEFT = (NewConnectionError, ConnectTimeoutError)
"""No connection, no name, no port: not a byte of the request left."""
_ENOUGH = frozenset({Answer.LATER, Answer.NOT_SENT})

Gate = Callable[[], bool]


class SmsSettings(Protocol):
    """What a sender of texts needs to know."""

    @property
    def twilio_url(self) -> str | None:
        """A stand-in for Twilio; None for Twilio itself."""

    @property
    def twilio_number(self) -> str:
        """The number we send from."""

    @property
    def public_url(self) -> str:
        """Where Twilio finds us."""


def sms_sender(settings: SmsSettings, secret: Mapping[str, object]) -> "SmsSender":
    """A sender for the account in `secret`. Raises Misconfigured where that is incomplete."""
    try:
        sid, token = str(secret["account_sid"]), str(secret["auth_token"])
    except KeyError as missing:
        raise Misconfigured(f"secret twilio lacks {missing}") from missing
    client = Client(sid, token, http_client=TwilioHttp(url=settings.twilio_url, at_once=AT_ONCE))  # type: ignore[no-untyped-call]
    return SmsSender(client, number=settings.twilio_number, public_url=settings.public_url)


class SmsSender:
    """The Sender of texts."""

    most = 25

    def __init__(self, client: Client, *, number: str, public_url: str) -> None:
        self._messages = client.messages
        self._number = number
        self._callback = f"{public_url}/sms/status?t="
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sms")

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> Sequence[Outcome]:
        """One outcome per parcel, in order."""
        enough = Event()
        if len(parcels) == 1:
            return [self._one(parcels[0], gate, enough)]
        return list(self._threads.map(lambda parcel: self._one(parcel, gate, enough), parcels))

    def find(self, to: Address, message: Message, *, since: datetime) -> bool | None:
        """Whether Twilio holds this very text to this number, made at or after `since`; None where it does not answer."""
        if not isinstance(message, SmsMessage):
            return None
        try:
            held = self._messages.list(to=to.value, date_sent_after=since, limit=100)
        except (TwilioException, HTTPError, ValueError):
            return None
        return any(one.body == message.body and (one.date_created is None or one.date_created >= since) for one in held)

    def _one(self, parcel: Parcel, gate: Gate, enough: Event) -> Outcome:
        if not isinstance(parcel.message, SmsMessage):
            return Outcome(Answer.REFUSED, "not_a_text")
        if enough.is_set() or not gate():
            return Outcome(Answer.NOT_SENT, "not_tried")
        outcome = self._call(parcel.to.value, parcel.message.body, parcel.token)
        if outcome.answer in _ENOUGH:
            enough.set()
        return outcome

    def _call(self, to: str, body: str, token: str) -> Outcome:
        callback = {"status_callback": self._callback + token} if token else {}
        try:
            made = self._messages.create(to=to, from_=self._number, body=body, **callback)
        except (TwilioRestException, TwilioServiceException) as error:
            return outcome_of(_status(error), str(error.code or error.status))
        except _NEVER_LEFT as error:
            return Outcome(Answer.NOT_SENT, type(error).__name__)
        except (HTTPError, TwilioException, ValueError) as error:  # ValueError: an answer that is not JSON
            return Outcome(Answer.UNKNOWN, type(error).__name__)
        return Outcome(Answer.ACCEPTED, provider_id=str(made.sid))


def _status(error: TwilioRestException | TwilioServiceException) -> int:
    """The SDK reads it from a body, where it may be anything."""
    return error.status if isinstance(error.status, int) else HTTPStatus.INTERNAL_SERVER_ERROR


def outcome_of(status: int, code: str) -> Outcome:
    """What an answer other than success means."""
    advice = ADVICE.get(code, Advice.NONE)
    if code in _ANSWERS:
        return Outcome(_ANSWERS[code], code)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Outcome(Answer.LATER, code)
    if status in _OUR_FAULT and not advice:
        return Outcome(Answer.NOT_SENT, code)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.REQUEST_TIMEOUT:
        return Outcome(Answer.REFUSED, code, advice=advice)
    return Outcome(Answer.UNKNOWN, code)
