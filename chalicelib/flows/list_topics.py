"""List topics: what somebody follows, and what else there is."""

from chalicelib.domain.conversation import known
from chalicelib.flows.services import Services
from chalicelib.store.inbound import Inbound


def list_topics(inbound: Inbound, *, services: Services) -> str | None:
    """The reply."""
    follows = known(inbound.person.topics, services.city)
    others = [topic for topic in services.city.topics if topic not in follows]
    reply = services.renderer().reply("topics", inbound.locale, follows=follows, others=others)
    return services.store.inbound.answer(inbound, reply.body, inbound.person.memory.understood())
