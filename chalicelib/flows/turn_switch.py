"""Turn a switch: stop everything, one channel or one source, or let it go on. Each real change has one audit entry."""

from contextlib import suppress

from chalicelib.domain.address import Channel
from chalicelib.domain.city import City
from chalicelib.errors import Invalid, TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.store.audit import AuditEntry
from chalicelib.store.switches import ALL, Thrown, source_switch


def names(city: City) -> list[str]:
    """Every switch there is."""
    return [ALL, *map(str, Channel), *map(source_switch, city.sources)]


def turn_switch(name: str, *, stopped: bool, why: str, by: str, services: Services) -> dict[str, Thrown]:
    """Throw a switch or release it; all that are thrown now. Turning it where it stands changes nothing. Raises Invalid for one there is not;
    a source that the city no longer lists can still be released."""
    thrown, now = services.store.switches.thrown(), services.now()
    if name not in {*names(services.city), *thrown}:
        raise Invalid.field("#/name", "unknown_switch", "There is no such switch.")
    if (name in thrown) is stopped:
        return thrown
    switches = services.store.switches
    write = switches.throw_write(name, Thrown(by, now, why)) if stopped else switches.release_write(name)
    entry = AuditEntry(by, "switch.thrown" if stopped else "switch.released", now, why)
    with suppress(TransactionRefused):  # somebody turned it the same way at this very moment
        services.store.table.transact([write, services.store.audit.write(f"switch:{name}", entry, id=services.new_id())])
    return switches.thrown()
