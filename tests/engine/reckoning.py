"""What must have come of everybody once a watched town came to rest."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey
from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.domain.delivery import SETTLED, Mark, State
from chalicelib.domain.ids import SHARDS
from chalicelib.store.batch_rows import read_what, what_key
from chalicelib.store.history import Pointer
from tests.engine.watched_town import WatchedTown

WAITS_FOR_A_PERSON = {BroadcastState.AWAITING_APPROVAL, BroadcastState.NEEDS_REVIEW}
UNSENT = {State.SKIPPED, State.EXPIRED, State.FAILED}

Recipient = tuple[str, Channel]


@dataclass(frozen=True)
class Posted:
    """A broadcast as it was posted: who followed then, and how many writes there had been."""

    name: str
    followers: frozenset[Recipient]
    writes: int


def followers_of(town: WatchedTown, topics: Iterable[str]) -> frozenset[Recipient]:
    """Who follows any of these now."""
    return frozenset((one.subscriber, one.channel) for topic in topics for one in town.plain.subscriptions.followers(topic, shards=range(SHARDS)))


def reckoned(town: WatchedTown, posted: Iterable[Posted]) -> list[str]:
    """All that is wrong, with what the checker finds."""
    known = {one.name: one for one in posted}
    ended = [one for one in town.broadcasts() if one.state not in WAITS_FOR_A_PERSON]
    return [*(what for one in ended for what in _broken(town, one, known.get(one.id))), *town.broken()]


def _broken(town: WatchedTown, broadcast: Broadcast, posted: Posted | None) -> Iterator[str]:
    standings = list(town.standings(broadcast.id))
    seen = Counter((who, channel) for who, channel, _ in standings)
    must, may = _expected(town, broadcast, posted)
    yield from (f"planned {count} times: {who}" for who, count in seen.items() if count != 1)
    yield from (f"lost: {who}" for who in must - seen.keys())
    yield from (f"not of the audience: {who}" for who in seen.keys() - may)
    for who, channel, mark in standings:
        yield from _of(town, broadcast, who, channel, mark)


def _expected(town: WatchedTown, broadcast: Broadcast, posted: Posted | None) -> tuple[set[Recipient], set[Recipient]]:
    """Who must be in it, and who may. Whoever joined or left meanwhile may; a stop may have come before anybody was read. A correction goes
    to whoever got the wrong one, and to nobody whom no worker ever marked."""
    stopped = broadcast.id in town.journal.stopped
    if broadcast.audience.corrects:
        got = {_named(town, one.token) for provider in town.carriers.values() for one in provider.truth}
        must = {recipient for name, recipient in got if name == broadcast.audience.corrects}
        marked = {_recipient(town, key, entry) for key, entry in town.journal.marks if key.broadcast == broadcast.audience.corrects}
        return set() if stopped else must, marked
    assert posted
    moved = {who for who, write in town.journal.moved.items() if write > posted.writes}
    came = {(who, channel) for who in moved for channel in Channel}
    return set() if stopped else {one for one in posted.followers if one not in came}, {*posted.followers, *came}


def _of(town: WatchedTown, broadcast: Broadcast, who: str, channel: Channel, mark: Mark) -> Iterator[str]:
    pointer, name = town.plain.history.find(who, broadcast.id, channel), f"{who[-3:]} on {channel} of {broadcast.id[:6]}"
    if pointer is None:
        yield f"{name} has no history"
        return
    handed = sum(_is_of(town, one.token, pointer) for provider in town.carriers.values() for one in provider.truth)
    told = [state for token, state in town.reported if _is_of(town, token, pointer)]
    proven = State.DELIVERED if State.DELIVERED in told else told[0] if told else mark.state
    if mark.state not in SETTLED:
        yield f"{name} is not settled: {mark}"
    if handed and mark.state in UNSENT:
        yield f"{name} was handed over and shows {mark}"
    if not handed and mark.state in {State.ACCEPTED, State.DELIVERED}:
        yield f"{name} was not handed over and shows {mark}"
    if mark.state is not proven:
        yield f"{name} is {proven} by receipt and shows {mark}"


def _is_of(town: WatchedTown, token: str, pointer: Pointer) -> bool:
    parts = town.services.tokens.read("delivery", token) or ()
    return parts[:4] == (pointer.batch.broadcast, str(pointer.batch.shard), pointer.batch.name, str(pointer.entry))


def _named(town: WatchedTown, token: str) -> tuple[str, Recipient]:
    """The broadcast and the recipient that a token is about."""
    broadcast, shard, name, entry, _ = town.services.tokens.read("delivery", token) or ("", "0", "", "0", "")
    return broadcast, _recipient(town, BatchKey(broadcast, int(shard), name), int(entry))


def _recipient(town: WatchedTown, key: BatchKey, entry: int) -> Recipient:
    what = read_what(key, town.state.table.get_many([what_key(key)]))
    assert what
    return what.entries[entry].subscriber, what.channel
