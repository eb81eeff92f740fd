"""Erase me: from the answer on nothing goes to the person, and soon nothing is left of them."""

from chalicelib.flows.erasing import forget
from chalicelib.flows.services import Services
from chalicelib.store.erasures import Erasure


def erase(subscriber: str, *, services: Services) -> None:
    """Forget a person, on all their channels. Doing so again changes nothing. What dies on the way is gone on with by the sweep."""
    erasure = Erasure(services.new_id(), subscriber)
    services.store.table.transact([services.store.erasures.put_write(erasure, services.now())])
    forget(erasure, services=services)
