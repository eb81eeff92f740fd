"""Reception: whether and when one subscription's holder wants a broadcast. The same rule plans a page, and is asked again of what was held.

The order is the field's: may they be told at all, have they asked for this, do they want it now. What is urgent asks only the first two.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.filters import EVERYTHING, Filters
from chalicelib.domain.matching import Mismatch, Told, told_again_at, why_not
from chalicelib.domain.notice import Kind
from chalicelib.domain.preferences import NO_QUIET, UNCHOSEN, Digest, Preferences
from chalicelib.domain.quiet import Window, released_at

DAY = 24 * 60
"""Minutes."""
CALM = timedelta(minutes=30)
"""What is said again so soon after the first word comes to the calm together at the end of it."""


@dataclass(frozen=True)
class Hold:
    """Not now: it is quiet there until then."""

    until: datetime


Verdict = Mark | Hold | None
"""Why not, or until when not; None: now."""


@dataclass(frozen=True)
class Occasion:
    """A broadcast as its followers are judged for it. `quiet` and `zone` are the city's; `calm_until` is when those who want it calm are told again.
    `digest`: it is one, which everybody in it chose the hour of, so the city's quiet hours are none of its business."""

    told: Told
    zone: ZoneInfo
    quiet: Window
    calm_until: datetime | None = None
    digest: bool = False


@dataclass(frozen=True)
class Wish:
    """What one subscription says of its holder's wishes. `elsewhere`: it comes to an email address of theirs too."""

    channel: Channel
    preferences: Preferences = UNCHOSEN
    filters: Filters = EVERYTHING
    elsewhere: bool = False


def receive(wish: Wish, occasion: Occasion, now: datetime) -> Verdict:
    """What becomes of it."""
    if wish.channel is Channel.KIOSK:
        return None
    for rule in _DIGEST if occasion.digest else _URGENT if occasion.told.urgent else _RULES:
        found = rule(wish, occasion, now)
        if found is not None:
            return found
    return None


def best(verdicts: Iterable[Verdict]) -> Verdict:
    """What becomes of somebody who follows several topics that bring it: the soonest that any of them allows."""
    return min(verdicts, key=_rank)


def quiet_window(channel: Channel, preferences: Preferences, filters: Filters, city: Window) -> Window | None:
    """The hours in which nothing routine goes to somebody: their own; else the city's, for texts alone, and not for those who said themselves
    when to be told."""
    own = own_quiet(preferences, filters)
    return own if own is not None else city if channel is Channel.SMS else None


def own_quiet(preferences: Preferences, filters: Filters) -> Window | None:
    """The quiet hours that an entry in a batch keeps; None for the city's. Whoever named the hours in which to be told wants no others; days alone, and
    hours that elevators do not keep, name none."""
    named = filters.hours is not None and (filters.hours.start, filters.hours.end) != (0, DAY) and not (filters.facilities and not filters.journeys)
    return preferences.quiet if preferences.quiet is not None or not named else NO_QUIET


def calm_until(said: Sequence[datetime], now: datetime) -> datetime | None:
    """When those who want it calm are told of what is said now, after words at `said`; None for at once.

    The first word goes at once. Until half an hour later nothing does; then the last word of that time, and the next half hour begins."""
    free: datetime | None = None
    for number, moment in enumerate(said):
        after = said[number + 1] if number + 1 < len(said) else now
        if free is None or moment >= free:
            free = moment + CALM
        elif after > free:
            free += CALM  # what was held then was told then
    return free if free is not None and now < free else None


# --- rules, in order --------------------------------------------------------------------------------------------------


def _paused(wish: Wish, occasion: Occasion, now: datetime) -> Verdict:
    until = wish.preferences.paused_until
    return Mark(State.SKIPPED, SkipReason.PAUSED) if until and until > now and occasion.told.kind is not Kind.EMERGENCY else None


def _filtered(wish: Wish, occasion: Occasion, now: datetime) -> Verdict:
    zone = _zone(wish, occasion)
    mismatch = why_not(wish.filters, occasion.told, zone=zone, now=now)
    if mismatch is None:
        return None
    again = told_again_at(wish.filters, occasion.told, zone=zone, now=now) if mismatch in _TIMES else None
    return Hold(again) if again else Mark(State.SKIPPED, SkipReason.FILTERED)


def _in_digest(wish: Wish, _occasion: Occasion, _now: datetime) -> Verdict:
    return Mark(State.SKIPPED, SkipReason.DIGEST) if wish.preferences.digest is not Digest.NOW else None


def _elsewhere(wish: Wish, _occasion: Occasion, _now: datetime) -> Verdict:
    """What only informs comes by email alone to those who want that."""
    by_email = wish.channel is Channel.SMS and wish.preferences.email_first and wish.elsewhere
    return Mark(State.SKIPPED, SkipReason.BY_EMAIL) if by_email else None


def _calm(wish: Wish, occasion: Occasion, now: datetime) -> Verdict:
    until = occasion.calm_until if wish.preferences.calm else None
    return Hold(until) if until and until > now else None


def _quiet(wish: Wish, occasion: Occasion, now: datetime) -> Verdict:
    window = quiet_window(wish.channel, wish.preferences, wish.filters, NO_QUIET if occasion.digest else occasion.quiet)
    release = released_at(window, _zone(wish, occasion), now) if window else now
    return Hold(release) if release > now else None


_RULES: tuple[Callable[[Wish, Occasion, datetime], Verdict], ...] = (_paused, _filtered, _in_digest, _elsewhere, _calm, _quiet)
_URGENT = (_paused, _filtered)
_DIGEST = (_paused, _elsewhere, _quiet)
_TIMES = frozenset({Mismatch.DAYS, Mismatch.HOURS})


def _zone(wish: Wish, occasion: Occasion) -> ZoneInfo:
    return ZoneInfo(wish.preferences.zone) if wish.preferences.zone else occasion.zone


def _rank(verdict: Verdict) -> tuple[int, float]:
    if verdict is None:
        return 0, 0.0
    if isinstance(verdict, Hold):
        return 1, verdict.until.timestamp()
    order = (SkipReason.DIGEST, SkipReason.PAUSED, SkipReason.BY_EMAIL)
    return 2 + (order.index(SkipReason(verdict.reason)) if verdict.reason in order else len(order)), 0.0
