"""A town in one process: the real stores and flows on SQLite, providers that keep the ground truth, a clock that jumps.

Queues are worked in order, one job at a time. A job that raises Crash is left to its visibility timeout, as on Lambda.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.batch import BatchKey
from chalicelib.domain.broadcast import Approval, Audience, Broadcast, BroadcastState, Content, SendAt, hash_of, needs_second_person
from chalicelib.domain.city import City, parse_city
from chalicelib.domain.counts import as_answer
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.filters import EVERYTHING, Filters
from chalicelib.domain.jobs import ReceiptJob, read_fan_out, read_launch, read_receipt, read_send
from chalicelib.domain.message import NOT_TRIED, Answer, EmailMessage, KioskMessage, Message, Outcome, Parcel, SmsMessage
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.domain.preferences import NO_QUIET, UNCHOSEN, Preferences
from chalicelib.domain.tokens import Tokens
from chalicelib.domain.topic import reached
from chalicelib.domain.words import Words
from chalicelib.flows.fan_out import fan_out
from chalicelib.flows.launch import launch
from chalicelib.flows.record_receipt import record_receipt
from chalicelib.flows.send_batch import send_batch
from chalicelib.flows.send_reply import send_reply
from chalicelib.flows.services import Gate, Services
from chalicelib.flows.sweep import sweep
from chalicelib.state.queue import Outgoing
from chalicelib.state.table import Key, Row
from chalicelib.store.audit import AuditEntry
from chalicelib.store.batch_rows import far_key, read_what, what_key
from chalicelib.store.sealed import Vault
from chalicelib.store.stores import Stores
from chalicelib.store.subscriptions import Subscription
from local.proof.checker import broken
from local.proof.everyone import Recipient
from local.proof.truth import Attempt, HandOver, OptOut, Truth
from tests.lagging import LaggingTable
from tests.tables import QUEUES, Clock, SqliteCity, memory_city, sqlite_city

HERE = Path(__file__).parents[2]
VISIBILITY = 360


class Crash(BaseException):
    """The process dies here. No `except Exception` may catch it."""


@dataclass
class Killer:
    """Dies before or after the n-th state or provider call."""

    at: int = 0
    after: bool = False
    calls: int = 0
    deaths: int = 0
    names: list[str] = field(default_factory=list)
    on_call: Callable[[], None] = lambda: None
    on_death: Callable[[], None] = lambda: None

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        self.on_call()
        self.calls += 1
        self.names.append(name)
        due = self.at and self.calls == self.at
        if due and not self.after:
            self._die(name)
        result = call()
        if due:
            self._die(name)
        return result

    def _die(self, name: str) -> None:
        self.deaths += 1
        self.on_death()
        raise Crash(name)


@dataclass
class Notes:
    """What somebody who watches the state may know, though no row keeps it: when an entry was last marked, and all that was queued."""

    now: Callable[[], datetime]
    marked: dict[tuple[Key, int], datetime] = field(default_factory=dict)
    bodies: list[str] = field(default_factory=list)

    def see(self, call: str, *args: Any) -> None:
        """A call to the state succeeded."""
        if call == "update" and args[1].set.get("attempting"):
            self.marked |= {(args[0], entry): self.now() for entry in args[1].set["attempting"]}
        elif call == "send":
            self.bodies += [message.body for message in args[0]]


@dataclass(frozen=True)
class Watched:
    """A table or queue whose every call passes the killer, and is noted."""

    inner: Any
    killer: Killer
    notes: Notes | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name == "named":
            return lambda queue: Watched(found(queue), self.killer, self.notes)
        if not callable(found) or name.startswith("_"):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            result = found(*args, **kwargs)
            if self.notes:
                self.notes.see(name, *args)
            return result

        return lambda *args, **kwargs: self.killer(f"{name} {_keys(args)}", lambda: call(*args, **kwargs))


@dataclass(frozen=True)
class Told(HandOver):
    """A hand-over, with what it said."""

    message: Message | None = None


@dataclass
class Provider:
    """A provider that keeps the ground truth. `answers` says what it answers to an address, `fault` what it answers to anybody; by
    default it accepts."""

    channel: Channel
    most: int
    killer: Killer
    now: Callable[[], datetime]
    truth: list[HandOver] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    answers: dict[str, list[Outcome]] = field(default_factory=dict)
    swallowed: set[str] = field(default_factory=set)
    can_find: bool = False
    confirmed: int = 0
    before_call: Callable[[Parcel], None] = lambda _parcel: None
    fault: Callable[[Parcel], Outcome | None] = lambda _parcel: None
    marked: Callable[[str], datetime | None] = lambda _token: None

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> list[Outcome]:
        """One call a parcel."""
        return [self._one(parcel) if gate() else Outcome(Answer.NOT_SENT, NOT_TRIED) for parcel in parcels]

    def _one(self, parcel: Parcel) -> Outcome:
        self.before_call(parcel)
        plan = self.answers.get(parcel.to.value, [])
        planned = plan.pop(0) if plan else self.fault(parcel) or Outcome(Answer.ACCEPTED, provider_id="p")

        def call() -> Outcome:
            self.attempts.append(Attempt(parcel.to, parcel.token, self.now(), self.marked(parcel.token)))
            if planned.answer is Answer.ACCEPTED or parcel.to.value in self.swallowed:
                self.truth.append(Told(parcel.to, parcel.token, self.now(), message=parcel.message))
            return planned

        outcome: Outcome = self.killer(f"provider.{self.channel}", call)
        return outcome

    def find(self, to: Address, *messages: Message, since: datetime) -> bool | None:
        """Whether we hold one with words of these. Whose broadcast it was of we cannot say, no more than a real one."""

        def look() -> bool | None:
            held = [one for one in self.truth if isinstance(one, Told) and one.to == to and one.at >= since]
            return any(one.message in messages for one in held) if self.can_find else None

        found: bool | None = self.killer(f"provider.{self.channel}.find", look)
        return found


class PlainRenderer:
    """Renders the title, so that engine tests do not depend on templates."""

    def sms(self, content: Content, locale: str) -> SmsMessage:
        return SmsMessage(next(iter(content.texts.values())).title, 1, "GSM-7")

    def email(self, content: Content, locale: str, topic: str) -> EmailMessage:
        return EmailMessage("{{t}}", "{{t}}", "{{t}}", {"t": "x"}, topic, locale)

    def kiosk(self, content: Content, broadcast: str) -> KioskMessage:
        return KioskMessage({"broadcast": broadcast})

    def digest(self, digest: Content, told: Sequence[Content], locale: str, channel: Channel) -> Content:
        title = " + ".join(next(iter(one.texts.values())).title for one in told)
        return replace(digest, texts={locale: Text(title, "")})

    def reply(self, name: str, locale: str, **values: object) -> SmsMessage:
        return SmsMessage(name, 1, "GSM-7")

    def letter(self, name: str, locale: str, **values: object) -> EmailMessage:
        return EmailMessage(name, name, name, {}, "", locale)

    def page(self, name: str, locale: str, **values: object) -> str:
        return name


class Town:
    """The town, ready to send."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        killer: Killer | None = None,
        pace: Mapping[Channel, int] | None = None,
        table: Any = None,
        state: SqliteCity | None = None,
        page_rows: int | None = None,
    ) -> None:
        """In a folder, on a `state` of its own, or else in memory. `page_rows`: the most rows that a query gives at once."""
        self.killer = killer or Killer()
        kept = state or (sqlite_city(folder) if folder else memory_city())
        self.notes = Notes(kept.clock)
        self.opt_outs: list[OptOut] = []
        self.index = LaggingTable(kept.table, kept.clock, page_rows=page_rows)
        self.state = replace(kept, table=self.index)  # type: ignore[arg-type]
        self.clock: Clock = self.state.clock
        self.ids = 0
        self.providers = {
            channel: Provider(channel, most, self.killer, self.clock) for channel, most in ((Channel.SMS, 3), (Channel.EMAIL, 50), (Channel.KIOSK, 10))
        }
        for provider in self.providers.values():
            provider.marked = self._marked
        vault = Vault(b"h" * 32, b"s" * 32)
        city, words = replace(_city(), quiet=NO_QUIET), _words()
        self.plain = Stores(self.state.table, vault)
        self.services = Services(
            city=city,
            words=lambda: words,
            store=Stores(Watched(table or self.state.table, self.killer, self.notes), vault),
            queues=Watched(self.state.queues, self.killer, self.notes),
            tokens=Tokens([b"t" * 32]),
            sender=lambda channel: self.providers[channel],
            renderer=PlainRenderer,
            secret=lambda name: {},
            now=self.clock,
            new_id=self.new_id,
            sleep=lambda seconds: self.clock.advance(timedelta(seconds=seconds)),
            public_url="http://127.0.0.1:8000",
            pace=pace or {},
            counts_age=timedelta(0),
        )

    def restart(self) -> None:
        """A new process: whatever the old one kept in memory is gone."""
        self.services = replace(self.services, store=Stores(self.services.store.table, self.services.store.vault))

    def new_id(self) -> str:
        """32 hex digits, different each time, spread over the shards."""
        self.ids += 1
        return f"{self.ids * 7 % 16:x}{self.ids:07x}".ljust(32, "0")

    def follower(
        self,
        *topics: str,
        channels: Sequence[Channel] = (Channel.SMS,),
        locale: str = "en",
        quiet: tuple[int, int] | None = None,
        shard: int | None = None,
        preferences: Preferences = UNCHOSEN,
        filters: Filters = EVERYTHING,
    ) -> str:
        """A subscriber with a verified address per channel."""
        self.ids += 1
        subscriber = f"{self.ids % 16 if shard is None else shard:x}{self.ids:031x}"
        for channel in channels:
            address = self.address(subscriber, channel)
            known = self.plain.addresses.claim(address, subscriber=subscriber, verified=True)
            for topic in topics:
                chosen = replace(preferences, quiet=quiet) if quiet else preferences
                self.state.table.transact(self.plain.subscriptions.join_writes(Subscription(subscriber, topic, channel, known.hash, locale, chosen, filters)))
        return subscriber

    def address(self, subscriber: str, channel: Channel) -> Address:
        """The address a follower has."""
        number = int(subscriber[1:], 16)
        return {
            Channel.SMS: Address(Channel.SMS, f"+1202555{number:04d}"),
            Channel.EMAIL: Address(Channel.EMAIL, f"p{number}@example.org"),
            Channel.KIOSK: Address(Channel.KIOSK, f"k{number}"),
        }[channel]

    def broadcast(
        self,
        *topics: str,
        urgent: bool = False,
        state: BroadcastState = BroadcastState.SCHEDULED,
        lasts: timedelta = timedelta(hours=24),
        later: timedelta = timedelta(0),
        title: str = "Hello",
        notice: str = "nt_1",
        **said: Any,
    ) -> str:
        """A broadcast that is approved and due. `said` are other fields of its content."""
        now = self.clock()
        name = f"bc_{self.new_id()}"
        content = Content(
            notice,
            1,
            Act.PUBLISHED,
            Kind.EMERGENCY if urgent else Kind.TRANSIT,
            Severity.MODERATE,
            Urgency.EXPECTED,
            {"en": Text(title, "World")},
            "en",
            None,
            None,
            now + lasts,
        )
        content = replace(content, **said)
        audience = Audience(topics, tuple(reached(topics, self.services.city.topics, include_below=False)), tuple(Channel))
        digest = hash_of(content, audience)
        counted = self.plain.headcounts.count(audience.reached, audience.channels).channels
        planned = {str(channel): count for channel, count in counted.items()}
        second = needs_second_person(urgent=urgent, people=max(counted.values(), default=0))
        by, rule = ("ben", "second_person") if second else ("ana", "routine")
        approval = Approval(by, rule, digest, now) if state is BroadcastState.SCHEDULED else None
        made = Broadcast(name, state, "ana", now, SendAt(now + later), audience, urgent, content.expires_at, digest, approval, planned=planned)
        acts = [AuditEntry("ana", "broadcast.created", now), *([AuditEntry(by, "broadcast.approved", now)] if approval and second else [])]
        entries = [self.plain.audit.write(name, one, id=one.what) for one in acts]
        self.state.table.transact([*self.plain.broadcasts.create_writes(made, content), *entries])
        self.state.queues.named("launch").send([_out({"broadcast": name}, round(later.total_seconds()))])
        return name

    # --- running -----------------------------------------------------------------------------------------------------

    def work(self, *, most: int = 100_000) -> int:
        """Work off what is visible, oldest first. How many jobs ran."""
        done = 0
        while done < most:
            got = self.state.queues.receive(list(QUEUES), 1, VISIBILITY)
            if not got:
                return done
            done += 1
            self.run(got[0])
        return done

    def run(self, message: Any) -> None:
        """One job; deleted if it ends, left if it dies."""
        try:
            self.handle(message.queue, message.body)
        except Crash:
            return
        self.state.queues.delete(message.id)

    def handle(self, queue: str, body: str) -> None:
        """What the queue's handler does."""
        if queue == "launch":
            launch(read_launch(body), services=self.services)
        elif queue.startswith("fan-out"):
            fan_out(read_fan_out(body), services=self.services)
        elif queue == "receipts":
            record_receipt([read_receipt(body)], services=self.services)
        elif queue == "replies":
            send_reply(json.loads(body)["reply"], services=self.services)
        else:
            send_batch(read_send(body), services=self.services)

    def tick(self) -> None:
        """The schedule's minute."""
        try:
            sweep(services=self.services)
        except Crash:
            return

    def settle(self, *names: str, hours: float = 30, receipts: bool = False) -> None:
        """Let the city run until these broadcasts ended."""
        end = self.clock() + timedelta(hours=hours)
        while self.clock() < end:
            self.work()
            if receipts:
                self.deliver_receipts(again=False)
            self.tick()
            if all(self.state_of(name) in {BroadcastState.COMPLETED, BroadcastState.STOPPED} for name in names) and not self.work():
                return
            self.clock.advance(timedelta(seconds=120))
        raise AssertionError(f"stuck: {[(name, self.state_of(name), self.counts(name)) for name in names]}")

    def deliver_receipts(self, *, state: State = State.DELIVERED, again: bool = True) -> None:
        """Every hand-over is confirmed, all of them or only those that were not yet."""
        for provider in self.providers.values():
            for one in provider.truth if again else provider.truth[provider.confirmed :]:
                self.confirm(one, state)
            provider.confirmed = len(provider.truth)
        self.work()

    def confirm(self, one: HandOver, state: State = State.DELIVERED) -> None:
        """A provider says what became of something that it took."""
        self.state.queues.named("receipts").send([Outgoing(ReceiptJob(one.token, str(state)).body)])

    # --- looking -----------------------------------------------------------------------------------------------------

    def state_of(self, name: str) -> BroadcastState:
        """Where a broadcast stands."""
        found = self.plain.broadcasts.get(name)
        assert found
        return found.state

    def counts(self, name: str) -> dict[Channel, Counter[Mark]]:
        """Its counts, from its rows."""
        found = self.plain.broadcasts.get(name)
        assert found
        return self.plain.progress.read(found, self.clock()).counts

    def standings(self, name: str) -> Iterator[tuple[str, Channel, Mark]]:
        """Where each recipient stands: subscriber, channel, mark."""
        for shard, row in enumerate(self.plain.progress.shards(name)):
            for key, far in self.plain.batches.of_shard(name, shard):
                if key.page < len(row.tokens) and row.tokens[key.page] == key.token:
                    what = read_what(key, self.state.table.get_many([what_key(key)]))
                    assert what
                    for entry, one in enumerate(what.entries):
                        yield one.subscriber, what.channel, far.standing(entry)

    def opt_out(self, subscriber: str, channel: Channel) -> None:
        """Its owner opts out and has our answer, all in a moment."""
        address = self.plain.vault.hash(self.address(subscriber, channel))
        self.plain.addresses.opt_out(address, self.clock())
        self.opt_outs.append(OptOut(address, self.clock(), self.clock()))

    # --- proving -----------------------------------------------------------------------------------------------------

    def truth(self) -> Truth:
        """What really happened."""
        return Truth(
            at=self.clock(),
            hand_overs=[one for provider in self.providers.values() for one in provider.truth],
            attempts=[one for provider in self.providers.values() for one in provider.attempts],
            opt_outs=self.opt_outs,
            pace=self.services.pace,
        )

    def broken(self, audiences: Mapping[str, Collection[Recipient]] | None = None, *, texts: Sequence[str] = ()) -> list[str]:
        """What the checker finds wrong here."""
        rows = self.state.rows()
        given: dict[str, Any] = {"vault": self.plain.vault, "tokens": self.services.tokens, "audiences": audiences, "shown": self.shown(rows)}
        return broken(self.truth(), rows, texts=[*self.notes.bodies, *texts], **given)

    def shown(self, rows: Sequence[Row]) -> dict[str, Mapping[str, object]]:
        """The counts of every broadcast, as the API shows them."""
        names = [row.key.partition.removeprefix("B#") for row in rows if row.key.sort == "BROADCAST"]
        return {name: as_answer(self.counts(name)) for name in names}

    def _marked(self, token: str) -> datetime | None:
        parts = self.services.tokens.read("delivery", token)
        return self.notes.marked.get((far_key(BatchKey(parts[0], int(parts[1]), parts[2])), int(parts[3]))) if parts else None

    def handed_over(self) -> Counter[str]:
        """How often each address was really handed something."""
        return Counter(one.to.text for provider in self.providers.values() for one in provider.truth)


def _keys(args: Sequence[Any]) -> str:
    """What a call to the state is about, as far as its keys tell."""
    first = args[0] if args else ""
    keys = [getattr(one, "key", one) for one in (first if isinstance(first, list) else [first])]
    return " ".join(f"{key.partition}/{key.sort}" if isinstance(key, Key) else str(key) for key in keys)


@cache
def _city() -> City:
    return parse_city((HERE / "city.toml").read_text("utf-8"))


@cache
def _words() -> Words:
    return Words.parse((HERE / "chalicelib/domain/words.toml").read_text("utf-8"))


def _out(body: dict[str, object], delay: int = 0) -> Outgoing:
    return Outgoing(json.dumps(body), delay)
