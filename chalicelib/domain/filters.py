"""Filters: what of a topic somebody asked for. What they leave open is no filter; `matching.py` says what passes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.about import Workload
from chalicelib.domain.notice import Severity
from chalicelib.domain.strict_json import Json


class Facility(StrEnum):
    """What a station has beside trains."""

    ELEVATOR = "elevator"
    ESCALATOR = "escalator"
    PARKING_AREA = "parking_area"
    BIKE_STORAGE = "bike_storage"


@dataclass(frozen=True)
class Journey:
    """A leg of somebody's way: a route, one direction of it, from one stop to another. Origin and destination alike: that one stop, and nothing that
    names no stop. `between` are the stops passed on the way, where they are known. None is open."""

    route_type: int | None = None
    route: str | None = None
    direction: int | None = None
    origin: str | None = None
    destination: str | None = None
    between: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Hours:
    """Days of the week (Monday is 0), and from and until in minutes of the local day. From at or after until spans midnight: Monday 22:00 to 02:00
    is Monday night."""

    days: frozenset[int]
    start: int = 0
    end: int = 24 * 60


@dataclass(frozen=True)
class Filters:
    """A part of a topic. All kinds that are set must pass, and of each kind any one of what it lists. `facilities` are asked for instead of trains, and
    beside them on a journey between two stops.

    `hours` say when to be told, in the resident's zone; `travel` when they ride. `pay` is the least that a job must pay in a year."""

    journeys: tuple[Journey, ...] = ()
    facilities: frozenset[Facility] = frozenset()
    severity: Severity | None = None
    hours: Hours | None = None
    travel: Hours | None = None
    areas: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    pay: int | None = None
    workload: Workload | None = None
    agencies: frozenset[str] = frozenset()


EVERYTHING = Filters()
"""All that comes to a topic."""


def filter_values(filters: Filters) -> dict[str, Json]:
    """What `read_filters` reads; empty for everything."""
    values: dict[str, Json] = {
        "journeys": [_journey_values(one) for one in filters.journeys],
        "facilities": _listed(filters.facilities),
        "severity": str(filters.severity) if filters.severity else None,
        "hours": _hours_values(filters.hours),
        "travel": _hours_values(filters.travel),
        "areas": _listed(filters.areas),
        "categories": _listed(filters.categories),
        "pay": filters.pay,
        "workload": str(filters.workload) if filters.workload else None,
        "agencies": _listed(filters.agencies),
    }
    return {name: value for name, value in values.items() if value not in (None, [])}


def read_filters(values: Mapping[str, Json]) -> Filters:
    """The filters that `filter_values` wrote."""
    severity, workload, pay = values.get("severity"), values.get("workload"), values.get("pay")
    return Filters(
        journeys=tuple(_journey(one) for one in _many(values.get("journeys")) if isinstance(one, dict)),
        facilities=frozenset(Facility(str(one)) for one in _many(values.get("facilities"))),
        severity=Severity(str(severity)) if severity else None,
        hours=_hours(values.get("hours")),
        travel=_hours(values.get("travel")),
        areas=_texts(values.get("areas")),
        categories=_texts(values.get("categories")),
        pay=pay if isinstance(pay, int) else None,
        workload=Workload(str(workload)) if workload else None,
        agencies=_texts(values.get("agencies")),
    )


def _journey_values(one: Journey) -> dict[str, Json]:
    values: dict[str, Json] = {
        "route_type": one.route_type,
        "route": one.route,
        "direction": one.direction,
        "origin": one.origin,
        "destination": one.destination,
        "between": _listed(one.between) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _journey(values: Mapping[str, Json]) -> Journey:
    route_type, direction = values.get("route_type"), values.get("direction")
    return Journey(
        route_type=route_type if isinstance(route_type, int) else None,
        route=_text(values.get("route")),
        direction=direction if isinstance(direction, int) else None,
        origin=_text(values.get("origin")),
        destination=_text(values.get("destination")),
        between=_texts(values.get("between")),
    )


def _hours_values(hours: Hours | None) -> Json:
    return [list[Json](sorted(hours.days)), hours.start, hours.end] if hours else None


def _hours(value: Json) -> Hours | None:
    if not isinstance(value, list):
        return None
    days, start, end = value
    return Hours(frozenset(int(str(day)) for day in _many(days)), int(str(start)), int(str(end)))


def _text(value: Json) -> str | None:
    return str(value) if value is not None else None


def _texts(value: Json) -> frozenset[str]:
    return frozenset(str(one) for one in _many(value))


def _many(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else []


def _listed(values: frozenset[str] | frozenset[Facility]) -> list[Json]:
    return [str(one) for one in sorted(values)]
