"""Planning: a page of followers becomes batches. Nothing here reads or writes."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import Entry, What
from chalicelib.domain.cap import Full, code_of
from chalicelib.domain.delivery import UNTRIED, Mark, SkipReason, State
from chalicelib.domain.filters import EVERYTHING, Filters
from chalicelib.domain.ids import SHARDS
from chalicelib.domain.preferences import UNCHOSEN, Preferences
from chalicelib.domain.reception import Hold, Occasion, Verdict, Wish, best, own_quiet, receive

MOST_IN_BATCH: Mapping[Channel, int] = {Channel.SMS: 100, Channel.EMAIL: 250, Channel.KIOSK: 50}
"""Why so many: docs/decisions/0003-larger-batches.md"""
BATCH_SECONDS = 20
"""A batch should take no longer than this at the sender's pace."""
SLACK = timedelta(minutes=10)
SLACK_URGENT = timedelta(minutes=2)
"""How long after its expected hand-over a batch counts as stuck."""

_CAPPED = Mark(State.SKIPPED, SkipReason.CAP)


@dataclass(frozen=True)
class Follower:
    """What planning needs of one subscription. `others` are the same recipient's further ones that bring this broadcast, where any of them asks
    for less than all of it. `items` are the broadcasts that their digest tells of."""

    subscriber: str
    channel: Channel
    address: str
    topic: str
    locale: str
    preferences: Preferences = UNCHOSEN
    filters: Filters = EVERYTHING
    others: tuple["Follower", ...] = ()
    items: tuple[str, ...] = ()

    @property
    def chose(self) -> bool:
        """Whether they chose anything."""
        return self.preferences is not UNCHOSEN or self.filters is not EVERYTHING


@dataclass(frozen=True)
class TopicRead:
    """Followers of one topic in one shard, in order of subscriber id; `last` is the sort key where the read stopped, None where all was read."""

    followers: Sequence[Follower]
    last: str | None


@dataclass(frozen=True)
class NextPage:
    """Recipients in order, each once per channel, and where the page after it starts."""

    followers: Sequence[Follower]
    after: str


@dataclass(frozen=True)
class Planned:
    """A batch to write. `not_before` is set for those held until later; `skipped` are entries that planning decided, and why."""

    what: What
    not_before: datetime | None
    skipped: Mapping[int, Mark] = field(default_factory=dict)

    @property
    def cells(self) -> tuple[str, ...]:
        """The worker's column to begin with."""
        if not self.skipped:
            return (UNTRIED,) * len(self.what.entries)
        return tuple(str(self.skipped[entry]) if entry in self.skipped else UNTRIED for entry in range(len(self.what.entries)))

    @property
    def going(self) -> list[Entry]:
        """Those who are to get it."""
        return [entry for number, entry in enumerate(self.what.entries) if number not in self.skipped]


def bound_of(reads: Iterable[TopicRead]) -> str | None:
    """The first subscriber id that this page must leave to the next, or None where every topic was read to its end.

    Topics' pages end at different ids. Only ids below the least last one are known in full from every topic, so that
    whoever follows two of them is planned once. A read that stopped holds two subscribers at least, so that each page gets further."""
    return min((read.last.split("#")[0] for read in reads if read.last is not None), default=None)


def merge(reads: Sequence[TopicRead], bound: str | None) -> list[Follower]:
    """Each recipient below the bound once per channel, however many of the topics they follow. Where one of their subscriptions asks for a part
    only, the others stand beside it."""
    seen: dict[tuple[str, Channel], Follower] = {}
    for read in reads:
        for follower in read.followers:
            if bound is None or follower.subscriber < bound:
                first = seen.setdefault((follower.subscriber, follower.channel), follower)
                if first is not follower and (first.chose or follower.chose):
                    seen[follower.subscriber, follower.channel] = replace(first, others=(*first.others, follower))
    return [seen[name] for name in sorted(seen)]


