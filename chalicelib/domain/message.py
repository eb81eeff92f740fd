"""Messages: rendered text, ready to hand over; and what a provider answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
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
class Shown:
    """A notice as lists and feeds show it to readers of one language. `title`, `lead` and `body` are HTML, safe as they stand."""

    notice: str
    kind: str
    kind_name: str
    label: str
    locale: str
    dir: str
    translated: bool
    plain_title: str
    title: str
    lead: str
    body: str
    link: str | None


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


NOT_TRIED = "not_tried"
"""The code of an outcome that says nothing of the provider: no call was made."""


class Answer(StrEnum):
    """What handing over came to."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    LATER = "later"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class Advice(StrEnum):
    """What a provider's word asks of us beyond the message at hand."""

    NONE = ""
    OPTED_OUT = "opted_out"
    BAD_ADDRESS = "bad_address"
    BAD_IF_TWICE = "bad_if_twice"
    BAD_IF_FIVE_TIMES = "bad_if_five_times"
    OUR_ACCOUNT = "our_account"
    """Nothing is wrong with the address: the provider refuses us, and a person has to act."""
    OUR_WORDS = "our_words"
    """Nor here: a carrier took what we wrote for spam."""

    @property
    def is_about_address(self) -> bool:
        """Whether there is something to do to the address."""
        return self not in {Advice.NONE, Advice.OUR_ACCOUNT, Advice.OUR_WORDS}

    @property
    def streak(self) -> "Streak | None":
        """How often an address must earn this to be bad; None where the advice is not about the address being bad."""
        return _STREAKS.get(self)


@dataclass(frozen=True)
class Streak:
    """An address is bad once this many deliveries said so, none longer than `apart` after the one before."""

    enough: int
    apart: timedelta


# Source: what programmes in the field do with each provider's codes; the codes themselves are in the channels' tables.
_STREAKS: Mapping[Advice, Streak] = {
    Advice.BAD_ADDRESS: Streak(1, timedelta(0)),
    Advice.BAD_IF_TWICE: Streak(2, timedelta(days=30)),
    Advice.BAD_IF_FIVE_TIMES: Streak(5, timedelta(days=14)),
}


@dataclass(frozen=True)
class Outcome:
    """A provider's answer to one parcel: accepted with its id, refused with its code, later or not sent (untried again), or unknown.

    `wait` is how long the provider will go on saying so, where that is known: asking sooner is in vain."""

    answer: Answer
    code: str = ""
    provider_id: str = ""
    advice: Advice = Advice.NONE
    wait: timedelta | None = None
