"""A city hall at work: the real doors, flows and rows on SQLite, providers that keep what they took. Its doors can be used from many
threads at once, each through an app of its own, as Lambda's containers are."""

import itertools
import json
import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from chalice import Chalice
from chalice.config import Config
from chalice.local import LocalGateway

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.jobs import read_fan_out, read_launch, read_send
from chalicelib.domain.message import Answer, Message, Outcome, Parcel
from chalicelib.flows.fan_out import fan_out
from chalicelib.flows.launch import launch
from chalicelib.flows.publish_post import publish_post
from chalicelib.flows.send_batch import send_batch
from chalicelib.flows.services import Gate
from chalicelib.flows.sweep import sweep
from chalicelib.intake.front import open_doors
from chalicelib.store.stores import Stores
from tests.intake.desk import Desk, Reply
from tests.tables import QUEUES

WRITES = frozenset({"put", "put_many", "update", "delete", "transact"})
MEETING_SECONDS = 5.0
FORM = "application/x-www-form-urlencoded"
HIDDEN = 360

T = TypeVar("T")


@dataclass(frozen=True)
class Took:
    """What a provider took: for whom, of which broadcast, when."""

    to: Address
    broadcast: str
    at: datetime


@dataclass
class Taker:
    """A provider that takes everything."""

    read: Callable[[str], str]
    now: Callable[[], datetime]
    most: int = 100
    took: list[Took] = field(default_factory=list)

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> list[Outcome]:
        assert all(gate() for _ in parcels)
        self.took += [Took(parcel.to, self.read(parcel.token), self.now()) for parcel in parcels]
        return [Outcome(Answer.ACCEPTED, provider_id="p") for _ in parcels]

    def find(self, to: Address, *messages: Message, since: datetime) -> bool | None:
        return any(one.to == to and one.at >= since for one in self.took)


CITY = re.sub(r"per_person_per_day = \d+\n", "", Path("city.toml").read_text("utf-8"))
"""The demo city, but that one person may get any number of messages."""


class Hall(Desk):
    """The hall. Every call goes through a new app, so that callers never share one."""

    def __init__(self, folder: Path, *, city: str = CITY) -> None:
        super().__init__(folder, city=city)
        self.takers = {channel: Taker(self._broadcast_of, self.clock) for channel in Channel}
        self.services = replace(
            self.services,
            sender=lambda channel: self.takers[channel],
            new_id=lambda: uuid.uuid4().hex,
            pace={},
            sms_number="+15005550006",
            signed_by_twilio=lambda *_: True,
            counts_age=timedelta(0),
        )
        self.services.renderer()

    def new_id(self) -> str:
        """Another for each thread that asks; the count of them makes addresses."""
        self.ids += 1
        return uuid.uuid4().hex

    def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """A request to a container of its own."""
        app = Chalice("belfry", configure_logs=False, env={})
        open_doors(app, lambda: self.services)
        given = {"accept": "*/*", **{name.lower(): value for name, value in (headers or {}).items()}}
        answer = LocalGateway(app, Config()).handle_request(method, path, given, body)
        text = answer["body"]
        return Reply(answer["statusCode"], answer["headers"], text.encode() if isinstance(text, str) else text)

    def text(self, body: str, phone: str, sid: str | None = None) -> Reply:
        """A text from a phone."""
        fields = {"MessageSid": sid or f"SM{self.new_id()}", "From": phone, "To": "+15005550006", "Body": body}
        return self.call("POST", "/sms/inbound", urlencode(fields).encode(), {"Content-Type": FORM, "X-Twilio-Signature": "s"})

    def phone(self, number: str) -> Address:
        """Whose phone it is."""
        return Address(Channel.SMS, number)

    # --- at work -----------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Work off all queues until nothing is visible."""
        while got := self.state.queues.receive(list(QUEUES), 10, HIDDEN):
            for one in got:
                self.handle(one.queue, one.body)
                self.state.queues.delete(one.id)

    def handle(self, queue: str, body: str) -> None:
        """What the queue's handler does."""
        if queue == "intake":
            publish_post(json.loads(body)["post"], services=self.services)
        elif queue == "launch":
            launch(read_launch(body), services=self.services)
        elif queue.startswith("fan-out"):
            fan_out(read_fan_out(body), services=self.services)
        else:
            send_batch(read_send(body), services=self.services)

    def tick(self) -> None:
        sweep(services=self.services)

    def pass_by(self, *, minutes: int) -> None:
        """Minute by minute: the schedule ticks, and all that is visible is worked off."""
        for _ in range(minutes):
            self.clock.advance(timedelta(minutes=1))
            self.tick()
            self.work()

    # --- looking -----------------------------------------------------------------------------------------------------

    def took(self) -> list[Took]:
        """All that providers took, in order."""
        return sorted((one for taker in self.takers.values() for one in taker.took), key=lambda one: one.at)

    def handed_over(self) -> Counter[str]:
        """How often each address was really handed something."""
        return Counter(one.to.text for one in self.took())

    def _broadcast_of(self, token: str) -> str:
        parts = self.services.tokens.read("delivery", token)
        return parts[0] if parts else ""

    def states(self) -> Counter[str]:
        """How many broadcasts stand where; of those that wait for a look, the reason."""
        store, found, after = self.services.store.broadcasts, [], None
        while True:
            page, after = store.page(limit=100, after=after)
            found += page
            if after is None:
                return Counter(str(one.review.reason) if one.state == "needs_review" and one.review else str(one.state) for one in found)

    def audit(self, subject: str) -> Counter[str]:
        """What is on record of a broadcast or a switch."""
        return Counter(one.what for one in self.services.store.audit.of(subject))


class Meeting:
    """A table at whose first write each thread waits until all have come to theirs: what they decided by, they all read before."""

    def __init__(self, inner: Any, count: int) -> None:
        self._inner, self._barrier, self._met = inner, threading.Barrier(count), threading.local()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._after_meeting(found) if name in WRITES else found

    def _after_meeting(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def met(*args: Any, **kwargs: Any) -> Any:
            if not getattr(self._met, "done", False):
                self._met.done = True
                with suppress(threading.BrokenBarrierError):
                    self._barrier.wait(MEETING_SECONDS)
            return write(*args, **kwargs)

        return met


def at_once(hall: Hall, count: int, work: Callable[[int], T], *, writers: int | None = None) -> list[T]:
    """So many threads, each doing it once, all reading before any of them writes. `writers`: how many of them come to write, where
    that is not all. Raises what any of them raised."""
    barrier, done, errors, plain = threading.Barrier(count), dict[int, T](), list[BaseException](), hall.services
    hall.services = replace(plain, store=Stores(Meeting(plain.store.table, count if writers is None else writers), plain.store.vault))  # type: ignore[arg-type]

    def one(number: int) -> None:
        barrier.wait()
        try:
            done[number] = work(number)
        except BaseException as error:  # noqa: BLE001 - handed to the test below
            errors.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hall.services = plain
    for error in errors:
        raise error
    return [done[number] for number in range(count)]


_numbers = itertools.count(1)


def words(**more: Any) -> dict[str, Any]:
    """A notice's words, unlike any other's."""
    number = next(_numbers)
    return {"content": {"en": {"title": f"Notice {number}", "body": f"It is number {number}."}}, **more}
