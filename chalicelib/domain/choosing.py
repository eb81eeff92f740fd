"""Choosing on a page: the fields of a form, and the filters and preferences that they mean. Pure, both ways.

What is wrong with a field is a code; the page has a sentence for each. Whoever writes down what `written` says and reads it again has what they had.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from chalicelib.domain.about import Workload
from chalicelib.domain.city import City
from chalicelib.domain.filters import EVERYTHING, Facility, Filters, Hours, Journey
from chalicelib.domain.notice import Kind, Severity
from chalicelib.domain.preferences import NO_QUIET, Digest, Preferences
from chalicelib.domain.quiet import Window
from chalicelib.domain.topic import lineage

MOST_JOURNEYS = 6
_MOST_WORDS, _LONGEST = 20, 60
_MOST_PAY = 10_000_000
_LONGEST_PAUSE = timedelta(days=366)
_EVERY_DAY = frozenset(range(7))
_WHOLE_DAY = (0, 24 * 60)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_COMMAS = re.compile(r"[,،、，;؛；\n]")

Fields = Mapping[str, Sequence[str]]


class Part(StrEnum):
    """A part of a topic that one can choose, beside how serious and when."""

    TRANSIT = "transit"
    AREAS = "areas"
    CATEGORIES = "categories"
    JOBS = "jobs"


class Fault(StrEnum):
    """What is wrong with a field."""

    HALF = "half"
    TIME = "time"
    SAME = "same"
    UNKNOWN = "unknown"
    LONG = "long"
    PAY = "pay"
    DAY = "day"


_PARTS: Mapping[Kind, frozenset[Part]] = {
    Kind.TRANSIT: frozenset({Part.TRANSIT}),
    Kind.EVENT: frozenset({Part.AREAS, Part.CATEGORIES}),
    Kind.JOB: frozenset({Part.AREAS, Part.CATEGORIES, Part.JOBS}),
}


@dataclass(frozen=True)
class Filled:
    """Fields of a form whose names begin alike, and what is found wrong with them while they are read."""

    fields: Fields
    prefix: str = ""
    wrong: dict[str, Fault] = field(default_factory=dict)

    def at(self, name: str) -> str:
        """The whole name of a field."""
        return self.prefix + name

    def first(self, name: str) -> str:
        """A field's value without the space around it; empty where there is none."""
        return next(iter(self.fields.get(self.at(name), ())), "").strip()

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return list(self.fields.get(self.at(name), ()))

    def refuse(self, name: str, fault: Fault) -> None:
        """Say what is wrong with a field."""
        self.wrong.setdefault(self.at(name), fault)


def parts_of(topic: str, city: City, filters: Filters = EVERYTHING) -> frozenset[Part]:
    """What one can choose of a topic: what its kind, or the nearest above it, has; and what somebody chose of it by other ways."""
    kind = next((found for name in lineage(topic) if name in city.topics and (found := city.topics[name].kind)), None)
    parts = _PARTS.get(kind, frozenset()) if kind else frozenset()
    parts |= {Part.AREAS} if city.topics[topic].asks_place else set()
    return (parts if city.areas else parts - {Part.AREAS}) | _used(filters)


def _used(filters: Filters) -> set[Part]:
    used = {
        Part.TRANSIT: filters.journeys or filters.facilities or filters.travel,
        Part.AREAS: filters.areas,
        Part.CATEGORIES: filters.categories,
        Part.JOBS: filters.pay is not None or filters.workload or filters.agencies,
    }
    return {part for part, value in used.items() if value}


# --- filters ---------------------------------------------------------------------------------------------------------


def written_filters(filters: Filters) -> dict[str, list[str]]:
    """The fields that say these filters."""
    fields = {
        "severity": [str(filters.severity)] if filters.severity else [],
        "area": sorted(filters.areas),
        "category": [", ".join(sorted(filters.categories))] if filters.categories else [],
        "pay": [str(filters.pay)] if filters.pay is not None else [],
        "workload": [str(filters.workload)] if filters.workload else [],
        "agency": [", ".join(sorted(filters.agencies))] if filters.agencies else [],
        "facility": sorted(str(one) for one in filters.facilities),
        **_written_hours("hours", filters.hours),
        **_written_hours("travel", filters.travel),
    }
    for row, one in enumerate(filters.journeys):
        said = {"route": one.route, "direction": one.direction, "origin": one.origin, "destination": one.destination}
        fields |= {f"{name}-{row}": [str(value)] for name, value in said.items() if value is not None}
    return {name: values for name, values in fields.items() if values}


