"""Heeding what a provider says of an address: that its owner wants no more, or that it is bad.

Each word is heeded once, however often it comes, and what the address's owner did since is never undone.
"""

import logging
from dataclasses import dataclass, replace

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Consent, How, Step
from chalicelib.domain.message import Advice
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.addresses import Fault, KnownAddress
from chalicelib.store.packing import packed

_log = logging.getLogger("belfry")


@dataclass(frozen=True)
class Word:
    """What a provider said of a delivery: its code, and what that asks of us."""

    broadcast: str
    code: str
    advice: Advice

    @property
    def name(self) -> str:
        """The same for ever: by one address a broadcast has one delivery."""
        return f"{self.broadcast}:{self.advice}"


def heed(word: Word, hash: str, channel: Channel, *, services: Services) -> None:
    """Do what a provider's word asks of us towards an address; of somebody who was erased we know none. Safe to repeat, and to die anywhere in it."""
    if not hash:
        return
    streak = word.advice.streak
    if word.advice is Advice.OPTED_OUT:
        known = services.store.addresses.heed_opt_out(hash, word.name, services.now())
        end_all(known, channel, how=How.PROVIDER, source=f"{word.broadcast}:{word.code}", services=services)
    elif streak:
        found = services.store.addresses.heed_fault(hash, Fault(word.name, word.code, streak), services.now())
        if found and found.bad:
            _log.info("address is bad", extra={"fields": {"address": hash, "channel": str(channel), "code": found.bad}})


def end_all(known: KnownAddress, channel: Channel, *, how: How, source: str, services: Services) -> None:
    """End all that goes to an address, where it is still opted out. `source` names the act, for the ledger."""
    store, now = services.store, services.now()
    follows = store.subscriptions.of(known.subscriber, channel) if known.opted_out and known.subscriber else []
    if not follows:
        return
    groups: list[list[Write]] = []
    address = store.vault.open_address_or_none(known.sealed)
    if channel is Channel.SMS and address:  # START brings back what ended, once the provider lets us through again
        person = store.subscribers.find(address)
        ended = tuple(dict.fromkeys([*person.memory.ended, *(one.topic for one in follows)]))
        parts = {**person.memory.parts, **{one.topic: one.filters for one in follows}}
        memory = replace(person.memory, ended=ended, parts=parts, blocked=True, locale=person.locale)
        groups.append([store.subscribers.remember_write(known.hash, memory)])
    for one in follows:
        entry = Consent(one.subscriber, known.hash, channel, one.topic, Step.STOPPED, how, source, one.locale, now)
        groups.append([*store.subscriptions.leave_writes(one.subscriber, one.topic, channel), store.consents.add_write(entry)])
    for writes in packed(groups):
        store.table.transact(writes)
