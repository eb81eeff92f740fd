"""My data: everything we hold about a person, to be read and taken away by them. What we sent them is `my_messages`.

their own rows → the addresses that these name → what stands beside each: sign-ups, the talk

Reads only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.domain.address import Address
from chalicelib.domain.consent import Consent
from chalicelib.domain.preferences import Preferences
from chalicelib.domain.talk_state import Memory
from chalicelib.flows.services import Services
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.sign_ups import SignUp
from chalicelib.store.subscriptions import Subscription


@dataclass(frozen=True)
class Mine:
    """An address of theirs, opened, with the sign-ups kept beside it and what we remember of the talk with it."""

    address: Address
    known: KnownAddress
    sign_ups: Sequence[SignUp]
    memory: Memory


@dataclass(frozen=True)
class MyData:
    """What we hold. `wordings` are the sentences that entries of the ledger name, by id."""

    addresses: Sequence[Mine]
    follows: Sequence[Subscription]
    preferences: Preferences
    ledger: Sequence[Consent]
    wordings: Mapping[str, str]


def my_data(subscriber: str, *, services: Services) -> MyData | None:
    """All of it, the ledger newest first; None where nothing is left of them."""
    store = services.store
    names = dict.fromkeys(str(row.values["address"]) for row in store.erasures.rows(f"S#{subscriber}") if "address" in row.values)
    known = [one for one in store.addresses.read(list(names)) if one and one.subscriber == subscriber]
    ledger = sorted(store.consents.of(subscriber), key=lambda one: one.at, reverse=True)
    if not known:
        return None
    wordings = {name: store.consents.wording(name) or "" for name in dict.fromkeys(one.wording for one in ledger if one.wording)}
    mine = [found for one in known if (found := _mine(one, services))]
    return MyData(mine, store.subscriptions.of(subscriber), store.preferences.of(subscriber), ledger, wordings)


def _mine(known: KnownAddress, services: Services) -> Mine | None:
    """None where the seal cannot be opened any more."""
    store = services.store
    address = store.vault.open_address_or_none(known.sealed)
    if address is None:
        return None
    asked = [row.key.sort.removeprefix("ASK#") for row in store.erasures.rows(f"A#{known.hash}") if row.key.sort.startswith("ASK#")]
    sign_ups = [found for name in asked if (found := store.sign_ups.get(name))]
    return Mine(address, known, sign_ups, store.subscribers.find(address).memory)