def read_filters_of(filled: Filled, *, city: City, old: Filters = EVERYTHING) -> Filters:
    """The filters that these fields mean; faults are in `filled.wrong`. What nobody touched stays as it is, to the letter."""
    untouched = written_filters(old)
    if all(filled.all(name) == values for name, values in untouched.items()) and _given(filled) == set(untouched):
        return old
    return Filters(
        journeys=_journeys(filled, old.journeys),
        facilities=frozenset(Facility(one) for one in _ticked(filled, "facility", set(Facility))),
        severity=Severity(found) if (found := _picked(filled, "severity", set(Severity))) else None,
        hours=_hours(filled, "hours"),
        travel=_hours(filled, "travel"),
        areas=frozenset(_ticked(filled, "area", city.areas.keys() | old.areas)),
        categories=frozenset(word.casefold() for word in _words(filled, "category")),
        pay=_pay(filled),
        workload=Workload(found) if (found := _picked(filled, "workload", set(Workload))) else None,
        agencies=frozenset(_words(filled, "agency")),
    )


def _given(filled: Filled) -> set[str]:
    """The names of the fields that hold something."""
    return {name.removeprefix(filled.prefix) for name, values in filled.fields.items() if name.startswith(filled.prefix) and any(values)}


def _journeys(filled: Filled, old: Sequence[Journey]) -> tuple[Journey, ...]:
    """The ways that are filled in. One that was there keeps what the form does not ask."""
    known = {(one.route, one.direction, one.origin, one.destination): one for one in old}
    read = [_journey(filled, row) for row in range(MOST_JOURNEYS)]
    return tuple(known.get((one.route, one.direction, one.origin, one.destination), one) for one in read if one != Journey())


