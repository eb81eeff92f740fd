"""Rosters: who is in a digest, page by page, and which notices each of them is told of in it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, islice

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.digests import MOST_ITEMS, Slot
from chalicelib.domain.matching import why_not
from chalicelib.domain.plan import Follower, NextPage
from chalicelib.domain.rhythms import EVER, Period, Span, slot_at, spans
from chalicelib.flows.occasions import occasion_of
from chalicelib.flows.services import Services
from chalicelib.store.shards import END
from chalicelib.store.subscriptions import Subscription

PAGE_ROWS = 500


@dataclass(frozen=True)
class _Item:
    """A broadcast that a digest may tell of. `first` is when what it corrects was launched, however many were between."""

    broadcast: Broadcast
    content: Content
    first: datetime


@dataclass(frozen=True)
class _Digest:
    """A digest: its slot, what it tells of by when that was launched, and of which broadcasts, newest first."""

    slot: Slot
    period: Period
    told: Mapping[str, _Item]


def in_digest(broadcast: Broadcast, number: int, after: str, *, services: Services) -> NextPage:
    """The next page of a digest's roster. Whom nothing concerns is not in its audience."""
    digest = _digest(broadcast, services)
    rows, last = _rows(digest, number, after, services)
    followers = [one for one in (_follower(list(same), digest, services) for _, same in groupby(rows, key=_recipient)) if one]
    return NextPage(followers, END if last is None else last)


def rostered(broadcast: Broadcast, number: int, after: str = "", *, services: Services) -> Iterator[Follower]:
    """Everybody of a shard whom a digest would tell something, from a place on."""
    while after != END:
        page = in_digest(broadcast, number, after, services=services)
        yield from page.followers
        after = page.after


def _rows(digest: _Digest, number: int, after: str, services: Services) -> tuple[list[Subscription], str | None]:
    """Whole subscribers of a slot, and the id that the next page begins with; None at the end."""
    store, slot = services.store.subscriptions, digest.slot
    found, at = store.roster_page(slot.name, number, after=after or None, limit=PAGE_ROWS), None
    rows = list(found.rows)
    while found.after is not None and at is None:
        last = rows[-1].key.sort.split("#")[0]
        whole = [row for row in rows if row.key.sort.split("#")[0] != last]
        if whole:
            rows, at = whole, last
        else:  # one subscriber fills the page
            found = store.roster_page(slot.name, number, after=found.after, limit=PAGE_ROWS)
            rows += found.rows
    return sorted(store.as_rostered(rows, slot, digest.period.after, services.city.zone), key=_recipient), at


def _recipient(one: Subscription) -> tuple[str, str]:
    return one.subscriber, one.channel


# --- what it tells of ------------------------------------------------------------------------------------------------


def _digest(broadcast: Broadcast, services: Services) -> _Digest:
    """A digest as it was made. One whose period was never kept tells of all it holds."""
    content, slot = services.store.broadcasts.content(broadcast.id), Slot.read(broadcast.audience.digest or "")
    period = services.store.digests.period(broadcast.id) or Period(EVER, broadcast.created_at)
    names = content.items if content else ()
    said, found = services.store.contents.of(names), services.store.broadcasts.get_many(names)
    told = {name: _Item(found[name], said[name], _first(found[name], services)) for name in names if name in found and name in said}
    return _Digest(slot, period, told)


def _first(broadcast: Broadcast, services: Services) -> datetime:
    wrong: Broadcast | None = broadcast
    while wrong and wrong.audience.corrects:
        broadcast, wrong = wrong, services.store.broadcasts.get(wrong.audience.corrects)
    return (wrong or broadcast).said_at


# --- whom it concerns ------------------------------------------------------------------------------------------------


def _follower(follows: Sequence[Subscription], digest: _Digest, services: Services) -> Follower | None:
    """One recipient, with what concerns them; None where nothing does."""
    owed = [(one, spans(one.whole_rhythm, digest.slot, digest.period, services.city.zone)) for one in follows]
    items = tuple(islice((name for name, item in digest.told.items() if _concerns(owed, item, services)), MOST_ITEMS))
    if not items:
        return None
    first = next(one for one in follows if any(one.topic in digest.told[name].broadcast.audience.reached for name in items))
    return replace(_as_follower(first), items=items)


def _concerns(owed: Iterable[tuple[Subscription, Sequence[Span]]], item: _Item, services: Services) -> bool:
    """Whether any of their subscriptions would have brought it, and waited for this digest. Their days and hours do not count: a digest has its own."""
    sent = item.broadcast
    occasion = occasion_of(sent, item.content, services=services)
    for one, theirs in owed:
        if one.topic in sent.audience.reached and one.channel in sent.audience.channels and one.channel is not Channel.KIOSK and _waits(one, theirs, item):
            filters = replace(one.filters, hours=None)
            if why_not(filters, occasion.told, zone=occasion.zone, now=services.now()) is None:
                return True
    return False


def _waits(one: Subscription, theirs: Sequence[Span], item: _Item) -> bool:
    """Whether it waited for this digest. A correction does for whoever the wrong one waited for: those who got that by itself get this so too."""
    moments = {item.broadcast.said_at, item.first}
    return any(after < moment <= until for after, until in theirs for moment in moments) and slot_at(one.whole_rhythm, item.first) is not None


def _as_follower(one: Subscription) -> Follower:
    return Follower(one.subscriber, one.channel, one.address, one.topic, one.locale, one.preferences, one.filters)
