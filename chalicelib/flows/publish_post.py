"""Publish a post: each of its notices becomes a revision and a broadcast, once, however often this runs.

    post row → work → per notice: judge again → notice row + revision + broadcast + audit in one transaction → queue `launch`

Broadcast ids come from post and ref, and the notice row is written only over the revision that was judged: of two workers,
or two posts about one notice, one wins and the other looks again. A post that came in earlier never replaces a later one.
A newer word stops the broadcast of the older one where somebody could still get it; so does an end. The words of another notice,
said again to the same people within the hour, wait for a person.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.about import widened
from chalicelib.domain.alerts import Aim, Said, act_of, aim, judge, notice_id, overtaken, remembered, untold
from chalicelib.domain.broadcast import Approval, Audience, Broadcast, BroadcastState, Content, SendAt, hash_of
from chalicelib.domain.city import Source
from chalicelib.domain.notice import Act, Notice, Severity
from chalicelib.domain.preview import audience_of, content_of
from chalicelib.errors import StateLater, TransactionRefused
from chalicelib.flows.launching import queue_launch
from chalicelib.flows.reviewing import report_again, review_entry
from chalicelib.flows.screening import screen
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.audit import AuditEntry
from chalicelib.store.notices import KnownNotice, Revision
from chalicelib.store.posts import Post

_TRIES = 5


@dataclass(frozen=True)
class _Case:
    """A notice to publish, whose post it came in, and what was published of it before."""

    notice: Notice
    post: Post
    source: Source
    known: KnownNotice
    last: Broadcast | None
    last_content: Content | None

    @property
    def said(self) -> Said:
        return remembered(self.notice, self.post.at)

    @property
    def author(self) -> str:
        return f"source:{self.source.id}"

    @property
    def broadcast_id(self) -> str:
        return "bc_" + hashlib.sha256(f"{self.post.id}\n{self.notice.ref}".encode()).hexdigest()[:32]


def publish_post(post: str, *, services: Services) -> None:
    """Publish what a post still has to be published. Does nothing for one that is done or unknown."""
    taken = services.store.posts.get(post)
    if taken is None or not services.store.posts.begin(taken, services.now()):
        return
    source = services.city.sources.get(taken.source)
    if source:
        for notice in services.store.posts.work(taken):
            made = _publish(notice, taken, source, services)
            if made:
                report_again(made)
                queue_launch(made, services=services)
    services.store.posts.finish(taken)


def _publish(notice: Notice, post: Post, source: Source, services: Services) -> Broadcast | None:
    """The broadcast of this notice in this post, made now or before; None where there is nothing to say."""
    for _ in range(_TRIES):
        case = _case(notice, post, source, services)
        if case.known.post == post.id:
            return case.last
        if _is_settled(case, services):
            return None
        made, writes = _plan(case, services)
        try:
            services.store.table.transact(writes)
        except TransactionRefused:
            made = services.store.broadcasts.get(case.broadcast_id)
            if made is None:
                continue  # another worker or post was first: look again
        return made
    raise StateLater("other posts keep changing this notice")


def _case(notice: Notice, post: Post, source: Source, services: Services) -> _Case:
    known = services.store.notices.get(notice_id(source.id, notice.ref))
    name = known.broadcast
    last = services.store.broadcasts.get(name) if name else None
    return _Case(notice, post, source, known, last, services.store.broadcasts.content(name) if name else None)


def _is_settled(case: _Case, services: Services) -> bool:
    """Whether nothing is left to do: a later post was first, or the same was published meanwhile."""
    before = case.known.published
    if before and before.at > case.post.at:
        return True
    if case.notice.ended:
        return case.known.over or not case.known.number
    return judge(case.notice, before, source=case.source, known=services.city.topics, now=services.now()) is not None


def _plan(case: _Case, services: Services) -> tuple[Broadcast | None, Sequence[Write]]:
    """What to write, and the broadcast among it."""
    over = case.notice.ended or case.notice.act is Act.CANCELLED
    if over and case.last and untold(case.last):
        said = replace(case.said, fingerprint="over", periods=())
        return None, [services.store.notices.withdraw_write(case.known, said, post=case.post.id), *_stop_writes(case, services)]
    if case.notice.ended or (over and not _has_words(case)):
        return None, [services.store.notices.end_write(case.known), *_stop_writes(case, services)]
    return _revise(case, services)


def _has_words(case: _Case) -> bool:
    """Whether a withdrawal can be told: in the words of what it withdraws, or in its own, to topics of its own."""
    return case.last_content is not None or bool(case.notice.content and case.notice.topics)


def _revise(case: _Case, services: Services) -> tuple[Broadcast, Sequence[Write]]:
    now, number = services.now(), case.known.number + 1
    notice, goal = _as_before(case) if case.notice.act is Act.CANCELLED else (case.notice, aim(case.notice, case.source, services.city.topics))
    act = act_of(notice, case.last, case.last_content.act if case.last_content else None)
    content = _going_on(content_of(notice, id=case.known.id, revision=number, act=act, now=now), case.last_content)
    screened = screen(_broadcast(case, content, audience_of(notice, goal, services.city.topics), services), content, services=services)
    broadcast = screened.broadcast
    revision = Revision(case.known.id, number, act, broadcast.id, case.said, content.expires_at)
    entry = AuditEntry(case.author, "broadcast.created", now)
    return broadcast, [
        *services.store.notices.publish_writes(case.known, revision, post=case.post.id),
        *services.store.broadcasts.create_writes(broadcast, content),
        services.store.audit.write(broadcast.id, entry, id=case.post.id),
        *([review_entry(broadcast.id, broadcast.review, services=services)] if broadcast.review else screened.writes),
        *_stop_writes(case, services),
    ]


def _going_on(content: Content, before: Content | None) -> Content:
    """Whoever was told of it is told how it goes on, though it is about other places by now, or less bad."""
    if before is None or content.act is Act.PUBLISHED:
        return content
    return replace(content, about=widened(content.about, before.about), worst=min(before.severity, before.worst or before.severity, key=list(Severity).index))


def _stop_writes(case: _Case, services: Services) -> list[Write]:
    """Stop the last broadcast where somebody could still get it."""
    if case.last is None or not overtaken(case.last):
        return []
    now = services.now()
    entry = services.store.audit.write(case.last.id, AuditEntry(case.author, "broadcast.stopped", now), id=f"{case.post.id}-stop")
    return [services.store.broadcasts.stop_write(case.last, now), entry]


def _as_before(case: _Case) -> tuple[Notice, Aim]:
    """A withdrawal goes to those the last revision was for, in its words where it brings none of its own."""
    notice, last, content = case.notice, case.last, case.last_content
    if last is None or content is None:
        return notice, Aim(notice.topics, notice.include_below)
    told = replace(
        notice,
        kind=content.kind,
        severity=content.severity,
        urgency=content.urgency,
        content=notice.content or content.texts,
        language=notice.language if notice.content else content.language,
        link=notice.link or content.link,
        channels=last.audience.channels,
        about=content.about,
    )
    return told, Aim(last.audience.topics, last.audience.include_below)


def _broadcast(case: _Case, content: Content, audience: Audience, services: Services) -> Broadcast:
    """A source's word is its approval, because the city listed it; an urgent one needs a person unless the city trusts it for that."""
    now, digest = services.now(), hash_of(content, audience)
    waits = content.urgent and not case.source.urgent
    return Broadcast(
        id=case.broadcast_id,
        state=BroadcastState.AWAITING_APPROVAL if waits else BroadcastState.SCHEDULED,
        author=case.author,
        created_at=now,
        send_at=SendAt(max(now, case.notice.not_before or now)),
        audience=audience,
        urgent=content.urgent,
        expires_at=content.expires_at,
        content_hash=digest,
        approval=None if waits else Approval(case.author, "source", digest, now),
    )
