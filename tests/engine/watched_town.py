"""A town under watch: workers that may rest at any call, queues that give out messages in any order and twice, providers whose answers
get lost, an index that lags; and a journal of what was written when, from which each hand-over is judged as it happens."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.batch import LAST_CALL, WINDOW_URGENT, BatchKey, BatchState
from chalicelib.domain.broadcast import Broadcast, BroadcastState, hash_of
from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob, read_fan_out
from chalicelib.domain.message import Parcel
from chalicelib.errors import BelfryError
from chalicelib.flows.progress import progress
from chalicelib.flows.sweep import sweep
from chalicelib.intake.sms import reply_to
from chalicelib.state.queue import Outgoing
from chalicelib.store.broadcast_rows import broadcast_key
from chalicelib.store.progress import counted
from chalicelib.store.stores import Stores
from local.proof.truth import HandOver, Truth
from tests.engine.carrier import Carrier
from tests.engine.crew import Crew, Worker
from tests.engine.journal import Journal, JournalTable, Twice
from tests.engine.loose_queues import LooseQueues, Waiting
from tests.engine.town import Town, Watched
from tests.lagging import LaggingTable
from tests.tables import memory_city

SKEW = timedelta(seconds=10)
"""The most that two clocks of ours are apart."""
AT_REST = {BroadcastState.COMPLETED, BroadcastState.STOPPED, BroadcastState.AWAITING_APPROVAL, BroadcastState.NEEDS_REVIEW}


class WatchedTown(Town):
    """A town whose hand-overs are judged as they happen: what is wrong is in `wrong`, in words."""

    def __init__(self, *, seed: int = 0, page_rows: int | None = None, twice: float = 0) -> None:
        kept = memory_city()
        self.crew = Crew(kept.clock)
        super().__init__(state=kept, killer=self.crew)  # type: ignore[arg-type]
        self.queues, self.journal, self.wrong = LooseQueues(self.clock), Journal(self.clock, ends=self._judge_end), list[str]()
        vault = self.plain.vault
        lagging = LaggingTable(kept.table, self.clock, seed=seed, within=timedelta(seconds=20), page_rows=page_rows)
        self.state = replace(self.state, table=lagging, queues=self.queues)  # type: ignore[arg-type]
        self.plain = Stores(lagging, vault)  # type: ignore[arg-type]
        sizes = {Channel.SMS: 2, Channel.EMAIL: 2, Channel.KIOSK: 10}
        killer: Any = self.crew
        self.carriers = {channel: Carrier(channel, most, killer, self.clock, judge=self.judge) for channel, most in sizes.items()}
        for carrier in self.carriers.values():
            carrier.marked, carrier.let_through = self._marked, self._let_through
        self.providers = {**self.carriers}
        self.services = replace(
            self.services,
            store=Stores(Watched(Twice(JournalTable(lagging, self.journal), seed=seed, share=twice), self.crew, self.notes), vault),  # type: ignore[arg-type]
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

    def run_on(self) -> None:
        """Let the city run, nobody new resting, until nothing is left to do. Fails where something never ends."""
        for _ in range(200):
            self.work_all()
            sweep(services=self.services)
            self.work_all()
            if all(one.state in AT_REST for one in self.broadcasts()) and not self.queues.messages:
                return
            self.crew.advance(timedelta(seconds=300))
        raise AssertionError(f"stuck: {[(one.id[:6], one.state, self.counts(one.id)) for one in self.broadcasts()]} {self.queues.messages}")

    def broadcasts(self) -> list[Broadcast]:
        """All there are."""
        return list(self.plain.broadcasts.page(limit=100)[0])

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
