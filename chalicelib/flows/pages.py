"""Pages: what a fan-out job reads next, and what a stop leaves unread.

An audience is who follows its topics; or, for a correction, who got the wrong broadcast or may have: then the pages are that one's.
"""

from collections import Counter
from datetime import datetime

from chalicelib.domain.batch import Entry, What
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.correction import is_going
from chalicelib.domain.counts import Unread
from chalicelib.domain.plan import Follower, NextPage, TopicRead, bound_of, merge
from chalicelib.domain.preferences import UNCHOSEN, Preferences
from chalicelib.flows.rosters import in_digest, rostered
from chalicelib.flows.services import Services
from chalicelib.state.table import Row
from chalicelib.store.shards import END, Shard
from chalicelib.store.subscriptions import read_subscription

PAGE_ROWS = 2000


def next_page(broadcast: Broadcast, number: int, shard: Shard, *, services: Services) -> NextPage | None:
    """The next page of a shard. None where it has to wait: somebody on it may be getting the wrong notice right now."""
    if broadcast.audience.corrects:
        return _who_may_have(broadcast.audience.corrects, number, shard, services)
    if broadcast.audience.digest:
        return in_digest(broadcast, number, shard.after, services=services)
    reads = [_read_topic(topic, number, shard.after, broadcast.launched_at, services) for topic in broadcast.audience.reached]
    bound = bound_of(reads)
    return NextPage(merge(reads, bound), END if bound is None else bound)


def unread(broadcast: Broadcast, number: int, shard: Shard, *, services: Services) -> Unread:
    """Who would have been on the pages of a shard that nobody read."""
    if shard.after == END:
        return Unread()
    if broadcast.audience.digest:
        return Unread(Counter(one.channel for one in rostered(broadcast, number, shard.after, services=services)))
    wrong = broadcast.audience.corrects
    if wrong:
        return Unread(services.store.reach.count_from(wrong, number, services.store.shards.get(wrong, number), shard.page))
    return services.store.headcounts.unread(broadcast.audience.reached, broadcast.audience.channels, shard=number, after=shard.after)


# --- followers -------------------------------------------------------------------------------------------------------


def _read_topic(topic: str, number: int, after: str, launched_at: datetime | None, services: Services) -> TopicRead:
    """Followers of a topic, two subscribers at least where more follow: or a page that one of them fills would come for ever. They want it one by one or
    in a digest as they did when it was launched."""
    rows: list[Row] = []
    at: str | None = after or None
    while True:
        page = services.store.subscriptions.audience_page(topic, number, after=at, limit=PAGE_ROWS)
        rows += page.rows
        at = page.after
        if at is None or (rows and _subscriber(rows[0]) != _subscriber(rows[-1])):
            break
    return TopicRead([_follower(row, launched_at) for row in rows], rows[-1].key.sort if at is not None else None)


def _subscriber(row: Row) -> str:
    return row.key.sort.split("#")[0]


def _follower(row: Row, launched_at: datetime | None) -> Follower:
    one = read_subscription(row.values)
    return Follower(one.subscriber, one.channel, one.address, one.topic, one.locale, one.as_of(launched_at), one.filters)


# --- who got the wrong one -------------------------------------------------------------------------------------------


def _who_may_have(wrong: str, number: int, shard: Shard, services: Services) -> NextPage | None:
    """The next page of the wrong broadcast, less whom it did not reach. What it writes of pages from now on reaches nobody: it was stopped."""
    tokens = services.store.shards.get(wrong, number).tokens
    if shard.page >= len(tokens):
        return NextPage([], END)
    batches = dict(services.store.batches.of_page(wrong, number, shard.page, tokens[shard.page]))
    if any(is_going(far, services.now()) for far in batches.values()):
        return None
    followers = [follower for what in services.store.reach.of(batches) for follower in _recipients(what)]
    last = shard.page + 1 == len(tokens)
    return NextPage(followers, END if last else f"P{shard.page + 1:04d}")


def _recipients(what: What) -> list[Follower]:
    """They asked for the wrong one, so they are told; when, is as it was for that."""
    return [Follower(one.subscriber, what.channel, one.address, one.topic, what.locale, _hours(one)) for one in what.entries]


def _hours(one: Entry) -> Preferences:
    return Preferences(zone=one.zone, quiet=one.quiet) if one.zone or one.quiet is not None else UNCHOSEN
