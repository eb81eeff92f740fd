"""Stop: nobody untried is called any more. What was handed over cannot be recalled, and is not denied."""

from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.domain.ids import SHARDS
from chalicelib.domain.jobs import FanOutJob, fan_out_queue
from chalicelib.errors import Conflict, NotFound, TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all
from chalicelib.store.audit import AuditEntry

MAY_STOP = frozenset({BroadcastState.AWAITING_APPROVAL, BroadcastState.SCHEDULED, BroadcastState.SENDING})


def stop_broadcast(broadcast: str, *, by: str, services: Services) -> Broadcast:
    """Stop a broadcast, once. Stopping a stopped one changes nothing. Raises NotFound, or Conflict where it ended by itself."""
    found, now = services.store.broadcasts.get(broadcast), services.now()
    if found is None:
        raise NotFound("There is no such broadcast.")
    if found.stop_at:
        return found
    if found.state not in MAY_STOP:
        raise Conflict("This broadcast has ended; nothing is left to stop.", code="already_ended")
    entry = services.store.audit.write(broadcast, AuditEntry(by, "broadcast.stopped", now), id=services.new_id())
    try:
        services.store.table.transact([services.store.broadcasts.stop_write(found, now), entry])
    except TransactionRefused:
        return stop_broadcast(broadcast, by=by, services=services)
    if found.state is BroadcastState.SENDING:
        jobs = [Outgoing(FanOutJob(broadcast, shard).body) for shard in range(SHARDS)]
        send_all(services.queues.named(fan_out_queue(found.lane)), jobs, sleep=services.sleep)
    return services.store.broadcasts.get(broadcast) or found
