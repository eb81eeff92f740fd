"""Change language: of all that somebody follows, and of this talk."""

from dataclasses import replace

from chalicelib.domain.consent import EVERYTHING, Step
from chalicelib.domain.conversation import spoken
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.inbound import Inbound


def change_language(inbound: Inbound, *, services: Services) -> str | None:
    """The reply, in the language asked for; where we do not write that one, those that we do."""
    locale, render = spoken(inbound.meaning.language, services.city.languages), services.renderer().reply
    memory, store = inbound.person.memory.understood(), services.store
    if locale is None:
        return store.inbound.answer(inbound, render("offer_languages", inbound.locale).body, memory)
    turned = replace(inbound, locale=locale)
    others = [] if inbound.person.subscriptions else list(services.city.topics)
    reply = render("language_set", locale, others=others)
    return store.inbound.answer(turned, reply.body, replace(memory, locale=locale), _changes(turned, reply.body, services))


def _changes(inbound: Inbound, reply: str, services: Services) -> list[list[Write]]:
    person, store = inbound.person, services.store
    if person.known is None or not person.known.subscriber:
        return []
    [consent] = inbound.consents(Step.LANGUAGE, [EVERYTHING], subscriber=person.known.subscriber, reply=reply)
    turning = (store.subscriptions.locale_writes([one], inbound.locale) for one in person.subscriptions)
    return [*turning, [store.consents.add_write(consent)]]