def plan(
    followers: Sequence[Follower],
    occasion: Occasion,
    *,
    channels: Sequence[Channel],
    pace: Mapping[Channel, int],
    now: datetime,
    full: Full = MappingProxyType({}),
    unreachable: Collection[str] = (),
) -> list[Planned]:
    """Batches of one channel, locale and release time each. Who is not to get it is in them, decided: they did not ask for this, or their day is full.
    `unreachable` are those whose email address takes no email."""
    groups: dict[tuple[Channel, str, datetime | None, tuple[str, ...]], list[tuple[Entry, Mark | None]]] = {}
    plain, emails = _Plain(occasion, now), _by_email(followers, occasion, channels, now, unreachable)
    for follower in (_less_emailed(one, emails) for one in followers):
        if follower.channel in channels:
            by_email = _is_emailed(follower, emails)
            chosen, verdict = _judged(follower, occasion, by_email, now) if follower.chose or follower.others else (follower, plain.of(follower.channel))
            release = verdict.until if isinstance(verdict, Hold) else None
            mark = verdict if isinstance(verdict, Mark) else _capped(follower, full)
            groups.setdefault((follower.channel, chosen.locale, release, follower.items), []).append((_entry(chosen), mark))
    return [
        Planned(What(channel, locale, [entry for entry, _ in some], items=items), release, {number: mark for number, (_, mark) in enumerate(some) if mark})
        for (channel, locale, release, items), entries in groups.items()
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


def by_email_first(followers: Sequence[Follower]) -> dict[str, str]:
    """The email addresses, by subscriber, of those who would rather have this by email alone."""
    wanting = {one.subscriber for one in followers if one.preferences.email_first}
    return {one.subscriber: one.address for one in followers if one.channel is Channel.EMAIL and one.subscriber in wanting} if wanting else {}


def _by_email(
    followers: Sequence[Follower], occasion: Occasion, channels: Sequence[Channel], now: datetime, unreachable: Collection[str]
) -> dict[str, frozenset[str]]:
    """Who gets this by email too, and in a digest what it tells them there, where anybody would rather have it so."""
    if Channel.EMAIL not in channels or not any(one.preferences.email_first for one in followers):
        return {}
    emails = [one for one in followers if one.channel is Channel.EMAIL and one.subscriber not in unreachable]
    return {one.subscriber: frozenset(one.items) for one in emails if not isinstance(_judged(one, occasion, False, now)[1], Mark)}


def _is_emailed(follower: Follower, emails: Mapping[str, frozenset[str]]) -> bool:
    """Whether they get all of it by email."""
    return follower.subscriber in emails and emails[follower.subscriber].issuperset(follower.items)


def _less_emailed(follower: Follower, emails: Mapping[str, frozenset[str]]) -> Follower:
    """A digest by text of somebody who would rather have it by email is without what the email tells, unless that is all of it."""
    if not follower.preferences.email_first:
        return follower
    rest = tuple(one for one in follower.items if one not in emails.get(follower.subscriber, ()))
    return replace(follower, items=rest) if rest else follower


def _judged(follower: Follower, occasion: Occasion, by_email: bool, now: datetime) -> tuple[Follower, Verdict]:
    """The subscription that brings it, and what becomes of it."""
    verdicts = [(one, receive(Wish(one.channel, one.preferences, one.filters, by_email), occasion, now)) for one in (follower, *follower.others)]
    wanted = best(verdict for _, verdict in verdicts)
    return next((one, verdict) for one, verdict in verdicts if verdict == wanted)


class _Plain:
    """What becomes of those who chose nothing: the same for all of a channel."""

    def __init__(self, occasion: Occasion, now: datetime) -> None:
        self._verdicts = {channel: receive(Wish(channel), occasion, now) for channel in Channel}

    def of(self, channel: Channel) -> Verdict:
        return self._verdicts[channel]


def _entry(one: Follower) -> Entry:
    return Entry(one.subscriber, one.address, one.topic, own_quiet(one.preferences, one.filters), one.preferences.zone)


def _capped(follower: Follower, full: Full) -> Mark | None:
    codes = full.get(follower.channel)
    return _CAPPED if codes and code_of(follower.subscriber) in codes else None
