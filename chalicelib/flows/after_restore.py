"""After a restore from a backup: whoever left since then has left, and nothing that was open then is sent again by itself.

    who left since → posts and letters put aside → open broadcasts put aside, all of them → the rows of those that were being sent closed

What was being sent when the backup was made has long been sent, stopped or lost; the rows do not know. So whoever had no answer then is
unconfirmed, whom nobody had read is counted as not read, and a person decides the rest. To be run before any worker works on the table; safe
to repeat, and to die anywhere. What a person made or approved after its first run is left alone.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from chalicelib.domain.batch import BatchKey, BatchState, HowFar, after_crash, unknown, untried
from chalicelib.domain.broadcast import Broadcast, BroadcastState, Review, ReviewReason
from chalicelib.domain.consent import EVERYTHING, Consent, How, Leaving, Step
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.times import spoken, to_ms
from chalicelib.errors import Invalid, StateLater, TransactionRefused
from chalicelib.flows.heeding import end_all
from chalicelib.flows.pages import unread
from chalicelib.flows.services import Services
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.audit import AuditEntry
from chalicelib.store.batch_rows import read_what, what_key
from chalicelib.store.batches import Answers, put_all
from chalicelib.store.history import history_rows
from chalicelib.store.progress import counted
from chalicelib.store.replies import ReplyState

SUBJECT = "restore"
"""What the audit keeps restores under."""

OPEN = frozenset({BroadcastState.AWAITING_APPROVAL, BroadcastState.SCHEDULED, BroadcastState.SENDING, BroadcastState.NEEDS_REVIEW})
MARGIN = timedelta(minutes=5)
"""A backup takes a while and clocks differ: who left so shortly before it counts as having left after."""

_EVER = timedelta(days=3650)
_AGAIN = "stop the workers, and run this again in two minutes"
_log = logging.getLogger("belfry")


@dataclass(frozen=True)
class Restored:
    """What was done: opt-outs and leavings heeded, posts, letters and broadcasts put aside, and deliveries that are unconfirmed by it."""

    opt_outs: int
    leavings: int
    posts: int
    letters: int
    broadcasts: Sequence[str]
    unconfirmed: int


def after_restore(leavings: Sequence[Leaving], *, taken: datetime, by: str, services: Services) -> Restored:
    """Make a table fit to go on, restored from a backup that was `taken` then. Raises Invalid for a moment to come, and StateLater where a
    worker is at work on the table."""
    if taken > services.now():
        raise Invalid.field("#/taken", "in_the_future", "A backup cannot have been made at a moment that lies ahead.")
    began = _begin(taken, by, services)
    since = [one for one in leavings if one.at >= taken - MARGIN]
    heeded = [_heed(one, services) for one in since]
    posts, letters = _put_posts_aside(services), _put_letters_aside(services)
    names = [one.id for one in _open_broadcasts(began, services)]
    for name in names:
        _put_aside(name, by, services)
    closed = [_close(name, services) for name in names]
    everything = sum(one.topic == EVERYTHING for one, done in zip(since, heeded, strict=True) if done)
    restored = Restored(everything, sum(heeded) - everything, posts, letters, names, sum(closed))
    _log.info("table restored", extra={"fields": {**asdict(restored), "taken": spoken(taken)}})
    return restored


def _begin(taken: datetime, by: str, services: Services) -> datetime:
    """When this was first run for this backup."""
    why, now = spoken(taken), services.now()
    before = [entry.at for entry in services.store.audit.of(SUBJECT) if entry.why == why]
    if not before:
        services.store.table.transact([services.store.audit.write(SUBJECT, AuditEntry(by, "table.restored", now, why), id=services.new_id())])
    return min([*before, now])


# --- who left --------------------------------------------------------------------------------------------------------


def _heed(one: Leaving, services: Services) -> bool:
    """What somebody did since the backup, done again, once. Whether anything was left to do."""
    source = f"log:{to_ms(one.at)}"
    [known] = services.store.addresses.read([one.address])
    if one.topic != EVERYTHING:
        return known is not None and _leave(known, one, source, services)
    now_known = services.store.addresses.heed_opt_out(one.address, source, one.at)
    if now_known.channel:
        end_all(now_known, now_known.channel, how=How.LOG, source=source, services=services)
    return known is None or source not in known.heeded


def _leave(known: KnownAddress, one: Leaving, source: str, services: Services) -> bool:
    store = services.store
    follows = store.subscriptions.of(known.subscriber, known.channel) if known.subscriber and known.channel else []
    found = next((found for found in follows if found.topic == one.topic), None)
    if found is None:
        return False
    entry = Consent(found.subscriber, known.hash, found.channel, found.topic, Step.LEFT, How.LOG, source, found.locale, one.at)
    try:
        store.table.transact([*store.subscriptions.leave_writes(found.subscriber, found.topic, found.channel), store.consents.add_write(entry)])
    except TransactionRefused:
        return False  # done before, and its owner has come back since
    return True


# --- posts and letters -----------------------------------------------------------------------------------------------


def _put_posts_aside(services: Services) -> int:
    """Posts whose work was open were worked off within the minute; worked off again they would be told again."""
    posts = services.store.posts.due(services.now() + _EVER)
    for post in posts:
        services.store.posts.put_aside(post)
    return len(posts)


def _put_letters_aside(services: Services) -> int:
    """Letters on their way then have long arrived."""
    replies, done = services.store.replies, set[str]()
    while names := set(replies.due(services.now() + _EVER)) - done:
        for name in names:
            claimed = replies.claim(name, services.now(), claim=services.new_id())
            if claimed is None:
                raise StateLater(f"letter {name} is in a worker's hands: {_AGAIN}")
            replies.settle(claimed, ReplyState.FAILED)
        done |= names  # the index may still show them
    return len(done)


# --- broadcasts ------------------------------------------------------------------------------------------------------


def _open_broadcasts(began: datetime, services: Services) -> Iterator[Broadcast]:
    """Those that were open in the backup, newest first. One that was stopped ends by itself, and sends nothing."""
    after: str | None = None
    while True:
        page, after = services.store.broadcasts.page(limit=100, after=after)
        yield from (one for one in page if one.state in OPEN and not one.stop_at and not _is_younger(one, began))
        if after is None:
            return


def _is_younger(one: Broadcast, began: datetime) -> bool:
    return one.created_at > began or (one.approval is not None and one.approval.at > began)


def _put_aside(name: str, by: str, services: Services) -> None:
    """From here on nobody sends it, before any of its rows is touched."""
    found = services.store.broadcasts.get(name)
    if found is None or found.state not in OPEN or _is_put_aside(found):
        return
    now = services.now()
    review = Review(ReviewReason.RESTORED, now, {"was": str(found.state)})
    entry = services.store.audit.write(name, AuditEntry(by, "broadcast.needs_review", now, str(review.reason)), id=services.new_id())
    try:
        services.store.table.transact([services.store.broadcasts.put_aside_write(found, review), entry])
    except TransactionRefused:
        _put_aside(name, by, services)


def _is_put_aside(found: Broadcast) -> bool:
    return found.review is not None and found.review.reason is ReviewReason.RESTORED


def _close(name: str, services: Services) -> int:
    """Close the rows of a broadcast that was being sent, and keep its counts. How many deliveries are unconfirmed by that."""
    found = services.store.broadcasts.get(name)
    if found is None or found.review is None or found.review.numbers.get("was") != BroadcastState.SENDING:
        return 0
    unconfirmed, now = 0, services.now()
    for number, shard in enumerate(services.store.progress.shards(name)):
        if not shard.done:
            services.store.shards.cut(name, number, shard, unread(found, number, shard, services=services), now)
        for key, far in counted(services.store.batches, name, number, shard):
            if far.state is not BatchState.SETTLED:
                unconfirmed += _settle(key, far, services)
    services.store.broadcasts.keep_counts(found, services.store.progress.read(found, now).values(), now)
    return unconfirmed


def _settle(key: BatchKey, far: HowFar, services: Services) -> int:
    """Settle a batch as far as its row knows: whoever had no answer may have got it. By the claim, as any worker."""
    cells, now = after_crash(far), services.now()
    doubtful = [*untried(cells), *unknown(cells)]
    marked = tuple(str(Mark(State.UNCONFIRMED, str(ReviewReason.RESTORED))) if entry in doubtful else cell for entry, cell in enumerate(cells))
    answers = Answers(marked, far.resent, far.in_doubt_since, far.doubt_from)
    if far.not_before > now:
        services.store.batches.push(key, far, due=now, release=now)
    claim = services.new_id()
    if services.store.batches.claim(key, far, answers, claim=claim, attempting=[], now=now) is None:
        raise StateLater(f"batch {key.name} of {key.broadcast} is in a worker's hands: {_AGAIN}")
    what = read_what(key, services.store.table.get_many([what_key(key)]))
    if what:
        put_all(services.store.table, history_rows(key, what.channel, what.entries, now), sleep=services.sleep)
    services.store.batches.settle(key, answers, claim=claim, state=BatchState.SETTLED, when=now)
    return len(doubtful)
