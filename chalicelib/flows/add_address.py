"""Add an address: somebody who has a page asks that their other channel be on it too. Nothing changes before the new address says yes.

what they follow → a sign-up for the new address, beside them → its text or letter, unless a cap is full
"""

from dataclasses import replace

from chalicelib.domain.address import Channel
from chalicelib.domain.conversation import known
from chalicelib.domain.parsing import parse_email, parse_mobile
from chalicelib.flows.services import Services
from chalicelib.flows.sharing import is_taken
from chalicelib.flows.signing import MOST_TOPICS, Human, Origin, last_digits, take
from chalicelib.store.subscriptions import Subscription


def add_address(subscriber: str, channel: Channel, to: str, *, network: str, services: Services) -> None:
    """Ask the new address. Does and answers the same for one that we know, one that we do not and one that said stop. Raises Invalid where `to` is no
    address of the channel; does nothing for whoever follows nothing."""
    follows = services.store.subscriptions.of(subscriber)
    topics = known((one.topic for one in follows), services.city)[:MOST_TOPICS]
    address = parse_mobile(to, countries=services.city.countries) if channel is Channel.SMS else parse_email(to)
    if not topics:
        return
    number = _number(follows, services) if channel is Channel.EMAIL else address.value
    origin = Origin(human=Human.LIKELY, network=network)
    if not is_taken(follows, channel, services.store.vault.hash(address)):
        origin = replace(origin, beside=subscriber, digits=last_digits(number))
    take(address, topics, follows[0].locale, origin, services=services)


def _number(follows: list[Subscription], services: Services) -> str:
    """The number that somebody is texted at; empty where there is none, or its seal cannot be opened."""
    [known] = services.store.addresses.read([next((one.address for one in follows if one.channel is Channel.SMS), "")])
    number = services.store.vault.open_address_or_none(known.sealed) if known else None
    return number.value if number else ""
