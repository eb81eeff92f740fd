"""Fan-out: one shard of the audience becomes batches, page by page.

    read page → merge topics → plan → write batches under a fresh token → checkpoint names the token → queue the batches

A page exists once the shard row names its token; batches of any other token were never. A worker that dies leaves
either nothing that counts, or a page whose batches the next one queues again.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, BatchState
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.jobs import FanOutJob, SendJob, fan_out_queue, send_queue
from chalicelib.domain.plan import Follower, Planned, TopicRead, bound_of, merge, plan
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all
from chalicelib.store.batches import new_rows, put_all
from chalicelib.store.broadcasts import broadcast_key, read_broadcast
from chalicelib.store.shards import END, Shard, read_shard, shard_key
from chalicelib.store.subscriptions import read_subscription

PAGE_ROWS = 2000
TIME = timedelta(seconds=40)
"""How long one job works before it queues itself: 20 s less than its function may run."""
SLACK = timedelta(minutes=10)
"""How long after its expected hand-over a batch counts as stuck."""


def fan_out(job: FanOutJob, *, services: Services) -> None:
    """Read a shard to its end, or as far as time goes. Safe to repeat and to die anywhere."""
    started = services.now()
    broadcast, shard = _read(job, services)
    if broadcast is None or shard.done:
        return
    if shard.page:
        _queue_again(broadcast, job.shard, shard, services)
    while shard.after != END:
        if broadcast.stop_at:
            services.store.shards.cut(broadcast.id, job.shard, shard, services.now())
            return
        if services.now() - started > TIME:
            send_all(services.queues.named(fan_out_queue(broadcast.lane)), [Outgoing(job.body)], sleep=services.sleep)
            return
        turned = _turn_page(broadcast, job.shard, shard, services)
        if turned is None:
            return
        shard = turned
        if shard.after != END:
            broadcast = services.store.broadcasts.get(broadcast.id) or broadcast
    services.store.shards.finish(broadcast.id, job.shard, shard, services.now())


def _read(job: FanOutJob, services: Services) -> tuple[Broadcast | None, Shard]:
    rows = services.store.table.get_many([broadcast_key(job.broadcast), shard_key(job.broadcast, job.shard)])
    found = rows.get(broadcast_key(job.broadcast))
    return read_broadcast(found) if found else None, read_shard(job.broadcast, job.shard, rows)


def _turn_page(broadcast: Broadcast, number: int, shard: Shard, services: Services) -> Shard | None:
    """The next page, written, named and queued; None where another job was first."""
    followers, after = _next_page(broadcast, number, shard, services)
    now = services.now()
    planned = plan(followers, channels=broadcast.audience.channels, urgent=broadcast.urgent, zone=services.city.zone, pace=services.pace, now=now)
    token = services.new_id()[:12]
    keys = [BatchKey(broadcast.id, number, f"P{shard.page:04d}#{token}#{position:04d}") for position in range(len(planned))]
    due = _expected(broadcast, services, now)
    rows = [row for key, one in zip(keys, planned, strict=True) for row in new_rows(key, one.what, not_before=one.not_before, due=due, now=now)]
    put_all(services.store.table, rows, sleep=services.sleep)
    if not services.store.shards.checkpoint(broadcast.id, number, shard, after=after, token=token, now=now):
        return None
    _queue(broadcast, list(zip(keys, planned, strict=True)), services)
    return replace(shard, page=shard.page + 1, after=after, tokens=(*shard.tokens, token))


def _next_page(broadcast: Broadcast, number: int, shard: Shard, services: Services) -> tuple[list[Follower], str]:
    """Recipients of the page in order of id, each once per channel, and where the next page starts."""
    reads = [_read_topic(topic, number, shard.after, services) for topic in broadcast.audience.reached]
    bound = bound_of(reads)
    return merge(reads, bound), END if bound is None else bound


def _read_topic(topic: str, number: int, after: str, services: Services) -> TopicRead:
    page = services.store.subscriptions.audience_page(topic, number, after=after or None, limit=PAGE_ROWS)
    rows = [read_subscription(row.values) for row in page.rows]
    followers = [Follower(one.subscriber, one.channel, one.address, one.topic, one.locale, one.zone, one.quiet) for one in rows]
    return TopicRead(followers, page.rows[-1].key.sort if page.after is not None and page.rows else None)


def _queue(broadcast: Broadcast, planned: list[tuple[BatchKey, Planned]], services: Services) -> None:
    by_channel: dict[Channel, list[Outgoing]] = {}
    for key, one in planned:
        if one.not_before is None:
            by_channel.setdefault(one.what.channel, []).append(Outgoing(SendJob(key).body))
    for channel, messages in by_channel.items():
        send_all(services.queues.named(send_queue(channel, broadcast.lane)), messages, sleep=services.sleep)


def _queue_again(broadcast: Broadcast, number: int, shard: Shard, services: Services) -> None:
    """The worker before us may have died between naming its page and queueing it. Claims make a second job harmless."""
    by_channel: dict[Channel, list[Outgoing]] = {}
    for key, far in services.store.batches.of_page(broadcast.id, number, shard.page - 1, shard.tokens[-1]):
        if far.state is BatchState.QUEUED and far.channel:
            by_channel.setdefault(far.channel, []).append(Outgoing(SendJob(key).body))
    for channel, messages in by_channel.items():
        send_all(services.queues.named(send_queue(channel, broadcast.lane)), messages, sleep=services.sleep)


def _expected(broadcast: Broadcast, services: Services, now: datetime) -> datetime:
    """When the sweep should worry about a batch: after the whole broadcast could have gone out at the senders' pace, and some slack."""
    planned = broadcast.planned or {}
    slowest = max((count / services.pace.get(Channel(channel), 1000) for channel, count in planned.items()), default=0.0)
    return now + timedelta(seconds=slowest) + SLACK
