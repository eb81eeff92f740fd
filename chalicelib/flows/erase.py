"""Erase me: from the answer on nothing goes to the person, and soon nothing is left of them."""

from collections.abc import Iterator, Sequence

from chalicelib.domain.address import Address
from chalicelib.flows.erasing import forget
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.audit import AuditEntry
from chalicelib.store.erasures import Erasure


def erase(subscriber: str, *, services: Services) -> None:
    """Forget a person, on all their channels, and who they were before they moved here. Doing so again changes nothing. What dies on the way is gone on
    with by the sweep."""
    _erase(Erasure(services.new_id(), subscriber), [], services)


def erase_address(address: Address, *, by: str, services: Services) -> None:
    """As `erase`, for whoever asked staff: what there is of an address that never followed anything goes too, and one that we do not know is closed
    all the same. The audit says who asked and when, and not for whom."""
    known = services.store.addresses.claim(address, subscriber=services.new_id(), verified=False)
    entry = AuditEntry(by, "subscriber.erased", services.now())
    audit = services.store.audit.write("subscribers", entry, id=services.new_id())
    _erase(Erasure(services.new_id(), known.subscriber, address=known.hash), [audit], services)


def _erase(erasure: Erasure, also: Sequence[Write], services: Services) -> None:
    erasures = [erasure, *(Erasure(services.new_id(), one) for one in _former(erasure.subscriber, services))]
    services.store.table.transact([*also, *(services.store.erasures.put_write(one, services.now()) for one in erasures)])
    for one in erasures:
        forget(one, services=services)


def _former(subscriber: str, services: Services) -> Iterator[str]:
    """Who they were on addresses that they left: not one where somebody has come back since, and who may be another person by now."""
    seen, left = {subscriber}, [subscriber]
    while left:
        for old in services.store.moves.before(left.pop()):
            if old not in seen and _is_left(old, services):
                yield old
                left.append(old)
            seen.add(old)


def _is_left(subscriber: str, services: Services) -> bool:
    """Whether nothing is followed there, and all its addresses are closed."""
    names = {one.address for one in services.store.consents.of(subscriber)}
    known = services.store.addresses.read(list(names))
    return not services.store.subscriptions.of(subscriber) and all(one is None or one.opted_out for one in known)
