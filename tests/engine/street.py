"""A street of a town: its residents text us, visit our pages and open our letters, and the engine sends to them; everything real but the providers.

street = Street(tmp_path)
street.text("JOIN transit")                          # the reply
street.got(ANA)                                      # what a phone got by itself: broadcasts, and questions after a sign-up on a page
street.opened("ana@example.org")                     # the link in the last letter to an address
"""

import functools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from chalice import Chalice
from chalice.config import Config
from chalice.local import LocalGateway

from chalicelib.channels.twilio_signature import signed_by_twilio
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import EmailMessage, SmsMessage
from chalicelib.intake.front import open_doors
from chalicelib.store.subscriptions import Subscription
from tests.conversation.booth import HERE, SECRET, URL, Booth, _renderer
from tests.engine.town import Killer, Told, Town

PHONE, MAIL = "+12025550101", "ana@example.org"
NEW_PHONE, NEW_MAIL = "+12025550177", "ana.new@example.org"


class Street(Booth):
    """A booth in a town whose engine runs."""

    def __init__(self, folder: Path, *, killer: Killer | None = None) -> None:
        self.town = Town(folder, killer=killer)
        self.state, self.clock, self.ids = self.town.state, self.town.clock, 0
        text = (HERE / "city.toml").read_text("utf-8")
        self.town.services = replace(
            self.town.services,
            renderer=lambda: _renderer(text),
            secret=lambda name: {"twilio": SECRET}[name],
            public_url=URL,
            sms_number="+15005550006",
            signed_by_twilio=functools.partial(signed_by_twilio, secret=SECRET),
        )
        self.services = self.town.services
        self.app = Chalice("belfry", configure_logs=False, env={})
        open_doors(self.app, lambda: self.services)
        self.gateway = LocalGateway(self.app, Config())

    def new_id(self) -> str:
        return self.town.new_id()

    def got(self, to: str = PHONE) -> list[str]:
        """What an address got that was no answer to a text: words, or the plain part of an email."""
        told = [one for provider in self.town.providers.values() for one in provider.truth if isinstance(one, Told) and one.to.value == to]
        return [_words(one.message) for one in sorted(told, key=lambda one: one.at)]

    def opened(self, to: str = MAIL) -> str:
        """The path of the link in the last letter to an address."""
        [line] = [line for line in self.got(to)[-1].splitlines() if line.startswith(URL)]
        return line.removeprefix(URL)

    def link(self, to: str = PHONE, page: str = "") -> str:
        """The way to one's choices, or to a page beside them."""
        address = address_of(to)
        known = self.services.store.addresses.find(address)
        assert known
        return f"/preferences/{self.services.tokens.sign('preferences', known.subscriber, str(address.channel))}{page}"

    def followed(self, to: str = PHONE) -> list[Subscription]:
        """What is followed on an address."""
        return list(self.services.store.subscribers.find(address_of(to)).subscriptions)

    def opted_out(self, to: str = PHONE) -> bool:
        return self.services.store.subscribers.find(address_of(to)).opted_out

    def everything(self) -> list[str]:
        """Every row, and every body that was ever queued."""
        rows = [f"{row.key.partition} {row.key.sort} {json.dumps(dict(row.values), ensure_ascii=False, default=sorted)}" for row in self.town.state.rows()]
        return [*rows, *self.town.notes.bodies]

    def moves_to(self, to: str, at: str, fields: Sequence[tuple[str, str]] = ()) -> str:
        """Ask for a move from the address `at`; the page's answer."""
        return self.submit(self.link(at, "/move"), [("to", to), *fields]).text


def address_of(to: str) -> Address:
    return Address(Channel.EMAIL if "@" in to else Channel.SMS, to)


def _words(message: object) -> str:
    if isinstance(message, SmsMessage):
        return message.body
    assert isinstance(message, EmailMessage)
    text = message.text
    for name, value in message.values.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text
