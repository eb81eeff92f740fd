"""Give help: before and after opt-in, whoever runs this and how to reach them."""

from chalicelib.flows.services import Services
from chalicelib.store.inbound import Inbound


def give_help(inbound: Inbound, *, services: Services) -> str | None:
    """The reply."""
    reply = services.renderer().reply("help", inbound.locale)
    return services.store.inbound.answer(inbound, reply.body, inbound.person.memory.understood())
