"""Send: one batch is handed over, once to each recipient.

    read → reserve pace → claim (marks the first chunk) → unknown ones: evidence → per chunk: mark, look, hand over → history → settle

Every write is conditional on our claim. Whoever loses it reports what it knows through the receipts' column and ends.
A crash anywhere leaves a batch that the next worker can read: what was marked and has no answer is unknown.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import (
    LEASE,
    MOST_TRIES,
    BatchState,
    HowFar,
    after_crash,
    decided_at,
    may_claim,
    unknown,
    untried,
)
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.jobs import SendJob, send_queue
from chalicelib.flows.chunks import send_chunk
from chalicelib.flows.doubts import resolve_unknown
from chalicelib.flows.services import Services
from chalicelib.flows.slots import SlotGate
from chalicelib.flows.task import Progress, Task, is_resend, render, report_late
from chalicelib.flows.waking import wake_if_proven
from chalicelib.state.queue import MOST_DELAY, Outgoing
from chalicelib.state.sending import send_all
from chalicelib.store.batches import Answers, far_key, put_all, read_far, read_what, what_key
from chalicelib.store.broadcasts import broadcast_key, content_key, read_broadcast, read_content
from chalicelib.store.history import history_rows
from chalicelib.store.pace import Slots

HORIZON = timedelta(seconds=10)
"""How far ahead a worker may wait for its slots; further ahead, the job goes back to the queue with a delay."""
TIME = timedelta(seconds=35)
"""After this long a worker starts no further chunk."""
AGAIN = timedelta(seconds=30)
"""How long to leave a batch whose provider said: later."""

_log = logging.getLogger("belfry")


def send_batch(job: SendJob, *, services: Services) -> None:
    """Hand a batch over and settle it, as far as time, pace and quiet hours let it. Safe to repeat and to die anywhere."""
    opened = _open(job, services)
    if opened is None:
        return
    task, progress = opened
    progress, again = resolve_unknown(task, progress)
    for number, chunk in enumerate(_chunks(task, progress, again)):
        progress = send_chunk(task, progress, chunk, marked=number == 0 and not is_resend(progress, chunk))
        if progress.lost:
            return
        if progress.later or progress.ended or services.now() - task.started > TIME:
            break
    _lay_down(task, progress)


# --- opening ---------------------------------------------------------------------------------------------------------


def _open(job: SendJob, services: Services) -> tuple[Task, Progress] | None:
    """Read the batch, wait for its slots, claim it. None where there is nothing for us to do."""
    key, started = job.batch, services.now()
    rows = services.store.table.get_many([far_key(key), what_key(key), broadcast_key(key.broadcast), content_key(key.broadcast)])
    far, what = read_far(key, rows), read_what(key, rows)
    if far is None or what is None or broadcast_key(key.broadcast) not in rows or not may_claim(far, started):
        return None
    broadcast, content = read_broadcast(rows[broadcast_key(key.broadcast)]), read_content(rows[content_key(key.broadcast)])
    slots = _reserve(what.channel, far, services, started)
    if slots.wait:
        seconds = min(MOST_DELAY, max(1, round(slots.wait.total_seconds() - HORIZON.total_seconds() / 2)))
        send_all(services.queues.named(send_queue(what.channel, broadcast.lane)), [Outgoing(job.body, seconds)], sleep=services.sleep)
        return None
    # rendered before the claim: what cannot be made is found before anybody is marked
    messages = {topic: render(what, content, broadcast.id, topic, services=services) for topic in {entry.topic for entry in what.entries}}
    sender = services.sender(what.channel)
    now, claim, cells = services.now(), services.new_id(), after_crash(far)
    answers = _reread(far, cells, now)
    first = untried(cells)[: sender.most] if far.tries < MOST_TRIES else []
    claimed = services.store.batches.claim(key, far, answers, claim=claim, attempting=first, now=now)
    if claimed is None:
        return None
    task = Task(key, claim, what, claimed, broadcast, content, sender, SlotGate(slots, services.now, services.sleep), started, services, messages)
    return task, Progress(answers, marked_at=now)


def _reread(far: HowFar, cells: tuple[str, ...], now: datetime) -> Answers:
    """What a batch's row says, as its next worker must take it: an attempt without an answer is in doubt from the end of its lease."""
    since, start = far.in_doubt_since, far.doubt_from
    if len(unknown(cells)) > len(unknown(far.cells)):
        since = far.lease_until or now
        start = min(since - LEASE, start or since)
    return Answers(cells, far.resent, since, start)


def _reserve(channel: Channel, far: HowFar, services: Services, now: datetime) -> Slots:
    """Slots for everybody who may be attempted, waited for before the mark."""
    count, rate = len(untried(far.cells)) + len(unknown(far.cells)), services.pace.get(channel)
    if rate is None or count == 0:
        return Slots(now, timedelta(0))
    slots = services.store.pace.reserve(channel, count, per_second=rate, now=now, horizon=HORIZON)
    if slots.wait is None and slots.start > now:
        services.sleep((slots.start - now).total_seconds())
    return slots


# --- chunks ----------------------------------------------------------------------------------------------------------


def _chunks(task: Task, progress: Progress, again: Sequence[int]) -> list[list[int]]:
    """What to attempt, in chunks: first those the claim marked; those sent again come last and have their own mark."""
    if task.far.tries > MOST_TRIES:
        return []
    fresh, most = untried(progress.answers.cells), task.sender.most
    return [entries[start : start + most] for entries in (fresh, list(again)) for start in range(0, len(entries), most)]


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
    if state is BatchState.SETTLED:
        put_all(services.store.table, history_rows(task.key, task.what.channel, task.what.entries, now), sleep=services.sleep)
    laid = services.store.batches.settle(task.key, progress.answers, claim=task.claim, state=state, not_before=when)
    if laid is None:
        report_late(task, progress)
    elif state is BatchState.QUEUED:
        delay = min(MOST_DELAY, max(0, round((when - now).total_seconds())))
        send_all(services.queues.named(send_queue(task.what.channel, task.broadcast.lane)), [Outgoing(SendJob(task.key).body, delay)], sleep=services.sleep)
    elif state is BatchState.WAITING:
        wake_if_proven(task.key, laid, task.broadcast, services=services)  # receipts may have been faster than we


def _next(task: Task, progress: Progress, now: datetime) -> tuple[BatchState, datetime]:
    cells = progress.answers.cells
    if untried(cells):
        if progress.hold_until and progress.held.issuperset(untried(cells)):
            return BatchState.HELD, progress.hold_until
        return BatchState.QUEUED, now + AGAIN if progress.later else now
    if unknown(cells) and progress.answers.in_doubt_since:
        when = decided_at(progress.answers.in_doubt_since, urgent=task.broadcast.urgent)
        return BatchState.WAITING, max(now + AGAIN, when)
    return BatchState.SETTLED, now