def _journey(filled: Filled, row: int) -> Journey:
    direction = _picked(filled, f"direction-{row}", {"0", "1"})
    return Journey(
        route=_word(filled, f"route-{row}"),
        direction=int(direction) if direction else None,
        origin=_word(filled, f"origin-{row}"),
        destination=_word(filled, f"destination-{row}"),
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
    days = frozenset(int(day) for day in _ticked(filled, f"{name}-day", {str(day) for day in _EVERY_DAY}))
    window = _window(filled, f"{name}-from", f"{name}-until")
    if window is None and days in (frozenset(), _EVERY_DAY):
        return None
    start, end = window or _WHOLE_DAY
    return Hours(days or _EVERY_DAY, start, end)


def _written_hours(name: str, hours: Hours | None) -> dict[str, list[str]]:
    if hours is None:
        return {}
    times = {} if (hours.start, hours.end) == _WHOLE_DAY else {f"{name}-from": [_clock(hours.start)], f"{name}-until": [_clock(hours.end)]}
    return {f"{name}-day": [str(day) for day in sorted(hours.days)], **times}


# --- preferences -----------------------------------------------------------------------------------------------------


def written_preferences(one: Preferences, *, city: City, now: datetime) -> dict[str, list[str]]:
    """The fields that say these preferences."""
    own = one.quiet is not None and one.quiet[0] != one.quiet[1]
    fields = {
        "quiet": ["usual" if one.quiet is None else "own" if own else "none"],
        "zone": [one.zone or city.zone.key],
        "digest": [str(one.digest)],
        "digest-hour": [str(one.digest_hour)],
        "digest-day": [str(one.digest_day)],
        "calm": ["yes"] if one.calm else [],
        "email-first": ["yes"] if one.email_first else [],
        "pause": [_pause_day(one, city).isoformat()] if is_paused(one, now) else [],
    }
    if own and one.quiet:
        fields |= {"quiet-from": [_clock(one.quiet[0])], "quiet-until": [_clock(one.quiet[1])]}
    return fields


def read_preferences_of(filled: Filled, *, city: City, zones: Collection[str], old: Preferences, now: datetime) -> Preferences:
    """The preferences that these fields mean; faults are in `filled.wrong`."""
    zone = _picked(filled, "zone", zones) or city.zone.key
    hour, day = (_picked(filled, name, {str(number) for number in range(most)}) for name, most in (("digest-hour", 24), ("digest-day", 7)))
    read = Preferences(
        zone=old.zone if zone == (old.zone or city.zone.key) else None if zone == city.zone.key else zone,
        quiet=_quiet(filled, old.quiet),
        digest=Digest(_picked(filled, "digest", set(Digest)) or Digest.NOW),
        digest_hour=int(hour) if hour else old.digest_hour,
        digest_day=int(day) if day else old.digest_day,
        calm=filled.first("calm") == "yes",
        email_first=filled.first("email-first") == "yes",
    )
    return replace(read, paused_until=_pause(filled, read, city, old=old, now=now))


def is_paused(one: Preferences, now: datetime) -> bool:
    """Whether nothing but emergencies comes now."""
    return one.paused_until is not None and one.paused_until > now


def _quiet(filled: Filled, old: Window | None) -> Window | None:
    """The city's hours, none, or one's own. Who fills in new hours means them, whatever is picked above."""
    picked = _picked(filled, "quiet", {"usual", "none", "own"}) or "usual"
    typed = [filled.first("quiet-from"), filled.first("quiet-until")]
    had = [_clock(minute) for minute in old] if old and old != NO_QUIET else ["", ""]
    if picked != "own" and (typed == had or not any(typed)):
        return None if picked == "usual" else NO_QUIET
    if not any(typed):
        filled.refuse("quiet-from", Fault.HALF)
    return _window(filled, "quiet-from", "quiet-until")


def _pause(filled: Filled, read: Preferences, city: City, *, old: Preferences, now: datetime) -> datetime | None:
    """The day as it begins in the reader's zone. A pause that nobody touched ends when it would have."""
    text = filled.first("pause")
    if not text:
        return None
    if is_paused(old, now) and text == _pause_day(old, city).isoformat():
        return old.paused_until
    try:
        begins = datetime.combine(date.fromisoformat(text), time(), _zone(read, city)).astimezone(UTC)
    except (ValueError, OverflowError):
        begins = now
    if now < begins <= now + _LONGEST_PAUSE:
        return begins
    filled.refuse("pause", Fault.DAY)
    return None


def _pause_day(one: Preferences, city: City) -> date:
    assert one.paused_until is not None  # noqa: S101 - asked of those who paused only
    return one.paused_until.astimezone(_zone(one, city)).date()


def _zone(one: Preferences, city: City) -> ZoneInfo:
    return ZoneInfo(one.zone) if one.zone else city.zone


# --- fields ----------------------------------------------------------------------------------------------------------


def _picked(filled: Filled, name: str, allowed: Collection[str]) -> str:
    """The one that was picked; empty where none was."""
    value = filled.first(name)
    if value and value not in allowed:
        filled.refuse(name, Fault.UNKNOWN)
        return ""
    return value


def _ticked(filled: Filled, name: str, allowed: Collection[str]) -> list[str]:
    values = filled.all(name)
    if any(value not in allowed for value in values):
        filled.refuse(name, Fault.UNKNOWN)
    return [value for value in values if value in allowed]


def _word(filled: Filled, name: str) -> str | None:
    value = filled.first(name)
    if len(value) > _LONGEST:
        filled.refuse(name, Fault.LONG)
    return value[:_LONGEST] or None


def _words(filled: Filled, name: str) -> list[str]:
    words = [word for part in _COMMAS.split(filled.first(name)) if (word := " ".join(part.split()))]
    if len(words) > _MOST_WORDS or any(len(word) > _LONGEST for word in words):
        filled.refuse(name, Fault.LONG)
        return []
    return words


def _window(filled: Filled, start: str, end: str) -> Window | None:
    """From and until; None where neither is given, or one of them is wrong."""
    given = [name for name in (start, end) if filled.first(name)]
    if len(given) == 1:
        filled.refuse(end if given == [start] else start, Fault.HALF)
    times = {name: _minute(filled, name) for name in given}
    if len(given) < len((start, end)) or None in times.values():
        return None
    if times[start] == times[end]:
        filled.refuse(end, Fault.SAME)
        return None
    return (times[start] or 0, times[end] or 0)


def _minute(filled: Filled, name: str) -> int | None:
    found = _CLOCK.fullmatch(filled.first(name))
    if found is None:
        filled.refuse(name, Fault.TIME)
        return None
    return int(found[1]) * 60 + int(found[2])


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"
