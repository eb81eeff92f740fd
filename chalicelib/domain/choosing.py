"""Choosing on a page: the filters and preferences that the fields of a form mean. What nobody touched stays as it is, to the letter."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from chalicelib.domain.about import Workload
from chalicelib.domain.city import City
from chalicelib.domain.fields import Fault, Filled, clock
from chalicelib.domain.filters import EVERYTHING, Facility, Filters, Hours, Journey
from chalicelib.domain.notice import Severity
from chalicelib.domain.offering import MOST_JOURNEYS, WHOLE_DAY, is_paused, pause_day, written_filters, zone_of
from chalicelib.domain.preferences import NO_QUIET, Digest, Preferences
from chalicelib.domain.quiet import Window

_MOST_PAY = 10_000_000
_LONGEST_PAUSE = timedelta(days=366)
_EVERY_DAY = frozenset(range(7))


# --- filters ---------------------------------------------------------------------------------------------------------


def read_filters_of(filled: Filled, *, city: City, old: Filters = EVERYTHING) -> Filters:
    """The filters that these fields mean; faults are in `filled.wrong`. What nobody touched stays as it is, to the letter."""
    untouched = written_filters(old)
    if all(filled.all(name) == values for name, values in untouched.items()) and filled.given() == set(untouched):
        return old
    return Filters(
        journeys=_journeys(filled, old.journeys),
        facilities=frozenset(Facility(one) for one in filled.ticked("facility", set(Facility))),
        severity=Severity(found) if (found := filled.picked("severity", set(Severity))) else None,
        hours=_hours(filled, "hours"),
        travel=_hours(filled, "travel"),
        areas=frozenset(filled.ticked("area", city.areas.keys() | old.areas)),
        categories=frozenset(word.casefold() for word in filled.words("category")),
        pay=_pay(filled),
        workload=Workload(found) if (found := filled.picked("workload", set(Workload))) else None,
        agencies=frozenset(filled.words("agency")),
    )


def _journeys(filled: Filled, old: Sequence[Journey]) -> tuple[Journey, ...]:
    """The ways that are filled in. One that was there keeps what the form does not ask; those that the form has no room for stay."""
    known = {(one.route, one.direction, one.origin, one.destination): one for one in old}
    read = [_journey(filled, row) for row in range(MOST_JOURNEYS)]
    kept = (known.get((one.route, one.direction, one.origin, one.destination), one) for one in read if one != Journey())
    return (*kept, *old[MOST_JOURNEYS:])


def _journey(filled: Filled, row: int) -> Journey:
    direction = filled.picked(f"direction-{row}", {"0", "1"})
    return Journey(
        route=filled.word(f"route-{row}"),
        direction=int(direction) if direction else None,
        origin=filled.word(f"origin-{row}"),
        destination=filled.word(f"destination-{row}"),
    )


def _pay(filled: Filled) -> int | None:
    """A whole number, however its thousands are set apart."""
    text = re.sub(r"[\s,.٬'’]", "", filled.first("pay"))
    if not text:
        return None
    if text.isdecimal() and len(text) <= len(str(_MOST_PAY)) and 0 < int(text) <= _MOST_PAY:
        return int(text)
    filled.refuse("pay", Fault.PAY)
    return None


def _hours(filled: Filled, name: str) -> Hours | None:
    days = frozenset(int(day) for day in filled.ticked(f"{name}-day", {str(day) for day in _EVERY_DAY}))
    window = filled.window(f"{name}-from", f"{name}-until")
    if window is None and days in (frozenset(), _EVERY_DAY):
        return None
    start, end = window or WHOLE_DAY
    return Hours(days or _EVERY_DAY, start, end)


# --- preferences -----------------------------------------------------------------------------------------------------


def read_preferences_of(filled: Filled, *, city: City, zones: Collection[str], old: Preferences, now: datetime) -> Preferences:
    """The preferences that these fields mean; faults are in `filled.wrong`."""
    zone = filled.picked("zone", zones) or city.zone.key
    hour, day = (filled.picked(name, {str(number) for number in range(most)}) for name, most in (("digest-hour", 24), ("digest-day", 7)))
    read = Preferences(
        zone=old.zone if zone == (old.zone or city.zone.key) else None if zone == city.zone.key else zone,
        quiet=_quiet(filled, old.quiet),
        digest=Digest(filled.picked("digest", set(Digest)) or Digest.NOW),
        digest_hour=int(hour) if hour else old.digest_hour,
        digest_day=int(day) if day else old.digest_day,
        calm=filled.first("calm") == "yes",
        email_first=filled.first("email-first") == "yes",
    )
    return replace(read, paused_until=_pause(filled, read, city, old=old, now=now))


def _quiet(filled: Filled, old: Window | None) -> Window | None:
    """The city's hours, none, or one's own. Who fills in new hours means them, whatever is picked above."""
    picked = filled.picked("quiet", {"usual", "none", "own"}) or "usual"
    typed = [filled.first("quiet-from"), filled.first("quiet-until")]
    had = [clock(minute) for minute in old] if old and old != NO_QUIET else ["", ""]
    if picked != "own" and (typed == had or not any(typed)):
        return None if picked == "usual" else NO_QUIET
    if not any(typed):
        filled.refuse("quiet-from", Fault.HALF)
    return filled.window("quiet-from", "quiet-until")


def _pause(filled: Filled, read: Preferences, city: City, *, old: Preferences, now: datetime) -> datetime | None:
    """The day as it begins in the reader's zone. A pause that nobody touched ends when it would have."""
    text = filled.first("pause")
    if not text:
        return None
    if is_paused(old, now) and text == pause_day(old, city).isoformat():
        return old.paused_until
    try:
        begins = datetime.combine(date.fromisoformat(text), time(), zone_of(read, city)).astimezone(UTC)
    except (ValueError, OverflowError):
        begins = now
    if now < begins <= now + _LONGEST_PAUSE:
        return begins
    filled.refuse("pause", Fault.DAY)
    return None
