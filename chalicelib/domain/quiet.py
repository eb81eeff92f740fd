"""Quiet hours: local hours in which what is not urgent is held."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

Window = tuple[int, int]
"""From and until, in minutes of the local day. From after until spans midnight; equal means no quiet at all."""

_MINUTE = timedelta(minutes=1)


def is_quiet(window: Window, zone: ZoneInfo, now: datetime) -> bool:
    """Whether clocks in `zone` stand inside the window."""
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    start, end = window
    return start <= minute < end if start <= end else minute >= start or minute < end


def released_at(window: Window, zone: ZoneInfo, now: datetime) -> datetime:
    """The first moment from `now` on that lies outside the window; `now` itself where it is not quiet.

    Across a clock change the wall time counts: a window until 08:00 ends when clocks show 08:00, or the first time after."""
    if not is_quiet(window, zone, now):
        return now
    local = now.astimezone(zone)
    end = local.replace(hour=window[1] // 60 % 24, minute=window[1] % 60, second=0, microsecond=0)
    if end.replace(tzinfo=None) <= local.replace(tzinfo=None):
        end = end + timedelta(days=1)
    release = end.astimezone(UTC)
    while is_quiet(window, zone, release):  # only around a clock change, and then for an hour at most
        release += _MINUTE
    while not is_quiet(window, zone, release - _MINUTE):  # an end that clocks skip is read too late; `now` is quiet
        release -= _MINUTE
    changed = _clock_change(zone, now, release)
    return changed if changed and not is_quiet(window, zone, changed) else release


def _clock_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """When clocks are first changed after `start`, if by `end` they are: set back, they may show a time again at which it was not quiet yet."""

    def offset(moment: datetime) -> timedelta | None:
        return moment.astimezone(zone).utcoffset()

    before = offset(start)
    if offset(end) == before:
        return None
    first = start.replace(second=0, microsecond=0).astimezone(UTC)
    minutes = range(int((end - first) / _MINUTE) + 2)
    return first + _MINUTE * bisect_left(minutes, True, key=lambda minute: offset(first + _MINUTE * minute) != before)
