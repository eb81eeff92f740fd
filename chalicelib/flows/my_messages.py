"""My messages: what we sent to a person, newest first, and what became of each.

history, and of the newest broadcasts what was held back or passed over → where each stands → what it said

Reads only. History has what a worker had in hand; what was decided when it was planned, or still waits, stands in the batches alone, so the newest
broadcasts to what they follow are searched for it, and no more of them than a page may take the time for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, BatchState, HowFar, What
from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.domain.delivery import State
from chalicelib.domain.ids import shard_of
from chalicelib.domain.told import Told, fate_of
from chalicelib.flows.services import Services
from chalicelib.state.table import MOST_GET
from chalicelib.store.batch_rows import far_key, read_far, read_what, what_key
from chalicelib.store.progress import counted

MOST = 100
_SEARCHED = 20
"""The newest broadcasts that are searched for somebody whom no worker had in hand."""
_LAUNCHED = frozenset({BroadcastState.SENDING, BroadcastState.COMPLETED, BroadcastState.STOPPED})


@dataclass(frozen=True)
class _Place:
    """Where somebody stands in a broadcast."""

    broadcast: str
    what: What
    far: HowFar
    number: int


def my_messages(subscriber: str, *, services: Services) -> list[Told]:
    """Up to 100, newest first."""
    store = services.store
    pointers = [one for channel in (Channel.SMS, Channel.EMAIL) for one in store.history.every(subscriber, channel)]
    known = {(one.batch.broadcast, one.channel) for one in pointers}
    searched = _searchable(subscriber, services)
    broadcasts = {one.id: one for one in searched} | store.broadcasts.get_many({name for name, _ in known} - {one.id for one in searched})
    newest = sorted((one for one in pointers if one.batch.broadcast in broadcasts), key=lambda one: _at(broadcasts[one.batch.broadcast]), reverse=True)
    places = list(_at_pointers([(one.batch, one.entry) for one in newest[:MOST]], services))
    for broadcast in searched:
        places += [place for place in _not_in_hand(broadcast.id, subscriber, services) if (broadcast.id, place.what.channel) not in known]
    return _told(places, broadcasts, services)


def _at(broadcast: Broadcast) -> float:
    return max(broadcast.send_at.instant, broadcast.created_at).timestamp()


def _searchable(subscriber: str, services: Services) -> list[Broadcast]:
    """The newest broadcasts that reach what a person follows."""
    follows = {one.topic for one in services.store.subscriptions.of(subscriber)}
    found, _ = services.store.broadcasts.page(limit=_SEARCHED)
    return [one for one in found if one.state in _LAUNCHED and follows.intersection(one.audience.reached)]


def _at_pointers(pointers: Sequence[tuple[BatchKey, int]], services: Services) -> Iterator[_Place]:
    for start in range(0, len(pointers), MOST_GET // 2):
        some = pointers[start : start + MOST_GET // 2]
        keys = {key: None for batch, _ in some for key in (what_key(batch), far_key(batch))}
        rows = services.store.table.get_many(list(keys), consistent=False)
        for batch, number in some:
            what, far = read_what(batch, rows), read_far(batch, rows)
            if what and far:
                yield _Place(batch.broadcast, what, far, number)


def _not_in_hand(broadcast: str, subscriber: str, services: Services) -> Iterator[_Place]:
    """Their places in batches that wait, or that were decided when they were planned."""
    store, shard = services.store, shard_of(subscriber)
    batches = [(key, far) for key, far in counted(store.batches, broadcast, shard, store.shards.get(broadcast, shard)) if _is_not_in_hand(far)]
    for start in range(0, len(batches), MOST_GET):
        some = batches[start : start + MOST_GET]
        rows = store.table.get_many([what_key(key) for key, _ in some], consistent=False)
        for key, far in some:
            what = read_what(key, rows)
            for number, entry in enumerate(what.entries if what else ()):
                if what and entry.subscriber == subscriber:
                    yield _Place(broadcast, what, far, number)


def _is_not_in_hand(far: HowFar) -> bool:
    """Whether some of it wait, or were passed over."""
    return far.channel is not Channel.KIOSK and (far.state is not BatchState.SETTLED or any(cell.startswith(State.SKIPPED) for cell in far.cells))


def _told(places: Sequence[_Place], broadcasts: dict[str, Broadcast], services: Services) -> list[Told]:
    said = services.store.contents.of({place.broadcast for place in places})
    found = [_one(place, broadcasts[place.broadcast], services) for place in places if place.broadcast in said]
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST]


def _one(place: _Place, broadcast: Broadcast, services: Services) -> Told:
    mark = place.far.standing(place.number)
    return Told(
        broadcast=broadcast.id,
        content=services.store.contents.of([broadcast.id])[broadcast.id],
        channel=place.what.channel,
        locale=place.what.locale,
        at=max(broadcast.send_at.instant, broadcast.created_at),
        fate=fate_of(mark),
        until=place.far.not_before if mark.state is State.HELD else None,
    )
