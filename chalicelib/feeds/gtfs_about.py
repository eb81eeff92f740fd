"""What an alert of a GTFS-realtime feed is about: its informed entities and its periods, for those who asked for a part of a topic.

MBTA's enhanced alerts say more than the standard has: what riders do there (`activities`), and that an end is a guess (`duration_certainty`). What
of either we do not know is left out.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from chalicelib.domain.about import About, Activity, Entity, Period, condensed
from chalicelib.domain.strict_json import Json
from chalicelib.feeds.gtfs_shapes import Fields, fields, rows, second, text, whole

MOST_NAME = 100
"""Nobody asks for a stop or a route with a longer name."""

_ACTIVITIES = frozenset(Activity)
_DIRECTIONS = (0, 1)

Span = tuple[int | None, int | None]
"""From and until, in POSIX seconds; None is no limit."""


def about(alert: Fields, affected: Sequence[Span]) -> About:
    """What filters look at; `affected` is when service is."""
    estimated = text(alert.get("durationcertainty")).upper() == "ESTIMATED"
    created = second(alert.get("createdtimestamp")) if estimated else None
    return About(
        entities=condensed(_entity(row) for row in rows(alert.get("informedentity"))),
        periods=tuple(sorted({Period(_moment(start or created), _moment(end)) for start, end in affected}, key=_order)),
        estimated=estimated,
    )


def activities(row: Fields) -> frozenset[Activity]:
    """What riders do there, of what we know."""
    said = row.get("activities")
    named = said if isinstance(said, list) else [said]
    return frozenset(Activity(name) for name in (text(one).upper() for one in named) if name in _ACTIVITIES)


def _entity(row: Fields) -> Entity:
    """A selector's fields count together; an agency alone is the whole network."""
    trip = fields(row.get("trip"))
    route_type = whole(row.get("routetype"))
    return Entity(
        route_type=route_type if route_type is not None and route_type >= 0 else None,
        route=_name(row.get("routeid")) or _name(trip.get("routeid")),
        direction=_direction(row.get("directionid"), trip.get("directionid")),
        stop=_name(row.get("stopid")),
        trip=_name(trip.get("tripid")),
        activities=activities(row),
    )


def _direction(*said: Json) -> int | None:
    return next((found for found in map(whole, said) if found in _DIRECTIONS), None)


def _name(value: Json) -> str | None:
    return text(value)[:MOST_NAME] or None


def _moment(at: int | None) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at is not None else None


def _order(period: Period) -> tuple[float, float]:
    return (period.start.timestamp() if period.start else 0, period.end.timestamp() if period.end else 0)
