"""What a notice is about, for those who asked for a part of a topic only: which trains, stops, lifts, places, jobs, and when.

Whatever is not said is left open: a notice that names no stop is about every stop. Source: GTFS-realtime's EntitySelector and schema.org's JobPosting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import from_ms, to_ms

MOST_ENTITIES = 500
"""What names more is about its routes, or if these are too many, about everything: rather one message too many than one too few."""


class Activity(StrEnum):
    """What riders do where something happens, in T-Alerts' words."""

    BOARD = "BOARD"
    EXIT = "EXIT"
    RIDE = "RIDE"
    USING_WHEELCHAIR = "USING_WHEELCHAIR"
    USING_ESCALATOR = "USING_ESCALATOR"
    PARK_CAR = "PARK_CAR"
    STORE_BIKE = "STORE_BIKE"


class Workload(StrEnum):
    """How much work a job is."""

    FULL_TIME = "full_time"
    PART_TIME = "part_time"


@dataclass(frozen=True)
class Entity:
    """One thing that is affected: all that it names, together. No activities: whatever riders do there."""

    route_type: int | None = None
    route: str | None = None
    direction: int | None = None
    stop: str | None = None
    trip: str | None = None
    activities: frozenset[Activity] = frozenset()


@dataclass(frozen=True)
class Period:
    """From and until; None is open."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class About:
    """All that filters look at beside kind and severity.

    `entities`: any of them. `periods`: when it holds; `estimated` says that their ends are guesses. `areas` are ids of the city's areas.
    `categories` are kinds of events or of jobs, in lower case. `pay` is the most a job pays in a year, in whole units of the city's currency."""

    entities: tuple[Entity, ...] = ()
    periods: tuple[Period, ...] = ()
    estimated: bool = False
    areas: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    pay: int | None = None
    workload: Workload | None = None
    agency: str | None = None


NOTHING_SAID = About()
"""A notice that says no more than its words: it is for every follower of its topics."""


def about_values(about: About) -> dict[str, Json]:
    """What `read_about` reads; empty where nothing is said. Also what an approval's hash covers."""
    values: dict[str, Json] = {
        "entities": [_entity_values(one) for one in about.entities],
        "periods": [[to_ms(moment) if moment else None for moment in (one.start, one.end)] for one in about.periods],
        "estimated": about.estimated or None,
        "areas": _listed(about.areas),
        "categories": _listed(about.categories),
        "pay": about.pay,
        "workload": str(about.workload) if about.workload else None,
        "agency": about.agency,
    }
    return {name: value for name, value in values.items() if value not in (None, [])}


def read_about(values: Mapping[str, Json]) -> About:
    """The facts that `about_values` wrote."""
    pay, workload, agency = values.get("pay"), values.get("workload"), values.get("agency")
    return About(
        entities=tuple(_entity(one) for one in _many(values.get("entities")) if isinstance(one, dict)),
        periods=tuple(Period(*map(_moment, one)) for one in _many(values.get("periods")) if isinstance(one, list)),
        estimated=values.get("estimated") is True,
        areas=frozenset(str(one) for one in _many(values.get("areas"))),
        categories=frozenset(str(one) for one in _many(values.get("categories"))),
        pay=pay if isinstance(pay, int) else None,
        workload=Workload(str(workload)) if workload else None,
        agency=str(agency) if agency else None,
    )


def widened(about: About, before: About) -> About:
    """What an update is about: what it says, and what was said before. Whoever was told of an alert is told how it goes on, though it
    moved away from them. Source: T-Alerts."""
    return replace(
        about,
        entities=condensed((*about.entities, *before.entities)) if about.entities and before.entities else (),
        periods=tuple(dict.fromkeys((*about.periods, *before.periods))) if about.periods and before.periods else (),
        areas=about.areas | before.areas if about.areas and before.areas else frozenset(),
        categories=about.categories | before.categories if about.categories and before.categories else frozenset(),
        pay=max(about.pay, before.pay) if about.pay is not None and before.pay is not None else None,
        workload=about.workload if about.workload is before.workload else None,
        agency=about.agency if about.agency == before.agency else None,
    )


def condensed(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Each of them once, in order, and no more than can be kept; none: everything."""
    found = tuple(dict.fromkeys(entities))
    if len(found) > MOST_ENTITIES:
        found = tuple(dict.fromkeys(replace(one, stop=None, trip=None) for one in found))
    return found if len(found) <= MOST_ENTITIES else ()


def _entity_values(one: Entity) -> dict[str, Json]:
    values: dict[str, Json] = {
        "route_type": one.route_type,
        "route": one.route,
        "direction": one.direction,
        "stop": one.stop,
        "trip": one.trip,
        "activities": _listed(one.activities) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _entity(values: Mapping[str, Json]) -> Entity:
    route_type, direction = values.get("route_type"), values.get("direction")
    return Entity(
        route_type=route_type if isinstance(route_type, int) else None,
        route=_text(values.get("route")),
        direction=direction if isinstance(direction, int) else None,
        stop=_text(values.get("stop")),
        trip=_text(values.get("trip")),
        activities=frozenset(Activity(str(one)) for one in _many(values.get("activities"))),
    )


def _text(value: Json) -> str | None:
    return str(value) if value is not None else None


def _moment(value: Json) -> datetime | None:
    return from_ms(value) if isinstance(value, int) else None


def _many(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else []


def _listed(values: frozenset[str] | frozenset[Activity]) -> list[Json]:
    return [str(one) for one in sorted(values)]
