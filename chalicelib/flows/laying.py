"""Laying a batch down: settled, or until it is to be taken up again."""

import logging
import math
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import MOST_TRIES, BatchState, HowFar, decided_at, unknown, untried
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.jobs import SendJob, send_queue
from chalicelib.errors import StateLater
from chalicelib.flows.patience import patiently
from chalicelib.flows.services import Services
from chalicelib.flows.task import Progress, Task, report_late
from chalicelib.flows.waking import wake_if_proven
from chalicelib.state.queue import MOST_DELAY, Outgoing
from chalicelib.state.sending import send_all
from chalicelib.store.batches import put_all
from chalicelib.store.history import history_rows

AGAIN = timedelta(seconds=30)
"""How soon to look again at a batch that only waits for evidence."""
PUT_OFF = (timedelta(seconds=2), timedelta(seconds=60))
"""How long to leave a batch whose provider said: later. At most the first, doubled each time it says so again, up to the second."""
PAUSED = timedelta(seconds=60)
"""How soon to ask again whether a switch is released."""
COMING = timedelta(minutes=1)
"""A delayed message may come so much later than its delay."""
HISTORY, SETTLING = timedelta(seconds=45), timedelta(seconds=57)
"""Counted from its beginning, a worker waits no longer for a table that is too busy to take whom the batch was for, and what came of them."""

_log = logging.getLogger("belfry")


def lay_down(task: Task, progress: Progress) -> None:
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
        queue_again(SendJob(task.key), task.what.channel, task.broadcast, when - now, services)
    elif state is BatchState.WAITING:
        wake_if_proven(task.key, laid, task.broadcast, services=services)  # receipts may have been faster than we


def _settle(task: Task, progress: Progress, state: BatchState, when: datetime) -> HowFar | None:
    """The batch as it stands then; None where we lost it. What nobody could write down in time is said as late as receipts are."""

    due = when + COMING if state is BatchState.QUEUED else when  # its copy comes before the sweep sends another

    def once() -> HowFar | None:
        return task.services.store.batches.settle(task.key, progress.answers, claim=task.claim, state=state, when=when, due=due)

    try:
        return patiently(once, until=task.started + SETTLING, services=task.services)
    except StateLater:
        report_late(task, progress)
        raise


def _kept_history(task: Task, now: datetime) -> bool:
    """Write whom the batch was for, to be found from them. False where the table is too busy: the next worker does it."""
    until = task.started + HISTORY
    services, rows = task.services, history_rows(task.key, task.what.channel, task.what.entries, now)
    try:
        patiently(lambda: put_all(services.store.table, rows, sleep=services.sleep, in_time=lambda: services.now() < until), until=until, services=services)
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
            when = max(when, min(progress.hold_until, task.broadcast.expires_at))  # to be sent again, and not at night
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


def queue_again(job: SendJob, channel: Channel, broadcast: Broadcast, wait: timedelta, services: Services) -> None:
    """A fresh, delayed copy: handing the message back would count as a failure, and five of those are its end."""
    seconds = min(MOST_DELAY, max(0, math.ceil(wait.total_seconds())))
    send_all(services.queues.named(send_queue(channel, broadcast.lane)), [Outgoing(job.body, seconds)], sleep=services.sleep)
