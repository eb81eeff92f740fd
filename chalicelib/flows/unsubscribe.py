"""Unsubscribe: a message's link ends what brought that message, or everything on its channel."""

from datetime import datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Consent, How, Step
from chalicelib.domain.digests import DIGEST
from chalicelib.domain.rhythms import lately
from chalicelib.domain.topic import lineage
from chalicelib.flows.services import Services
from chalicelib.store.packing import packed
from chalicelib.store.subscriptions import Subscription


def unsubscribe(subscriber: str, topic: str | None, channel: Channel, *, services: Services) -> list[str]:
    """The topics that ended: `topic` with those above and below it, whose followers its messages reach; DIGEST means all that comes in one, or did until
    lately, None all of the channel, and so does any topic where the city has it so. Where nothing is left the address is opted out, so that what is
    already planned stops too. Ending what has ended is no error."""
    store = services.store
    follows = store.subscriptions.of(subscriber, channel)
    ending = [one for one in follows if topic is None or services.city.revoke_all or brings(one, topic, services.now())]
    if ending and len(ending) == len(follows):
        store.addresses.opt_out(ending[0].address, services.now())
    source, step = services.new_id(), Step.STOPPED if topic is None else Step.LEFT
    groups = [
        [*store.subscriptions.leave_writes(subscriber, one.topic, channel), store.consents.leave_write(_entry(one, step, source, services))] for one in ending
    ]
    for writes in packed(groups) if groups else ():
        store.table.transact(writes)
    return [one.topic for one in ending]


def brings(followed: Subscription, topic: str, now: datetime) -> bool:
    """Whether following the one may bring a message of the other, or a digest did until lately."""
    if topic == DIGEST:
        return any(one.slot for one in lately(followed.whole_rhythm, now))
    return followed.topic in lineage(topic) or topic in lineage(followed.topic)


def _entry(ended: Subscription, step: Step, source: str, services: Services) -> Consent:
    return Consent(ended.subscriber, ended.address, ended.channel, ended.topic, step, How.WEB, source, ended.locale, services.now())
