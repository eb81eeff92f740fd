"""Leave a topic: a text ends one subscription, and those to the topics below it."""

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Step
from chalicelib.domain.conversation import known
from chalicelib.domain.topic import lineage
from chalicelib.flows.services import Services
from chalicelib.store.inbound import Inbound


def leave_topic(inbound: Inbound, *, services: Services) -> str | None:
    """The reply: what ended and what goes on; or why there was nothing to end."""
    topic, follows = inbound.meaning.topic, known(inbound.person.topics, services.city)
    if topic is None:
        return _say("which_to_leave", inbound, services, topics=follows)
    ending = [one for one in follows if one == topic or one.startswith(topic + "/")]
    if not ending:
        above = next((one for one in lineage(topic) if one in follows), None)
        return _say("not_following", inbound, services, topic=topic, above=above)
    reply = services.renderer().reply("left", inbound.locale, topics=ending, follows=[one for one in follows if one not in ending])
    subscriber, store = inbound.person.subscriptions[0].subscriber, services.store
    changes = [
        [*store.subscriptions.leave_writes(subscriber, entry.topic, Channel.SMS), store.consents.leave_write(entry)]
        for entry in inbound.consents(Step.LEFT, ending, subscriber=subscriber, reply=reply.body)
    ]
    return store.inbound.answer(inbound, reply.body, inbound.person.memory.understood(), changes)


def _say(name: str, inbound: Inbound, services: Services, **values: object) -> str | None:
    reply = services.renderer().reply(name, inbound.locale, **values)
    return services.store.inbound.answer(inbound, reply.body, inbound.person.memory.understood())
