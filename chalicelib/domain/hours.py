"""Hours of the week, as clocks show them: whether it is one of them, and when the next one begins, across clock changes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chalicelib.domain.filters import Hours

Span = tuple[timedelta, timedelta]
"""From and until, since Monday 00:00."""

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


def is_inside(hours: Hours, zone: ZoneInfo, moment: datetime) -> bool:
    """Whether clocks in `zone` stand inside these hours."""
    at = _since_monday(moment.astimezone(zone))
    return any(begin <= at < end for begin, end in _spans(hours))


def next_inside(hours: Hours, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """The first moment from `moment` on, in UTC, at which clocks stand inside these hours; None where they name no day.

    Wall time counts: hours that clocks skip are not there that day, and those they show twice are there twice."""
    spans = _spans(hours)
    if not spans:
        return None
    steady = ((start, end, start + _wait(spans, start + offset)) for start, end, offset in _steady(zone, moment))
    return next(first for _, end, first in steady if first < end)


@lru_cache(maxsize=1024)
def _spans(hours: Hours) -> tuple[Span, ...]:
    """The hours of each day, split at midnight where they span it."""
    parts = [part for day in sorted(hours.days) for part in _parts(day, hours)]
    return tuple((timedelta(minutes=begin), timedelta(minutes=end)) for begin, end in parts if begin < end)


def _parts(day: int, hours: Hours) -> list[tuple[int, int]]:
    today, tomorrow = day * 1440, (day + 1) % 7 * 1440
    if hours.start < hours.end:
        return [(today + hours.start, today + hours.end)]
    return [(today + hours.start, today + 1440), (tomorrow, tomorrow + hours.end)]


def _wait(spans: tuple[Span, ...], wall: datetime) -> timedelta:
    """How long until a span, if no clock changes before."""
    at = _since_monday(wall)
    return min(timedelta(0) if begin <= at < end else (begin - at) % _WEEK for begin, end in spans)


def _since_monday(wall: datetime) -> timedelta:
    return timedelta(days=wall.weekday(), hours=wall.hour, minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)


def _steady(zone: ZoneInfo, since: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Stretches in which clocks do not change, without end: from, until, and how far they are from UTC. No clock changes twice within a day."""
    start = since.astimezone(UTC)
    while True:
        offset, end = _offset(zone, start), start + _DAY
        if _offset(zone, end) != offset:
            end = _change(zone, start, end)
        yield start, end, offset
        start = end


def _change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime:
    """The second at which clocks change between these two."""
    before, low, high = _offset(zone, start), int(start.timestamp()), int(end.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, datetime.fromtimestamp(middle, UTC)) == before else (low, middle)
    return datetime.fromtimestamp(high, UTC)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)
