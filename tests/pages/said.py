"""Notices as if they had been sent."""

from datetime import timedelta

from chalicelib.domain.alerts import Said
from chalicelib.domain.broadcast import Audience, Broadcast, BroadcastState, Content, SendAt, hash_of
from chalicelib.domain.topic import reached
from chalicelib.store.notices import Revision
from tests.conversation.booth import Booth


def say(
    booth: Booth,
    content: Content,
    state: BroadcastState = BroadcastState.COMPLETED,
    *,
    topic: str = "transit",
    stopped: bool = False,
    digest: str | None = None,
) -> str:
    """Keep a revision of a notice as if a broadcast had come as far as this, a second after the last."""
    booth.clock.advance(timedelta(seconds=1))
    store, now = booth.services.store, booth.clock()
    audience = Audience((topic,), tuple(reached([topic], booth.services.city.topics, include_below=False)), (), digest=digest)
    name = f"bc_{booth.new_id()}"
    made = Broadcast(name, state, "ana", now, SendAt(now), audience, False, content.expires_at, hash_of(content, audience))
    known = store.notices.get(content.notice)
    revision = Revision(content.notice, content.revision, content.act, name, Said("f", (), None, now), content.expires_at)
    booth.state.table.transact([*store.broadcasts.create_writes(made, content), *store.notices.publish_writes(known, revision, post="in_1")])
    if stopped:
        booth.state.table.transact([store.broadcasts.stop_write(made, now)])
    return name
