"""A phone booth: the real app over API Gateway's stand-in, real words, sentences and rows; texts signed as Twilio signs them.

booth = Booth(tmp_path)
booth.text("JOIN transit")            # the reply, or None for silence
booth.text("STOP", phone=ANA, sid="SM1")
booth.follows()                       # {"transit": "en"}
"""

import functools
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from chalice import Chalice
from chalice.config import Config
from chalice.local import LocalGateway
from twilio.request_validator import RequestValidator

from chalicelib.channels.twilio_signature import signed_by_twilio
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import City, parse_city
from chalicelib.domain.consent import Consent
from chalicelib.domain.message import NOT_TRIED, Answer, EmailMessage, Message, Outcome, Parcel
from chalicelib.domain.times import to_ms
from chalicelib.domain.tokens import Tokens
from chalicelib.domain.words import Words
from chalicelib.flows.services import Gate, Services
from chalicelib.intake.front import open_doors
from chalicelib.render.renderer import CityRenderer
from chalicelib.store.sealed import Vault
from chalicelib.store.stores import Stores
from chalicelib.store.subscribers import Person
from tests.tables import sqlite_city

HERE = Path(__file__).parents[2]
URL = "https://alerts.example.gov"
ANA, BEN = "+12025550101", "+12025550102"
SECRET = {"account_sid": "AC1", "auth_token": "new", "auth_token_old": "old"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answered:
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Postbox:
    """An email provider that keeps what it took. `plan` is what it answers next; by default it accepts."""

    took: list[tuple[Address, EmailMessage]] = field(default_factory=list)
    plan: list[Outcome] = field(default_factory=list)
    most: int = 50

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> list[Outcome]:
        return [self._one(parcel) if gate() else Outcome(Answer.NOT_SENT, NOT_TRIED) for parcel in parcels]

    def _one(self, parcel: Parcel) -> Outcome:
        outcome = self.plan.pop(0) if self.plan else Outcome(Answer.ACCEPTED)
        if outcome.answer in {Answer.ACCEPTED, Answer.UNKNOWN}:
            assert isinstance(parcel.message, EmailMessage)
            self.took.append((parcel.to, parcel.message))
        return outcome

    def find(self, to: Address, *messages: Message, since: object) -> None:
        return None


class Booth:
    """A city that can be texted and visited."""

    def __init__(self, folder: Path, *, city: str | None = None) -> None:
        self.state = sqlite_city(folder)
        self.clock = self.state.clock
        self.ids = 0
        self.postbox = Postbox()
        text = city or (HERE / "city.toml").read_text("utf-8")
        self.services = Services(
            city=parse_city(text),
            words=the_words,
            store=Stores(self.state.table, Vault(b"h" * 32, b"s" * 32)),
            queues=self.state.queues,
            tokens=Tokens([b"t" * 32]),
            sender=lambda channel: {Channel.EMAIL: self.postbox}[channel],
            renderer=lambda: _renderer(text),
            secret=lambda name: {"twilio": SECRET}[name],
            now=self.clock,
            new_id=self.new_id,
            sleep=lambda _seconds: None,
            public_url=URL,
            pace={},
            sms_number="+15005550006",
            signed_by_twilio=functools.partial(signed_by_twilio, secret=SECRET),
        )
        self.app = Chalice("belfry", configure_logs=False, env={})
        open_doors(self.app, lambda: self.services)
        self.gateway = LocalGateway(self.app, Config())

    def new_id(self) -> str:
        """32 hex digits, another each time, spread over the shards."""
        self.ids += 1
        return f"{self.ids * 7 % 16:x}{self.ids:031x}"

    # --- over HTTP ---------------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answered:
        """A request as API Gateway hands it over."""
        given = {"accept": "*/*", **{name.lower(): value for name, value in (headers or {}).items()}}
        answer = self.gateway.handle_request(method, path, given, body)
        text = answer["body"]
        return Answered(answer["statusCode"], answer["headers"], text if isinstance(text, str) else text.decode())

    def get(self, path: str, **headers: str) -> Answered:
        return self.call("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def submit(self, path: str, fields: Sequence[tuple[str, str]] = ()) -> Answered:
        """A form, sent; that of a sign-up five seconds after it was shown, unless it says otherwise."""
        if path.startswith("/join") and "form" not in dict(fields):
            fields = [*fields, ("form", self.services.tokens.sign("join", str(to_ms(self.clock() - timedelta(seconds=5)))))]
        return self.call("POST", path, urlencode(fields).encode(), {"Content-Type": FORM})

    def twilio(self, fields: Sequence[tuple[str, str]], *, url: str = f"{URL}/sms/inbound", token: str = "new") -> Answered:
        """A form of Twilio's, signed for `url`."""
        params = {name: [value for key, value in fields if key == name] for name, _ in fields}
        signature = RequestValidator(token).compute_signature(url, _Many(params))
        return self.call("POST", "/sms/inbound", urlencode(fields).encode(), {"Content-Type": FORM, "X-Twilio-Signature": signature})

    def texts(self, body: str, *, phone: str = ANA, sid: str | None = None, **more: str) -> list[str]:
        """A text from a phone, a second after the last; its replies, none for silence."""
        self.clock.advance(timedelta(seconds=1))
        fields = [("MessageSid", sid or f"SM{self.new_id()}"), ("From", phone), ("To", "+15005550006"), ("Body", body), *more.items()]
        answer = self.twilio(fields)
        assert answer.status == 200, answer
        assert answer.headers["Content-Type"].startswith("text/xml")
        said = re.fullmatch(r'<\?xml version="1.0" encoding="UTF-8"\?><Response>((?:<Message>[^<]+</Message>)*)</Response>', answer.text)
        assert said, answer.text
        return [html.unescape(one) for one in re.findall(r"<Message>([^<]+)</Message>", said[1])]

    def text(self, body: str, *, phone: str = ANA, sid: str | None = None, **more: str) -> str | None:
        """As `texts`, for the first reply; None for silence."""
        return next(iter(self.texts(body, phone=phone, sid=sid, **more)), None)

    # --- behind the doors --------------------------------------------------------------------------------------------

    def person(self, phone: str = ANA) -> Person:
        return self.services.store.subscribers.find(Address(Channel.SMS, phone))

    def follows(self, phone: str = ANA) -> dict[str, str]:
        """Topic → language, as the person's rows and the audience's say alike."""
        store, found = self.services.store, self.person(phone).subscriptions
        for one in found:
            audience = list(store.subscriptions.followers(one.topic, shards=[int(one.subscriber[0], 16)]))
            assert one in audience
        return {one.topic: one.locale for one in found}

    def ledger(self, phone: str = ANA) -> list[Consent]:
        known = self.person(phone).known
        return self.services.store.consents.of(known.subscriber) if known else []

    def steps(self, phone: str = ANA) -> list[tuple[str, str]]:
        """What the ledger says, in short."""
        return [(str(one.step), one.topic) for one in self.ledger(phone)]

    def says(self, name: str, locale: str, **values: object) -> str:
        """The sentence of a template."""
        return _renderer_of(self).reply(name, locale, **values).body

    def rows(self) -> int:
        """How many rows there are in the whole table."""
        with self.state.file.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM state_rows").fetchone()[0])

    def queued(self, queue: str) -> list[str]:
        """Take what is visible in a queue."""
        found = []
        while got := self.state.queues.receive([queue], 10, 60):
            self.state.queues.delete(*(message.id for message in got))
            found += [message.body for message in got]
        return found


class _Many(dict[str, list[str]]):
    """Form fields as Twilio's own library takes those that repeat."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def city_with(topic: str, *keywords: str) -> str:
    """The demo city's file, with these keywords for a topic, and no other."""
    text = (HERE / "city.toml").read_text("utf-8")
    listed = ", ".join(f'"{keyword}"' for keyword in keywords)
    found, count = re.subn(rf'(id = "{topic}"\n(?:[^\[].*\n)*?keywords = )\[.*?\]', lambda match: f"{match[1]}[{listed}]", text, count=1, flags=re.S)
    assert count == 1, topic
    return found


@functools.cache
def the_words() -> Words:
    return Words.parse((HERE / "chalicelib/domain/words.toml").read_text("utf-8"))


@functools.cache
def the_city() -> City:
    return parse_city((HERE / "city.toml").read_text("utf-8"))


@functools.cache
def _renderer(city: str) -> CityRenderer:
    return CityRenderer(city=parse_city(city), templates=HERE / "templates", public_url=URL)


def _renderer_of(booth: Booth) -> CityRenderer:
    found = booth.services.renderer()
    assert isinstance(found, CityRenderer)
    return found
