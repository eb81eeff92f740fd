"""Set preferences: a page's link chooses topics and language for one channel of one person."""

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


def set_preferences(subscriber: str, channel: Channel, *, topics: list[str], locale: str, services: Services) -> None:
    """Follow exactly these topics, in this language. None at all opts the address out. Raises NotFound where the person is gone."""
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
    groups = _changes(address, channel, follows, wanted, locale, services)
    for writes in packed(groups) if groups else ():
        store.table.transact(writes)


def _changes(
    address: KnownAddress, channel: Channel, follows: dict[str, Subscription], wanted: list[str], locale: str, services: Services
) -> list[list[Write]]:
    """Joins and leaves, each with its entry in the ledger, and the language of those that stay."""
    store, subscriber, source = services.store, address.subscriber, services.new_id()
    joining, leaving = [topic for topic in wanted if topic not in follows], [topic for topic in follows if topic not in wanted]
    turning = [one for topic, one in follows.items() if topic in wanted and one.locale != locale]
    agreement = services.renderer().page("agreement", locale, topics=joining) if joining else ""

    def entry(topic: str, step: Step) -> Write:
        wording = wording_id(agreement) if step is Step.JOINED else ""
        return store.consents.add_write(Consent(subscriber, address.hash, channel, topic, step, How.WEB, source, locale, services.now(), wording=wording))

    groups = [[*store.subscriptions.leave_writes(subscriber, topic, channel), entry(topic, Step.LEFT)] for topic in leaving]
    groups += [store.subscriptions.locale_writes([one], locale) for one in turning]
    groups += [[entry(EVERYTHING, Step.LANGUAGE)]] if turning else []
    groups += [[store.addresses.welcome_write(address), store.consents.wording_write(agreement)]] if joining else []
    joins = [Subscription(subscriber, topic, channel, address.hash, locale) for topic in joining]
    return groups + [[*store.subscriptions.join_writes(one), entry(one.topic, Step.JOINED)] for one in joins]
