"""Planning: a page of followers becomes batches. Nothing here reads or writes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import Entry, What
from chalicelib.domain.cap import Full, code_of
from chalicelib.domain.delivery import UNTRIED, Mark, SkipReason, State
from chalicelib.domain.ids import SHARDS
from chalicelib.domain.quiet import released_at

MOST_IN_BATCH: Mapping[Channel, int] = {Channel.SMS: 100, Channel.EMAIL: 250, Channel.KIOSK: 50}
"""Why so many: docs/decisions/0003-larger-batches.md"""
BATCH_SECONDS = 20
"""A batch should take no longer than this at the sender's pace."""
SLACK = timedelta(minutes=10)
SLACK_URGENT = timedelta(minutes=2)
"""How long after its expected hand-over a batch counts as stuck."""

_CAPPED = str(Mark(State.SKIPPED, SkipReason.CAP))


@dataclass(frozen=True)
class Follower:
    """What planning needs of one subscription."""

    subscriber: str
    channel: Channel
    address: str
    topic: str
    locale: str
    zone: str | None = None
    quiet: tuple[int, int] | None = None


@dataclass(frozen=True)
class TopicRead:
    """Followers of one topic in one shard, in order of subscriber id; `last` is the sort key where the read stopped, None where all was read."""

    followers: Sequence[Follower]
    last: str | None


@dataclass(frozen=True)
class Planned:
    """A batch to write. `not_before` is set for those held by their quiet hours; `capped` are entries whose day is full, decided by that."""

    what: What
    not_before: datetime | None
    capped: frozenset[int] = frozenset()

    @property
    def cells(self) -> tuple[str, ...]:
        """The worker's column to begin with."""
        return tuple(_CAPPED if entry in self.capped else UNTRIED for entry in range(len(self.what.entries)))

    @property
    def going(self) -> list[Entry]:
        """Those who are to get it."""
        return [entry for number, entry in enumerate(self.what.entries) if number not in self.capped]


def bound_of(reads: Iterable[TopicRead]) -> str | None:
    """The first subscriber id that this page must leave to the next, or None where every topic was read to its end.

    Topics' pages end at different ids. Only ids below the least last one are known in full from every topic, so that
    whoever follows two of them is planned once. A read that stopped holds two subscribers at least, so that each page gets further."""
    return min((read.last.split("#")[0] for read in reads if read.last is not None), default=None)


def merge(reads: Sequence[TopicRead], bound: str | None) -> list[Follower]:
    """Each recipient below the bound once per channel, however many of the topics they follow."""
    seen: dict[tuple[str, Channel], Follower] = {}
    for read in reads:
        for follower in read.followers:
            if bound is None or follower.subscriber < bound:
                seen.setdefault((follower.subscriber, follower.channel), follower)
    return [seen[name] for name in sorted(seen)]


def plan(
    followers: Sequence[Follower],
    *,
    channels: Sequence[Channel],
    urgent: bool,
    zone: ZoneInfo,
    pace: Mapping[Channel, int],
    now: datetime,
    full: Full = MappingProxyType({}),
) -> list[Planned]:
    """Batches of one channel, locale and release time each. Those whose day is full are in them, decided."""
    groups: dict[tuple[Channel, str, datetime | None], list[Entry]] = {}
    for follower in followers:
        if follower.channel in channels:
            release = None if urgent else _release(follower, zone, now)
            entry = Entry(follower.subscriber, follower.address, follower.topic, follower.quiet, follower.zone)
            groups.setdefault((follower.channel, follower.locale, release), []).append(entry)
    return [
        Planned(What(channel, locale, some), release, _capped(some, full.get(channel, frozenset())))
        for (channel, locale, release), entries in groups.items()
        for size in [batch_size(channel, pace)]
        for start in range(0, len(entries), size)
        for some in [entries[start : start + size]]
    ]


def batch_size(channel: Channel, pace: Mapping[Channel, int]) -> int:
    """How many recipients one worker takes: a slow sender gets small batches, so that none outlives its worker."""
    return min(MOST_IN_BATCH[channel], max(10, pace.get(channel, 1000) * BATCH_SECONDS))


def recipients(planned: Iterable[Planned]) -> Counter[Channel]:
    """How many there are in these batches, per channel."""
    counts: Counter[Channel] = Counter()
    for one in planned:
        counts[one.what.channel] += len(one.what.entries)
    return counts


def slack(*, urgent: bool) -> timedelta:
    """How long after its time a batch counts as stuck."""
    return SLACK_URGENT if urgent else SLACK


def stuck_at(channel: Channel, so_far: Mapping[Channel, int], pace: Mapping[Channel, int], now: datetime, *, urgent: bool) -> datetime:
    """When the sweep should worry about a batch: once all who were planned `so_far`, in this shard and in its fifteen likes, could have been
    handed over at the sender's pace, and some slack."""
    rate = pace.get(channel)
    return now + slack(urgent=urgent) + (timedelta(seconds=so_far.get(channel, 0) * SHARDS / rate) if rate else timedelta(0))


def _capped(entries: Sequence[Entry], codes: frozenset[str]) -> frozenset[int]:
    return frozenset(number for number, entry in enumerate(entries) if codes and code_of(entry.subscriber) in codes)


def _release(follower: Follower, zone: ZoneInfo, now: datetime) -> datetime | None:
    if follower.quiet is None or follower.channel is Channel.KIOSK:
        return None
    release = released_at(follower.quiet, ZoneInfo(follower.zone) if follower.zone else zone, now)
    return release if release > now else None
