"""A town under watch: workers that may rest at any call, queues that give out messages in any order and twice, providers whose answers
get lost, an index that lags; and a journal of what was written when, from which each hand-over is judged as it happens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.batch import LAST_CALL, WINDOW_URGENT, BatchKey, BatchState
from chalicelib.domain.broadcast import BroadcastState, hash_of
from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob, read_fan_out
from chalicelib.domain.message import Answer, Message, Outcome, Parcel
from chalicelib.domain.times import from_ms
from chalicelib.errors import BelfryError
from chalicelib.flows.progress import progress
from chalicelib.flows.sweep import sweep
from chalicelib.intake.sms import reply_to
from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_table import SqliteTable
from chalicelib.state.table import Change, Delete, Key, Put, Row, Update, Values, Write
from chalicelib.store.broadcasts import broadcast_key
from chalicelib.store.history import Pointer
from chalicelib.store.progress import counted
from chalicelib.store.stores import Stores
from chalicelib.store.subscriptions import read_subscription
from local.proof.truth import Attempt, HandOver, Truth
from tests.engine.crew import Crew, Worker
from tests.engine.town import VISIBILITY, Provider, Town, Watched
from tests.lagging import LaggingTable
from tests.tables import Clock, memory_city

SKEW = timedelta(seconds=10)
"""The most that two clocks of ours are apart."""
AT_REST = {BroadcastState.COMPLETED, BroadcastState.STOPPED, BroadcastState.AWAITING_APPROVAL, BroadcastState.NEEDS_REVIEW}


# --- queues ----------------------------------------------------------------------------------------------------------


@dataclass
class Waiting:
    """A message in a queue."""

    id: int
    queue: str
    body: str
    visible_at: datetime


class LooseQueues:
    """Queues that keep no order and may give out a message again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent = 0
        self.messages: list[Waiting] = []

    def named(self, name: str) -> "LooseQueue":
        return LooseQueue(self, name)

    def add(self, queue: str, message: Outgoing) -> None:
        self._sent += 1
        self.messages.append(Waiting(self._sent, queue, message.body, self._clock() + timedelta(seconds=message.delay)))

    def visible(self) -> list[Waiting]:
        """What may be received now, in the order sent."""
        now = self._clock()
        return [one for one in self.messages if one.visible_at <= now]

    def hide(self, message: Waiting) -> None:
        message.visible_at = self._clock() + timedelta(seconds=VISIBILITY)

    def delete(self, id: int) -> None:
        self.messages = [one for one in self.messages if one.id != id]


@dataclass(frozen=True)
class LooseQueue:
    queues: LooseQueues
    name: str

    def send(self, messages: Sequence[Outgoing]) -> Sequence[Outgoing]:
        for message in messages:
            self.queues.add(self.name, message)
        return ()


# --- the journal -----------------------------------------------------------------------------------------------------


@dataclass
class Journal:
    """What was written, in order: each write has a number, and facts name the write that made them."""

    clock: Clock
    writes: int = 0
    marks: dict[tuple[BatchKey, int], int] = field(default_factory=dict)
    opted_out: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    approved: dict[str, int] = field(default_factory=dict)
    ends: Callable[[str], None] = lambda _name: None
    moved: dict[str, int] = field(default_factory=dict)

    def note(self, key: Key, values: Values | None, set_: Values) -> None:
        """A write of this row, which holds `values` now."""
        self.writes += 1
        if key.sort == "ADDRESS":
            self._address(key.partition.removeprefix("A#"), values or {})
        elif key.sort == "BROADCAST":
            self._broadcast(key.partition.removeprefix("B#"), values or {}, set_)
        elif key.sort.startswith("P") and key.partition.startswith("B#") and "attempting" in set_:
            _, broadcast, shard = key.partition.split("#")
            attempting = set_["attempting"]
            for entry in attempting if isinstance(attempting, list) else []:
                self.marks[BatchKey(broadcast, int(shard, 16), key.sort), int(str(entry))] = self.writes
        elif key.partition.startswith("T#"):
            self.moved[key.sort.split("#")[0]] = self.writes

    def _address(self, hash: str, values: Values) -> None:
        if "opted_out" in values:
            self.opted_out.setdefault(hash, self.writes)
        else:
            self.opted_out.pop(hash, None)

    def _broadcast(self, name: str, values: Values, set_: Values) -> None:
        if "stop_at" in set_:
            self.stopped[name] = (self.writes, from_ms(int(str(set_["stop_at"]))))
        if "approval" in set_:
            self.approved[name] = self.writes
        if set_.get("state") in {str(BroadcastState.COMPLETED), str(BroadcastState.STOPPED)}:
            self.ends(name)


