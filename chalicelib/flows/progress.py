"""Progress: how many deliveries of a broadcast stand where, for whoever looks."""

from collections import Counter
from datetime import timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.domain.counts import Unread, as_answer
from chalicelib.flows.completing import complete
from chalicelib.flows.services import Services

LAST_NEWS = timedelta(days=7)
"""No receipt comes later than this after the end: a sum made after it stays."""
LAST_ROWS = timedelta(days=21)
"""So long after the end a broadcast's batches are still all there; whenever it was last summed, the sum stays then."""
BEGUN = frozenset({BroadcastState.SENDING, BroadcastState.COMPLETED, BroadcastState.STOPPED, BroadcastState.NEEDS_REVIEW})


def progress(broadcast: Broadcast, *, services: Services) -> Broadcast:
    """The broadcast with its counts, summed anew unless the kept sum is fresh. A sum that finds everybody settled completes it."""
    if broadcast.state not in BEGUN or _never_began(broadcast) or _is_fresh(broadcast, services):
        return broadcast
    now = services.now()
    reading = services.store.progress.read(broadcast, now)
    if reading.ended and broadcast.state is BroadcastState.SENDING:
        complete(broadcast, reading.values(), services=services)
    else:
        services.store.broadcasts.keep_counts(broadcast, reading.values(), now)
    return services.store.broadcasts.get(broadcast.id) or broadcast


def counts_of(broadcast: Broadcast) -> dict[str, object]:
    """The kept counts in the API's shape; zeros for every channel where nothing was counted yet."""
    zeros = as_answer({channel: Counter() for channel in broadcast.audience.channels})
    return dict(broadcast.counts or zeros)


def not_read(broadcast: Broadcast, *, services: Services) -> Unread | None:
    """Whom a stop left unread, so far; None for a broadcast that was not stopped. Of one that never began, whom it was counted for."""
    if broadcast.stop_at is None:
        return None
    if _never_began(broadcast):
        return Unread({Channel(channel): count for channel, count in (broadcast.planned or {}).items()}, exact=False)
    return services.store.progress.unread(broadcast)


def _never_began(broadcast: Broadcast) -> bool:
    """Whether it was stopped, or waits for a person, before it began: one that ended or was put aside later was counted then."""
    return broadcast.state in {BroadcastState.STOPPED, BroadcastState.NEEDS_REVIEW} and broadcast.counts is None


def _is_fresh(broadcast: Broadcast, services: Services) -> bool:
    now, ended_at, counted_at = services.now(), broadcast.ended_at, broadcast.counted_at
    if ended_at and now - ended_at > LAST_ROWS:
        return True
    if counted_at is None:
        return False
    return now - counted_at < services.counts_age or (ended_at is not None and counted_at - ended_at > LAST_NEWS)
