"""What flows work with. Wiring builds it once; tests build it from the same parts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.broadcast import Content
from chalicelib.domain.city import City
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.domain.message import EmailMessage, KioskMessage, Message, Outcome, Parcel, Shown, SmsMessage
from chalicelib.domain.tokens import Tokens
from chalicelib.domain.words import Words
from chalicelib.state.queue import Queues
from chalicelib.store.stores import Stores


class Gate(Protocol):
    """Asked for each recipient right before the provider is called; waits for pace. False: too late, do not call."""

    def __call__(self, *, again: bool = False) -> bool:
        """`again`: a provider that took nobody is called again for recipients who passed already. They need no further slot, only time."""


SignedByTwilio = Callable[[str, Sequence[tuple[str, str]], str], bool]
"""Whether a signature is Twilio's for a public URL and the form pairs as received."""


ReadReceipts = Callable[[Channel, Mapping[str, object]], Sequence[ReceiptJob]]
"""What a provider's callback or event says of deliveries, in our words; empty where it says nothing of one."""


def _nothing_said(channel: Channel, said: Mapping[str, object]) -> Sequence[ReceiptJob]:  # noqa: ARG001
    return ()


def _nobody_signed(url: str, pairs: Sequence[tuple[str, str]], signature: str) -> bool:  # noqa: ARG001
    return False


class Sender(Protocol):
    """A channel: hands parcels to its provider."""

    @property
    def most(self) -> int:
        """Recipients in one chunk."""

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> Sequence[Outcome]:
        """One outcome per parcel, in order. Provider trouble is an outcome, never an exception."""

    def find(self, to: Address, *messages: Message, since: datetime) -> bool | None:
        """Whether the provider holds one of these messages handed over at or after `since`; None where it cannot say. It is asked once for all."""


class Renderer(Protocol):
    """Makes messages. Every method raises RenderFailed where a sentence, value or template is missing."""

    def sms(self, content: Content, locale: str) -> SmsMessage:
        """A notice as a text."""

    def email(self, content: Content, locale: str, topic: str) -> EmailMessage:
        """A notice as an email to followers of `topic`."""

    def kiosk(self, content: Content, broadcast: str) -> KioskMessage:
        """A notice for kiosks, in every language it has."""

    def digest(self, digest: Content, told: Sequence[Content], locale: str, channel: Channel) -> Content:
        """A digest that tells of these notices, to be rendered as a notice for that locale and channel."""

    def reply(self, name: str, locale: str, **values: object) -> SmsMessage:
        """A text back to a resident: `templates/reply/<name>.txt`."""

    def letter(self, name: str, locale: str, **values: object) -> EmailMessage:
        """An email to one person that is no notice, such as a confirmation: `templates/letter/<name>/`."""

    def page(self, name: str, locale: str, **values: object) -> str:
        """A page: `templates/pages/<name>.html`."""

    def notice_page(self, content: Content, locale: str, **values: object) -> str:
        """A notice as a page: `templates/pages/notice.html`."""

    def shown(self, content: Content, locale: str) -> Shown:
        """A notice as lists and feeds show it."""

    def feed(self, locale: str, **values: object) -> str:
        """A feed of notices: `templates/pages/feed.xml`."""


@dataclass(frozen=True)
class Services:
    """Everything a flow may need. `words`, `sender` and `renderer` build on first use, so that a function loads only its own part.
    `random` gives a number from 0 to 1, to spread what would come back all at once."""

    city: City
    words: Callable[[], Words]
    store: Stores
    queues: Queues
    tokens: Tokens
    sender: Callable[[Channel], Sender]
    renderer: Callable[[], Renderer]
    secret: Callable[[str], Mapping[str, object]]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    sleep: Callable[[float], None]
    public_url: str
    pace: Mapping[Channel, int]
    random: Callable[[], float] = lambda: 0.5
    sms_number: str = ""
    sms_price_micros: int = 0
    counts_age: timedelta = timedelta(seconds=15)
    signed_by_twilio: SignedByTwilio = _nobody_signed
    read_receipts: ReadReceipts = _nothing_said
