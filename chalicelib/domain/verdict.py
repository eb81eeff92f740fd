"""The look: right before a hand-over, may this recipient still have it? Decided from rows read after the mark."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.batch import Entry
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.quiet import Window, released_at
from chalicelib.domain.reception import Hold


@dataclass(frozen=True)
class Looked:
    """An address as the look found it. `bad`: a provider proved that nothing can be sent there. `subscriber`: whose it is by now."""

    sealed: str | None
    verified: bool
    opted_out: bool
    bad: bool = False
    subscriber: str = ""


def verdict(
    entry: Entry, address: Looked | None, broadcast: Broadcast | None, *, zone: ZoneInfo, now: datetime, quiet: Window | None = None
) -> Mark | Hold | None:
    """Why this recipient is not to be attempted; None where nothing stands against it. `quiet` are the hours of those who chose none of their own."""
    ended = ends(broadcast, now)
    if ended or broadcast is None:
        return ended
    if address is None:
        return Mark(State.SKIPPED, SkipReason.NO_ADDRESS if entry.address else SkipReason.ERASED)
    if address.opted_out or (address.subscriber and entry.subscriber and address.subscriber != entry.subscriber):  # theirs no more who was planned
        return Mark(State.SKIPPED, SkipReason.OPTED_OUT)
    if address.sealed is None:
        return Mark(State.SKIPPED, SkipReason.ERASED)
    if address.bad:
        return Mark(State.SKIPPED, SkipReason.NO_ADDRESS)
    if not address.verified:
        return Mark(State.SKIPPED, SkipReason.UNVERIFIED)
    window = entry.quiet if entry.quiet is not None else quiet
    if window and not broadcast.urgent:
        release = released_at(window, ZoneInfo(entry.zone) if entry.zone else zone, now)
        return Hold(release) if release > now else None
    return None


def ends(broadcast: Broadcast | None, now: datetime) -> Mark | None:
    """What becomes of everybody still untried: stopped, expired, or nothing yet."""
    if broadcast is None or broadcast.stop_at:
        return Mark(State.SKIPPED, SkipReason.BROADCAST_STOPPED)
    if now >= broadcast.expires_at:
        return Mark(State.EXPIRED)
    return None
