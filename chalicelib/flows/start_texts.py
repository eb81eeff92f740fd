"""Start texts: bring back what STOP ended, and what was asked for while only START could help."""

from dataclasses import replace

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Step
from chalicelib.domain.conversation import known
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.inbound import Inbound
from chalicelib.store.subscribers import Memory, judged
from chalicelib.store.subscriptions import Subscription


def start_texts(inbound: Inbound, *, services: Services) -> str | None:
    """The reply: what goes on from now, or what there is to join. A start word that the provider does not know cannot lift
    the provider's block, and we say so."""
    person, store, render = inbound.person, services.store, services.renderer().reply
    memory = person.memory.understood()
    if person.blocked and not inbound.meaning.unblocks:
        return store.inbound.answer(inbound, render("start_first", inbound.locale, topic=None).body, memory)
    follows = known(person.topics, services.city)
    missed = [topic for topic in (*memory.ended, *memory.wanted) if topic not in follows]
    back = known([*(follows if person.opted_out else ()), *missed], services.city)
    everything = known([*follows, *back], services.city)
    others = [topic for topic in services.city.topics if topic not in everything]
    name = "restored" if back else "topics"
    reply = render(name, inbound.locale, follows=everything, others=others)
    changes = _changes(inbound, back, reply.body, services) if back or person.opted_out else []
    after = replace(memory, ended=(), wanted=(), blocked=None) if back or person.opted_out else memory
    return store.inbound.answer(inbound, reply.body, after, changes, meanwhile=memory)


def _changes(inbound: Inbound, back: list[str], reply: str, services: Services) -> list[list[Write]]:
    store, person = services.store, inbound.person
    found = store.addresses.claim(person.address, subscriber=services.new_id(), verified=True)
    groups: list[list[Write]] = [[store.addresses.welcome_write(judged(person, found))]]
    for topic in back:
        [entry] = inbound.consents(_step(topic, person.memory), [topic], subscriber=found.subscriber, reply=reply)
        subscription = Subscription(found.subscriber, topic, Channel.SMS, found.hash, inbound.locale)
        groups.append([*store.subscriptions.join_writes(subscription), store.consents.add_write(entry)])
    return groups


def _step(topic: str, memory: Memory) -> Step:
    return Step.JOINED if topic in memory.wanted and topic not in memory.ended else Step.RESTORED
