"""Quiet hours: local hours in which what is not urgent is held."""

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
    return release
