"""Stopping: the write that stops a broadcast, with its audit entry, and the jobs that close its shards."""

from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.domain.ids import SHARDS
from chalicelib.domain.jobs import FanOutJob, fan_out_queue
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all
from chalicelib.store.audit import AuditEntry


def stop(found: Broadcast, *, by: str, services: Services) -> None:
    """Stop a broadcast as it was read. Raises TransactionRefused where it changed since."""
    now = services.now()
    entry = services.store.audit.write(found.id, AuditEntry(by, "broadcast.stopped", now), id=services.new_id())
    services.store.table.transact([services.store.broadcasts.stop_write(found, now), entry])
    if found.state is BroadcastState.SENDING:
        jobs = [Outgoing(FanOutJob(found.id, shard).body) for shard in range(SHARDS)]
        send_all(services.queues.named(fan_out_queue(found.lane)), jobs, sleep=services.sleep)
