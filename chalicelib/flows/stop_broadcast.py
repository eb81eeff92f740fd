"""Stop: nobody untried is called any more. What was handed over cannot be recalled, and is not denied."""

from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.errors import Conflict, NotFound, TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.flows.stopping import stop

MAY_STOP = frozenset({BroadcastState.AWAITING_APPROVAL, BroadcastState.SCHEDULED, BroadcastState.SENDING, BroadcastState.NEEDS_REVIEW})


def stop_broadcast(broadcast: str, *, by: str, services: Services) -> Broadcast:
    """Stop a broadcast, once. Stopping a stopped one changes nothing. Raises NotFound, or Conflict where it ended by itself."""
    found = services.store.broadcasts.get(broadcast)
    if found is None:
        raise NotFound("There is no such broadcast.")
    if found.stop_at:
        return found
    if found.state not in MAY_STOP:
        raise Conflict("This broadcast has ended; nothing is left to stop.", code="already_ended")
    try:
        stop(found, by=by, services=services)
    except TransactionRefused:
        return stop_broadcast(broadcast, by=by, services=services)
    return services.store.broadcasts.get(broadcast) or found
