"""Time as the house speaks it: aware, UTC inside, whole milliseconds when stored."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chalicelib.errors import Invalid

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_WALL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware moment."""
    return round(moment.timestamp() * 1000)


def from_ms(stored: int) -> datetime:
    """The aware UTC moment that `to_ms` stored."""
    return datetime.fromtimestamp(stored / 1000, UTC)


def spoken(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_moment(text: str, pointer: str) -> datetime:
    """An RFC 3339 moment. Raises Invalid naming `pointer`; a moment without a zone is refused."""
    try:
        if _RFC3339.fullmatch(text):
            moment = datetime.fromisoformat(text.upper().replace("Z", "+00:00")).astimezone(UTC)
            if 1971 <= moment.year <= 9000:
                return moment
    except (ValueError, OverflowError):
        pass
    raise Invalid.field(pointer, "invalid_time", "Give a moment with its offset, such as 2026-12-01T23:00:00Z.")


def parse_zone(name: str, pointer: str) -> ZoneInfo:
    """An IANA zone. Raises Invalid naming `pointer`."""
    try:
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise Invalid.field(pointer, "unknown_zone", "Give an IANA zone, such as America/New_York.")


def parse_wall(local: str, zone: ZoneInfo, pointer: str) -> datetime:
    """The one instant at which clocks in `zone` show `local` (YYYY-MM-DDTHH:MM).

    A time that the clocks skip, or show twice, is refused with Invalid: a person has to choose."""
    try:
        wall = datetime.fromisoformat(local) if _WALL.fullmatch(local) else None
    except ValueError:
        wall = None
    if wall is None or not 1971 <= wall.year <= 9000:
        raise Invalid.field(pointer, "invalid_time", "Give a local time such as 2026-12-01T07:30.")
    first, second = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        raise Invalid.field(pointer, "time_skipped", "The clocks skip this time that day. Choose an hour earlier or later.")
    raise Invalid.field(pointer, "time_twice", "The clocks show this time twice that day. Choose a time outside that hour.")


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
