"""Matching: whether a follower who asked for a part of a topic wants this notice. A row of small filters; the first to say no is named.

The rules are those of T-Alerts (mbta/alerts_concierge, its rules engine), where a filter asks for what a notice says. Where a notice says
nothing of a thing, it is about all of it: a communicator who writes to a topic reaches its followers. Journeys are in `ways.py`. What differs from
T-Alerts, and why:

- Without periods T-Alerts tells nobody; here the notice passes. A feed's alert without any holds as long as it is in the feed, and a communicator's
  says when in its words.
- Until is not within: who rides until 09:00 is not told of what begins at 09:00.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from chalicelib.domain.about import About, Period
from chalicelib.domain.filters import EVERYTHING, Filters, Hours, Journey
from chalicelib.domain.hours import is_inside, next_inside
from chalicelib.domain.lines import NO_LINES, Lines
from chalicelib.domain.notice import Kind, Severity
from chalicelib.domain.ways import Place, met, places_of, rides_of, touches

GUESSED = timedelta(hours=36)
"""How long something holds whose end is a guess. Source: T-Alerts, `duration_certainty: ESTIMATED`."""

_BY_SEVERITY = (Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME)
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
    """What of a broadcast filters look at, and the lines of the city it is of."""

    kind: Kind
    severity: Severity
    urgent: bool
    about: About
    lines: Lines = NO_LINES

    @cached_property
    def places(self) -> list[Place]:
        """What is affected, as journeys are compared with it: the same for every follower."""
        return places_of(self.about.entities, self.lines)


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
    hours = _asked_hours(filters, told)
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
    asked, said = filters.workload, told.about.workload
    return Mismatch.WORKLOAD if asked and said and asked is not said else None


def _agency(filters: Filters, told: Told) -> Mismatch | None:
    """Agencies come in all spellings: `DEPT OF HEALTH` is `Dept of Health`."""
    said = told.about.agency
    return Mismatch.AGENCY if said and _apart({name.casefold() for name in filters.agencies}, {said.casefold()}) else None


def _apart(asked: frozenset[str] | set[str], said: frozenset[str] | set[str]) -> bool:
    """Whether both name some, and none in common."""
    return bool(asked and said) and asked.isdisjoint(said)


# --- where -----------------------------------------------------------------------------------------------------------


def _way(filters: Filters, told: Told) -> Mismatch | None:
    """Any entity on any leg. The leg says no where nothing is on it, the facilities where what is on it is none of them."""
    if not (filters.journeys or filters.facilities) or not told.places:
        return None
    found = met(rides_of(filters.journeys or _ANYWHERE, told.lines), told.places)
    if any(touches(ride, place, filters.facilities) for ride, place in found):
        return None
    return Mismatch.FACILITY if found and filters.facilities else Mismatch.JOURNEY


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
    hours = _asked_hours(filters, told)
    if hours is None or told.urgent or is_inside(hours, zone, now):
        return None
    return Mismatch.HOURS if now.astimezone(zone).weekday() in hours.days else Mismatch.DAYS


def _asked_hours(filters: Filters, told: Told) -> Hours | None:
    """Who asked for facilities and no trains, an elevator say, wants to know at any hour of their days."""
    hours = filters.hours
    no_trains = bool(filters.facilities) and not any(ride.leads_on for ride in rides_of(filters.journeys, told.lines))
    return replace(hours, start=0, end=24 * 60) if hours and no_trains else hours


def _over(about: About, at: datetime) -> bool:
    """Whether all periods have ended by then."""
    return bool(about.periods) and not about.estimated and all(one.end is not None and one.end <= at for one in about.periods)


_UNTIMED: tuple[Callable[[Filters, Told], Mismatch | None], ...] = (_severity, _category, _pay, _workload, _agency, _way)
