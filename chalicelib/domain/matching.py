"""Matching: whether a follower who asked for a part of a topic wants this notice. A row of small filters; the first to say no is named.

The rules are those of T-Alerts (mbta/alerts_concierge, its rules engine), where a filter asks for what a notice says. Where a notice says
nothing of a thing, it is about all of it: a communicator who writes to a topic reaches its followers. What differs from T-Alerts, and why:

- Without periods T-Alerts tells nobody; here the notice passes. A feed's alert without any holds as long as it is in the feed, and a communicator's
  says when in its words.
- An entity that names a trip passes like one that names none: we keep no timetable. The alert's own periods say when that trip runs.
- T-Alerts tries a bus's stop also without the stop, because its bus riders name none. Ours may; one who names none gets every stop.
- Until is not within: who rides until 09:00 is not told of what begins at 09:00.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from chalicelib.domain.about import About, Activity, Entity, Period
from chalicelib.domain.filters import EVERYTHING, Facility, Filters, Hours, Journey
from chalicelib.domain.hours import is_inside, next_inside
from chalicelib.domain.notice import Kind, Severity

GUESSED = timedelta(hours=36)
"""How long something holds whose end is a guess. Source: T-Alerts, `duration_certainty: ESTIMATED`."""

_BY_SEVERITY = (Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME)
_USES = {
    Facility.ELEVATOR: Activity.USING_WHEELCHAIR,
    Facility.ESCALATOR: Activity.USING_ESCALATOR,
    Facility.PARKING_AREA: Activity.PARK_CAR,
    Facility.BIKE_STORAGE: Activity.STORE_BIKE,
}
_RIDERS = frozenset({Activity.BOARD, Activity.EXIT, Activity.RIDE})
_ANYWHERE = (Journey(),)


class Mismatch(StrEnum):
    """The filter that says no."""

    JOURNEY = "journey"
    FACILITY = "facility"
    SEVERITY = "severity"
    DAYS = "days"
    HOURS = "hours"
    TRAVEL = "travel"
    AREA = "area"
    CATEGORY = "category"
    PAY = "pay"
    WORKLOAD = "workload"
    AGENCY = "agency"


@dataclass(frozen=True)
class Told:
    """What of a broadcast filters look at."""

    kind: Kind
    severity: Severity
    urgent: bool
    about: About


def why_not(filters: Filters, told: Told, *, zone: ZoneInfo, now: datetime) -> Mismatch | None:
    """The filter that keeps this from a follower whose clocks stand in `zone`; None where all of them let it pass.

    An emergency passes all but areas. Hours are asked last: where they say no, nothing else does, and `told_again_at` knows when to tell."""
    if filters is EVERYTHING:
        return None
    if _apart(filters.areas, told.about.areas):
        return Mismatch.AREA
    if told.kind is Kind.EMERGENCY:
        return None
    found = next((no for no in (says(filters, told) for says in _UNTIMED) if no), None)
    return found or _travel(filters, told, zone) or _hours(filters, told, zone, now)


def told_again_at(filters: Filters, told: Told, *, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When to tell what only the hours keep from a follower now: the next moment inside them. None where it passes now or never will.

    As in T-Alerts, nothing goes out outside the hours, and what still holds when they begin is told then: hold it until that moment, and let it expire
    where the broadcast has by then. None too where all its periods are over by then: nobody wants to hear of it after the commute. A guessed end is
    no end."""
    hours = _asked_hours(filters)
    if hours is None or why_not(filters, told, zone=zone, now=now) not in {Mismatch.DAYS, Mismatch.HOURS}:
        return None
    opens = next_inside(hours, zone, now)
    return None if opens is None or _over(told.about, opens) else opens


# --- what it is ------------------------------------------------------------------------------------------------------


def _severity(filters: Filters, told: Told) -> Mismatch | None:
    least = filters.severity
    return Mismatch.SEVERITY if least and _BY_SEVERITY.index(told.severity) < _BY_SEVERITY.index(least) else None


def _category(filters: Filters, told: Told) -> Mismatch | None:
    return Mismatch.CATEGORY if _apart(filters.categories, told.about.categories) else None


def _pay(filters: Filters, told: Told) -> Mismatch | None:
    """A job that does not say its pay passes: many cities' lists show none, and the resident can look."""
    most, least = told.about.pay, filters.pay
    return Mismatch.PAY if most is not None and least is not None and most < least else None


def _workload(filters: Filters, told: Told) -> Mismatch | None:
    return None if _alike(filters.workload, told.about.workload) else Mismatch.WORKLOAD


def _agency(filters: Filters, told: Told) -> Mismatch | None:
    """Agencies come in all spellings: `DEPT OF HEALTH` is `Dept of Health`."""
    said = told.about.agency
    return Mismatch.AGENCY if said and _apart({name.casefold() for name in filters.agencies}, {said.casefold()}) else None


