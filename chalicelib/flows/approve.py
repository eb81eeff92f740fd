"""Approve: a second person lets a broadcast go, exactly as it stands, or as it now is where a guard kept it back."""

from dataclasses import replace

from chalicelib.domain.broadcast import Approval, Broadcast, BroadcastState
from chalicelib.domain.guards import WAIVED
from chalicelib.errors import Conflict, Forbidden, NotFound, TransactionRefused
from chalicelib.flows.launching import queue_launch
from chalicelib.flows.screening import say_again
from chalicelib.flows.services import Services
from chalicelib.flows.weighing import count_now, with_counted
from chalicelib.state.table import Write
from chalicelib.store.audit import AuditEntry

RULE = "second_person"
WAITING = frozenset({BroadcastState.AWAITING_APPROVAL, BroadcastState.NEEDS_REVIEW})


def approve(broadcast: str, *, by: str, seen: str | None = None, services: Services) -> Broadcast:
    """Approve a broadcast; `seen` is the content hash the approver looked at. Approving again what one approved changes nothing.

    One that a guard kept back goes as it now is: to as many as are counted now, from now on, and in spite of the caps that it passes. Raises
    NotFound; Forbidden for the author; Conflict where it waits for no approval, expired, or is not what was seen."""
    found, now = services.store.broadcasts.get(broadcast), services.now()
    if found is None:
        raise NotFound("There is no such broadcast.")
    if found.state not in WAITING and found.approval and found.approval.by == by and found.approval.rule == RULE:
        return found
    _require_approvable(found, by, seen, expired=found.expires_at <= now)
    why = str(found.review.reason) if found.review else ""
    entry = services.store.audit.write(broadcast, AuditEntry(by, "broadcast.approved", now, why), id=services.new_id())
    approved = replace(_as_it_goes(found, services), approval=Approval(by, RULE, found.content_hash, now))
    try:
        services.store.table.transact([services.store.broadcasts.approve_write(approved, now), entry, *_sayings(found, services)])
    except TransactionRefused:
        return approve(broadcast, by=by, seen=seen, services=services)
    scheduled = services.store.broadcasts.get(broadcast) or approved
    queue_launch(scheduled, services=services)
    return scheduled


def _as_it_goes(found: Broadcast, services: Services) -> Broadcast:
    """What the approver takes upon themselves: the count of now where it was kept back, or where none was made; and the cap it is over."""
    if found.planned is None or found.review:
        found = with_counted(found, count_now(found, services=services).channels)
    reason = found.review.reason if found.review else None
    return replace(found, waived=found.waived | {str(reason)}) if reason in WAIVED else found


def _sayings(found: Broadcast, services: Services) -> list[Write]:
    """What was kept back is said now, whenever it was to be said at first."""
    content = services.store.broadcasts.content(found.id) if found.review else None
    return say_again(found, content, services=services) if content else []


def _require_approvable(found: Broadcast, by: str, seen: str | None, *, expired: bool) -> None:
    if found.author == by:
        raise Forbidden("Somebody other than the author has to approve.", code="own_broadcast")
    if found.state not in WAITING:
        raise Conflict(f"This broadcast is {found.state}; it waits for no approval.", code="not_awaiting_approval")
    if seen is not None and seen != found.content_hash:
        raise Conflict("This is not the content that was looked at.", code="changed")
    if expired:
        raise Conflict("This broadcast has expired.", code="expired")
