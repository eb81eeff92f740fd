"""Send: one batch is handed over, once to each recipient.

    read → slots → claim (marks the first chunk) → unknown ones: evidence → per chunk: slots, mark, look, hand over → history → settle

Every write is conditional on our claim. Whoever loses it reports what it knows through the receipts' column and ends.
A crash anywhere leaves a batch that the next worker can read: what was marked and has no answer is unknown.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import (
    LEASE,
    MOST_TRIES,
    BatchState,
    HowFar,
    What,
    after_crash,
    decided_at,
    may_claim,
    unknown,
    untried,
)
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.jobs import SendJob, send_queue
from chalicelib.domain.plan import slack
from chalicelib.domain.verdict import ends
from chalicelib.errors import StateLater
from chalicelib.flows.chunks import send_chunk
from chalicelib.flows.doubts import resolve_unknown
from chalicelib.flows.patience import patiently
from chalicelib.flows.services import Services
from chalicelib.flows.slots import Pacer, pacer
from chalicelib.flows.task import Progress, Task, render, report_late
from chalicelib.flows.waking import wake_if_proven
from chalicelib.state.queue import MOST_DELAY, Outgoing
from chalicelib.state.sending import send_all
from chalicelib.state.table import Key, Values
from chalicelib.store.batches import Answers, far_key, put_all, read_far, read_what, what_key
from chalicelib.store.broadcasts import broadcast_key, content_key, read_broadcast, read_content
from chalicelib.store.history import history_rows
from chalicelib.store.pace import find_tempo, tempo_key
from chalicelib.store.switches import SWITCHES, read_switches, stops

TIME = timedelta(seconds=35)
"""After this long a worker starts no further chunk."""
AGAIN = timedelta(seconds=30)
"""How soon to look again at a batch that only waits for evidence."""
PUT_OFF = (timedelta(seconds=2), timedelta(seconds=60))
"""How long to leave a batch whose provider said: later. At most the first, doubled each time it says so again, up to the second."""
PAUSED = timedelta(seconds=60)
"""How soon to ask again whether a switch is released."""
STALE = timedelta(minutes=10)
"""People may have changed their minds about what was planned longer ago than this."""
EARLY = timedelta(seconds=15)
"""A message that comes so much before its time comes again then: our clocks may be ten seconds apart."""
COMING = timedelta(minutes=1)
"""A delayed message may come so much later than its delay."""
OPENING = timedelta(seconds=20)
"""A worker waits no longer than this for a table that is too busy to let it begin."""
LAYING_DOWN = timedelta(seconds=57)
"""Nor, counted from its beginning, longer than this for one that is too busy to take what it did."""

_log = logging.getLogger("belfry")


@dataclass(frozen=True)
class _Read:
    """A batch as it was read, with all that says what to do with it."""

    job: SendJob
    far: HowFar
    what: What
    broadcast: Broadcast
    content: Content
    pacer: Pacer
    paused: bool


def send_batch(job: SendJob, *, services: Services) -> None:
    """Hand a batch over and settle it, as far as time, pace and quiet hours let it. Safe to repeat and to die anywhere."""
    started = services.now()
    opened = _open(job, started, services)
    if opened is None:
        return
    task, progress = opened
    progress = _hand_over(task, progress)
    if not progress.lost:
        _lay_down(task, progress)


# --- opening ---------------------------------------------------------------------------------------------------------


def _open(job: SendJob, started: datetime, services: Services) -> tuple[Task, Progress] | None:
    """The batch in our hands, its first chunk marked. None where there is nothing to do now; if it is to be done later, that is seen to."""
    until = started + OPENING
    read = patiently(lambda: _read(job, services), until=until, services=services)
    if read is None:
        return None
    if not may_claim(read.far, started):
        _come_back(read, started, services)
        return None
    if ends(read.broadcast, services.now()):
        return _claim(read, [], started, services)  # nobody is called any more: what a call would need may be missing
    first = untried(after_crash(read.far))[: services.sender(read.what.channel).most]
    wait = patiently(lambda: _wait(read, first), until=until, services=services)
    if wait is not None:
        patiently(lambda: _put_back(read, wait, services), until=until, services=services)
        return None
    return _claim(read, first[: read.pacer.fits(len(first))], started, services)


def _come_back(read: _Read, now: datetime, services: Services) -> None:
    early = read.far.not_before - now
    if read.far.state is not BatchState.SETTLED and timedelta(0) < early <= EARLY:
        _queue_again(read.job, read.what.channel, read.broadcast, early, services)


def _put_back(read: _Read, wait: timedelta, services: Services) -> None:
    """A copy comes when the wait is over. The sweep is told not to send one of its own before: each would come back for ever."""
    back, far = services.now() + wait + COMING, read.far
    if (far.due is None or far.due < back) and not services.store.batches.put_off(read.job.batch, far, due=back + slack(urgent=read.broadcast.urgent)):
        return
    _queue_again(read.job, read.what.channel, read.broadcast, wait, services)


def _read(job: SendJob, services: Services) -> _Read | None:
    """The batch and what there is to know of it, in one read. None where a part of it is gone."""
    key = job.batch
    keys = [far_key(key), what_key(key), broadcast_key(key.broadcast), content_key(key.broadcast), SWITCHES, *(tempo_key(one) for one in services.pace)]
    rows = services.store.table.get_many(keys)
    far, what = read_far(key, rows), read_what(key, rows)
    if far is None or what is None or broadcast_key(key.broadcast) not in rows:
        return None
    broadcast, content = read_broadcast(rows[broadcast_key(key.broadcast)]), read_content(rows[content_key(key.broadcast)])
    return _Read(job, far, what, broadcast, content, _pacer(what, broadcast, rows, services), stops(read_switches(rows), what.channel, key.broadcast))


def _pacer(what: What, broadcast: Broadcast, rows: Mapping[Key, Values], services: Services) -> Pacer:
    return pacer(what.channel, urgent=broadcast.urgent, tempo=find_tempo(what.channel, rows), services=services)


def _wait(read: _Read, first: Sequence[int]) -> timedelta | None:
    """How long to leave the batch alone: a switch is thrown, or its sender has no slot. None, with slots for the first chunk: go on."""
    if read.far.tries >= MOST_TRIES:
        return None
    if read.paused and (first or unknown(after_crash(read.far))):
        return PAUSED
    return read.pacer.take(len(first), len(untried(read.far.cells))) if first else None


def _claim(read: _Read, first: Sequence[int], started: datetime, services: Services) -> tuple[Task, Progress] | None:
    """Make the batch ours, its first chunk marked. None where another was first."""
    key, far, what = read.job.batch, read.far, read.what
    # rendered before the claim: what cannot be made is found before anybody is marked
    ended = ends(read.broadcast, services.now())
    topics = set() if ended else {entry.topic for entry in what.entries}
    messages = {(topic, what.locale): render(what.channel, read.content, key.broadcast, topic, what.locale, services=services) for topic in topics}
    now, claim, cells = services.now(), services.new_id(), after_crash(far)
    answers = _reread(far, cells, now)
    attempting = first if far.tries < MOST_TRIES else []

    def once() -> HowFar | None:
        return services.store.batches.claim(key, far, answers, claim=claim, attempting=attempting, now=now)

    claimed = patiently(once, until=started + OPENING, services=services)
    if claimed is None:
        return None
    stale = far.state is BatchState.HELD or what.planned_at is None or now - what.planned_at > STALE
    task = Task(key, claim, what, claimed, read.broadcast, read.content, read.pacer, started, services, stale, messages)
    return task, Progress(answers, marked_at=now, ended=ended)


def _reread(far: HowFar, cells: tuple[str, ...], now: datetime) -> Answers:
    """What a batch's row says, as its next worker must take it: an attempt without an answer is in doubt from the end of its lease."""
    since, start = far.in_doubt_since, far.doubt_from
    if len(unknown(cells)) > len(unknown(far.cells)):
        since = far.lease_until or now
        start = min(since - LEASE, start or since)
    return Answers(cells, far.resent, since, start, far.laters)


