"""Ask back: a text that we cannot act on gets a helpful question, never a guess. Whoever said stop gets silence."""

from dataclasses import replace

from chalicelib.domain.conversation import Asked, Verb, known
from chalicelib.flows.services import Services
from chalicelib.store.inbound import Inbound

MOST_PUZZLED = 10
"""Replies in a row to texts that we do not understand: two machines that answer each other must come to an end."""


def ask_back(inbound: Inbound, *, services: Services) -> str | None:
    """The reply: STOP or LEAVE? Which language? Or what we do understand."""
    memory = inbound.person.memory
    puzzled = memory.puzzled if memory.is_fresh(inbound.at) else 0
    if inbound.person.opted_out or puzzled >= MOST_PUZZLED:
        return services.store.inbound.answer(inbound, None, memory)
    name, asked, values = _question(inbound, services)
    reply = services.renderer().reply(name, inbound.locale, **values)
    after = replace(memory, asked=asked, asked_at=inbound.at, puzzled=puzzled + 1)
    return services.store.inbound.answer(inbound, reply.body, after)


def _question(inbound: Inbound, services: Services) -> tuple[str, Asked, dict[str, object]]:
    if inbound.meaning.verb is Verb.UNCLEAR_STOP:
        return "stop_or_leave", Asked.STOP, {"follows": known(inbound.person.topics, services.city)}
    if inbound.person.locale is None:
        return "which_language", Asked.LANGUAGE, {}
    return "not_understood", Asked.NOTHING, {}
