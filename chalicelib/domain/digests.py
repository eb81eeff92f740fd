"""Digests: notices of a day or a week in one message, at the hour that a resident chose.

Those who chose the same hour share a slot; each time a slot comes round, a broadcast of its own goes to them. Who gets what in it is read from
their subscriptions as they are then, so that nothing is kept per person between two digests
but since when they have wanted which (`domain/rhythms.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain.broadcast import Broadcast, BroadcastState, Content
from chalicelib.domain.notice import Act
from chalicelib.domain.preferences import Digest, Preferences

DIGEST = "digest"
"""What an unsubscribe link of a digest ends, where that of a notice names a topic."""
MOST_ITEMS = 30
"""Notices in one person's digest; the newest count."""
MOST_CONSIDERED = 500
"""Notices of which all digests of a slot are made."""
MARGIN = timedelta(minutes=1)
"""What is launched so shortly before a slot comes round is in its next digest: it may not be launched yet when this one is made."""
CATCH_UP = timedelta(hours=3)
"""A digest that could not go at its hour goes up to so much later."""
KEPT = timedelta(days=10)
"""How long what was launched waits for a digest: longer than a week's looks back."""

_SAID = frozenset({BroadcastState.SENDING, BroadcastState.COMPLETED})
_OVER = frozenset({Act.CANCELLED, Act.ENDED})


@dataclass(frozen=True)
class Slot:
    """When a digest comes: at an hour, each day or on one day of the week (Monday is 0), in a zone; None is the city's."""

    digest: Digest
    hour: int
    day: int = 0
    zone: str | None = None

    @property
    def name(self) -> str:
        """Its name in keys."""
        return f"{self.digest}-{self.hour:02d}-{self.day}-{self.zone or ''}"

    @classmethod
    def read(cls, name: str) -> "Slot":
        """The slot that has this name."""
        digest, hour, day, zone = name.split("-", 3)
        return cls(Digest(digest), int(hour), int(day), zone or None)

    @property
    def every(self) -> timedelta:
        """How much time one of its digests tells of."""
        return timedelta(days=7 if self.digest is Digest.WEEKLY else 1)


@dataclass(frozen=True)
class Item:
    """A broadcast that a digest may tell of."""

    broadcast: Broadcast
    content: Content


def slot_of(preferences: Preferences) -> Slot | None:
    """The slot of a subscription; None where its notices come one by one."""
    if preferences.digest is Digest.NOW:
        return None
    day = preferences.digest_day if preferences.digest is Digest.WEEKLY else 0
    return Slot(preferences.digest, preferences.digest_hour, day, preferences.zone)


def last_due(slot: Slot, zone: ZoneInfo, now: datetime) -> datetime:
    """When the slot last came round, in UTC. An hour that clocks skip comes right after; one they show twice counts the first time."""
    local = now.astimezone(ZoneInfo(slot.zone) if slot.zone else zone)
    due = local.replace(hour=slot.hour, minute=0, second=0, microsecond=0, fold=0)
    if slot.digest is Digest.WEEKLY:
        due -= timedelta(days=(due.weekday() - slot.day) % 7)
    if due.astimezone(UTC) > now:
        due -= slot.every
    return due.astimezone(UTC)


def worth_telling(items: Iterable[Item], after: datetime, now: datetime) -> list[Item]:
    """What a digest tells of, newest first, of what was sent up to its hour, oldest first: what still holds, each notice in its last words. What was said
    and taken back in its time, which begins `after` the last one, is told to nobody; nor is that to those who are told of what was before."""
    within = [one for one in items if _is_public(one.broadcast)]
    last = {one.content.notice: one for one in within}
    first = {one.content.notice: one.broadcast.said_at for one in reversed(within) if one.content.act is Act.PUBLISHED}
    kept = [one for one in reversed(within) if one is last[one.content.notice] and one.content.expires_at > now]
    return [one for one in kept if not _is_taken_back(one, first.get(one.content.notice), after)][:MOST_CONSIDERED]


def _is_taken_back(one: Item, first: datetime | None, after: datetime) -> bool:
    """Whether it ends what was said on the same side of the last digest, so that nobody was told of that."""
    return one.content.act in _OVER and first is not None and (first > after) == (one.broadcast.said_at > after)


def _is_public(broadcast: Broadcast) -> bool:
    """What is urgent was told at once. A correction is the last word on a notice; what it corrects is told to nobody any more."""
    return broadcast.state in _SAID and not broadcast.urgent and broadcast.corrected_by is None and broadcast.audience.digest is None
