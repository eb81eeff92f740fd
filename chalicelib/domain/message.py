"""Messages: rendered text, ready to hand over; and what a provider answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.domain.address import Address


@dataclass(frozen=True)
class SmsMessage:
    """A text, with its count of parts as carriers bill it."""

    body: str
    parts: int
    encoding: str


@dataclass(frozen=True)
class EmailMessage:
    """An email for one locale: a template in SES's placeholder language, and the values all recipients share.

    What an author wrote is always a value, never template text, so nothing in it acts as a placeholder. Personal
    values (`unsubscribe_url`, `preferences_url`) come with each parcel."""

    subject: str
    text: str
    html: str
    values: Mapping[str, str]
    list_id: str
    locale: str


@dataclass(frozen=True)
class KioskMessage:
    """The envelope for a kiosk's queue, all languages in it. Values are JSON."""

    envelope: Mapping[str, object]


Message = SmsMessage | EmailMessage | KioskMessage


@dataclass(frozen=True)
class Parcel:
    """One message for one recipient, ready to hand over. `token` is our name for the delivery, safe in a URL and a tag."""

    to: Address
    message: Message
    token: str
    values: Mapping[str, str] = field(default_factory=dict)


class Answer(StrEnum):
    """What handing over came to."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    LATER = "later"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class Advice(StrEnum):
    """What a refusal says about the address."""

    NONE = ""
    OPTED_OUT = "opted_out"
    BAD_ADDRESS = "bad_address"


@dataclass(frozen=True)
class Outcome:
    """A provider's answer to one parcel: accepted with its id, refused with its code, later or not sent (untried again), or unknown."""

    answer: Answer
    code: str = ""
    provider_id: str = ""
    advice: Advice = Advice.NONE
