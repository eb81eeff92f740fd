"""Set preferences: a page's link chooses topics and language for one channel of one person."""

from dataclasses import dataclass

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import EVERYTHING, Consent, How, Step, wording_id
from chalicelib.domain.conversation import known
from chalicelib.errors import Conflict, NotFound
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.consents import address_of
from chalicelib.store.packing import packed
from chalicelib.store.subscriptions import Subscription


@dataclass(frozen=True)
class Chosen:
    """What a person chose for an address, and the sentence that they agreed to."""

    address: KnownAddress
    channel: Channel
    topics: list[str]
    locale: str
    agreement: str


def set_preferences(subscriber: str, channel: Channel, *, topics: list[str], locale: str, read_in: str, services: Services) -> None:
    """Follow exactly these topics, in this language; `read_in` is the language of the page that was agreed to. None at all opts
    the address out. Raises NotFound where the person is gone."""
    store, wanted = services.store, known(topics, services.city)
    follows = {one.topic: one for one in store.subscriptions.of(subscriber, channel)}
    name = next((one.address for one in follows.values()), None) or address_of(store.consents.of(subscriber), channel)
    [address] = store.addresses.read([name]) if name else [None]
    if address is None or address.subscriber != subscriber:
        raise NotFound("This link has ended.", code="link_ended")
    if channel is Channel.SMS and address.opted_out and wanted:
        raise Conflict("Text START to us first: until then the network holds our texts back.", code="text_start_first")
    if not wanted and follows:
        store.addresses.opt_out(address.hash, services.now())
    agreement = services.renderer().page("choice", read_in)
    groups = _changes(Chosen(address, channel, wanted, locale, agreement), follows, services)
    for writes in packed(groups) if groups else ():
        store.table.transact(writes)


def _changes(chosen: Chosen, follows: dict[str, Subscription], services: Services) -> list[list[Write]]:
    """Joins and leaves, each with its entry in the ledger, and the language of those that stay."""
    store, subscriber, source, locale = services.store, chosen.address.subscriber, services.new_id(), chosen.locale
    joining, leaving = [topic for topic in chosen.topics if topic not in follows], [topic for topic in follows if topic not in chosen.topics]
    turning = [one for topic, one in follows.items() if topic in chosen.topics and one.locale != locale]

    def entry(topic: str, step: Step) -> Write:
        wording = wording_id(chosen.agreement) if step is Step.JOINED else ""
        name, channel = chosen.address.hash, chosen.channel
        write = store.consents.leave_write if step is Step.LEFT else store.consents.add_write
        return write(Consent(subscriber, name, channel, topic, step, How.WEB, source, locale, services.now(), wording=wording))

    groups = [[*store.subscriptions.leave_writes(subscriber, topic, chosen.channel), entry(topic, Step.LEFT)] for topic in leaving]
    groups += [store.subscriptions.locale_writes([one], locale) for one in turning]
    groups += [[entry(EVERYTHING, Step.LANGUAGE)]] if turning else []
    groups += [[store.addresses.welcome_write(chosen.address), store.consents.wording_write(chosen.agreement)]] if joining else []
    joins = [Subscription(subscriber, topic, chosen.channel, chosen.address.hash, locale) for topic in joining]
    return groups + [[*store.subscriptions.join_writes(one), entry(one.topic, Step.JOINED)] for one in joins]
