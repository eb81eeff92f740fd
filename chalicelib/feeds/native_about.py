"""The field `about` of a notice: what a communicator or a source says that filters look at. The shape was held to the schema before."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.about import NOTHING_SAID, About, Activity, Entity, Period, Workload, about_values
from chalicelib.domain.strict_json import Json, pointer
from chalicelib.domain.times import parse_moment
from chalicelib.errors import Invalid, Problem

Steps = tuple[str | int, ...]


def read_about_field(value: Json, *, at: Steps, areas: Collection[str]) -> About:
    """What a notice is about; of null, nothing is said. Raises Invalid naming each unknown area, or the first other wrong field."""
    if not isinstance(value, dict):
        return NOTHING_SAID
    pay, workload, agency = value.get("pay"), value.get("workload"), value.get("agency")
    return About(
        entities=tuple(dict.fromkeys(_entity(one, (*at, "entities", place)) for place, one in enumerate(_objects(value.get("entities"))))),
        periods=tuple(_period(one, (*at, "periods", place)) for place, one in enumerate(_objects(value.get("periods")))),
        areas=_areas(_texts(value.get("areas")), (*at, "areas"), areas),
        categories=frozenset(one.casefold() for one in _texts(value.get("categories"))),
        pay=int(pay) if isinstance(pay, int | float) else None,
        workload=Workload(str(workload)) if workload is not None else None,
        agency=str(agency) if agency is not None else None,
    )


def fingerprint_of(about: About) -> list[Json]:
    """What changes when other people are meant, whatever the order it came in; empty where nothing is said. Periods are compared by themselves, so
    that an end which moves a little is no change."""
    values = about_values(replace(about, periods=()))
    entities = values.pop("entities", [])
    found = sorted(json.dumps(one, sort_keys=True, ensure_ascii=False) for one in (entities if isinstance(entities, list) else []))
    return [values, list[Json](found)] if values or found else []


def seconds_of(about: About) -> tuple[tuple[int | None, int | None], ...]:
    """Its periods in POSIX seconds, in order."""
    found = {(_second(one.start), _second(one.end)) for one in about.periods}
    return tuple(sorted(found, key=lambda period: (period[0] or 0, period[1] or 0)))


def _second(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None


def _entity(one: Mapping[str, Json], at: Steps) -> Entity:
    """What a schema cannot say: a direction is one of a route."""
    route, route_type, direction = _text(one.get("route")), one.get("route_type"), one.get("direction")
    if direction is not None and route is None:
        raise Invalid.field(pointer(*at, "direction"), "needs_route", "Name the route too: a direction is one of a route.")
    return Entity(
        route_type=int(route_type) if isinstance(route_type, int | float) else None,
        route=route,
        direction=int(direction) if isinstance(direction, int | float) else None,
        stop=_text(one.get("stop")),
        trip=_text(one.get("trip")),
        activities=frozenset(Activity(name) for name in _texts(one.get("activities"))),
    )


def _period(one: Mapping[str, Json], at: Steps) -> Period:
    start, end = (parse_moment(str(one[name]), pointer(*at, name)) if one.get(name) is not None else None for name in ("start", "end"))
    if start and end and end <= start:
        raise Invalid.field(pointer(*at, "end"), "ends_before_start", "Give an end after the start.")
    return Period(start, end)


def _areas(named: list[str], at: Steps, known: Collection[str]) -> frozenset[str]:
    unknown = [Problem(pointer(*at, place), "unknown_area", "There is no such area.") for place, area in enumerate(named) if area not in known]
    if unknown:
        raise Invalid("An area is unknown.", problems=unknown)
    return frozenset(named)


def _objects(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _text(value: Json) -> str | None:
    return str(value) if value is not None else None
