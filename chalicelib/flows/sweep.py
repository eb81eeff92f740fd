"""Sweep, each minute: launches what is due, queues again what is stuck, releases what is held, completes what ended.

The queues are fast; the rows are true. Whatever a queue or a worker loses, the sweep finds by its row.
"""

import json
import logging
import math
from collections.abc import Callable
from datetime import timedelta

from chalicelib.domain.batch import BatchKey, BatchState, HowFar, decided_at
from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.domain.jobs import FanOutJob, LaunchJob, SendJob, fan_out_queue, send_queue
from chalicelib.flows.completing import complete
from chalicelib.flows.digesting import make_digest
from chalicelib.flows.erasing import forget
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all
from chalicelib.store.progress import is_counted
from chalicelib.store.shards import Shard

_log = logging.getLogger("belfry")

AHEAD = timedelta(minutes=2)
"""How far ahead a scheduled broadcast is queued, with the delay that makes it exact."""
FOREVER = timedelta(days=3650)
SHARD_STUCK = timedelta(seconds=60)
BATCHES_AT_ONCE = 1000
FIRST_BACK_OFF = timedelta(minutes=1)
MOST_BACK_OFF = 6
"""Doublings: at most 64 minutes between two looks at one batch."""


def sweep(*, services: Services) -> None:
    """One round over everything that is due. Two rounds at once do no harm."""
    failures: list[Exception] = []
    for name in services.store.broadcasts.due(services.now() + AHEAD):
        _apart(failures, lambda name=name: _tend(name, services))  # type: ignore[misc]
    slots: list[str] = []
    _apart(failures, lambda: slots.extend(services.store.subscriptions.slots()))
    for slot in slots:
        _apart(failures, lambda slot=slot: make_digest(slot, services=services))  # type: ignore[misc]
    _apart(failures, lambda: _work_off_posts(services))
    _apart(failures, lambda: _send_replies(services))
    _apart(failures, lambda: _erase(services))
    if failures:
        raise ExceptionGroup("parts of the sweep failed; the others were done", failures)


def _apart(failures: list[Exception], work: Callable[[], None]) -> None:
    """Do one part. What goes wrong in it must not keep the others waiting, and is raised at the end."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - logged here, collected, and raised again by the caller
        _log.error("part of the sweep failed", exc_info=error)
        failures.append(error)


def _tend(name: str, services: Services) -> None:
    broadcast = services.store.broadcasts.get(name)
    if broadcast and broadcast.state is BroadcastState.SCHEDULED:
        _launch(broadcast, services)
    elif broadcast and broadcast.state is BroadcastState.SENDING:
        _tend_sending(broadcast, services)


def _launch(broadcast: Broadcast, services: Services) -> None:
    delay = max(0, math.ceil((broadcast.send_at.instant - services.now()).total_seconds()))
    send_all(services.queues.named("launch"), [Outgoing(LaunchJob(broadcast.id).body, delay)], sleep=services.sleep)


def _tend_sending(broadcast: Broadcast, services: Services) -> None:
    """Shards not read to the end, then batches with work left, then: was that all?"""
    shards = services.store.progress.shards(broadcast.id)
    _queue_shards(broadcast, shards, services)
    _queue_batches(broadcast, shards, services)
    if all(shard.done for shard in shards):
        reading = services.store.progress.read(broadcast, services.now())
        if reading.ended:
            complete(broadcast, reading.values(), services=services)


def _queue_shards(broadcast: Broadcast, shards: list[Shard], services: Services) -> None:
    stuck = services.now() - SHARD_STUCK
    jobs = [Outgoing(FanOutJob(broadcast.id, number).body) for number, shard in enumerate(shards) if not shard.done and (shard.at is None or shard.at < stuck)]
    if jobs:
        send_all(services.queues.named(fan_out_queue(broadcast.lane)), jobs, sleep=services.sleep)


def _queue_batches(broadcast: Broadcast, shards: list[Shard], services: Services) -> None:
    now = services.now()
    until = now + FOREVER if broadcast.stop_at else now
    keys = services.store.batches.due(broadcast.id, until=until, limit=BATCHES_AT_ONCE)
    for start in range(0, len(keys), 100):
        some = keys[start : start + 100]
        for key, far in services.store.batches.read(some).items():
            _tend_batch(key, far, broadcast, shards[key.shard], services)


def _tend_batch(key: BatchKey, far: HowFar, broadcast: Broadcast, shard: Shard, services: Services) -> None:
    if far.state is BatchState.SETTLED:
        return
    if not is_counted(key, shard):
        if key.page < len(shard.tokens) or shard.done:
            services.store.batches.delete(key)  # another attempt at this page was first: these were never sent
        return
    now = services.now()
    waits = far.state is BatchState.WAITING and far.in_doubt_since is not None and decided_at(far.in_doubt_since, urgent=broadcast.urgent) <= now
    stopped = broadcast.stop_at is not None and (far.state is BatchState.HELD or waits)
    if far.due is not None and far.due > now and not stopped:
        return
    due = now + FIRST_BACK_OFF * 2 ** min(far.swept, MOST_BACK_OFF)
    if services.store.batches.push(key, far, due=due, release=now if stopped else None) and far.channel:
        send_all(services.queues.named(send_queue(far.channel, broadcast.lane)), [Outgoing(SendJob(key).body)], sleep=services.sleep)


def _work_off_posts(services: Services) -> None:
    """Posts that were stored and not worked off: their queue message was lost, or their worker died."""
    posts = services.store.posts.due(services.now())
    if posts:
        bodies = [Outgoing(json.dumps({"post": post})) for post in posts]
        send_all(services.queues.named("intake"), bodies, sleep=services.sleep)


def _erase(services: Services) -> None:
    """People who are to be forgotten: their worker died, or it is time to look again."""
    for erasure in services.store.erasures.due(services.now()):
        forget(erasure, services=services)


def _send_replies(services: Services) -> None:
    replies = services.store.replies.due(services.now())
    if replies:
        bodies = [Outgoing(json.dumps({"reply": reply})) for reply in replies]
        send_all(services.queues.named("replies"), bodies, sleep=services.sleep)
