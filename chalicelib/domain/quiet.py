"""Quiet hours: local hours in which what is not urgent is held."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

Window = tuple[int, int]
"""From and until, in minutes of the local day. From after until spans midnight; equal means no quiet at all."""

_MINUTE = timedelta(minutes=1)
_DAY = 24 * 60


def is_quiet(window: Window, zone: ZoneInfo, now: datetime) -> bool:
    """Whether clocks in `zone` stand inside the window."""
    minute = _minute(zone, now)
    start, end = window
    return start <= minute < end if start <= end else minute >= start or minute < end


def released_at(window: Window, zone: ZoneInfo, now: datetime) -> datetime:
    """The first moment from `now` on that lies outside the window; `now` itself where it is not quiet.

    Across a clock change the wall time counts: a window until 08:00 ends when clocks show 08:00, or the first time after."""
    if not is_quiet(window, zone, now):
        return now
    release = _floor(now) + _MINUTE * ((window[1] - _minute(zone, now)) % _DAY)
    changed = _clock_change(zone, now, release)
    return released_at(window, zone, changed) if changed else release


def _minute(zone: ZoneInfo, now: datetime) -> int:
    local = now.astimezone(zone)
    return local.hour * 60 + local.minute


def _floor(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0).astimezone(UTC)


def _clock_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """When clocks are first changed after `start`, if by `end` they are: from there on they may show other times than were reckoned with."""

    def offset(moment: datetime) -> timedelta | None:
        return moment.astimezone(zone).utcoffset()

    before, first = offset(start), _floor(start)
    if offset(end) == before:
        return None
    minutes = range(int((end - first) / _MINUTE))
    return first + _MINUTE * bisect_left(minutes, True, key=lambda minute: offset(first + _MINUTE * minute) != before)
