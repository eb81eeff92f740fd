"""Headcounts: who follows topics, from the audience rows themselves, so that no counter can drift.

The rows of all topics are read in step, by subscriber id, so that whoever is on several topics counts once. Ids are random
and evenly spread: after 10,000 rows the id reached says which share was seen, and the rest is as much again.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from chalicelib.domain.address import Channel
from chalicelib.domain.counts import Unread
from chalicelib.domain.ids import SHARDS
from chalicelib.domain.preview import Headcount
from chalicelib.state.table import Table
from chalicelib.store.subscriptions import Subscription, Subscriptions

MOST_READ = 10_000
MOST_UNREAD = 20_000
_DIGITS = 12


@dataclass(frozen=True)
class Headcounts:
    """Counts followers."""

    table: Table

    def count(self, topics: Sequence[str], channels: Collection[Channel], *, most: int = MOST_READ) -> Headcount:
        """Who follows these topics on these channels: exact up to `most` subscriptions, else estimated from as many."""
        rows = list(islice(self._in_step(topics), most + 1))
        share = _share(rows[-1].subscriber) if len(rows) > most else 1.0
        seen = [next(same) for _, same in groupby(rows, key=_recipient)]
        wanted = [one for one in seen if one.channel in channels]
        counts = Counter(one.channel for one in wanted)
        texts = Counter(one.locale for one in wanted if one.channel is Channel.SMS)
        people = len({one.subscriber for one in wanted if one.channel is not Channel.KIOSK})
        return Headcount(
            people=round(people / share),
            channels={channel: round(counts[channel] / share) for channel in Channel if channel in channels},
            texts={locale: round(count / share) for locale, count in sorted(texts.items())},
            exact=len(rows) <= most,
        )

    def unread(self, topics: Sequence[str], channels: Collection[Channel], *, shard: int, after: str, most: int = MOST_UNREAD) -> Unread:
        """Who follows these topics on these channels in a shard, after a subscriber id: exact up to `most` subscriptions, else estimated."""
        rows = list(islice(self._in_step(topics, shards=[shard], after=after or None), most + 1))
        exact = len(rows) <= most
        share = 1.0 if exact else _share_between(_share(after) if after else shard / SHARDS, rows[-1].subscriber, (shard + 1) / SHARDS)
        seen = Counter(one.channel for one in (next(same) for _, same in groupby(rows, key=_recipient)))
        return Unread({channel: round(seen[channel] / share) for channel in channels}, exact)

    def _in_step(self, topics: Sequence[str], *, shards: Sequence[int] = range(SHARDS), after: str | None = None) -> Iterator[Subscription]:
        followers = [Subscriptions(self.table).followers(topic, shards=shards, after=after) for topic in topics]
        return heapq.merge(*followers, key=_recipient)


def _recipient(one: Subscription) -> tuple[str, str]:
    return one.subscriber, one.channel


def _share(subscriber: str) -> float:
    """Which share of all possible ids comes before this one."""
    return max(int(subscriber[:_DIGITS], 16), 1) / float(16**_DIGITS)


def _share_between(start: float, subscriber: str, end: float) -> float:
    """Which share of the ids from `start` to `end` comes before this one."""
    return max(_share(subscriber) - start, 16.0**-_DIGITS) / (end - start)
