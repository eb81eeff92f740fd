"""Register a kiosk: its queue, its address, its subscriptions, its token.

    check → make the queue → claim the address → one transaction: kiosk, token, subscriptions

Safe to repeat: the same id keeps its subscriber and, with the same token or none, its token.
"""

import re
from dataclasses import dataclass

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import KioskPlan
from chalicelib.domain.locale import ENGLISH
from chalicelib.errors import Invalid
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.kiosks import Kiosk, token_hash
from chalicelib.store.subscriptions import Subscription

MOST_TOPICS = 20
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True)
class Registered:
    """A kiosk; and its token where it is new, which nobody can read again later."""

    kiosk: Kiosk
    token: str | None


def register_kiosk(plan: KioskPlan, *, services: Services, token: str | None = None) -> Registered:
    """Make a kiosk, or change one to `plan`. Without `token`, a new kiosk gets one and an old one keeps its own. Raises Invalid."""
    _check(plan, services)
    old = services.store.kiosks.get(plan.id)
    fresh = token or (None if old else services.new_id() + services.new_id())
    services.queues.make(f"screen-{plan.id}")
    known = services.store.addresses.claim(Address(Channel.KIOSK, plan.id), subscriber=services.new_id(), verified=True)
    kiosk = _kiosk(plan, old, known.subscriber, fresh, services)
    services.store.table.transact([*services.store.kiosks.put_writes(kiosk, old), *_subscriptions(kiosk, old, known.hash, services)])
    return Registered(kiosk, fresh)


def _check(plan: KioskPlan, services: Services) -> None:
    if not _ID.fullmatch(plan.id):
        raise Invalid.field("#/id", "invalid_id", "A kiosk's id is up to 60 small letters, digits and hyphens.")
    unknown = [topic for topic in plan.topics if topic not in services.city.topics]
    if unknown:
        raise Invalid.field("#/topics", "unknown_topic", f"There is no topic {unknown[0]!r}.")
    if not 1 <= len(plan.topics) <= MOST_TOPICS:
        raise Invalid.field("#/topics", "count", f"A kiosk shows 1 to {MOST_TOPICS} topics.")
    if not plan.languages:
        raise Invalid.field("#/languages", "count", "A kiosk speaks at least one language.")


def _kiosk(plan: KioskPlan, old: Kiosk | None, subscriber: str, fresh: str | None, services: Services) -> Kiosk:
    digest = token_hash(fresh) if fresh else old.token_hash if old else ""
    gen = old.gen + (digest != old.token_hash) if old else 1
    registered_at = old.registered_at if old else services.now()
    return Kiosk(plan.id, plan.name, plan.topics, plan.languages, subscriber, digest, gen, registered_at)


def _subscriptions(kiosk: Kiosk, old: Kiosk | None, address: str, services: Services) -> list[Write]:
    """Its topics joined, those it no longer shows left. The locale only groups batches: an envelope holds every language."""
    store = services.store.subscriptions
    joined = [Subscription(kiosk.subscriber, topic, Channel.KIOSK, address, ENGLISH) for topic in dict.fromkeys(kiosk.topics)]
    left = [topic for topic in dict.fromkeys(old.topics if old else ()) if topic not in kiosk.topics]
    return [
        *(write for one in joined for write in store.join_writes(one)),
        *(write for topic in left for write in store.leave_writes(kiosk.subscriber, topic, Channel.KIOSK)),
    ]
