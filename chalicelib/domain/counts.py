"""Counts: how many deliveries of a broadcast stand where. Sums of rows and nothing else."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import HowFar
from chalicelib.domain.delivery import SETTLED, Mark, State

SILENT = timedelta(hours=72)
"""A provider that took a message and says nothing more of it for so long will not: carriers give up sooner."""

Counts = Mapping[Channel, Counter[Mark]]
"""Per channel, how many deliveries stand where; the reason is kept for skipped ones only."""


@dataclass(frozen=True)
class Unread:
    """Recipients that a stop left unread, per channel. Where very many were left, the number is estimated."""

    channels: Mapping[Channel, int] = field(default_factory=dict)
    exact: bool = True


SHOWN = (
    State.HELD,
    State.QUEUED,
    State.ATTEMPTING,
    State.UNKNOWN,
    State.ACCEPTED,
    State.DELIVERED,
    State.FAILED,
    State.EXPIRED,
    State.UNCONFIRMED,
)


def count(batches: Iterable[HowFar], channels: Iterable[Channel], *, now: datetime) -> dict[Channel, Counter[Mark]]:
    """The sum over batches; every channel named is there, also with nothing. What was accepted long ago without a receipt reads as unconfirmed."""
    counts: dict[Channel, Counter[Mark]] = {channel: Counter() for channel in channels}
    for batch in batches:
        if batch.channel is not None:
            counts.setdefault(batch.channel, Counter()).update(_shown(batch, entry, now) for entry in range(len(batch.cells)))
    return counts


def as_answer(counts: Counts) -> dict[str, dict[str, int | dict[str, int]]]:
    """The counts in the shape of the API: a number per state, and skipped by reason."""
    answer: dict[str, dict[str, int | dict[str, int]]] = {}
    for channel, marks in counts.items():
        shown: dict[str, int | dict[str, int]] = {str(state): marks[Mark(state)] for state in SHOWN}
        shown["skipped"] = {mark.reason: number for mark, number in sorted(marks.items(), key=str) if mark.state is State.SKIPPED}
        answer[str(channel)] = shown
    return answer


def unread_sum(parts: Iterable[Unread], channels: Iterable[Channel]) -> Unread:
    """What all shards left unread; every channel named is there, also with nobody."""
    counts, exact = Counter(dict.fromkeys(channels, 0)), True
    for part in parts:
        counts.update(part.channels)
        exact = exact and part.exact
    return Unread(dict(counts), exact)


def all_settled(counts: Counts) -> bool:
    """Whether nobody is held, queued, attempting or unknown."""
    return all(mark.state in SETTLED for marks in counts.values() for mark, number in marks.items() if number)


def _shown(batch: HowFar, entry: int, now: datetime) -> Mark:
    mark = batch.standing(entry)
    if mark.state is State.ACCEPTED and batch.settled_at and now - batch.settled_at > SILENT:
        return Mark(State.UNCONFIRMED)
    return mark if mark.state is State.SKIPPED else Mark(mark.state)
