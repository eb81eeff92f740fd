"""A topic that nearly everybody follows. One of its sixteen shards holds half of them, its partitions give a trickle, three who plan it die in
the middle, and all the while others sign up for it."""

import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.errors import StateLater
from chalicelib.flows.confirm_sign_up import confirm_sign_up
from chalicelib.flows.send_reply import send_reply
from chalicelib.flows.sign_up import sign_up
from chalicelib.flows.signing import Human, Origin
from chalicelib.state.queue import Outgoing
from chalicelib.state.table import MOST_PUT, Key, Row
from chalicelib.store.stores import Stores
from chalicelib.store.subscriptions import Subscription, audience_row
from infra.functions import SECONDS
from tests.engine.midway import SmallPages, happening
from tests.engine.town import Crash, Killer, Town, Watched
from tests.experiments.busy_table import BusyTable
from tests.experiments.side_by_side import Line, SideBySide
from tests.experiments.sizes import SIZES

FULL, NEWCOMERS = 100_000, 200
LARGE, BY_EMAIL = 7, 25
"""The shard that is larger than the others; each 25th reads email, too."""
PAGE_ROWS = 2000
WRITES, READS, LEFT = 1000, 3000, 36
"""What one partition gives in a second; and the topic's to those who plan, for everybody reads it."""
PACE = {Channel.EMAIL: 14}
PLANNED_WITHIN, OVER_WITHIN, LETTER_WITHIN = timedelta(minutes=5), timedelta(minutes=10), timedelta(seconds=10)
READS_A_LETTER_IN, CROWDED = 3, 50
"""Seconds until somebody uses the link in a letter; how often planning has to be made to wait at least, or this shows nothing."""
DEATHS = {("batches", "7", 1): "after", ("page", "4", 2): "before", ("page", "2", 1): "after"}
"""With batches of a page written; before a page is named; and once it is, before its batches are queued. Which shard's, which in a row."""
_PLANNING = re.compile(r"put_many B#\w+#(?P<batches>.)/|update B#\w+/SHARD#(?P<page>.)")
SEED = 11


@dataclass
class Deaths(Killer):
    """Those deaths, and of whoever outlives a function's time. `died` says where."""

    now: Callable[[], datetime] = datetime.now
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    died: list[str] = field(default_factory=list)
    began: threading.local = field(default_factory=threading.local)

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        if self.now() - getattr(self.began, "at", self.now()) > timedelta(seconds=SECONDS):
            self._die(f"out of time: {name}")
        when = self._comes(name)
        if when == "before":
            self._die(name)
        result = call()
        if when == "after":
            self._die(name)
        return result

    def _comes(self, name: str) -> str | None:
        planning = _PLANNING.match(name)
        if planning is None or planning.lastgroup is None:
            return None
        what = planning.lastgroup, planning[planning.lastgroup]
        self.seen[what] += 1
        return DEATHS.get((*what, self.seen[what]))

    def _die(self, name: str) -> None:
        self.died.append(name)
        raise Crash(name)