# --- chunks ----------------------------------------------------------------------------------------------------------


def _hand_over(task: Task, progress: Progress) -> Progress:
    """Chunk after chunk, as far as time, slots, the table and the provider let us: first those the claim marked; those sent again come last."""
    again: list[int] = []
    try:
        progress, again = resolve_unknown(task, progress)
        first = sorted(task.far.attempting)
        if first:
            progress = send_chunk(task, progress, first, marked=True)
        while _may_go_on(task, progress):
            chunk, rest = _next_chunk(task, progress, again)
            if not chunk:
                break
            wait = task.pacer.take(len(chunk), rest)
            if wait is not None:
                return replace(progress, wait=wait)
            chunk = chunk[: task.pacer.fits(len(chunk))]
            if not chunk:
                continue  # too slow for the slots we took; the next are taken further ahead
            again = [entry for entry in again if entry not in chunk]
            progress = send_chunk(task, progress, chunk, marked=False)
    except StateLater:  # before a call, never after one: what was marked was not called, and may be untried again
        return replace(progress, later=True)
    return progress


def _may_go_on(task: Task, progress: Progress) -> bool:
    stopped = progress.lost or progress.later or progress.paused or progress.ended
    return not stopped and task.far.tries <= MOST_TRIES and task.services.now() - task.started <= TIME


