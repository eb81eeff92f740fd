"""Heeding a provider that says an address wants no more: opted out first, then its subscriptions end, as if its owner had told us."""

from dataclasses import replace

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Consent, How, Step
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.packing import packed


def heed_opt_out(hash: str, channel: Channel, *, source: str, services: Services) -> None:
    """End everything that goes to this address. `source` names what the provider spoke of, for the ledger. Safe to repeat."""
    store, now = services.store, services.now()
    store.addresses.opt_out(hash, now)
    [known] = store.addresses.read([hash])
    follows = store.subscriptions.of(known.subscriber, channel) if known and known.subscriber else []
    if not known or not follows:
        return
    groups: list[list[Write]] = []
    if channel is Channel.SMS and known.sealed:  # START brings back what ended, once the provider lets us through again
        person = store.subscribers.find(store.vault.open_address(known.sealed))
        ended = tuple(dict.fromkeys([*person.memory.ended, *(one.topic for one in follows)]))
        groups.append([store.subscribers.remember_write(hash, replace(person.memory, ended=ended, blocked=True, locale=person.locale))])
    for one in follows:
        entry = Consent(one.subscriber, hash, channel, one.topic, Step.STOPPED, How.PROVIDER, source, one.locale, now)
        groups.append([*store.subscriptions.leave_writes(one.subscriber, one.topic, channel), store.consents.add_write(entry)])
    for writes in packed(groups):
        store.table.transact(writes)
