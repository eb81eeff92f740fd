"""Post a broadcast: notice, broadcast, audit entry and the caller's idempotency key in one transaction; then queue its launch.

screen: are these words new to those people? → keep → queue the launch, or let it wait for a person
"""

from dataclasses import dataclass, replace

from chalicelib.domain.alerts import Said
from chalicelib.domain.broadcast import Approval, Broadcast, BroadcastState, Content, SendAt, hash_of
from chalicelib.domain.notice import Act, Notice
from chalicelib.domain.preview import Preview
from chalicelib.errors import StateContended, StateLater, TransactionRefused
from chalicelib.flows.launching import queue_launch
from chalicelib.flows.posting import Posted, estimate, refuse_in_flight, replay, review_told, state_of
from chalicelib.flows.reviewing import review_entry
from chalicelib.flows.screening import Screened, screen
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.audit import AuditEntry
from chalicelib.store.notices import KnownNotice, Revision
from chalicelib.store.requests import Answered, RequestName, read_answered

_TRIES = 5
_REQUEST, _SAYING = 0, 1
"""Where these writes stand in the transaction."""


@dataclass(frozen=True)
class Order:
    """What a communicator asks for, under which name for the request, with the hash of its body."""

    notice: Notice
    send_at: SendAt | None
    author: str
    request: RequestName
    body_hash: str


def post_broadcast(order: Order, preview: Preview, *, services: Services) -> Posted:
    """Keep a broadcast and queue its launch. Raises Invalid where the request's name came before with another body, Conflict where it is in
    flight, and StateLater where the table is busy or others keep saying the same at this moment."""
    content = replace(preview.content, notice=f"nt_{services.new_id()}")
    asked = _broadcast(order, replace(preview, content=content), services)
    for _ in range(_TRIES):
        screened = screen(asked, content, services=services)
        answered = Answered(order.body_hash, _told(screened.broadcast, preview))
        try:
            services.store.table.transact(_writes(order, answered, screened, content, services))
        except TransactionRefused as refused:
            if refused.olds.get(_REQUEST):
                return replay(read_answered(refused.olds[_REQUEST] or {}), order.body_hash)
            if not screened.writes or _SAYING not in refused.olds:
                raise
            continue  # somebody said the same at this very moment: look again
        except StateContended as contended:
            refuse_in_flight(contended)
            raise
        queue_launch(screened.broadcast, services=services)
        return Posted(answered.answer)
    raise StateLater("others keep saying the same")


def _told(made: Broadcast, preview: Preview) -> dict[str, object]:
    review = {"review": review_told(made.review)} if made.review else {}
    return {"id": made.id, "state": str(made.state), **review, **estimate(preview)}


def _writes(order: Order, answered: Answered, screened: Screened, content: Content, services: Services) -> list[Write]:
    now, broadcast = services.now(), screened.broadcast
    said = Said(order.notice.fingerprint, (), None, now)
    revision = Revision(content.notice, 1, Act.PUBLISHED, broadcast.id, said, content.expires_at)
    return [
        services.store.requests.write(order.request, answered, now),
        *screened.writes,
        *services.store.broadcasts.create_writes(broadcast, content),
        *services.store.notices.publish_writes(KnownNotice(content.notice), revision, post=broadcast.id),
        services.store.audit.write(broadcast.id, AuditEntry(order.author, "broadcast.created", now), id=services.new_id()),
        *([review_entry(broadcast.id, broadcast.review, services=services)] if broadcast.review else []),
    ]


def _broadcast(order: Order, preview: Preview, services: Services) -> Broadcast:
    now, digest, state = services.now(), hash_of(preview.content, preview.audience), state_of(preview)
    return Broadcast(
        id=f"bc_{services.new_id()}",
        state=state,
        author=order.author,
        created_at=now,
        send_at=replace(order.send_at, instant=preview.starts_at) if order.send_at else SendAt(now),
        audience=preview.audience,
        urgent=preview.content.urgent,
        expires_at=preview.content.expires_at,
        content_hash=digest,
        approval=Approval(order.author, "routine", digest, now) if state is BroadcastState.SCHEDULED else None,
        planned={str(channel): count for channel, count in preview.headcount.channels.items()},
    )
