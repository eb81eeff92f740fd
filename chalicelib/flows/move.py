"""Move: a person's new number or email address is asked to take the place of the old one. Nothing changes before its yes.

what they follow on the channel → a sign-up for the new address, with what moves → its text or letter, unless a cap is full
"""

from dataclasses import replace

from chalicelib.domain.address import Channel
from chalicelib.domain.conversation import known
from chalicelib.domain.parsing import parse_email, parse_mobile
from chalicelib.flows.moving import carried_of
from chalicelib.flows.services import Services
from chalicelib.flows.signing import MOST_TOPICS, Human, Origin, take


def move(subscriber: str, channel: Channel, to: str, *, network: str, services: Services) -> None:
    """Ask the new address. Does and answers the same for one that we know, one that we do not and one that said stop. Raises Invalid where `to` is no
    address of the channel; does nothing for whoever follows nothing there."""
    follows = services.store.subscriptions.of(subscriber, channel)
    topics = known((one.topic for one in follows), services.city)[:MOST_TOPICS]
    address = parse_mobile(to, countries=services.city.countries) if channel is Channel.SMS else parse_email(to)
    if not topics:
        return
    origin = Origin(human=Human.LIKELY, network=network, instead_of=subscriber)
    take(address, topics, follows[0].locale, replace(origin, carried=carried_of(follows)), services=services)
