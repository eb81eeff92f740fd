"""Throwing and releasing a switch; each real change has one audit entry."""

from contextlib import suppress

from chalicelib.errors import TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.store.audit import AuditEntry
from chalicelib.store.switches import Thrown


def turn(name: str, *, stopped: bool, why: str, by: str, services: Services) -> None:
    """Throw a switch or release it. Where it stands so already, nothing changes and nothing is on record."""
    now, switches = services.now(), services.store.switches
    write = switches.throw_write(name, Thrown(by, now, why)) if stopped else switches.release_write(name)
    entry = AuditEntry(by, "switch.thrown" if stopped else "switch.released", now, why)
    with suppress(TransactionRefused):  # it stands so, or somebody turned it at this very moment
        services.store.table.transact([write, services.store.audit.write(f"switch:{name}", entry, id=services.new_id())])
