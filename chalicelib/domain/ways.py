"""Ways: whether what is affected lies on somebody's journey, and touches what they do there. The rules of T-Alerts for informed entities.

An entity that names a trip passes like one that names none: we keep no timetable, and the alert's own periods say when that trip runs. T-Alerts tries
a bus's stop also without the stop, because its bus riders name none; ours may, and who names none gets every stop.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.domain.about import Activity, Entity
from chalicelib.domain.filters import Facility, Journey
from chalicelib.domain.lines import Lines

_USES = {
    Facility.ELEVATOR: Activity.USING_WHEELCHAIR,
    Facility.ESCALATOR: Activity.USING_ESCALATOR,
    Facility.PARKING_AREA: Activity.PARK_CAR,
    Facility.BIKE_STORAGE: Activity.STORE_BIKE,
}
_RIDERS = frozenset({Activity.BOARD, Activity.EXIT, Activity.RIDE})


@dataclass(frozen=True)
class Place:
    """An entity as it is compared: its route in any spelling, its stop's station."""

    entity: Entity
    route: str | None
    stop: str | None


@dataclass(frozen=True)
class Ride:
    """A leg as it is compared, with the stations that its line passes on the way."""

    leg: Journey
    route: str | None
    origin: str | None
    destination: str | None
    between: frozenset[str]

    @property
    def leads_on(self) -> bool:
        """Whether this is a way from one stop to another."""
        return self.origin is not None and self.destination is not None and self.origin != self.destination


def places_of(entities: Iterable[Entity], lines: Lines) -> list[Place]:
    """What is affected."""
    return [Place(one, _folded(one.route), lines.station(one.stop) if one.stop is not None else None) for one in entities]


def rides_of(legs: Iterable[Journey], lines: Lines) -> list[Ride]:
    """Somebody's way."""
    return [_ride(leg, lines) for leg in legs]


def met(rides: Sequence[Ride], places: Sequence[Place]) -> list[tuple[Ride, Place]]:
    """What of it lies on the way."""
    return [(ride, place) for ride in rides for place in places if _on_the_way(ride, place)]


def touches(ride: Ride, place: Place, facilities: frozenset[Facility]) -> bool:
    """Whether it touches what somebody does there. On a way between two stops facilities are asked for beside the trains, else instead of them."""
    if not place.entity.activities:
        return True
    uses = {_USES[one] for one in facilities}
    wanted = uses | _riding(ride, place.stop) if ride.leads_on or not uses else uses
    return not place.entity.activities.isdisjoint(wanted)


def _ride(leg: Journey, lines: Lines) -> Ride:
    between = frozenset(map(lines.station, leg.between))
    if leg.route is not None and leg.origin is not None and leg.destination is not None:
        between |= lines.between(leg.route, leg.origin, leg.destination)
    origin, destination = (lines.station(stop) if stop is not None else None for stop in (leg.origin, leg.destination))
    return Ride(leg, _folded(leg.route), origin, destination, between)


def _on_the_way(ride: Ride, place: Place) -> bool:
    leg, entity = ride.leg, place.entity
    if entity.route_type is None and entity.route is None and entity.stop is None and entity.trip is None:
        return True  # the whole network
    same_line = _alike(ride.route, place.route) and _alike(leg.direction, entity.direction) and _alike(leg.route_type, entity.route_type)
    return same_line and _at_a_stop(ride, place)


def _at_a_stop(ride: Ride, place: Place) -> bool:
    """Where somebody rides through, only what says that it touches riding is theirs. Who asked for one stop wants nothing that names no stop."""
    if place.stop is None:
        return ride.origin is None or ride.origin != ride.destination
    if ride.origin is None and ride.destination is None:
        return True
    return place.stop in (ride.origin, ride.destination) or (place.stop in ride.between and Activity.RIDE in place.entity.activities)


def _riding(ride: Ride, stop: str | None) -> frozenset[Activity]:
    """Who gets on does not get off there."""
    gets_on, gets_off = stop == ride.origin, stop == ride.destination
    if stop is None or gets_on == gets_off:
        return _RIDERS
    return _RIDERS - {Activity.EXIT if gets_on else Activity.BOARD}


def _alike(asked: str | int | None, said: str | int | None) -> bool:
    """Whether these agree: what either leaves open agrees with all."""
    return asked is None or said is None or asked == said


def _folded(route: str | None) -> str | None:
    return route.casefold() if route is not None else None
