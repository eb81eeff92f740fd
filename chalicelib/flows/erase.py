"""Erase me: from the answer on nothing goes to the person, and soon nothing is left of them."""

from collections.abc import Iterator

from chalicelib.flows.erasing import forget
from chalicelib.flows.services import Services
from chalicelib.store.erasures import Erasure


def erase(subscriber: str, *, services: Services, address: str = "") -> None:
    """Forget a person, on all their channels, and who they were before they moved here. Doing so again changes nothing. What dies on the way is gone on
    with by the sweep. `address` is the hash of one of theirs, where only that may still know of them."""
    former = [Erasure(services.new_id(), one) for one in _former(subscriber, services)]
    erasures = [Erasure(services.new_id(), subscriber, address=address), *former]
    services.store.table.transact([services.store.erasures.put_write(one, services.now()) for one in erasures])
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
