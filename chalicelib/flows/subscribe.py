"""Subscribe: a text joins a topic, at once, in its own language.

unknown topic → which one?     blocked at the provider → START first, and remembered     else → join, confirm
"""

from dataclasses import replace

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Step
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.inbound import Inbound
from chalicelib.store.subscribers import judged
from chalicelib.store.subscriptions import Subscription


def subscribe(inbound: Inbound, *, services: Services) -> str | None:
    """The reply. The number's first subscriber id stays its own over any number of stops and joins."""
    topic, render = inbound.meaning.topic, services.renderer().reply
    memory, store = inbound.person.memory.understood(), services.store
    if topic is None:
        reply = render("which_topic", inbound.locale, topics=list(services.city.topics))
        return store.inbound.answer(inbound, reply.body, memory)
    if inbound.person.blocked:
        reply = render("start_first", inbound.locale, topic=topic)
        return store.inbound.answer(inbound, reply.body, replace(memory, wanted=(*memory.wanted, topic), locale=inbound.locale))
    reply = render("joined", inbound.locale, topic=topic)
    changes = _changes(inbound, topic, reply.body, services)
    ended = tuple(one for one in memory.ended if one != topic)
    return store.inbound.answer(inbound, reply.body, replace(memory, locale=inbound.locale, ended=ended, blocked=None), changes)


def _changes(inbound: Inbound, topic: str, reply: str, services: Services) -> list[list[Write]]:
    """The subscription with its consent; and whoever chooses a language by a word gets it for all they follow."""
    person, store, locale = inbound.person, services.store, inbound.locale
    known = store.addresses.claim(person.address, subscriber=services.new_id(), verified=True)
    [consent] = inbound.consents(Step.JOINED, [topic], subscriber=known.subscriber, reply=reply)
    join = store.subscriptions.join_writes(Subscription(known.subscriber, topic, Channel.SMS, known.hash, locale))
    others = [one for one in person.subscriptions if one.topic != topic and one.locale != locale]
    return [
        [store.addresses.welcome_write(judged(person, known)), *join, store.consents.add_write(consent)],
        *(store.subscriptions.locale_writes([one], locale) for one in others),
    ]