class JournalTable:
    """A table whose writes are noted once they are made."""

    def __init__(self, inner: Any, journal: Journal) -> None:
        self._inner, self._journal = inner, journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def put(self, row: Row, **kwargs: Any) -> None:
        self._inner.put(row, **kwargs)
        self._journal.note(row.key, row.values, row.values)

    def put_many(self, rows: Sequence[Row]) -> Sequence[Row]:
        left: Sequence[Row] = self._inner.put_many(rows)
        for row in rows:
            if row not in left:
                self._journal.note(row.key, row.values, row.values)
        return left

    def update(self, key: Key, change: Change, **kwargs: Any) -> Values:
        values: Values = self._inner.update(key, change, **kwargs)
        self._journal.note(key, values, change.set)
        return values

    def delete(self, key: Key, **kwargs: Any) -> None:
        self._inner.delete(key, **kwargs)
        self._journal.note(key, None, {})

    def transact(self, writes: Sequence[Write]) -> None:
        self._inner.transact(writes)
        for write in writes:
            if isinstance(write, Put):
                self._journal.note(write.row.key, write.row.values, write.row.values)
            elif isinstance(write, Update):
                self._journal.note(write.key, self._inner.get(write.key), write.change.set)
            elif isinstance(write, Delete):
                self._journal.note(write.key, None, {})


# --- providers -------------------------------------------------------------------------------------------------------


MODES = {
    "takes": (True, Outcome(Answer.ACCEPTED, provider_id="p")),
    "answer lost": (True, Outcome(Answer.UNKNOWN, "timeout")),
    "hangs": (False, Outcome(Answer.UNKNOWN, "timeout")),
    "later": (False, Outcome(Answer.LATER, "20429")),
    "refuses": (False, Outcome(Answer.REFUSED, "30005")),
}
"""Whether the provider takes the message, and what we hear of it."""


@dataclass
class Carrier(Provider):
    """A provider in a mode, which remembers what each message said. A call counts from when its worker was let through."""

    mode: str = "takes"
    plans: dict[str, list[str]] = field(default_factory=dict)
    judge: Callable[[Parcel], None] = lambda _parcel: None
    said: list[tuple[Address, Message, datetime]] = field(default_factory=list)

    let_through: Callable[[], datetime] = datetime.now

    def _one(self, parcel: Parcel) -> Outcome:
        def call() -> Outcome:
            plan, began = self.plans.get(parcel.to.value), self.let_through()
            takes, outcome = MODES[plan.pop(0) if plan else self.mode]
            self.attempts.append(Attempt(parcel.to, parcel.token, began, self.marked(parcel.token)))
            if takes:
                self.judge(parcel)
                self.truth.append(HandOver(parcel.to, parcel.token, began))
                self.said.append((parcel.to, parcel.message, self.now()))
            return outcome

        outcome: Outcome = self.killer(f"provider.{self.channel}", call)
        return outcome

    def find(self, to: Address, message: Message, *, since: datetime) -> bool | None:
        if not self.can_find:
            return None
        return any(one == to and said == message and at >= since for one, said, at in self.said)


# --- the town --------------------------------------------------------------------------------------------------------