class HotTown(Town):
    """A town on a busy table. Who signs up comes to a page; `came`, `written` and `joined` say when: at the page, the letter, and the link in it."""

    def __init__(self, share: float) -> None:
        super().__init__(pace=PACE)
        self.share = share
        self.deaths, self.dice = Deaths(now=self.clock), random.Random(SEED)
        self.came, self.written, self.joined = dict[str, datetime](), dict[str, datetime](), dict[str, timedelta]()
        self.followers = self._move_in(round(FULL * share))
        self.workers = SideBySide(self)
        self.busy = BusyTable(
            SmallPages(self.index, round(PAGE_ROWS * share)),  # type: ignore[arg-type]
            self.clock,
            self.workers.rest,
            self.dice.random,
            reads=READS * share,
            writes=WRITES * share,
        )
        self.services = replace(self.services, store=Stores(Watched(self.busy, self.killer, self.notes), self.plain.vault), random=self.dice.random)  # type: ignore[arg-type]
        for channel, most in ((Channel.SMS, 25), (Channel.EMAIL, 14)):
            marked = self.providers[channel].marked
            self.providers[channel] = Line(channel, most, self.killer, self.clock, marked=marked, rest=self.workers.rest)
        self.ids = 10**6
        happening(self, self.deaths)

    def _move_in(self, people: int) -> dict[str, Sequence[Channel]]:
        """So many followers and their channels: every second in the large shard, the others everywhere. Written as a bulk load writes them."""
        rows, found = list[Row](), dict[str, Sequence[Channel]]()
        for number in range(people):
            who = f"{LARGE if number % 2 else number // 2 % 16:x}{number:031x}"
            found[who] = (Channel.SMS, Channel.EMAIL) if number % BY_EMAIL == 0 else (Channel.SMS,)
            for channel in found[who]:
                row = self.plain.addresses.row(self.address(who, channel), subscriber=who, verified=True)
                locale = "es" if number % 5 == 0 else "en"
                rows += [row, audience_row(Subscription(who, "transit", channel, row.key.partition.removeprefix("A#"), locale))]
        for start in range(0, len(rows), MOST_PUT):
            self.state.table.put_many(rows[start : start + MOST_PUT])
        return found

    # --- at work -----------------------------------------------------------------------------------------------------

    def run(self, message: Any) -> None:
        """One job; left to its visibility timeout where it fails."""
        self.deaths.began.at = self.clock()
        with suppress(StateLater):
            super().run(message)

    def tick(self) -> None:
        """The schedule's minute; what fails in it is done in the next."""
        with suppress(ExceptionGroup):
            super().tick()

    def handle(self, queue: str, body: str) -> None:
        """What a handler does. The queue of posts, which nobody uses here, stands for those who come to the page."""
        if queue == "intake":
            self._at_the_page(**json.loads(body))
        elif queue == "replies":
            self._send_letter(json.loads(body)["reply"])
        else:
            if queue.startswith("fan-out") and not self.deaths.seen:
                self.busy.crowd("T#", LEFT * self.share)
            super().handle(queue, body)

    def expect(self, newcomers: int, *, seconds: float) -> None:
        """So many come to the page, spread over this time."""
        for number in range(newcomers):
            come = Outgoing(json.dumps({"email": f"new{number}@example.org"}), int(number * seconds / newcomers))
            self.state.queues.named("intake").send([come])

    def _at_the_page(self, email: str = "", link: str = "") -> None:
        came = self.clock()
        if email:
            self.came[email] = came
            sign_up(email=email, topics=["transit"], locale="en", services=self.services, origin=Origin(human=Human.SURE))
        else:
            confirm_sign_up(link, locale="en", services=self.services)
            self.joined[link] = self.clock() - came

    def _send_letter(self, reply: str) -> None:
        """Who gets it soon uses the link in it."""
        before = len(self.providers[Channel.EMAIL].truth)
        send_reply(reply, services=self.services)
        for one in self.providers[Channel.EMAIL].truth[before:]:
            if self.services.tokens.read("reply", one.token) == (reply,):
                self.written[one.to.value] = one.at
                row = self.state.table.get(Key(f"R#{reply}", "REPLY")) or {}
                self.state.queues.named("intake").send([Outgoing(json.dumps({"link": row["about"]}), READS_A_LETTER_IN)])


def p95(lengths: Sequence[timedelta]) -> timedelta:
    return sorted(lengths)[round(len(lengths) * 0.95) - 1]


@SIZES
def test_a_hot_topic_is_planned_in_minutes_while_others_join_it(share: float) -> None:
    """Within five minutes everybody is in a batch, though what was left of three dead workers had to be found; no partition is asked for more
    writes than it gives; and who signs up meanwhile has the letter in ten seconds, and is let in as fast. Seen to fail with the jobs that
    `sweep._queue_shards` makes not queued (planned too late), with `_queue_again` left out of `fan_out` (batches that nobody queued go out too
    late), with `late` never true in `fan_out` (a fourth worker dies: out of time), with `send_reply._send` not urgent (letters wait behind the
    broadcast's), and with `plan.batch_size` at 5 (the index is asked for more than it gives)."""
    newcomers = round(NEWCOMERS * share)
    town = HotTown(share)
    began, name = town.clock(), town.broadcast("transit")
    town.expect(newcomers, seconds=250 * share)
    town.workers.live(until=lambda: town.state_of(name) is BroadcastState.COMPLETED and len(town.joined) == newcomers)

    told = f"seed {SEED}"
    assert len(town.deaths.died) == len(DEATHS), f"{told}: {town.deaths.died}"
    assert town.busy.throttled["read"] >= CROWDED, f"{told}: its readers were not crowded"
    assert max(shard.at - began for shard in town.plain.progress.shards(name) if shard.at) <= PLANNED_WITHIN, told
    assert max(town.busy.asked.values()) <= WRITES * share, f"{told}: {town.busy.asked.most_common(3)}"
    assert max(one.at for provider in town.providers.values() for one in provider.truth) - began <= OVER_WITHIN, told
    assert p95([town.written[who] - came for who, came in town.came.items()]) <= LETTER_WITHIN, told
    assert p95(list(town.joined.values())) <= LETTER_WITHIN, told
    reached = {(who, channel) for who, channel, _ in town.standings(name)}
    followers = {(who, channel) for who, channels in town.followers.items() for channel in channels}
    assert followers <= reached, f"{told}: somebody was left out"
    assert len(reached - followers) <= newcomers, told
    assert town.broken({name: reached}) == [], told
