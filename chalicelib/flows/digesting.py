"""Digesting: each time a slot comes round, a broadcast of its own tells those in it what was said since.

    is it time? → is anybody in it? → what was launched since the last one, or longer ago for whoever came from another slot → one transaction

Every notice in it was approved when it was said; that is the digest's approval. Made once, however often this runs.
"""

import hashlib
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Approval, Audience, Broadcast, BroadcastState, Content, SendAt, hash_of
from chalicelib.domain.digests import CATCH_UP, KEPT, MARGIN, Item, Slot, last_due, worth_telling
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.domain.rhythms import Period
from chalicelib.errors import TransactionRefused
from chalicelib.flows.launching import queue_launch
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.audit import AuditEntry

AUTHOR = "digest"
HOLDS = timedelta(hours=12)
"""A digest that could not be handed over for so long is not worth having any more."""


def make_digest(name: str, *, services: Services) -> None:
    """Make the digest of a slot if its hour has come and it was not made yet. A slot that nobody was in before begins with its next hour; one that
    nobody is in any more is forgotten when its hour comes."""
    slot, now = Slot.read(name), services.now()
    due = last_due(slot, services.city.zone, now)
    period = services.store.digests.next_period(name, due)
    if period is None:
        services.store.digests.begin(name, due)
    elif period.after < period.until and now - due <= CATCH_UP and not services.store.subscriptions.drop_empty(name):
        _make(slot, period, due, services)


def _make(slot: Slot, period: Period, due: datetime, services: Services) -> None:
    items = _items(slot, period, services)
    broadcast, writes = _broadcast(slot, period, due, items, services) if items else (None, [])
    try:
        services.store.table.transact([services.store.digests.done_write(slot.name, due), *writes])
    except TransactionRefused:
        return  # another was first
    if broadcast:
        queue_launch(broadcast, services=services)


def _items(slot: Slot, period: Period, services: Services) -> list[Item]:
    """What the digest may tell of: what was launched since the last one was made. After an outage, and where clocks were changed, that is longer or
    shorter than a day; and where somebody has come from another slot since, all that may have waited for them."""
    carried = services.store.subscriptions.carried(slot.name)
    looks_back = period.first or (carried is not None and carried > period.after - MARGIN)
    start = period.until - KEPT if looks_back else period.after
    names = services.store.digests.sent(start, period.until)
    sent, said = services.store.broadcasts.get_many(names), services.store.contents.of(names)
    items = [Item(sent[name], said[name]) for name in names if name in sent and name in said and start < sent[name].said_at <= period.until]
    return worth_telling(items, period.after, services.now())


def _broadcast(slot: Slot, period: Period, due: datetime, items: list[Item], services: Services) -> tuple[Broadcast, list[Write]]:
    """The broadcast, and the writes that make it. Whom it concerns is read when it is launched."""
    now = services.now()
    name = "bc_" + hashlib.sha256(f"digest\n{slot.name}\n{due.isoformat()}".encode()).hexdigest()[:32]
    reached = tuple(sorted({topic for one in items for topic in one.broadcast.audience.reached}))
    audience = Audience(reached[:1], reached, (Channel.SMS, Channel.EMAIL), digest=slot.name)
    content = Content(
        notice="dg_" + name.removeprefix("bc_"),
        revision=1,
        act=Act.PUBLISHED,
        kind=Kind.ANNOUNCEMENT,
        severity=Severity.MINOR,
        urgency=Urgency.FUTURE,
        texts={"en": Text("; ".join(_title(one.content) for one in items[:3]), "")},
        language="en",
        link=None,
        starts_at=None,
        expires_at=now + HOLDS,
        items=tuple(one.broadcast.id for one in items),
    )
    digest = hash_of(content, audience)
    broadcast = Broadcast(
        id=name,
        state=BroadcastState.SCHEDULED,
        author=AUTHOR,
        created_at=now,
        send_at=SendAt(now),
        audience=audience,
        urgent=False,
        expires_at=content.expires_at,
        content_hash=digest,
        approval=Approval(AUTHOR, "digest", digest, now),
    )
    entry = services.store.audit.write(name, AuditEntry(AUTHOR, "broadcast.created", now), id=name)
    return broadcast, [*services.store.broadcasts.create_writes(broadcast, content), services.store.digests.period_write(name, period, due), entry]


def _title(content: Content) -> str:
    return content.texts[content.language].title if content.language in content.texts else next(iter(content.texts.values())).title
