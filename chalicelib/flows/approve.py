"""Approve: a second person lets a broadcast go, exactly as it stands."""

from chalicelib.domain.broadcast import Approval, Broadcast, BroadcastState
from chalicelib.errors import Conflict, Forbidden, NotFound, TransactionRefused
from chalicelib.flows.launching import queue_launch
from chalicelib.flows.services import Services
from chalicelib.store.audit import AuditEntry

RULE = "second_person"


def approve(broadcast: str, *, by: str, seen: str | None = None, services: Services) -> Broadcast:
    """Approve a broadcast; `seen` is the content hash the approver looked at. Approving again what one approved changes nothing.

    Raises NotFound; Forbidden for the author; Conflict where it waits for no approval, expired, or is not what was seen."""
    found, now = services.store.broadcasts.get(broadcast), services.now()
    if found is None:
        raise NotFound("There is no such broadcast.")
    if found.approval and found.approval.by == by and found.approval.rule == RULE:
        return found
    _require_approvable(found, by, seen, expired=found.expires_at <= now)
    approval = Approval(by, RULE, found.content_hash, now)
    entry = services.store.audit.write(broadcast, AuditEntry(by, "broadcast.approved", now), id=services.new_id())
    try:
        services.store.table.transact([services.store.broadcasts.approve_write(found, approval, now), entry])
    except TransactionRefused:
        return approve(broadcast, by=by, seen=seen, services=services)
    approved = services.store.broadcasts.get(broadcast) or found
    queue_launch(approved, services=services)
    return approved


def _require_approvable(found: Broadcast, by: str, seen: str | None, *, expired: bool) -> None:
    if found.author == by:
        raise Forbidden("Somebody other than the author has to approve.", code="own_broadcast")
    if found.state is not BroadcastState.AWAITING_APPROVAL:
        raise Conflict(f"This broadcast is {found.state}; it waits for no approval.", code="not_awaiting_approval")
    if seen is not None and seen != found.content_hash:
        raise Conflict("This is not the content that was looked at.", code="changed")
    if expired:
        raise Conflict("This broadcast has expired.", code="expired")
