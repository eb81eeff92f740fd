"""A counter at city hall: a booth whose phones get texts too, and that works off the queue of letters.

counter = Counter(tmp_path)
counter.sign_up(phone=ANA)      # as a page would
counter.work()                  # letters and texts go, as Lambda would send them
counter.live(hours=12)          # the clock ticks by the minute, and what falls due goes
counter.got                   # what phones got: (number, words)
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import SignUpLimits
from chalicelib.domain.message import NOT_TRIED, Answer, Message, Outcome, Parcel, SmsMessage
from chalicelib.flows.send_reply import send_reply
from chalicelib.flows.services import Gate
from chalicelib.flows.sign_up import sign_up
from chalicelib.flows.signing import Origin
from chalicelib.store.stores import Stores
from tests.conversation.booth import ANA, FORM, Answered, Booth

PAGE = Origin()
TAKES = frozenset({Answer.ACCEPTED, Answer.UNKNOWN})


@dataclass
class Carrier:
    """A provider of texts that keeps what it took. `plan` is what it answers next; by default it accepts. `knows`: whether it can say what it holds."""

    now: Callable[[], datetime]
    took: list[tuple[Address, SmsMessage, datetime]] = field(default_factory=list)
    plan: list[Outcome] = field(default_factory=list)
    knows: bool = True
    most: int = 25

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> list[Outcome]:
        return [self._one(parcel) if gate() else Outcome(Answer.NOT_SENT, NOT_TRIED) for parcel in parcels]

    def find(self, to: Address, *messages: Message, since: datetime) -> bool | None:
        return any(one == to and said in messages and at >= since for one, said, at in self.took) if self.knows else None

    def _one(self, parcel: Parcel) -> Outcome:
        outcome = self.plan.pop(0) if self.plan else Outcome(Answer.ACCEPTED)
        assert isinstance(parcel.message, SmsMessage)
        if outcome.answer in TAKES and outcome.code != "lost":
            self.took.append((parcel.to, parcel.message, self.now()))
        return outcome


@dataclass(frozen=True)
class CountedTable:
    """A table that notes what it is asked."""

    inner: Any
    calls: list[tuple[str, str]]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            asked = args[0] if isinstance(args[0], Sequence) and not isinstance(args[0], str) else [args[0]]
            self.calls.append((name, " ".join(map(_kind_of, asked))))
            return found(*args, **kwargs)

        return call


def _kind_of(asked: Any) -> str:
    """`put WATCH`, without a name or a hash."""
    row = getattr(asked, "row", asked)
    key = getattr(row, "key", row)
    return f"{type(asked).__name__} {str(key.partition).split('#')[0]} {str(key.sort).split('#')[0]}" if hasattr(key, "sort") else str(asked).split("#")[0]


class Counter(Booth):
    """A city in which people are signed up, by page and by staff."""

    def __init__(self, folder: Path, *, city: str | None = None, limits: SignUpLimits | None = None) -> None:
        super().__init__(folder, city=city)
        self.carrier = Carrier(self.clock)
        senders = {Channel.EMAIL: self.postbox, Channel.SMS: self.carrier}
        self.services = replace(self.services, sender=lambda channel: senders[channel])
        if limits:
            caps = replace(self.services.city.limits, sign_ups=limits)
            self.services = replace(self.services, city=replace(self.services.city, limits=caps))

    def sign_up(self, *, phone: str = "", email: str = "", topics: Sequence[str] = ("transit",), locale: str = "en", origin: Origin = PAGE) -> bool:
        """A sign-up, by phone unless an email address is given. False: a question comes first."""
        return sign_up(phone=phone or ("" if email else ANA), email=email, topics=list(topics), locale=locale, services=self.services, origin=origin)

    def work(self) -> int:
        """Work off the queue of letters; how many were queued."""
        bodies = self.queued("replies")
        for body in bodies:
            send_reply(json.loads(body)["reply"], services=self.services)
        return len(bodies)

    def live(self, *, hours: float = 0, minutes: float = 0) -> None:
        """Time goes by; every ten minutes, what falls due goes."""
        end = self.clock() + timedelta(hours=hours, minutes=minutes)
        while self.clock() < end:
            self.work()
            for name in self.services.store.replies.due(self.clock()):
                send_reply(name, services=self.services)
            self.clock.advance(min(timedelta(minutes=10), end - self.clock()))

    def submit_with(self, headers: Mapping[str, str], path: str, fields: Sequence[tuple[str, str]]) -> Answered:
        """A form, sent with these headers."""
        return self.call("POST", path, urlencode(fields).encode(), {"Content-Type": FORM, **headers})

    def come_from(self, network: str) -> None:
        """Requests come from this network address from now on."""
        self.gateway.event_converter.LOCAL_SOURCE_IP = network

    def count_calls(self) -> list[tuple[str, str]]:
        """A list that every call to the table is added to from now on: what was asked, of what kind of row."""
        calls: list[tuple[str, str]] = []
        self.services = replace(self.services, store=Stores(CountedTable(self.state.table, calls), self.services.store.vault))
        return calls

    @property
    def got(self) -> list[tuple[str, str]]:
        """What phones got."""
        return [(to.value, message.body) for to, message, _ in self.carrier.took]
