"""The look: right before a hand-over, may this recipient still have it? Decided from rows read after the mark."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.batch import Entry
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.quiet import released_at


@dataclass(frozen=True)
class Looked:
    """An address as the look found it. `bad`: a provider proved that nothing can be sent there."""

    sealed: str | None
    verified: bool
    opted_out: bool
    bad: bool = False


@dataclass(frozen=True)
class Hold:
    """Not now: it is quiet there until then."""

    until: datetime


def verdict(entry: Entry, address: Looked | None, broadcast: Broadcast | None, *, zone: ZoneInfo, now: datetime) -> Mark | Hold | None:
    """Why this recipient is not to be attempted; None where nothing stands against it."""
    ended = ends(broadcast, now)
    if ended or broadcast is None:
        return ended
    if address is None:
        return Mark(State.SKIPPED, SkipReason.NO_ADDRESS)
    if address.opted_out:
        return Mark(State.SKIPPED, SkipReason.OPTED_OUT)
    if address.sealed is None:
        return Mark(State.SKIPPED, SkipReason.ERASED)
    if address.bad:
        return Mark(State.SKIPPED, SkipReason.NO_ADDRESS)
    if not address.verified:
        return Mark(State.SKIPPED, SkipReason.UNVERIFIED)
    if entry.quiet and not broadcast.urgent:
        release = released_at(entry.quiet, ZoneInfo(entry.zone) if entry.zone else zone, now)
        return Hold(release) if release > now else None
    return None


def ends(broadcast: Broadcast | None, now: datetime) -> Mark | None:
    """What becomes of everybody still untried: stopped, expired, or nothing yet."""
    if broadcast is None or broadcast.stop_at:
        return Mark(State.SKIPPED, SkipReason.BROADCAST_STOPPED)
    if now >= broadcast.expires_at:
        return Mark(State.EXPIRED)
    return None
