"""Lines: which stops a route passes, in order, and which station a platform is part of. What residents name are stations, what feeds name are platforms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import Misconfigured


@dataclass(frozen=True)
class Lines:
    """Stations in order, per route; a route with branches has several rows of them. All names are folded: residents type them."""

    routes: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    platforms: Mapping[str, str] = field(default_factory=dict)

    def station(self, stop: str) -> str:
        """The station that a stop is part of: itself, where nothing else is known."""
        folded = stop.casefold()
        return self.platforms.get(folded, folded)

    def between(self, route: str, origin: str, destination: str) -> frozenset[str]:
        """The stations that one rides through from one to another, either way; none where the route does not have both."""
        ends = {self.station(origin), self.station(destination)}
        found: set[str] = set()
        for stops in self.routes.get(route.casefold(), ()):
            places = sorted(stops.index(end) for end in ends if end in stops)
            if len(places) > 1:
                found.update(stops[places[0] + 1 : places[1]])
        return frozenset(found)


NO_LINES = Lines()
"""Those of a city that lists none."""


def read_lines(rows: Iterable[Mapping[str, Any]]) -> Lines:
    """The lines of a city file: `route`, its `stops` in order, and `platforms` that are part of one of them. Raises Misconfigured."""
    routes: dict[str, tuple[tuple[str, ...], ...]] = {}
    platforms: dict[str, str] = {}
    for row in rows:
        route, stops = str(row["route"]).casefold(), tuple(str(stop).casefold() for stop in _listed(row, "stops"))
        routes[route] = (*routes.get(route, ()), stops)
        for platform, station in row.get("platforms", {}).items():
            if str(station).casefold() not in stops:
                raise Misconfigured(f"city.toml: lines: platform {platform!r} is part of {station!r}, which is no stop of {row['route']!r}")
            platforms[str(platform).casefold()] = str(station).casefold()
    return Lines(routes, platforms)


def _listed(row: Mapping[str, Any], name: str) -> Sequence[Any]:
    """A line's stops, each once: a loop is two lines."""
    found = row[name]
    if not isinstance(found, list) or len({str(one).casefold() for one in found}) != len(found):
        raise Misconfigured(f"city.toml: lines: {name} of {row['route']!r} is a list that names each once")
    return found