class WatchedTown(Town):
    """A town whose hand-overs are judged as they happen: what is wrong is in `wrong`, in words."""

    def __init__(self, *, seed: int = 0, page_rows: int | None = None) -> None:
        kept = memory_city()
        self.crew = Crew(kept.clock)
        super().__init__(state=kept, killer=self.crew)  # type: ignore[arg-type]
        self.queues, self.journal, self.wrong = LooseQueues(self.clock), Journal(self.clock, ends=self._judge_end), list[str]()
        vault = self.plain.vault
        lagging = LaggingTable(kept.table, self.clock, seed=seed, within=timedelta(seconds=20), page_rows=page_rows)
        self.state = replace(self.state, table=lagging, queues=self.queues)  # type: ignore[arg-type]
        self.plain = Stores(lagging, vault)  # type: ignore[arg-type]
        self.providers = {
            channel: Carrier(channel, most, self.crew, self.clock, judge=self.judge, marked=self._marked, let_through=self._let_through)  # type: ignore[arg-type]
            for channel, most in ((Channel.SMS, 2), (Channel.EMAIL, 2), (Channel.KIOSK, 10))
        }
        self.services = replace(
            self.services,
            store=Stores(Watched(JournalTable(lagging, self.journal), self.crew, self.notes), vault),  # type: ignore[arg-type]
            queues=Watched(self.queues, self.crew, self.notes),  # type: ignore[arg-type]
            now=self.crew.now,
            sleep=self.crew.sleep,
        )
        self.texts, self.settled = 0, list[str]()
        self.reported: list[tuple[str, State]] = []
        self.taken: dict[tuple[str, Address], list[datetime]] = {}

    # --- what happens ------------------------------------------------------------------------------------------------

    def start(self, name: str, job: Callable[[], None], *, points: int, skew: float = 0) -> Worker:
        """Somebody begins to work."""
        return self.crew.start(name, job, points=points, skew=timedelta(seconds=skew))

    def receive(self, message: Waiting, *, keep: bool, points: int, skew: float) -> Worker:
        """A worker receives a message; with `keep` the queue will give it out again."""
        if not keep:
            self.queues.hide(message)

        def job() -> None:
            self.handle(message.queue, message.body)
            self.queues.delete(message.id)

        return self.start(f"{message.queue} {message.body}", job, points=points, skew=skew)

    def text(self, phone: str, body: str) -> Callable[[], None]:
        """A text comes in; doing it again is the provider asking again."""
        self.texts += 1
        form = {"MessageSid": f"SM{self.texts:032x}", "From": phone, "Body": body}

        def job() -> None:
            reply_to(form, services=self.services)

        return job

    def order(self, act: Callable[[], object]) -> Callable[[], None]:
        """A person at a desk does something; a refusal is shown to them."""

        def job() -> None:
            try:
                act()
            except BelfryError:
                return

        return job

    def report(self, one: HandOver, state: State, *, at_once: bool) -> None:
        """The provider tells us of a hand-over."""
        body = ReceiptJob(one.token, str(state)).body
        self.reported.append((one.token, state))
        if at_once:
            self.handle("receipts", body)
        else:
            self.queues.add("receipts", Outgoing(body))

    def look(self, name: str) -> None:
        """Somebody asks how far a broadcast is."""
        found = self.services.store.broadcasts.get(name)
        if found:
            progress(found, services=self.services)

    def work_all(self, *, most: int = 10_000) -> None:
        """Whatever is visible is worked off, in order, nobody resting."""
        while most and (found := self.queues.visible()):
            most -= 1
            self._work(found[0])

    def work_where_nobody_lives(self) -> None:
        """Shards without a follower are read at once: they are all alike."""
        for message in self.queues.visible():
            if message.queue.startswith("fan-out") and read_fan_out(message.body).shard not in self.homes:
                self._work(message)

    def _work(self, message: Waiting) -> None:
        self.queues.hide(message)
        self.handle(message.queue, message.body)
        self.queues.delete(message.id)

    @property
    def homes(self) -> set[int]:
        """Shards in which anybody ever followed anything."""
        return {int(subscriber[0], 16) for subscriber in (*self.settled, *self.journal.moved)}

    def follower(self, *topics: str, **kwargs: Any) -> str:
        """A subscriber who was there before."""
        subscriber = super().follower(*topics, **kwargs)
        self.settled.append(subscriber)
        return subscriber

    def run_on(self, names: Sequence[str]) -> None:
        """Let the city run, nobody new resting, until nothing is left to do. Fails where something never ends."""
        for _ in range(200):
            self.work_all()
            sweep(services=self.services)
            self.work_all()
            if all(self.state_of(name) in AT_REST for name in names) and not self.queues.messages:
                return
            self.crew.advance(timedelta(seconds=300))
        raise AssertionError(f"stuck: {[(name[:6], self.state_of(name), self.counts(name)) for name in names]} {self.queues.messages}")

    # --- judging -----------------------------------------------------------------------------------------------------

    def truth(self) -> Truth:
        """What really happened, as far as clocks that differ can tell."""
        return replace(super().truth(), late=SKEW)

    def broken(self, *args: Any, **kwargs: Any) -> list[str]:
        """What the checker finds. Of marks and opt-outs it knows when they say they were written; the journal knows in which order they were."""
        return [what for what in super().broken(*args, **kwargs) if not what.startswith("I3")]

    def judge(self, parcel: Parcel) -> None:
        """Whether this hand-over may be, given all that was written before its mark."""
        named = self.services.tokens.read("delivery", parcel.token)
        assert named
        broadcast, shard, name, entry, _ = named
        mark = self.journal.marks.get((BatchKey(broadcast, int(shard), name), int(entry)), 0)
        found, content = self.plain.broadcasts.get(broadcast), self.plain.broadcasts.content(broadcast)
        assert found
        assert content
        hash, who = self.plain.vault.hash(parcel.to), f"{parcel.to} of {broadcast[:6]}"
        said = self.journal.opted_out.get(hash)
        if said is not None and mark > said:
            self.wrong.append(f"I3 {who} was marked (write {mark}) after an opt-out (write {said})")
        if found.approval is None or found.approval.hash != hash_of(content, found.audience) or mark < self.journal.approved.get(broadcast, 0):
            self.wrong.append(f"I4 {who} without approval")
        if broadcast in self.journal.stopped:
            self._judge_stopped(who, mark, *self.journal.stopped[broadcast])
        if self._let_through() > found.expires_at + SKEW:
            self.wrong.append(f"I5 {who} at {self.clock()}, expired at {found.expires_at}")
        self._judge_first(who, broadcast, parcel, urgent=found.urgent)

    def _judge_stopped(self, who: str, mark: int, write: int, stop_at: datetime) -> None:
        if mark > write:
            self.wrong.append(f"I5 {who} was marked (write {mark}) after the stop (write {write})")
        if self._let_through() > stop_at + LAST_CALL + SKEW:
            self.wrong.append(f"I5 {who} was handed over {self.clock() - stop_at} after the stop")

    def _let_through(self) -> datetime:
        """When whoever calls was let through to the provider."""
        return self.crew.who.reached_at if self.crew.who else self.clock()

    def _judge_first(self, who: str, broadcast: str, parcel: Parcel, *, urgent: bool) -> None:
        provider, before = self.providers[parcel.to.channel], self.taken.setdefault((broadcast, parcel.to), [])
        before.append(self.clock())
        if len(before) == 1:
            return
        if not urgent or provider.can_find:
            self.wrong.append(f"I1 {who} was handed over at {before}")
        elif len(before) > 2 or before[1] < before[0] + WINDOW_URGENT:
            self.wrong.append(f"I1 {who} was sent again: {before}")

    def _judge_end(self, name: str) -> None:
        """A broadcast that is called ended has nobody left to settle, unless it never began."""
        shards = self.plain.progress.shards(name)
        open_ = [
            far for number, shard in enumerate(shards) for _, far in counted(self.plain.batches, name, number, shard) if far.state is not BatchState.SETTLED
        ]
        began = "launch" in (self.state.table.get(broadcast_key(name)) or {})
        if open_ or (began and not all(shard.done for shard in shards)):
            self.wrong.append(f"I2 {name[:6]} was called ended too early")

    def followers_of(self, topics: Sequence[str]) -> set[tuple[str, Channel]]:
        """Who follows any of these now."""
        found: set[tuple[str, Channel]] = set()
        for topic in topics:
            for shard in range(16):
                for row in SqliteTable(self.state.file).query(f"T#{topic}#{shard:x}").rows:
                    one = read_subscription(row.values)
                    found.add((one.subscriber, one.channel))
        return found

    def handed_to(self, place: Pointer) -> int:
        """How often a provider took the message of this entry."""
        return sum(self._names(one.token, place) for provider in self.providers.values() for one in provider.truth)

    def proven_of(self, place: Pointer) -> State | None:
        """The most that receipts said of this entry."""
        said = [state for token, state in self.reported if self._names(token, place)]
        return State.DELIVERED if State.DELIVERED in said else said[0] if said else None

    def _names(self, token: str, place: Pointer) -> bool:
        parts = self.services.tokens.read("delivery", token) or ()
        return parts[:4] == (place.batch.broadcast, str(place.batch.shard), place.batch.name, str(place.entry))
