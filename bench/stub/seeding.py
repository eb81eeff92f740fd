"""Followers, made inside the stub, so that putting them there costs the measured process nothing."""

from bench.stub.table import Table
from chalicelib.domain.address import Address, Channel
from chalicelib.state.attributes import to_item
from chalicelib.store.addresses import Addresses
from chalicelib.store.sealed import Vault
from chalicelib.store.subscriptions import Subscription, audience_row

HASH_KEY, SEAL_KEY, SIGN_KEY = b"h" * 32, b"s" * 32, b"t" * 32
"""The city's keys in every measurement."""

SPOKEN = (("en", 70), ("es", 20), ("ar", 5), ("zh-Hans", 5))
"""The share of each language among followers, in percent."""


def seed(table: Table, topic: str, channel: str, count: int, first: int) -> int:
    """So many verified followers, numbered from `first`, in the city's languages."""
    vault = Vault(HASH_KEY, SEAL_KEY)
    addresses, kind = Addresses(None, vault), Channel(channel)  # type: ignore[arg-type]
    locales = [locale for locale, share in SPOKEN for _ in range(share)]
    for number in range(first, first + count):
        address = address_of(kind, number)
        subscriber = f"{number % 16:x}{number:031x}"
        table.keep(to_item(addresses.row(address, subscriber=subscriber, verified=True)))
        table.keep(to_item(audience_row(Subscription(subscriber, topic, kind, vault.hash(address), locales[number // 16 % 100]))))
    return count


def address_of(channel: Channel, number: int) -> Address:
    """The address of a follower."""
    return Address(channel, f"+1202{number:07d}" if channel is Channel.SMS else f"p{number}@example.org")
