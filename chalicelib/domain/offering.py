"""What a form of choices offers and shows: the parts of a topic, and the fields that say filters and preferences as they stand.

Whoever reads with `choosing.py` what is written here has what was there.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from chalicelib.domain.city import City
from chalicelib.domain.fields import clock
from chalicelib.domain.filters import EVERYTHING, Filters, Hours
from chalicelib.domain.notice import Kind
from chalicelib.domain.preferences import Preferences
from chalicelib.domain.topic import lineage

MOST_JOURNEYS = 6
WHOLE_DAY = (0, 24 * 60)


class Part(StrEnum):
    """A part of a topic that one can choose, beside how serious and when."""

    TRANSIT = "transit"
    AREAS = "areas"
    CATEGORIES = "categories"
    JOBS = "jobs"


_PARTS: Mapping[Kind, frozenset[Part]] = {
    Kind.TRANSIT: frozenset({Part.TRANSIT}),
    Kind.EVENT: frozenset({Part.AREAS, Part.CATEGORIES}),
    Kind.JOB: frozenset({Part.AREAS, Part.CATEGORIES, Part.JOBS}),
}


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
    for row, one in enumerate(filters.journeys[:MOST_JOURNEYS]):
        said = {"route": one.route, "direction": one.direction, "origin": one.origin, "destination": one.destination}
        fields |= {f"{name}-{row}": [str(value)] for name, value in said.items() if value is not None}
    return {name: values for name, values in fields.items() if values}


def _written_hours(name: str, hours: Hours | None) -> dict[str, list[str]]:
    if hours is None:
        return {}
    times = {} if (hours.start, hours.end) == WHOLE_DAY else {f"{name}-from": [clock(hours.start)], f"{name}-until": [clock(hours.end)]}
    return {f"{name}-day": [str(day) for day in sorted(hours.days)], **times}


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
        "pause": [pause_day(one, city).isoformat()] if is_paused(one, now) else [],
    }
    if own and one.quiet:
        fields |= {"quiet-from": [clock(one.quiet[0])], "quiet-until": [clock(one.quiet[1])]}
    return fields


def is_paused(one: Preferences, now: datetime) -> bool:
    """Whether nothing but emergencies comes now."""
    return one.paused_until is not None and one.paused_until > now


def pause_day(one: Preferences, city: City) -> date:
    """The day on which a pause ends, where they are."""
    assert one.paused_until is not None  # noqa: S101 - asked of those who paused only
    return one.paused_until.astimezone(zone_of(one, city)).date()


def zone_of(one: Preferences, city: City) -> ZoneInfo:
    """Where they are: their zone, else the city's."""
    return ZoneInfo(one.zone) if one.zone else city.zone
