"""Send: one batch is handed over, once to each recipient.

    read → slots → claim (marks the first chunk) → unknown ones: evidence → per chunk: slots, mark, look, hand over → history → settle

Every write is conditional on our claim. Whoever loses it reports what it knows through the receipts' column and ends.
A crash anywhere leaves a batch that the next worker can read: what was marked and has no answer is unknown.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain.batch import MOST_TRIES, untried
from chalicelib.domain.jobs import SendJob
from chalicelib.errors import StateLater
from chalicelib.flows.chunks import send_chunk
from chalicelib.flows.doubts import resolve_unknown
from chalicelib.flows.laying import lay_down
from chalicelib.flows.opening import open_batch
from chalicelib.flows.services import Services
from chalicelib.flows.task import Progress, Task

TIME = timedelta(seconds=35)
"""After this long a worker starts no further chunk."""


def send_batch(job: SendJob, *, services: Services) -> None:
    """Hand a batch over and settle it, as far as time, pace and quiet hours let it. Safe to repeat and to die anywhere."""
    opened = open_batch(job, services.now(), services)
    if opened is None:
        return
    task, progress = opened
    progress = _hand_over(task, progress)
    if not progress.lost:
        lay_down(task, progress)


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
        return replace(progress, later=True, answers=replace(progress.answers, laters=progress.answers.laters + 1))
    return progress


def _may_go_on(task: Task, progress: Progress) -> bool:
    stopped = progress.lost or progress.later or progress.paused or progress.ended
    return not stopped and task.far.tries <= MOST_TRIES and task.services.now() - task.started <= TIME


def _next_chunk(task: Task, progress: Progress, again: Sequence[int]) -> tuple[list[int], int]:
    """What to attempt next, and how many there are in all. Those sent again never share a chunk with others: they have their own mark."""
    fresh = [entry for entry in untried(progress.answers.cells) if entry not in progress.held]
    return list(fresh or again)[: task.sender.most], len(fresh) + len(again)
