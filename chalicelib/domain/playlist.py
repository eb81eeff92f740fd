"""Playlists: what a kiosk shows now. Decided from what it was sent, never stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.broadcast import Content
from chalicelib.domain.notice import Act

_OVER = frozenset({Act.CANCELLED, Act.ENDED})


@dataclass(frozen=True)
class Sent:
    """A broadcast that went to a kiosk, and the token that names its delivery there."""

    broadcast: str
    content: Content
    stopped: bool
    token: str


def playlist(sent: Iterable[Sent], now: datetime) -> list[Sent]:
    """What is up: of each notice the newest revision, unless that is over, expired or stopped. An older revision never comes back."""
    newest: dict[str, Sent] = {}
    for one in sorted(sent, key=lambda one: (one.content.revision, one.broadcast)):
        newest[one.content.notice] = one
    live = [one for one in newest.values() if not one.stopped and one.content.act not in _OVER and one.content.expires_at > now]
    return sorted(live, key=lambda one: (one.content.expires_at, one.broadcast))
