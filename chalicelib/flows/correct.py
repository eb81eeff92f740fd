"""Correct: exactly those who got a wrong notice, or may have, are told what is right. Where the wrong one still runs, it is stopped first.

    stop → whom did it reach? (from its rows) → next revision + broadcast + audit + request in one transaction → queue its launch

What comes of it is a broadcast like any other; its audience is read from the wrong one's rows again when it is sent, after all is in them.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.alerts import Said
from chalicelib.domain.broadcast import Approval, Broadcast, BroadcastState, Content, SendAt, hash_of
from chalicelib.domain.correction import headcount
from chalicelib.domain.notice import Act, Notice, Severity, Urgency
from chalicelib.domain.preview import Preview, content_of
from chalicelib.errors import Conflict, NotFound, StateContended, StateLater, TransactionRefused
from chalicelib.flows.launching import queue_launch
from chalicelib.flows.posting import Posted, estimate, refuse_in_flight, replay, state_of, weigh
from chalicelib.flows.services import Services
from chalicelib.flows.stopping import stop
from chalicelib.state.table import Write
from chalicelib.store.audit import AuditEntry
from chalicelib.store.batch_rows import KEPT
from chalicelib.store.notices import KnownNotice, Revision
from chalicelib.store.requests import Answered, RequestName, read_answered

TOO_OLD = KEPT - timedelta(days=1)
"""Its rows leave by then, and with them who got it."""
_ENDED = frozenset({BroadcastState.COMPLETED, BroadcastState.STOPPED})
_TRIES = 5


@dataclass(frozen=True)
class Correction:
    """What is right: the words, link and expiry of `notice`. Severity and urgency are those of the wrong one where none are given."""

    wrong: str
    notice: Notice
    severity: Severity | None
    urgency: Urgency | None
    author: str
    request: RequestName
    body_hash: str


def correct(correction: Correction, *, services: Services) -> Posted:
    """Keep a correction and queue its launch. Raises NotFound; Conflict where nobody got the wrong one, where it is too long ago or corrected
    already; Invalid where the request's name came before with another body."""
    for _ in range(_TRIES):
        found, content = _stopped(correction, services)
        made, preview, writes = _plan(correction, found, content, services)
        answered = Answered(correction.body_hash, {"id": made.id, "state": str(made.state), **estimate(preview)})
        try:
            services.store.table.transact([services.store.requests.write(correction.request, answered, services.now()), *writes])
        except TransactionRefused as refused:
            old = refused.olds.get(0)
            if old is not None:
                return replay(read_answered(old), correction.body_hash)
            continue  # its notice moved on, or somebody else corrected it: look again
        except StateContended as contended:
            refuse_in_flight(contended)
            raise
        queue_launch(made, services=services)
        return Posted(answered.answer)
    raise StateLater("others keep changing this broadcast")


# --- what is wrong ---------------------------------------------------------------------------------------------------


def _stopped(correction: Correction, services: Services) -> tuple[Broadcast, Content]:
    """The wrong broadcast, at its end or stopped, and what it said."""
    content = services.store.broadcasts.content(correction.wrong)
    for _ in range(_TRIES):
        found = services.store.broadcasts.get(correction.wrong)
        if found is None or content is None:
            raise NotFound("There is no such broadcast.")
        _require_correctable(found, services)
        if found.stop_at or found.state in _ENDED:
            return found, content
        try:
            stop(found, by=correction.author, services=services)
        except TransactionRefused:
            continue  # it ended by itself, or somebody else was first
    raise StateLater("others keep changing this broadcast")


def _require_correctable(found: Broadcast, services: Services) -> None:
    if found.state not in _ENDED and not _has_begun(found):
        raise Conflict("Nobody got this broadcast. Stop it, and post a better one.", code="nothing_to_correct")
    if found.send_at.instant + TOO_OLD < services.now():
        raise Conflict("Who got this broadcast is no longer known.", code="too_old")
    before = services.store.broadcasts.get(found.corrected_by) if found.corrected_by else None
    if before and before.stop_at is None:
        raise Conflict(f"This broadcast was corrected by {before.id}. Correct that one, or stop it.", code="already_corrected")


def _has_begun(found: Broadcast) -> bool:
    """Whether somebody may have it although it has not ended: it is being sent, or was put aside in the middle and counted then."""
    return found.state is BroadcastState.SENDING or (found.state is BroadcastState.NEEDS_REVIEW and found.counts is not None)


# --- what is right ---------------------------------------------------------------------------------------------------


def _plan(correction: Correction, wrong: Broadcast, before: Content, services: Services) -> tuple[Broadcast, Preview, list[Write]]:
    """The correction, what it comes to, and all that is to be written."""
    now = services.now()
    known = services.store.notices.get(before.notice)
    content = _content(correction, before, max(known.number, before.revision) + 1, now)
    reached = headcount(services.store.reach.everybody(wrong.id), wrong.audience.channels)
    if not any(reached.channels.values()):
        raise Conflict("It is stopped, and nobody got it.", code="nothing_to_correct")
    preview = weigh(content, replace(wrong.audience, corrects=wrong.id), reached, now, services=services)
    made = _broadcast(correction, preview, services)
    said = known.published or known.said or Said(correction.notice.fingerprint, (), None, now)
    revision = Revision(content.notice, content.revision, content.act, made.id, said, content.expires_at)
    return made, preview, [*_writes(correction, made, content, services), *_named(wrong, made, known, revision, services)]


def _content(correction: Correction, wrong: Content, number: int, now: datetime) -> Content:
    """What is right, as the next revision of the notice that was wrong."""
    severity, urgency = correction.severity or wrong.severity, correction.urgency or wrong.urgency
    notice = replace(correction.notice, kind=wrong.kind, severity=severity, urgency=urgency)
    return content_of(notice, id=wrong.notice, revision=number, act=Act.CORRECTED, now=now)


def _broadcast(correction: Correction, preview: Preview, services: Services) -> Broadcast:
    now, digest, state = services.now(), hash_of(preview.content, preview.audience), state_of(preview)
    return Broadcast(
        id=f"bc_{services.new_id()}",
        state=state,
        author=correction.author,
        created_at=now,
        send_at=SendAt(now),
        audience=preview.audience,
        urgent=preview.content.urgent,
        expires_at=preview.content.expires_at,
        content_hash=digest,
        approval=Approval(correction.author, "routine", digest, now) if state is BroadcastState.SCHEDULED else None,
        planned={str(channel): count for channel, count in preview.headcount.channels.items()},
    )


def _writes(correction: Correction, made: Broadcast, content: Content, services: Services) -> list[Write]:
    entry = AuditEntry(correction.author, "broadcast.created", services.now())
    return [*services.store.broadcasts.create_writes(made, content), services.store.audit.write(made.id, entry, id=services.new_id())]


def _named(wrong: Broadcast, made: Broadcast, known: KnownNotice, revision: Revision, services: Services) -> list[Write]:
    """What the wrong broadcast, its notice and its ledger are told."""
    entry = AuditEntry(made.author, "broadcast.corrected", services.now())
    return [
        *services.store.notices.publish_writes(known, revision, post=known.post or made.id),
        services.store.broadcasts.corrected_write(wrong, made.id),
        services.store.audit.write(wrong.id, entry, id=services.new_id()),
    ]
