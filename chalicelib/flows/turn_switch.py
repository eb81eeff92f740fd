"""Turn a switch: stop everything, one channel, one source, one broadcast, or sign-ups by page without a question; or let it go on. Each real change has
one audit entry."""

from chalicelib.domain.address import Channel
from chalicelib.domain.city import City
from chalicelib.errors import Invalid
from chalicelib.flows.services import Services
from chalicelib.flows.switching import turn
from chalicelib.store.switches import ALL, SIGN_UPS, Thrown, broadcast_switch, source_switch


def names(city: City) -> list[str]:
    """Every switch there always is; each broadcast has one besides."""
    return [ALL, *map(str, Channel), *map(source_switch, city.sources), SIGN_UPS]


def turn_switch(name: str, *, stopped: bool, why: str, by: str, services: Services) -> dict[str, Thrown]:
    """Throw a switch or release it; all that are thrown now. Turning it where it stands changes nothing. Raises Invalid for one there is not;
    a source that the city no longer lists can still be released."""
    thrown = services.store.switches.thrown()
    if name not in {*names(services.city), *thrown} and not _is_broadcast(name, services):
        raise Invalid.field("#/name", "unknown_switch", "There is no such switch.")
    if (name in thrown) is stopped:
        return thrown
    turn(name, stopped=stopped, why=why, by=by, services=services)
    return services.store.switches.thrown()


def _is_broadcast(name: str, services: Services) -> bool:
    _, _, id = name.partition(":")
    return name == broadcast_switch(id) and services.store.broadcasts.get(id) is not None
