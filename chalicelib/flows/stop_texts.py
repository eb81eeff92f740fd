"""Stop texts: nothing goes to this number any more.

Opted out on the address row first: from then on no worker may attempt it. Then the subscriptions end, then we reply, once.
"""

from dataclasses import replace

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import EVERYTHING, Step
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.inbound import Inbound
from chalicelib.store.subscribers import Person


def stop_texts(inbound: Inbound, *, services: Services) -> str | None:
    """The one confirmation; silence for whoever is stopped already."""
    person, store = inbound.person, services.store
    memory, stopping = person.memory.understood(), _is_stopping(person)
    if stopping and not person.subscriptions:
        return store.inbound.answer(inbound, None, replace(memory, blocked=memory.blocked or inbound.meaning.blocks))
    store.addresses.opt_out(person.hash, services.now())
    reply = services.renderer().reply("stopped", inbound.locale)
    ended = tuple(dict.fromkeys([*(memory.ended if stopping else ()), *person.topics]))
    memory = replace(memory, locale=person.locale, ended=ended, wanted=(), blocked=inbound.meaning.blocks)
    return store.inbound.answer(inbound, reply.body, memory, _changes(inbound, reply.body, services))


def _is_stopping(person: Person) -> bool:
    """Whether a stop word was taken before, even if its worker died half way."""
    return person.opted_out and person.memory.blocked is not None


def _changes(inbound: Inbound, reply: str, services: Services) -> list[list[Write]]:
    """Each subscription ends with its entry in the ledger. A stranger's row says all there is to say."""
    person, store = inbound.person, services.store
    if person.known is None or not person.known.subscriber:
        return []
    subscriber = person.known.subscriber
    entries = inbound.consents(Step.STOPPED, [*person.topics, EVERYTHING], subscriber=subscriber, reply=reply)
    return [
        [*(store.subscriptions.leave_writes(subscriber, entry.topic, Channel.SMS) if entry.topic != EVERYTHING else ()), store.consents.add_write(entry)]
        for entry in entries
    ]
