"""Batches: recipients of one channel and locale, handled by one worker under one claim.

A batch is two rows. *What* never changes: whom, on which channel, in which locale. *How far* is the only home of a
delivery's state: the claim, the lease, one cell per entry, and the sets of entries that receipts spoke of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import UNTRIED, Mark, State, standing
from chalicelib.domain.quiet import Window

LEASE = timedelta(seconds=90)
LAST_CALL = timedelta(seconds=40)
MOST_TRIES = 8
WINDOW_ROUTINE = timedelta(minutes=15)
WINDOW_URGENT = timedelta(minutes=2)


class BatchState(StrEnum):
    """Where a batch stands."""

    QUEUED = "queued"
    HELD = "held"
    CLAIMED = "claimed"
    WAITING = "waiting"
    SETTLED = "settled"


@dataclass(frozen=True)
class BatchKey:
    """The name of a batch: `P<page>#<token>#<number>` within its broadcast and shard."""

    broadcast: str
    shard: int
    name: str

    @property
    def page(self) -> int:
        """The page it was planned on."""
        return int(self.name.split("#")[0][1:])

    @property
    def token(self) -> str:
        """The planning attempt it belongs to. Only the attempt that the shard row names counts."""
        return self.name.split("#")[1]


@dataclass(frozen=True)
class Entry:
    """One recipient in a batch. `topic` is the subscription that made them one; `quiet` are their own quiet hours. Of somebody who was erased nothing
    but the topic is left."""

    subscriber: str
    address: str
    topic: str
    quiet: Window | None = None
    zone: str | None = None


@dataclass(frozen=True)
class What:
    """Whom a batch is for. `items` are the broadcasts that a digest tells these people of."""

    channel: Channel
    locale: str
    entries: Sequence[Entry]
    planned_at: datetime | None = None
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class HowFar:
    """Where a batch stands. `cells` is the worker's column, one text per entry; `receipts` is what providers proved later."""

    state: BatchState
    cells: tuple[str, ...]
    not_before: datetime
    due: datetime | None = None
    claim: str | None = None
    tries: int = 0
    lease_until: datetime | None = None
    attempting: frozenset[int] = frozenset()
    resent: frozenset[int] = frozenset()
    in_doubt_since: datetime | None = None
    doubt_from: datetime | None = None
    receipts: Mapping[State, frozenset[int]] = field(default_factory=dict)
    swept: int = 0
    laters: int = 0
    channel: Channel | None = None
    settled_at: datetime | None = None

    def receipts_of(self, entry: int) -> list[State]:
        """What receipts said of an entry."""
        return [state for state, entries in self.receipts.items() if entry in entries]

    def standing(self, entry: int) -> Mark:
        """Where an entry stands, in the words that people see."""
        mark = standing(self.cells[entry], self.receipts_of(entry))
        if mark:
            return mark
        if self.state is BatchState.HELD:
            return Mark(State.HELD)
        return Mark(State.ATTEMPTING if self.state is BatchState.CLAIMED and entry in self.attempting else State.QUEUED)


def may_claim(batch: HowFar, now: datetime) -> bool:
    """Whether a worker may take this batch now."""
    if batch.state is BatchState.SETTLED or batch.not_before > now:
        return False
    return batch.state is not BatchState.CLAIMED or (batch.lease_until is not None and batch.lease_until < now)


def after_crash(batch: HowFar) -> tuple[str, ...]:
    """The cells as a new worker must read them: what was being attempted and has no answer is unknown, and what a receipt
    spoke of was handed over, whoever did it."""
    return tuple(_reread(batch, entry, cell) for entry, cell in enumerate(batch.cells))


def _reread(batch: HowFar, entry: int, cell: str) -> str:
    if cell == UNTRIED and batch.receipts_of(entry):
        return str(State.ACCEPTED)
    return str(State.UNKNOWN) if cell == UNTRIED and entry in batch.attempting else cell


def untried(cells: Sequence[str]) -> list[int]:
    """Entries that nobody attempted."""
    return [entry for entry, cell in enumerate(cells) if cell == UNTRIED]


def unknown(cells: Sequence[str]) -> list[int]:
    """Entries whose answer was lost."""
    return [entry for entry, cell in enumerate(cells) if cell == State.UNKNOWN]


def decided_at(in_doubt_since: datetime, *, urgent: bool) -> datetime:
    """When an unknown outcome may be decided without further waiting. Doubt begins when the lease of its attempt ends, so a call
    made under that lease has landed long before."""
    return in_doubt_since + (WINDOW_URGENT if urgent else WINDOW_ROUTINE)
