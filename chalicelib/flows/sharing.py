"""Sharing a page: a number and an email address that belong to one subscriber, who chooses for both in one place.

An address comes to somebody's page with its own yes, to words that said so, and only if nobody had proven it theirs before: one that was somebody's
keeps its id for ever, and what is planned for it its name. And only if nothing is followed by another of its channel there; one that was left is parted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.domain.address import Channel
from chalicelib.domain.filters import Filters
from chalicelib.domain.preferences import UNCHOSEN, Preferences
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.consents import addresses_of
from chalicelib.store.sign_ups import SignUp
from chalicelib.store.subscriptions import Subscription


@dataclass(frozen=True)
class Shared:
    """A sign-up whose yes brings its address to `subscriber`: what they follow there already, and what they chose for all of it."""

    sign_up: SignUp
    subscriber: str
    follows: Sequence[Subscription]
    chosen: Preferences

    @property
    def parts(self) -> Mapping[str, Filters]:
        """The part of each topic that is followed there, which the new address begins with."""
        return {one.topic: one.filters for one in self.follows}


def shared_of(sign_up: SignUp | None, known: KnownAddress | None, *, services: Services) -> Shared | None:
    """The page that a yes to a sign-up leads to; None where its address has one of its own by now, or asked for none."""
    if sign_up is None or known is None or not sign_up.beside or has_own_page(known, services=services):
        return None
    follows = services.store.subscriptions.of(sign_up.beside)
    if is_taken(follows, sign_up.channel, known.hash):
        return None
    return Shared(sign_up, sign_up.beside, follows, current_preferences(sign_up.beside, follows, services=services))


def settled_writes(page: str, sign_up: SignUp, known: KnownAddress, *, services: Services) -> list[Write]:
    """The writes that make an address the page's, proven and willing, in the place of any other of its channel; for the transaction that takes its yes."""
    store, parted = services.store, parted_writes(page, sign_up.channel, known.hash, services=services)
    hold = store.holds.replace_write if parted else store.holds.write
    return [store.addresses.settle_write(known, page), hold(page, sign_up.channel, known.hash), store.moves.asked_write(page, sign_up.id), *parted]


def parted_writes(page: str, channel: Channel, name: str, *, services: Services) -> list[Write]:
    """The writes by which a page's addresses on a channel, but for this one by its hash, are nobody's any more."""
    return [services.store.addresses.release_write(one, page, services.now()) for one in _others_of(page, channel, name, services)]


def current_preferences(subscriber: str, follows: Sequence[Subscription], *, services: Services) -> Preferences:
    """What a person chose so far; what came with a subscription where they never chose for all."""
    own = services.store.preferences.of(subscriber)
    return own if own != UNCHOSEN else next((one.preferences for one in follows), UNCHOSEN)


def is_taken(follows: Sequence[Subscription], channel: Channel, name: str) -> bool:
    """Whether something is followed on a channel by an address that is not this one, by its hash."""
    return any(one.channel is channel and one.address != name for one in follows)


def has_another(subscriber: str, channel: Channel, name: str, *, services: Services) -> bool:
    """Whether an id has an address on a channel that is not this one, by its hash: also one that nothing is sent to."""
    return bool(_others_of(subscriber, channel, name, services))


def has_own_page(known: KnownAddress, *, services: Services) -> bool:
    """Whether somebody has proven an address theirs, or the ledger says anything of them, as of a phone that texted STOP and nothing else."""
    return known.verified or bool(services.store.consents.of(known.subscriber))


def _others_of(subscriber: str, channel: Channel, name: str, services: Services) -> list[str]:
    others = [one for one in addresses_of(services.store.consents.of(subscriber), channel) if one != name]
    return [one.hash for one in services.store.addresses.read(others) if one and one.subscriber == subscriber]
