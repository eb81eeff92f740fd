"""A day of the city, watched: the real handlers of app.py on SQLite, and for each function every right that it made use of."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from chalice.local import LambdaContext

from app import app
from chalicelib import wiring
from chalicelib.channels.kiosk import KioskSender
from chalicelib.channels.ses_events import read_event
from chalicelib.channels.twilio_status import read_callback
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import NOT_TRIED, Answer, EmailMessage, Outcome, Parcel
from chalicelib.domain.preferences import Digest, Preferences
from chalicelib.domain.times import to_ms
from chalicelib.flows.services import Sender, Services
from chalicelib.state.queue import Queue
from chalicelib.state.sqlite_queue import Received
from chalicelib.state.table import Check, Delete, Put, Update, Write
from chalicelib.store.stores import Stores
from chalicelib.store.subscriptions import Subscription
from infra.functions import WORKERS, Worker
from local.pumps import scheduled_event, sqs_record
from tests.feeds.subscribers import a_row, text_of
from tests.intake.desk import Desk, Reply, a_broadcast, a_notice

FORM = "application/x-www-form-urlencoded"
TABLE, INDEX, SCREENS, SES = "MainTable", "MainTable/index/open", "screen-*", "ses"

# What the table is asked → what DynamoDB is asked. A transaction needs the right to each of its writes.
_ACTIONS = {
    "get": "dynamodb:GetItem",
    "get_many": "dynamodb:BatchGetItem",
    "put": "dynamodb:PutItem",
    "put_many": "dynamodb:BatchWriteItem",
    "update": "dynamodb:UpdateItem",
    "delete": "dynamodb:DeleteItem",
    "query": "dynamodb:Query",
}
_WRITES: Mapping[type[Write], str] = {
    Put: "dynamodb:PutItem",
    Update: "dynamodb:UpdateItem",
    Delete: "dynamodb:DeleteItem",
    Check: "dynamodb:ConditionCheckItem",
}

Right = tuple[str, str]
"""An action, and what it is done to."""


@dataclass
class Notes:
    """Which function made use of which right. HTTP is answered by `APIHandler`."""

    function: str = "APIHandler"
    used: dict[str, set[Right]] = field(default_factory=lambda: defaultdict(set))

    def use(self, action: str, of: str) -> None:
        self.used[self.function].add((action, of))

    @contextmanager
    def within(self, function: str) -> Iterator[None]:
        before, self.function = self.function, function
        yield
        self.function = before


@dataclass(frozen=True)
class WatchedTable:
    """A table that notes what it is asked."""

    inner: Any
    notes: Notes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return lambda *args, **kwargs: (self._note(name, args), found(*args, **kwargs))[1]

    def _note(self, name: str, args: tuple[Any, ...]) -> None:
        if name == "query_open":
            self.notes.use("dynamodb:Query", INDEX)
        elif name == "transact":
            for write in args[0]:
                self.notes.use(_WRITES[type(write)], TABLE)
        else:
            self.notes.use(_ACTIONS[name], TABLE)


@dataclass(frozen=True)
class WatchedQueues:
    """Queues that note who sends where; all kiosks' queues are one to a policy."""

    inner: Any
    notes: Notes

    def named(self, name: str) -> Queue:
        self.notes.use("sqs:SendMessage", _queue(name))
        found: Queue = self.inner.named(name)
        return found

    def make(self, name: str) -> None:
        self.notes.use("sqs:CreateQueue", _queue(name))
        self.inner.make(name)

    def drop(self, name: str) -> None:
        self.notes.use("sqs:DeleteQueue", _queue(name))
        self.inner.drop(name)


def _queue(name: str) -> str:
    return SCREENS if name.startswith("screen-") else name


@dataclass
class Provider:
    """Takes everything, and remembers it; `silent`: every answer is lost on its way back."""

    most: int
    took: list[Parcel] = field(default_factory=list)
    silent: bool = False

    def hand_over(self, parcels: Any, *, gate: Callable[[], bool]) -> list[Outcome]:
        taken = [parcel for parcel in parcels if gate()]
        self.took += taken
        return [
            Outcome(Answer.UNKNOWN if self.silent else Answer.ACCEPTED, provider_id="p") if parcel in taken else Outcome(Answer.NOT_SENT, NOT_TRIED)
            for parcel in parcels
        ]

    def find(self, to: object, *messages: object, since: object) -> None:
        return None


