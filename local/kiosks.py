"""Registering kiosks, in the founding of the city and in the seeding of it."""

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import KioskPlan
from chalicelib.flows.services import Services
from chalicelib.store.subscriptions import Subscription


def register(kiosk: KioskPlan, token: str, *, services: Services) -> None:  # noqa: ARG001
    """Register a kiosk under a token; doing it again changes nothing."""
    services.queues.make(f"screen-{kiosk.id}")
    known = services.store.addresses.claim(Address(Channel.KIOSK, kiosk.id), subscriber=services.new_id(), verified=True)
    for topic in kiosk.topics:
        subscription = Subscription(known.subscriber, topic, Channel.KIOSK, known.hash, kiosk.languages[0])
        services.store.table.transact(services.store.subscriptions.join_writes(subscription))
