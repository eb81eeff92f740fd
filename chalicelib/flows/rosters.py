"""Rosters: who is in a digest, page by page, and which notices each of them is told of in it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.digests import MOST_ITEMS
from chalicelib.domain.matching import why_not
from chalicelib.domain.plan import Follower, NextPage
from chalicelib.flows.occasions import occasion_of
from chalicelib.flows.services import Services
from chalicelib.store.shards import END
from chalicelib.store.subscriptions import Subscription

PAGE_ROWS = 500

_Told = dict[str, tuple[Broadcast, Content]]


def in_digest(broadcast: Broadcast, number: int, after: str, *, services: Services) -> NextPage:
    """The next page of a digest's roster. Whom nothing concerns is not in its audience."""
    told = _told(broadcast, services)
    rows, last = _rows(broadcast, number, after, services)
    followers = [one for one in (_follower(list(same), told, services) for _, same in groupby(rows, key=_recipient)) if one]
    return NextPage(followers, END if last is None else last)


def rostered(broadcast: Broadcast, number: int, after: str = "", *, services: Services) -> Iterator[Follower]:
    """Everybody of a shard whom a digest would tell something, from a place on."""
    while after != END:
        page = in_digest(broadcast, number, after, services=services)
        yield from page.followers
        after = page.after


def _rows(broadcast: Broadcast, number: int, after: str, services: Services) -> tuple[list[Subscription], str | None]:
    """Whole subscribers of a slot, and the id that the next page begins with; None at the end."""
    slot = broadcast.audience.digest or ""
    found, at = services.store.subscriptions.roster_page(slot, number, after=after or None, limit=PAGE_ROWS), None
    rows = list(found.rows)
    while found.after is not None and at is None:
        last = rows[-1].key.sort.split("#")[0]
        whole = [row for row in rows if row.key.sort.split("#")[0] != last]
        if whole:
            rows, at = whole, last
        else:  # one subscriber fills the page
            found = services.store.subscriptions.roster_page(slot, number, after=found.after, limit=PAGE_ROWS)
            rows += found.rows
    kept = services.store.subscriptions.as_rostered(rows)
    return sorted(kept, key=_recipient), at


def _recipient(one: Subscription) -> tuple[str, str]:
    return one.subscriber, one.channel


def _told(broadcast: Broadcast, services: Services) -> _Told:
    """What the digest may tell of, newest first."""
    content = services.store.broadcasts.content(broadcast.id)
    names = content.items if content else ()
    said = services.store.contents.of(names)
    found = services.store.broadcasts.get_many(names)
    return {name: (found[name], said[name]) for name in names if name in found and name in said}


def _follower(follows: Sequence[Subscription], told: _Told, services: Services) -> Follower | None:
    """One recipient, with what concerns them; None where nothing does."""
    items = tuple(islice((name for name, (sent, content) in told.items() if _concerns(follows, sent, content, services)), MOST_ITEMS))
    if not items:
        return None
    first = next(one for one in follows if any(one.topic in told[name][0].audience.reached for name in items))
    return replace(_as_follower(first), items=items)


def _concerns(follows: Iterable[Subscription], sent: Broadcast, content: Content, services: Services) -> bool:
    """Whether any of their subscriptions would have brought it. Their days and hours do not count: a digest has its own."""
    occasion = occasion_of(sent, content, services=services)
    for one in follows:
        if one.topic in sent.audience.reached and one.channel in sent.audience.channels and one.channel is not Channel.KIOSK:
            filters = replace(one.filters, hours=None)
            if why_not(filters, occasion.told, zone=occasion.zone, now=services.now()) is None:
                return True
    return False


def _as_follower(one: Subscription) -> Follower:
    return Follower(one.subscriber, one.channel, one.address, one.topic, one.locale, one.preferences, one.filters)
