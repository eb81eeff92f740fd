"""Explain: why an address did or did not get a broadcast, with what its owner wanted then.

its place in a batch (history, else the shard's rows) → where it stands → the ledger replayed up to when it was planned → the rule that planned it

Reads only. Nothing here is kept or logged: whom it is about is known to whoever asked, and to nobody else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.batch import BatchKey, Entry, HowFar, What
from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.domain.consent import Consent
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.explaining import Because, decided_by_choice, of_state, why
from chalicelib.domain.ids import shard_of
from chalicelib.domain.reception import Hold, Occasion, Verdict, Wish, best
from chalicelib.domain.standing_then import Followed, Standing, standing_at
from chalicelib.domain.times import spoken
from chalicelib.errors import NotFound
from chalicelib.flows.occasions import occasion_of, told_lately
from chalicelib.flows.services import Services
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.batch_rows import KEPT, far_key, read_far, read_what, what_key
from chalicelib.store.progress import counted
from chalicelib.store.shards import Shard

_NOT_YET = frozenset({BroadcastState.DRAFT, BroadcastState.AWAITING_APPROVAL, BroadcastState.SCHEDULED})
_AT_ONCE = 50


@dataclass(frozen=True)
class Explained:
    """Whether an address was a recipient, where its delivery stands since when, why, and what its owner followed and wanted then. Of somebody who
    followed none of the topics, `chosen` is None."""

    recipient: bool
    channel: Channel
    because: Sequence[Because]
    standing: Standing
    mark: Mark | None = None
    since: datetime | None = None
    chosen: Followed | None = None


@dataclass(frozen=True)
class _Place:
    """Where somebody stands in a broadcast."""

    what: What
    far: HowFar
    number: int

    @property
    def entry(self) -> Entry:
        return self.what.entries[self.number]


@dataclass(frozen=True)
class _Asked:
    """What is asked: of whom, and of which broadcast."""

    broadcast: Broadcast
    channel: Channel
    known: KnownAddress | None
    ledger: Sequence[Consent]
    services: Services

    @property
    def sent_at(self) -> datetime:
        """When it was sent, or will be."""
        approval = self.broadcast.approval
        return max(self.broadcast.send_at.instant, approval.at) if approval else self.broadcast.send_at.instant


def explain(address: Address, broadcast: str, *, services: Services) -> Explained:
    """Why. Raises NotFound for a broadcast that is none."""
    found = services.store.broadcasts.get(broadcast)
    if found is None:
        raise NotFound("There is no such broadcast.")
    known = services.store.addresses.find(address)
    ledger = services.store.consents.of(known.subscriber) if known and known.subscriber else []
    asked = _Asked(found, address.channel, known, ledger, services)
    place = _place(asked) if known and known.subscriber else None
    return _recipient(asked, place) if place else _nobody(asked)


# --- their place -----------------------------------------------------------------------------------------------------


def _place(asked: _Asked) -> _Place | None:
    store, subscriber = asked.services.store, asked.known.subscriber if asked.known else ""
    pointer = store.history.find(subscriber, asked.broadcast.id, asked.channel)
    if pointer:
        rows = store.table.get_many([what_key(pointer.batch), far_key(pointer.batch)])
        what, far = read_what(pointer.batch, rows), read_far(pointer.batch, rows)
        return _Place(what, far, pointer.entry) if what and far else None
    number = shard_of(subscriber)
    batches = counted(store.batches, asked.broadcast.id, number, store.shards.get(asked.broadcast.id, number))
    return next(_searched(batches, subscriber, asked), None)


def _searched(batches: Sequence[tuple[BatchKey, HowFar]], subscriber: str, asked: _Asked) -> Iterator[_Place]:
    """What is not settled has no history yet: it is looked for in the batches themselves."""
    theirs = [(key, far) for key, far in batches if far.channel is asked.channel]
    for start in range(0, len(theirs), _AT_ONCE):
        some = theirs[start : start + _AT_ONCE]
        rows = asked.services.store.table.get_many([what_key(key) for key, _ in some])
        for key, far in some:
            what = read_what(key, rows)
            yield from (_Place(what, far, number) for number, entry in enumerate(what.entries if what else ()) if what and entry.subscriber == subscriber)


# --- a recipient -----------------------------------------------------------------------------------------------------


def _recipient(asked: _Asked, place: _Place) -> Explained:
    planned_at = place.what.planned_at or asked.sent_at
    then = standing_at(asked.ledger, asked.channel, planned_at)
    mark = place.far.standing(place.number)
    chosen = then.follows.get(place.entry.topic)
    because = [Because("planned", {"at": spoken(planned_at)})]
    because += [Because("followed", {"topic": place.entry.topic, "at": spoken(chosen.since)})] if chosen else []
    because += _choices(asked, mark, planned_at, place.far.settled_at or asked.services.now())
    because += _outcome(asked, place, mark)
    since = place.far.settled_at if mark.state is not State.HELD else None
    return Explained(True, asked.channel, because, then, mark, since or planned_at, chosen)


def _choices(asked: _Asked, mark: Mark, planned_at: datetime, settled_at: datetime) -> list[Because]:
    """What of their choices held it when it was planned, and what decided a skip: then, or when those who were held were asked again."""
    judged = _judged(asked, planned_at)
    verdict = best(one for one, _ in judged) if judged else None
    held = [because for one, because in judged if isinstance(one, Hold) and one == verdict][:1]
    if not decided_by_choice(mark.reason):
        return held
    return held + _said_no(_judged(asked, settled_at) if held else judged)


def _said_no(judged: Sequence[tuple[Verdict, Because]]) -> list[Because]:
    """What each of their subscriptions said, each once."""
    return list({because.detail: because for one, because in judged if isinstance(one, Mark)}.values())


def _judged(asked: _Asked, moment: datetime) -> list[tuple[Verdict, Because]]:
    """The rule's word on each of their subscriptions that brought it, as they were at a moment."""
    occasion, reached, launched = _occasion(asked, moment), asked.broadcast.audience.reached, asked.broadcast.launched_at
    if occasion is None or asked.broadcast.audience.corrects:
        return []
    by_email = standing_at(asked.ledger, Channel.EMAIL, moment).follows if Channel.EMAIL in asked.broadcast.audience.channels else {}
    elsewhere = any(topic in by_email for topic in reached)
    follows = standing_at(asked.ledger, asked.channel, moment).follows
    theirs = {topic: follows[topic] for topic in reached if topic in follows}
    return [why(topic, Wish(asked.channel, one.as_of(launched), one.filters, elsewhere), occasion, moment) for topic, one in theirs.items()]


