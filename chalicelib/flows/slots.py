"""Slots in use: every provider call takes one, at the sender's pace, and none begins after the last moment.

    chunk to come → slots kept from before, or a reservation that all workers share → a gate that each call passes in its slot

A slot that was missed is forfeited: making up for it would push two workers' calls into one second.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.pace import News, Tempo, per_second
from chalicelib.flows.services import Gate, Services
from chalicelib.store.pace import Slots, Wanted

LEAD = (timedelta(milliseconds=30), timedelta(seconds=2))
"""How long before its first slot a worker is woken, for the mark and the look. One that missed slots takes twice as long a lead, up to the second."""
GRACE = timedelta(milliseconds=20)
"""How late a slot may still be used. At 98 % of the contract, a second that some slots slipped into still holds no more than the contract."""
CHUNK_SECONDS = 5
"""A chunk's slots span no more than this, however slow the sender."""
BURST_SECONDS = 0.3
"""A worker who is alone with a sender may take slots for so long at once. In a longer time it would miss some while the provider answers."""
HORIZON = {True: timedelta(seconds=10), False: timedelta(seconds=1.5)}
"""How far ahead slots are given away to an urgent and to a routine worker: what routine holds already, urgent has to wait for."""


class SlotGate:
    """Lets calls pass in their slots. Its calls come from several threads, each waiting for the next slot in turn."""

    def __init__(self, slots: Slots, now: Callable[[], datetime], sleep: Callable[[float], None]) -> None:
        self._slots, self._now, self._sleep = slots, now, sleep
        self._used = 0
        self.missed = False
        self._lock = threading.Lock()

    @property
    def apart(self) -> timedelta:
        """From one slot to the next."""
        return self._slots.apart

    @property
    def left(self) -> int | None:
        """How many slots may still be used; None where no pace binds."""
        if self._slots.count is None:
            return None
        return max(0, self._slots.count - self._next(self._now()))

    def until(self, last: datetime) -> Gate:
        """A gate that waits for the next slot and says whether a call may still begin: not after `last`, and not without a slot.
        Asked `again` it takes no slot: whom a provider did not take has used none."""

        def gate(*, again: bool = False) -> bool:
            with self._lock:
                now = self._now()
                if again:
                    return now <= last
                number = self._next(now)
                self.missed = self.missed or number > self._used
                if self._slots.count is not None and number >= self._slots.count:
                    return False
                slot = self._slots.start + number * self._slots.apart
                if max(slot, now) > last:
                    return False
                if slot > now:
                    self._sleep((slot - now).total_seconds())
                self._used = number + 1
                return self._now() <= last

        return gate

    def _next(self, now: datetime) -> int:
        """The number of the first slot that is neither used nor missed."""
        late = now - GRACE - self._slots.start
        if late <= timedelta(0) or not self._slots.apart:
            return self._used
        return max(self._used, math.ceil(late / self._slots.apart))


@dataclass
class Pacer:
    """One worker's way to its sender's slots. `tempo` is the sender as this worker last saw it; `alone`: nothing comes after what it sends, so
    nobody is kept back for more of it."""

    channel: Channel
    urgent: bool
    services: Services
    tempo: Tempo
    gate: SlotGate
    lead: timedelta = LEAD[0]
    alone: bool = False

    def take(self, chunk: int, rest: int) -> timedelta | None:
        """See to slots for a chunk, of `rest` recipients to come, and wait for the first. The time to leave the sender alone where there are none."""
        left = self.gate.left
        if left is None or left >= min(chunk, rest):
            return None
        pace, services = self.services.pace[self.channel], self.services
        if self.gate.missed:
            self.lead = min(LEAD[1], self.lead * 2)
        speed = per_second(self.tempo, pace)
        most = max(1, min(chunk, rest, math.floor(speed * CHUNK_SECONDS)))
        wanted = Wanted(most, max(most, min(rest, math.floor(speed * BURST_SECONDS))), HORIZON[self.urgent], self.urgent, self.alone)
        slots = services.store.pace.reserve(self.channel, wanted, pace=pace, seen=self.tempo, now=services.now() + self.lead)
        self.tempo = slots.tempo
        if slots.wait is not None:
            return slots.wait
        self.gate = SlotGate(slots, services.now, services.sleep)
        ahead = (slots.start - self.lead - services.now()).total_seconds()
        if ahead > 0:
            services.sleep(ahead)
        return None

    def fits(self, chunk: int) -> int:
        """How many of a chunk there are slots for. None any more where this worker was too slow for those it took."""
        left = self.gate.left
        self.gate.missed = self.gate.missed or left == 0
        return chunk if left is None else min(chunk, left)

    def tell(self, news: News) -> None:
        """Let all workers know what a chunk told of the sender."""
        pace = self.services.pace.get(self.channel)
        if pace is not None and (news.throttled or news.unanswered or not self.tempo.is_well):
            self.tempo = self.services.store.pace.tell(self.channel, news, pace=pace, seen=self.tempo, now=self.services.now())


def pacer(channel: Channel, *, urgent: bool, tempo: Tempo, services: Services, alone: bool = False) -> Pacer:
    """A worker's way to a sender: bound by its pace, or by nothing where it has none."""
    none = 0 if channel in services.pace else None
    gate = SlotGate(Slots(services.now(), timedelta(0), none), services.now, services.sleep)
    return Pacer(channel, urgent, services, tempo, gate, alone=alone)
