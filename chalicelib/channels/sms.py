"""Texts, through Twilio's REST API.

    parcels → at most 25 calls at once, each asked of the gate first → the SDK → evidence → one outcome each

What Twilio's codes mean is in `twilio_status.py`, one table for answers and callbacks. Once the provider says "later", or cannot be
reached, the rest of the chunk is not tried.
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

from chalicelib.channels.outcomes import Accepted, Answered, Evidence, Lost, NeverLeft, judge, tell_of_refusal
from chalicelib.channels.twilio_http import TwilioHttp
from chalicelib.channels.twilio_status import CODES
from chalicelib.domain.address import Address
from chalicelib.domain.message import NOT_TRIED, Answer, Message, Outcome, Parcel, SmsMessage
from chalicelib.errors import Misconfigured

AT_ONCE = 25
"""The most calls of one worker that are on their way at once: a quarter of a second's worth, and no more than a chunk."""

_NEVER_LEFT = (NewConnectionError, ConnectTimeoutError)
"""No connection, no name, no port: not a byte of the request left."""
_UNREADABLE = (ValueError, AttributeError, KeyError, TypeError)
"""What the SDK makes of an answer that is no JSON, or JSON of another shape."""

MOST_LISTED = 1000
"""What Twilio shows at once. We ask for all that went to a number and look at dates ourselves: its list knows only when a text was *sent*, is
sorted by that, and one that still waits in Twilio's queue has no such date."""

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

    @property
    def sms_pace(self) -> int:
        """Texts a second that our number may send."""


def sms_sender(settings: SmsSettings, secret: Mapping[str, object]) -> "SmsSender":
    """A sender for the account in `secret`. Raises Misconfigured where that is incomplete."""
    try:
        sid, token = str(secret["account_sid"]), str(secret["auth_token"])
    except KeyError as missing:
        raise Misconfigured(f"secret twilio lacks {missing}") from missing
    at_once = at_once_of(settings.sms_pace)
    client = Client(sid, token, http_client=TwilioHttp(url=settings.twilio_url, at_once=at_once))  # type: ignore[no-untyped-call]
    return SmsSender(client, number=settings.twilio_number, public_url=settings.public_url, at_once=at_once)


def at_once_of(pace: int) -> int:
    """How many calls keep a sender busy whose calls take a quarter of a second. A slow sender that hangs then costs few their certainty."""
    return max(2, min(AT_ONCE, pace // 4))


class SmsSender:
    """The Sender of texts."""

    most = 25

    def __init__(self, client: Client, *, number: str, public_url: str, at_once: int = AT_ONCE) -> None:
        self._messages = client.messages
        self._number = number
        self._callback = f"{public_url}/sms/status?t="
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="sms")

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> Sequence[Outcome]:
        """One outcome per parcel, in order."""
        enough = Event()
        outcomes = [self._one(parcels[0], gate, enough)] if len(parcels) == 1 else list(self._threads.map(lambda one: self._one(one, gate, enough), parcels))
        tell_of_refusal(outcomes, provider="twilio")
        return outcomes

    def find(self, to: Address, *messages: Message, since: datetime) -> bool | None:
        """Whether Twilio holds the very words of one of these to this number, made at or after `since`; None where it does not answer, or shows a part
        only. Equal words of another broadcast look the same: Twilio keeps no name of ours that it could be asked for, and no list by words."""
        bodies = {message.body for message in messages if isinstance(message, SmsMessage)}
        if not bodies:
            return None
        try:
            held = self._messages.list(to=to.value, limit=MOST_LISTED, page_size=MOST_LISTED)
        except (TwilioException, HTTPError, *_UNREADABLE):
            return None
        if any(one.body in bodies and (one.date_created is None or one.date_created >= since) for one in held):
            return True
        return None if len(held) >= MOST_LISTED else False

    def _one(self, parcel: Parcel, gate: Gate, enough: Event) -> Outcome:
        if not isinstance(parcel.message, SmsMessage):
            return Outcome(Answer.REFUSED, "not_a_text")
        if enough.is_set() or not gate():
            return Outcome(Answer.NOT_SENT, NOT_TRIED)
        outcome = judge(self._call(parcel.to.value, parcel.message.body, parcel.token), CODES)
        if outcome.answer in _ENOUGH:
            enough.set()
        return outcome

    def _call(self, to: str, body: str, token: str) -> Evidence:
        """One call, and what is known after it."""
        callback = {"status_callback": self._callback + token} if token else {}
        try:
            made = self._messages.create(to=to, from_=self._number, body=body, **callback)
        except (TwilioRestException, TwilioServiceException) as error:
            return _answered(error)
        except _NEVER_LEFT as error:
            return NeverLeft(type(error).__name__)
        except (HTTPError, TwilioException, *_UNREADABLE) as error:
            return Lost(type(error).__name__)
        return Accepted(str(made.sid or ""))


def _answered(error: TwilioRestException | TwilioServiceException) -> Answered:
    """The SDK reads the status from a body, where it may be anything."""
    status = error.status if isinstance(error.status, int) else HTTPStatus.INTERNAL_SERVER_ERROR
    return Answered(status, str(error.code or error.status))
