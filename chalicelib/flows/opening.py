"""Opening a batch: it is read, its sender has slots, and it is claimed with its first chunk marked. Or it is left, and comes back in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.batch import LEASE, MOST_TRIES, BatchState, HowFar, What, after_crash, may_claim, unknown, untried
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.jobs import SendJob
from chalicelib.domain.plan import slack
from chalicelib.domain.verdict import ends
from chalicelib.flows.laying import COMING, PAUSED, queue_again
from chalicelib.flows.patience import patiently
from chalicelib.flows.services import Services
from chalicelib.flows.slots import Pacer, pacer
from chalicelib.flows.task import Progress, Task, render
from chalicelib.state.table import Key, Values
from chalicelib.store.batch_rows import far_key, read_far, read_what, what_key
from chalicelib.store.batches import Answers
from chalicelib.store.broadcast_rows import broadcast_key, content_key, read_broadcast, read_content
from chalicelib.store.pace import find_tempo, tempo_key
from chalicelib.store.switches import SWITCHES, read_switches, stops

STALE = timedelta(minutes=10)
"""People may have changed their minds about what was planned longer ago than this."""
EARLY = timedelta(seconds=15)
"""A message that comes so much before its time comes again then: our clocks may be ten seconds apart."""
OPENING = timedelta(seconds=20)
"""A worker waits no longer than this for a table that is too busy to let it begin."""


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


def open_batch(job: SendJob, started: datetime, services: Services) -> tuple[Task, Progress] | None:
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
        back = services.now() + wait + COMING
        patiently(lambda: _put_back(read, wait, back, services), until=until, services=services)
        return None
    return _claim(read, first[: read.pacer.fits(len(first))], started, services)


def _come_back(read: _Read, now: datetime, services: Services) -> None:
    early = read.far.not_before - now
    if read.far.state is not BatchState.SETTLED and timedelta(0) < early <= EARLY:
        queue_again(read.job, read.what.channel, read.broadcast, early, services)


def _put_back(read: _Read, wait: timedelta, back: datetime, services: Services) -> None:
    """A copy comes when the wait is over. The sweep is told not to send one of its own before: each would come back for ever."""
    far = read.far
    if (far.due is None or far.due < back) and not services.store.batches.put_off(read.job.batch, far, due=back + slack(urgent=read.broadcast.urgent)):
        return
    queue_again(read.job, read.what.channel, read.broadcast, wait, services)


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
    messages = {(topic, what.locale): render(what, read.content, key.broadcast, topic, what.locale, services=services) for topic in topics}
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