def _apart(asked: frozenset[str] | set[str], said: frozenset[str] | set[str]) -> bool:
    """Whether both name some, and none in common."""
    return bool(asked and said) and asked.isdisjoint(said)


def _alike(asked: object, said: object) -> bool:
    """Whether these agree: what either leaves open agrees with all."""
    return asked is None or said is None or asked == said


# --- where -----------------------------------------------------------------------------------------------------------


def _way(filters: Filters, told: Told) -> Mismatch | None:
    """Any entity on any leg. The leg says no where nothing is on it, the facilities where what is on it is none of them."""
    entities = told.about.entities
    if not entities or not (filters.journeys or filters.facilities):
        return None
    met = [(leg, entity) for leg in filters.journeys or _ANYWHERE for entity in entities if _on_the_way(leg, entity)]
    if any(_does(leg, entity, filters.facilities) for leg, entity in met):
        return None
    return Mismatch.FACILITY if met and filters.facilities else Mismatch.JOURNEY


def _on_the_way(leg: Journey, entity: Entity) -> bool:
    if entity.route_type is None and entity.route is None and entity.stop is None and entity.trip is None:
        return True  # the whole network
    same_line = _alike(leg.route, entity.route) and _alike(leg.direction, entity.direction) and _alike(leg.route_type, entity.route_type)
    return same_line and _at_a_stop(leg, entity)


def _at_a_stop(leg: Journey, entity: Entity) -> bool:
    """Where somebody rides through, only what says that it touches riding is theirs. Who asked for one stop wants nothing that names no stop."""
    if entity.stop is None:
        return leg.origin is None or leg.origin != leg.destination
    if leg.origin is None and leg.destination is None:
        return True
    return entity.stop in (leg.origin, leg.destination) or (entity.stop in leg.between and Activity.RIDE in entity.activities)


def _does(leg: Journey, entity: Entity, facilities: frozenset[Facility]) -> bool:
    """Whether it touches what somebody does there. On a way between two stops facilities are asked for beside the trains, else instead of them."""
    if not entity.activities:
        return True
    uses = {_USES[one] for one in facilities}
    wanted = uses | _riding(leg, entity.stop) if _is_ride(leg) or not uses else uses
    return not entity.activities.isdisjoint(wanted)


def _is_ride(leg: Journey) -> bool:
    """Whether this is a way from one stop to another."""
    return leg.origin is not None and leg.destination is not None and leg.origin != leg.destination


def _riding(leg: Journey, stop: str | None) -> frozenset[Activity]:
    """Who gets on does not get off there."""
    gets_on, gets_off = stop == leg.origin, stop == leg.destination
    if stop is None or gets_on == gets_off:
        return _RIDERS
    return _RIDERS - {Activity.EXIT if gets_on else Activity.BOARD}


# --- when ------------------------------------------------------------------------------------------------------------


def _travel(filters: Filters, told: Told, zone: ZoneInfo) -> Mismatch | None:
    travel, about = filters.travel, told.about
    if travel is None or not about.periods or any(_meets(travel, _guessed(one, about), zone) for one in about.periods):
        return None
    return Mismatch.TRAVEL


@lru_cache(maxsize=4096)
def _meets(travel: Hours, period: Period, zone: ZoneInfo) -> bool:
    """Whether somebody rides while it holds. What has no beginning or no end holds at all hours of the week."""
    if period.start is None or period.end is None:
        return True
    rides = next_inside(travel, zone, period.start)
    return rides is not None and (rides <= period.start or rides < period.end)


def _guessed(period: Period, about: About) -> Period:
    return replace(period, end=period.start + GUESSED) if about.estimated and period.start else period


def _hours(filters: Filters, told: Told, zone: ZoneInfo, now: datetime) -> Mismatch | None:
    """What is urgent is told at any hour of any day."""
    hours = _asked_hours(filters)
    if hours is None or told.urgent or is_inside(hours, zone, now):
        return None
    return Mismatch.HOURS if now.astimezone(zone).weekday() in hours.days else Mismatch.DAYS


def _asked_hours(filters: Filters) -> Hours | None:
    """Who asked for facilities and no trains, an elevator say, wants to know at any hour of their days."""
    hours = filters.hours
    no_trains = bool(filters.facilities) and not any(_is_ride(leg) for leg in filters.journeys)
    return replace(hours, start=0, end=24 * 60) if hours and no_trains else hours


def _over(about: About, at: datetime) -> bool:
    """Whether all periods have ended by then."""
    return bool(about.periods) and not about.estimated and all(one.end is not None and one.end <= at for one in about.periods)


_UNTIMED: tuple[Callable[[Filters, Told], Mismatch | None], ...] = (_severity, _category, _pay, _workload, _agency, _way)