class Day(Desk):
    """The day. `notes.used` is what it was for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.notes, self.texts, self.emails = Notes(), Provider(25), Provider(50)
        plain = self.services
        secrets: Mapping[str, Any] = {"twilio": {"auth_token": "t"}}

        def secret(name: str) -> Mapping[str, object]:
            self.notes.use("ssm:GetParameter", name)
            found: Mapping[str, object] = secrets[name] if name in secrets else plain.secret(name)
            return found

        queues = WatchedQueues(self.state.queues, self.notes)
        self.services: Services = replace(
            plain,
            store=Stores(WatchedTable(self.state.table, self.notes), plain.store.vault),
            queues=queues,
            secret=secret,
            sender=lambda channel: self._sender(channel, queues),
            signed_by_twilio=lambda *_: bool(secret("twilio")),
            read_receipts=lambda channel, said: read_callback(said) if channel is Channel.SMS else read_event(said),
            counts_age=timedelta(0),
        )

    def _sender(self, channel: Channel, queues: WatchedQueues) -> Sender:
        if channel is Channel.SMS:
            self.notes.use("ssm:GetParameter", "twilio")
            return self.texts
        if channel is Channel.EMAIL:
            self.notes.use("ses:SendBulkEmail", SES)
            return self.emails
        return KioskSender(queues)

    # --- what runs ---------------------------------------------------------------------------------------------------

    def lambda_(self, function: str, resource: str, event: Mapping[str, Any]) -> None:
        """Run a handler of app.py as Lambda would."""
        with self.notes.within(resource), _installed(self.services):
            answer = app.handler_map[function](event, LambdaContext(function, 512, max_runtime_ms=60_000))
        assert not (answer or {}).get("batchItemFailures"), f"{function} failed"

    def work(self) -> None:
        """Work off every queue until nothing is visible."""
        while True:
            found = [(worker, got) for worker in WORKERS for got in self.state.queues.receive([worker.queue], 1, 360)]
            if not found:
                return
            for worker, got in found:
                self._run(worker, got)

    def tick(self) -> None:
        self.lambda_("tick", "Tick", scheduled_event("tick", self.clock()))

    def pass_by(self, **length: float) -> None:
        """Let time pass, minute by minute in what the sweep sees of it."""
        self.clock.advance(timedelta(**length))
        self.tick()
        self.work()

    def form(self, path: str, **fields: str) -> Reply:
        """A form, by a resident or by Twilio; that of a sign-up five seconds after it was shown."""
        if path == "/join":
            fields["form"] = self.services.tokens.sign("join", str(to_ms(self.clock() - timedelta(seconds=5))))
        answer = self.call("POST", path, urlencode(fields).encode(), {"Content-Type": FORM, "X-Twilio-Signature": "s"})
        assert answer.status < 300, answer
        return answer

    def text(self, body: str, number: int) -> None:
        self.form("/sms/inbound", MessageSid=f"SM{self.new_id()}", From=f"+1202555{number:04d}", To="+15005550006", Body=body)

    # --- the day -----------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """All that people, providers and the clock do in a day."""
        self.residents_come()
        self.kiosks_come()
        self.city_speaks()
        self.providers_answer()
        self.staff_ask()
        self.somebody_stops_it()
        self.answers_are_lost()
        self.queues_forget()
        self.guards_keep_something_back()
        self.readers_take_digests()
        self.residents_leave()
        self.somebody_is_forgotten()

    def residents_come(self) -> None:
        self.get("/")
        for number, words in {
            101: ["TRANSIT", "LANG es"],
            102: ["JOIN EMERGENCY", "LIST", "HELP", "JOIN EVENTS", "LEAVE EVENTS"],
            103: ["ALERTAS", "?"],
        }.items():
            for body in words:
                self.text(body, number)
        for name in ("ana", "ben"):
            self.form("/join", topic="transit", email=f"{name}@example.org")
            self.work()
            self.form(self._link())
        self.form("/join", topic="transit", phone="(202) 555-0104")
        person = {"phone": "(202) 555-0105", "topics": ["transit"], "locale": "es", "consent": {"how": "Form 12", "at": "2026-12-01T11:00:00Z"}}
        assert self.post("/v1/subscribers", person).status == 202
        self.work()
        self.follower("transit", "emergency", channels=(Channel.SMS, Channel.EMAIL))

    def kiosks_come(self) -> None:
        answer = self.post("/v1/kiosks", {"id": "bell-square", "name": "Bell Square", "topics": ["transit", "emergency"], "languages": ["en"]}, key="admin")
        assert answer.status == 201, answer
        self.token = answer.json["token"]
        self.get("/v1/kiosks", key="admin")

    def staff_ask(self) -> None:
        """Subscribers of another system come, and somebody asks why they got nothing."""
        file = text_of([a_row(7, email="g@example.org")]).encode()
        assert self.post("/v1/subscribers/import?apply=true", raw=file, key="admin", Content_Type="text/csv").json["subscriptions"] == 2
        for broadcast, _ in self.broadcasts():
            asked = {"address": {"phone": "+12025550101"}, "broadcast": broadcast.id}
            assert self.post("/v1/deliveries/explain", asked, key="admin").status == 200

    def city_speaks(self) -> None:
        self.get("/v1/topics")
        urgent = {"kind": "emergency", "severity": "extreme", "topics": ["emergency"]}
        assert self.hook("demo-city", a_notice(topics=["transit"])).status == 202
        assert self.hook("demo-city", a_notice("n2", **urgent)).status == 202
        self.work()
        assert self.hook("demo-city", a_notice(type="notice.updated", revision=2, topics=["transit"])).status == 202
        assert self.hook("demo-city", a_notice(type="notice.ended", revision=3, topics=["transit"])).status == 202
        assert self.hook("demo-city", a_notice("n2", type="notice.cancelled", revision=2, **urgent)).status == 202
        waiting = self.post("/v1/broadcasts", a_broadcast(**urgent)).json["id"]
        self.post("/v1/broadcasts/preview", a_broadcast())
        assert waiting != self.post("/v1/broadcasts", a_broadcast(**urgent)).json["id"]
        assert self.post(f"/v1/broadcasts/{waiting}/approve", key="approver").status < 300
        stopped = self.post("/v1/broadcasts", a_broadcast(topics=["transit"], **words("Wrong"))).json["id"]
        assert self.post(f"/v1/broadcasts/{stopped}/stop").status < 300
        later = self.post("/v1/broadcasts", a_broadcast(topics=["transit"], send_at={"local": "2026-12-01T12:00", "zone": "America/New_York"})).json["id"]
        self.work()
        self.pass_by(minutes=10)
        self.pass_by(hours=4, minutes=48)
        self.pass_by(minutes=3)
        self.pass_by(hours=1)
        assert self.post(f"/v1/broadcasts/{later}/correct", {"content": a_broadcast()["content"]}).status == 202
        self.work()
        for name in (waiting, later):
            self.get(f"/v1/broadcasts/{name}")
        self.get("/v1/broadcasts")

    def providers_answer(self) -> None:
        for parcel in self.texts.took:
            self.form(f"/sms/status?t={quote(parcel.token)}", MessageSid="SM1", MessageStatus="delivered", To="+1")
        undelivered = self.texts.took[-1]
        self.form(f"/sms/status?t={quote(undelivered.token)}", MessageSid="SM1", MessageStatus="undelivered", ErrorCode="21610", To="+1")
        for parcel in self.emails.took:
            if parcel.token:
                self._from_ses({"eventType": "Delivery", "mail": {"tags": {"belfry": [parcel.token]}}})
        complaint = {"eventType": "Complaint", "complaint": {}, "mail": {"tags": {"belfry": [next(one.token for one in self.emails.took if one.token)]}}}
        self._from_ses(complaint)
        state = self.call("GET", "/kiosk/v1/state", headers={"Authorization": f"Bearer {self.token}"})
        assert state.status == 200, state
        self.call("GET", "/kiosk/bell-square")
        self.work()
        self.pass_by(minutes=1)

    def somebody_stops_it(self) -> None:
        """While it is being sent: its fan-out is told."""
        for more in ({}, {"kind": "emergency", "severity": "extreme"}):
            name = self.post("/v1/broadcasts", a_broadcast(topics=["transit"], **more, **words(f"Stopped {len(more)}"))).json["id"]
            if more:
                self.post(f"/v1/broadcasts/{name}/approve", key="approver")
            self._one_step()
            assert self.post(f"/v1/broadcasts/{name}/stop").status < 300
            self.work()

    def answers_are_lost(self) -> None:
        """What was handed over without an answer is proven later, or sent once more where it is urgent."""
        for lost in (self.texts, self.emails):
            lost.silent = True
        urgent = {"kind": "emergency", "severity": "extreme", "topics": ["emergency"]}
        texts, emails = len(self.texts.took), len(self.emails.took)
        for body in (a_notice("n3", topics=["transit"], **words("Lost")), a_notice("n4", **urgent, **words("Lost too"))):
            self.hook("demo-city", body)
            self.work()
        for parcel in self.texts.took[texts:]:
            self.form(f"/sms/status?t={quote(parcel.token)}", MessageSid="SM1", MessageStatus="delivered", To="+1")
        for parcel in self.emails.took[emails:]:
            self._from_ses({"eventType": "Delivery", "mail": {"tags": {"belfry": [parcel.token]}}})
        for lost in (self.texts, self.emails):
            lost.silent = False
        self.work()
        for _ in range(8):
            self.pass_by(minutes=5)

    def queues_forget(self) -> None:
        """Whatever is queued is lost, at each step; the sweep finds it by its rows."""
        urgent = {"kind": "emergency", "severity": "extreme", "topics": ["emergency"]}
        for body in (a_notice("n5", topics=["transit"], **words("Forgotten")), a_notice("n6", **urgent, **words("Forgotten too"))):
            self.hook("demo-city", body)
        self.form("/join", topic="jobs", email="cleo@example.org")
        for minutes in (4, 4, *[20] * 6):  # soon at first, or the urgent one would be too late to go by itself
            self._lose_everything()
            self.clock.advance(timedelta(minutes=minutes))
            self.tick()
            self._one_step()
        self.work()
        for _ in range(3):
            self.pass_by(minutes=30)

    def guards_keep_something_back(self) -> None:
        """More follow than when it was approved, so it waits; a person lets it go."""
        name = self.post("/v1/broadcasts", a_broadcast(topics=["jobs"], **words("Popular"))).json["id"]
        for number, said in enumerate(("Popular", "Paused")):
            self.hook("demo-city", a_notice(f"n{7 + number}", topics=["jobs"], **words(said)))
        assert self.post("/v1/switches", {"name": "source:demo-city", "stopped": True}, key="admin").status == 200
        for _ in range(60):
            self.follower("jobs")
        self.work()
        assert self.get(f"/v1/broadcasts/{name}").json["state"] == "needs_review"
        assert self.post(f"/v1/broadcasts/{name}/approve", key="approver").json["state"] == "scheduled"
        self.work()

    def readers_take_digests(self) -> None:
        """Two want the day's notices at the next hour; one of them leaves before it."""
        hour = (self.clock().astimezone(self.services.city.zone).hour + 1) % 24
        daily, store = Preferences(digest=Digest.DAILY, digest_hour=hour), self.services.store
        for shard in "35":
            subscriber = f"{shard}{self.new_id()[1:]}"
            known = store.addresses.claim(Address(Channel.EMAIL, f"reader{shard}@example.org"), subscriber=subscriber, verified=True)
            store.table.transact(store.subscriptions.join_writes(Subscription(subscriber, "jobs", Channel.EMAIL, known.hash, "en", daily)))
        self.post("/v1/broadcasts", a_broadcast(topics=["jobs"], **words("For a digest")))
        self.work()
        store.table.transact(store.subscriptions.leave_writes(subscriber, "jobs", Channel.EMAIL))
        for _ in range(7):
            self.pass_by(minutes=10)
        assert any(one.author == "digest" for one, _ in self.broadcasts())

    def somebody_is_forgotten(self) -> None:
        """By their own link; the sweep looks once more."""
        known = next(one for one in reversed(self.emails.took) if one.token)
        found = self.services.store.addresses.find(known.to)
        assert found
        assert found.subscriber
        self.form(f"/preferences/{self.services.tokens.sign('preferences', found.subscriber, 'email')}/erase", sure="yes")
        assert not self.services.store.subscriptions.of(found.subscriber)
        for _ in range(2):
            self.pass_by(minutes=16)

    def residents_leave(self) -> None:
        for number, words in {101: ["STOP"], 102: ["LEAVE EMERGENCY", "STOP", "START"]}.items():
            for body in words:
                self.text(body, number)
        known = next(one for one in self.emails.took if one.token)
        subscriber = self.services.store.addresses.find(known.to)
        assert subscriber
        self.form(f"/preferences/{self.services.tokens.sign('preferences', subscriber.subscriber, 'email')}", topic="transit", lang="es")
        self.form(f"/unsubscribe/{self.services.tokens.sign('unsubscribe', subscriber.subscriber, 'transit', 'email')}")

    # --- small things ------------------------------------------------------------------------------------------------

    def _link(self) -> str:
        """The path of the link in the last letter."""
        message = self.emails.took[-1].message
        assert isinstance(message, EmailMessage)
        [line] = [line for line in message.values["text"].splitlines() if line.startswith(self.services.public_url)]
        return line.removeprefix(self.services.public_url)

    def _from_ses(self, said: Mapping[str, object]) -> None:
        self.lambda_("ses_events", "SesEvents", {"Records": [{"Sns": {"Subject": "", "Message": json.dumps(said), "MessageAttributes": {}}}]})

    def _lose_everything(self) -> None:
        for worker in WORKERS:
            self.queued(worker.queue)

    def _one_step(self) -> None:
        """One round of what is visible now, and of nothing that comes of it."""
        found = [(worker, got) for worker in WORKERS for got in self.state.queues.receive([worker.queue], 10, 360)]
        for worker, got in found:
            self._run(worker, got)

    def _run(self, worker: Worker, got: Received) -> None:
        self.lambda_(worker.name, worker.resource, {"Records": [sqs_record(got, self.clock())]})
        self.state.queues.delete(got.id)


def words(title: str) -> dict[str, Any]:
    """A notice's words, unlike those of others."""
    return {"content": {"en": {"title": title, "body": f"{title}: read more on our page."}}}


@contextmanager
def _installed(services: Services) -> Iterator[None]:
    """These services in place of whichever the process has."""
    before = list(wiring._installed)
    wiring.install(services)
    try:
        yield
    finally:
        wiring._installed[:] = before
