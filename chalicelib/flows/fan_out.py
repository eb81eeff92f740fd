"""Fan-out: one shard of the audience becomes batches, page by page.

    read page → merge topics → plan → write batches under a fresh token → checkpoint names the token → queue the batches

A page exists once the shard row names its token; batches of any other token were never. A worker that dies leaves
either nothing that counts, or a page whose batches the next one queues again.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, BatchState
from chalicelib.domain.broadcast import Broadcast, BroadcastState, Content
from chalicelib.domain.cap import Full
from chalicelib.domain.jobs import FanOutJob, SendJob, fan_out_queue, send_queue
from chalicelib.domain.plan import SLACK, NextPage, by_email_first, plan, recipients, stuck_at
from chalicelib.domain.reception import Occasion
from chalicelib.flows.capping import rows_of_today, whose_day_is_full
from chalicelib.flows.occasions import occasion_of, told_lately
from chalicelib.flows.pages import next_page, unread
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all
from chalicelib.store.batches import put_all
from chalicelib.store.broadcast_rows import broadcast_key, content_key, read_broadcast, read_content
from chalicelib.store.planned import planned_rows
from chalicelib.store.progress import counted
from chalicelib.store.shards import END, Shard, read_shard, shard_key

TIME = timedelta(seconds=40)
"""How long one job works before it queues itself: 20 s less than its function may run."""
WAIT = timedelta(seconds=5)
"""How soon to look again at a page that has to wait."""


def fan_out(job: FanOutJob, *, services: Services) -> None:
    """Read a shard to its end, or as far as time goes. Safe to repeat and to die anywhere."""
    started = services.now()
    broadcast, shard, content = _read(job, services)
    if broadcast is None or content is None or broadcast.state is not BroadcastState.SENDING or (shard.done and not broadcast.stop_at):
        return  # also a job that was left of one that has been put aside since
    if shard.page > job.queued and not broadcast.stop_at:
        _queue_again(broadcast, job.shard, shard, services)
    full, occasion = None, None
    while shard.after != END and not broadcast.stop_at:
        late = services.now() - started > TIME
        page = None if late else next_page(broadcast, job.shard, shard, services=services)
        if page is None:
            _continue(broadcast, replace(job, queued=shard.page), timedelta(0) if late else WAIT, services)
            return
        full = whose_day_is_full(broadcast, job.shard, services=services) if full is None else full
        occasion = occasion or told_lately(broadcast, content, occasion_of(broadcast, content, services=services), services=services)
        turned = _turn_page(_Reading(broadcast, job.shard, occasion, full), shard, page, services)
        if turned is None:
            return
        shard = turned
        broadcast = broadcast if shard.after == END else services.store.broadcasts.get(broadcast.id) or broadcast
    if broadcast.stop_at:
        _close(broadcast, job.shard, shard, services)
    else:
        services.store.shards.finish(broadcast.id, job.shard, shard, services.now())


@dataclass(frozen=True)
class _Reading:
    """A shard of a broadcast's audience, and what its followers are judged by."""

    broadcast: Broadcast
    shard: int
    occasion: Occasion
    full: Full


def _read(job: FanOutJob, services: Services) -> tuple[Broadcast | None, Shard, Content | None]:
    rows = services.store.table.get_many([broadcast_key(job.broadcast), shard_key(job.broadcast, job.shard), content_key(job.broadcast)])
    found, said = rows.get(broadcast_key(job.broadcast)), rows.get(content_key(job.broadcast))
    return read_broadcast(found) if found else None, read_shard(job.broadcast, job.shard, rows), read_content(said) if said else None


def _continue(broadcast: Broadcast, job: FanOutJob, wait: timedelta, services: Services) -> None:
    send_all(services.queues.named(fan_out_queue(broadcast.lane)), [Outgoing(job.body, round(wait.total_seconds()))], sleep=services.sleep)


# --- one page --------------------------------------------------------------------------------------------------------


def _turn_page(reading: _Reading, shard: Shard, page: NextPage, services: Services) -> Shard | None:
    """The page, written, named and queued; None where another job was first."""
    broadcast, number, now = reading.broadcast, reading.shard, services.now()
    channels, lost = broadcast.audience.channels, _unreachable(page, services)
    planned = plan(page.followers, reading.occasion, channels=channels, pace=services.pace, now=now, full=reading.full, unreachable=lost)
    token = services.new_id()[:12]
    keys = [BatchKey(broadcast.id, number, f"P{shard.page:04d}#{token}#{position:04d}") for position in range(len(planned))]
    so_far = Counter(shard.planned) + recipients(planned)
    due = {channel: stuck_at(channel, so_far, services.pace, now, urgent=broadcast.urgent) for channel in so_far}
    rows = [planned_rows(key, one, due=due[one.what.channel], now=now) for key, one in zip(keys, planned, strict=True)]
    today = rows_of_today(broadcast, number, shard.page, planned, services=services)
    put_all(services.store.table, list(chain(*rows, today)), sleep=services.sleep)
    turned = replace(shard, page=shard.page + 1, after=page.after, tokens=(*shard.tokens, token), planned=so_far)
    if not services.store.shards.checkpoint(broadcast.id, number, turned, now):
        _forget(keys, services)
        return None
    _queue(broadcast, [(key, one.what.channel) for key, one in zip(keys, planned, strict=True) if one.not_before is None], services)
    return turned


def _unreachable(page: NextPage, services: Services) -> list[str]:
    """Of those who would rather have it by email, whose address takes none: they are texted."""
    wanting = by_email_first(page.followers)
    known = services.store.addresses.read(list(wanting.values())) if wanting else []
    return [one for one, found in zip(wanting, known, strict=True) if not (found and found.sealed and found.verified and not found.opted_out and not found.bad)]


def _forget(keys: Iterable[BatchKey], services: Services) -> None:
    """Another job was first: what we wrote never counts. Where the broadcast has ended, no sweep would look after it."""
    for key in keys:
        services.store.batches.delete(key)


def _queue_again(broadcast: Broadcast, number: int, shard: Shard, services: Services) -> None:
    """The worker before us may have died between naming its page and queueing it. Claims make a second job harmless."""
    last = services.store.batches.of_page(broadcast.id, number, shard.page - 1, shard.tokens[-1])
    _queue(broadcast, [(key, far.channel) for key, far in last if far.state is BatchState.QUEUED and far.channel], services)


def _queue(broadcast: Broadcast, batches: Iterable[tuple[BatchKey, Channel]], services: Services) -> None:
    by_channel: dict[Channel, list[Outgoing]] = {}
    for key, channel in batches:
        by_channel.setdefault(channel, []).append(Outgoing(SendJob(key).body))
    for channel, messages in by_channel.items():
        send_all(services.queues.named(send_queue(channel, broadcast.lane)), messages, sleep=services.sleep)


# --- a stop ----------------------------------------------------------------------------------------------------------


def _close(broadcast: Broadcast, number: int, shard: Shard, services: Services) -> None:
    """The broadcast was stopped: what is unread stays unread and is counted, and what waits for its time or its turn is settled now."""
    if not shard.done:
        left = unread(broadcast, number, shard, services=services)
        services.store.shards.cut(broadcast.id, number, shard, left, services.now())
    now, all_batches = services.now(), counted(services.store.batches, broadcast.id, number, shard)
    waking = [(key, far) for key, far in all_batches if far.state in {BatchState.HELD, BatchState.QUEUED}]
    for key, far in waking:
        if far.not_before > now:
            services.store.batches.push(key, far, due=now + SLACK, release=now)
    _queue(broadcast, [(key, far.channel) for key, far in waking if far.channel], services)