def _occasion(asked: _Asked, moment: datetime) -> Occasion | None:
    """The broadcast as it was judged at a moment; None where what it said is gone."""
    content, then = asked.services.store.broadcasts.content(asked.broadcast.id), replace(asked.services, now=lambda: moment)
    return told_lately(asked.broadcast, content, occasion_of(asked.broadcast, content, services=then), services=then) if content else None


def _outcome(asked: _Asked, place: _Place, mark: Mark) -> list[Because]:
    """What came of it: state, receipts, and what ended it."""
    far, receipts = place.far, sorted(place.far.receipts_of(place.number))
    because = [Because("held", {"until": spoken(far.not_before)})] if mark.state is State.HELD else of_state(mark.state, mark.reason)
    if mark.reason == SkipReason.OPTED_OUT:
        because += _gone_by(asked, place, far.settled_at or asked.services.now())
    because += [Because("sent_again")] if place.number in far.resent else []
    return because + [Because("receipt", {"state": str(state)}) for state in receipts]


def _gone_by(asked: _Asked, place: _Place, moment: datetime) -> list[Because]:
    """How somebody had gone between planning and their turn."""
    topic, later = place.entry.topic, standing_at(asked.ledger, asked.channel, moment)
    if asked.known and asked.known.opted_out:
        return [Because("opted_out", {"at": spoken(asked.known.opted_out)})]
    return [Because("left_before", {"topic": topic, "at": spoken(later.left[topic])})] if topic in later.left else []


# --- nobody it was sent to -------------------------------------------------------------------------------------------


def _nobody(asked: _Asked) -> Explained:
    then = standing_at(asked.ledger, asked.channel, asked.sent_at)
    chosen = next((then.follows[topic] for topic in asked.broadcast.audience.reached if topic in then.follows), None)
    because = [found for found in (_of_broadcast(asked), _of_person(asked, then)) if found]
    return Explained(False, asked.channel, because, then, chosen=chosen)


def _of_broadcast(asked: _Asked) -> Because | None:
    """What of the broadcast itself keeps it from anybody like them."""
    broadcast = asked.broadcast
    shards = asked.services.store.progress.shards(broadcast.id)
    if broadcast.state in _NOT_YET or (broadcast.state is not BroadcastState.SENDING and not any(shard.at for shard in shards)):
        return Because("not_launched", {"state": broadcast.state.replace("_", " ")})
    if asked.channel not in broadcast.audience.channels:
        return Because("other_channel", {"channel": str(asked.channel)})
    if broadcast.audience.corrects:
        return Because("corrects", {"broadcast": broadcast.audience.corrects})
    if broadcast.audience.digest:
        return Because("is_digest")
    if asked.services.now() - asked.sent_at > KEPT:
        return Because("long_ago")
    return _of_shard(shards[shard_of(asked.known.subscriber)]) if asked.known and asked.known.subscriber else None


def _of_shard(shard: Shard) -> Because | None:
    if shard.cut:
        return Because("stopped_before")
    return None if shard.done else Because("not_read_yet")


def _of_person(asked: _Asked, then: Standing) -> Because:
    """What of the person kept it from them."""
    if asked.known is None:
        return Because("unknown_address")
    if not asked.known.subscriber:
        return Because("erased")
    reached = asked.broadcast.audience.reached
    followed = {topic: then.follows[topic].since for topic in reached if topic in then.follows}
    if followed:
        return Because("followed", _first(followed))
    left = {topic: then.left[topic] for topic in reached if topic in then.left}
    if left:
        return Because("stopped", {"at": spoken(then.stopped)}) if then.stopped else Because("left_before", _first(left))
    now = standing_at(asked.ledger, asked.channel).follows
    joined = {topic: now[topic].since for topic in reached if topic in now}
    return Because("joined_after", _first(joined)) if joined else Because("never_followed")


def _first(topics: Mapping[str, datetime]) -> dict[str, str]:
    topic, at = next(iter(topics.items()))
    return {"topic": topic, "at": spoken(at)}