def _next_chunk(task: Task, progress: Progress, again: Sequence[int]) -> tuple[list[int], int]:
    """What to attempt next, and how many there are in all. Those sent again never share a chunk with others: they have their own mark."""
    fresh = [entry for entry in untried(progress.answers.cells) if entry not in progress.held]
    return list(fresh or again)[: task.sender.most], len(fresh) + len(again)


# --- laying down -----------------------------------------------------------------------------------------------------


def _lay_down(task: Task, progress: Progress) -> None:
    """Settle the batch, or say when it is to be taken up again."""
    cells = progress.answers.cells
    if task.far.tries > MOST_TRIES:
        _log.error("batch given up", extra={"fields": {"broadcast": task.key.broadcast, "batch": task.key.name}})
        progress = progress.with_cells({entry: str(Mark(State.FAILED, "our_fault")) for entry in untried(cells)})
    elif progress.ended:
        progress = progress.with_cells({entry: str(progress.ended) for entry in untried(cells)})
    services, now = task.services, task.services.now()
    state, when = _next(task, progress, now)
    if state is BatchState.SETTLED and not _kept_history(task, now):
        state, when = BatchState.WAITING, now + AGAIN
    laid = _settle(task, progress, state, when)
    if laid is None:
        report_late(task, progress)
    elif state is BatchState.QUEUED:
        _queue_again(SendJob(task.key), task.what.channel, task.broadcast, when - now, services)
    elif state is BatchState.WAITING:
        wake_if_proven(task.key, laid, task.broadcast, services=services)  # receipts may have been faster than we


def _settle(task: Task, progress: Progress, state: BatchState, when: datetime) -> HowFar | None:
    """The batch as it stands then; None where we lost it. What nobody could write down in time is said as late as receipts are."""

    due = when + COMING if state is BatchState.QUEUED else when  # its copy comes before the sweep sends another

    def once() -> HowFar | None:
        return task.services.store.batches.settle(task.key, progress.answers, claim=task.claim, state=state, when=when, due=due)

    try:
        return patiently(once, until=task.started + LAYING_DOWN, services=task.services)
    except StateLater:
        report_late(task, progress)
        raise


def _kept_history(task: Task, now: datetime) -> bool:
    """Write whom the batch was for, to be found from them. False where the table is too busy: the next worker does it."""
    services, rows = task.services, history_rows(task.key, task.what.channel, task.what.entries, now)
    try:
        patiently(lambda: put_all(services.store.table, rows, sleep=services.sleep), until=task.started + TIME, services=services)
    except StateLater:
        return False
    return True


def _next(task: Task, progress: Progress, now: datetime) -> tuple[BatchState, datetime]:
    cells = progress.answers.cells
    if untried(cells):
        if progress.hold_until and progress.held.issuperset(untried(cells)):
            return BatchState.HELD, progress.hold_until
        return BatchState.QUEUED, now + _put_off(task, progress)
    if unknown(cells) and progress.answers.in_doubt_since:
        when = decided_at(progress.answers.in_doubt_since, urgent=task.broadcast.urgent)
        if progress.hold_until and progress.held.issuperset(unknown(cells)):
            when = max(when, progress.hold_until)  # to be sent again, and not at night
        return BatchState.WAITING, max(now + AGAIN, when)
    return BatchState.SETTLED, now


def _put_off(task: Task, progress: Progress) -> timedelta:
    """How long to leave a batch with untried recipients. A provider that put us off is left alone longer each time, and not by all at once."""
    if progress.paused:
        return PAUSED
    if progress.later:
        least, most = PUT_OFF
        longest = min(most, least * 2.0 ** min(progress.answers.laters, 10))
        return max(timedelta(seconds=1), longest * task.services.random(), progress.wait or timedelta(0))
    return progress.wait or timedelta(0)


def _queue_again(job: SendJob, channel: Channel, broadcast: Broadcast, wait: timedelta, services: Services) -> None:
    """A fresh, delayed copy: handing the message back would count as a failure, and five of those are its end."""
    seconds = min(MOST_DELAY, max(0, math.ceil(wait.total_seconds())))
    send_all(services.queues.named(send_queue(channel, broadcast.lane)), [Outgoing(job.body, seconds)], sleep=services.sleep)
