"""Receive a post: what a city system says is judged against what it said before, then kept, with the work it makes, in one transaction.

    notices → judge each → post row + work + what was said → queue `intake` → publish_post

A post that was taken before gets its first answer again. Whatever the queue loses, the sweep finds by the post's row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.alerts import Ignored, judge, notice_id, remembered
from chalicelib.domain.city import Source
from chalicelib.domain.notice import Notice
from chalicelib.errors import Conflict, StateLater, TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all
from chalicelib.state.table import Write
from chalicelib.store.notices import KnownNotice
from chalicelib.store.posts import Post, post_id, read_post

MOST_REMEMBERED = 80
"""Notices remembered in the transaction that takes a post, which holds a hundred writes; those beyond are known once published."""


@dataclass(frozen=True)
class Mail:
    """A verified post: whose, the id it came with, a hash of its body, and the notices in it, each ref once."""

    source: Source
    webhook: str
    body_hash: str
    notices: Sequence[Notice]


@dataclass
class _Judged:
    """The notices of a post, judged."""

    accepted: list[Notice] = field(default_factory=list)
    ignored: list[tuple[Notice, Ignored]] = field(default_factory=list)


def receive_post(mail: Mail, *, services: Services) -> Post:
    """Keep a post and queue its work. The answer is in what comes back. Raises Conflict where its id came before with another body."""
    known = services.store.notices.get_many([notice_id(mail.source.id, notice.ref) for notice in mail.notices])
    judged = _judge(mail, known, services)
    post = Post(post_id(mail.source.id, mail.webhook), mail.source.id, mail.body_hash, _answer(mail, judged), services.now())
    work = _work(mail, judged, known)
    try:
        services.store.table.transact([*services.store.posts.create_writes(post, work), *_memories(post, judged, services)])
    except TransactionRefused as refused:
        old = refused.olds.get(0)
        if old is None:
            raise
        return same_post(read_post(old), mail.body_hash)
    if work:
        _queue(post, services)
    return post


def same_post(before: Post, body_hash: str) -> Post:
    """The post taken before under this id. Raises Conflict where its body was another."""
    if before.body_hash != body_hash:
        raise Conflict("This webhook-id came before with another body.", code="id_reused")
    return before


def _judge(mail: Mail, known: Mapping[str, KnownNotice], services: Services) -> _Judged:
    judged, now = _Judged(), services.now()
    for notice in mail.notices:
        before = known[notice_id(mail.source.id, notice.ref)]
        ignored = judge(notice, before.said or before.published, source=mail.source, known=services.city.topics, now=now)
        if ignored:
            judged.ignored.append((notice, ignored))
        else:
            judged.accepted.append(notice)
    return judged


def _answer(mail: Mail, judged: _Judged) -> dict[str, object]:
    return {
        "id": post_id(mail.source.id, mail.webhook),
        "accepted": [notice.ref for notice in judged.accepted],
        "ignored": [{"ref": notice.ref, "code": str(code)} for notice, code in judged.ignored],
    }


def _work(mail: Mail, judged: _Judged, known: Mapping[str, KnownNotice]) -> list[Notice]:
    """What is left to do: publish what was accepted, and see to it that what ended is told no further."""
    ended = [notice for notice, code in judged.ignored if code is Ignored.ENDED]
    before = [known[notice_id(mail.source.id, notice.ref)] for notice in ended]
    return [*judged.accepted, *(notice for notice, one in zip(ended, before, strict=True) if one.number and not one.over)]


def _memories(post: Post, judged: _Judged, services: Services) -> list[Write]:
    """What the source has now said, so that the next post is answered rightly before this one is published."""
    said = [(notice.ref, remembered(notice, post.at)) for notice in judged.accepted[:MOST_REMEMBERED]]
    return [services.store.notices.said_write(notice_id(post.source, ref), one, source=post.source, ref=ref) for ref, one in said]


def _queue(post: Post, services: Services) -> None:
    try:
        send_all(services.queues.named("intake"), [Outgoing(f'{{"post": "{post.id}"}}')], sleep=services.sleep)
    except StateLater:
        return  # the post is kept: the sweep queues it
