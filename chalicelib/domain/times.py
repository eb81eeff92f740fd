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
            moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
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


def parse_wall(local: str, zone: ZoneInfo, pointer: str, *, offset: str | None = None, offset_pointer: str = "") -> datetime:
    """The instant at which clocks in `zone` show `local` (YYYY-MM-DDTHH:MM), on the occasion when they are `offset` (+HH:MM) from UTC.

    Raises Invalid where the clocks skip that time, and where they show it twice and no offset says which is meant: a person has to
    choose, and is told both instants. So it does for an offset that the clocks do not have then."""
    wall = _read_wall(local, pointer)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC).astimezone(zone) for fold in (0, 1))
    if first.replace(tzinfo=None) != wall:
        raise Invalid.field(pointer, "time_skipped", f"The clocks skip this time that day. Choose {_typed(second)} or {_typed(first)}.")
    if offset is not None:
        return _of_offset(first, second, offset, offset_pointer)
    if first.utcoffset() != second.utcoffset():
        choices = f"{_typed(first)} or {_typed(second)}"
        raise Invalid.field(pointer, "time_twice", f"The clocks show this time twice that day. Choose {choices}: say which by its offset.")
    return first.astimezone(UTC)


def _read_wall(local: str, pointer: str) -> datetime:
    try:
        wall = datetime.fromisoformat(local) if _WALL.fullmatch(local) else None
    except ValueError:
        wall = None
    if wall is None or not 1971 <= wall.year <= 9000:
        raise Invalid.field(pointer, "invalid_time", "Give a local time such as 2026-12-01T07:30.")
    return wall


def _of_offset(first: datetime, second: datetime, offset: str, pointer: str) -> datetime:
    for moment in (first, second):
        if _typed(moment).endswith(offset):
            return moment.astimezone(UTC)
    offsets = " or ".join(dict.fromkeys(_typed(moment)[-6:] for moment in (first, second)))
    raise Invalid.field(pointer, "wrong_offset", f"The clocks there are {offsets} from UTC at this time.")


def _typed(moment: datetime) -> str:
    """A moment as one would type it, with its offset."""
    return moment.isoformat(timespec="seconds")


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
