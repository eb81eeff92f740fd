"""What of the city's notices is public: the last revision of each that was sent. What waits for approval is nobody's business yet, and what was
stopped is taken back. What was for some only, such as a correction, is its notice's last word to everybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.broadcast import Broadcast, BroadcastState, Content
from chalicelib.domain.times import to_ms
from chalicelib.store.stores import Stores

_SENT = frozenset({BroadcastState.SENDING, BroadcastState.COMPLETED})
_AT_ONCE = 50
_MOST_READ = 400
"""Broadcasts looked at for one page: a topic that is seldom written to may need more than one page to be found."""


@dataclass(frozen=True)
class Publication:
    """A notice as it was last sent."""

    broadcast: Broadcast
    content: Content


def last_of(notice: str, store: Stores) -> Publication | None:
    """The last revision of a notice that is public."""
    for name in store.notices.broadcasts(notice):
        found = store.broadcasts.get(name)
        content = store.broadcasts.content(name) if found and is_public(found) else None
        if found and content:
            return Publication(found, content)
    return None


def newest(topic: str | None, *, after: str | None, most: int, store: Stores) -> tuple[list[Publication], str | None]:
    """Notices that followers of `topic` were told, newest first, and after which broadcast to go on; None where there are no more."""
    found: list[Publication] = []
    for _ in range(_MOST_READ // _AT_ONCE):
        page, after = store.broadcasts.page(limit=_AT_ONCE, after=after)
        for one in _last_words(_about(topic, page), store):
            if len(found) == most:
                return found, _place(found[-1].broadcast)
            found.append(one)
        if after is None:
            return found, None
    return found, after


def is_public(broadcast: Broadcast) -> bool:
    """Whether it was sent, and not stopped. A digest says nothing that its notices do not."""
    return broadcast.state in _SENT and broadcast.stop_at is None and broadcast.audience.digest is None


def _about(topic: str | None, page: Sequence[Broadcast]) -> list[Broadcast]:
    return [one for one in page if is_public(one) and (topic is None or topic in one.audience.reached)]


def _last_words(page: Sequence[Broadcast], store: Stores) -> list[Publication]:
    """Those that are the last revision of their notice."""
    contents = store.contents.of([one.id for one in page])
    return [Publication(one, contents[one.id]) for one in page if one.id in contents and _is_last(one, contents[one.id], store)]


def _is_last(broadcast: Broadcast, content: Content, store: Stores) -> bool:
    for name in store.notices.broadcasts(content.notice):
        if name == broadcast.id:
            return True
        found = store.broadcasts.get(name)
        if found and is_public(found):
            return False
    return True


def _place(broadcast: Broadcast) -> str:
    """Where the list of all broadcasts holds it."""
    return f"{to_ms(broadcast.created_at):014d}#{broadcast.id}"
