"""Moving: whoever said yes from a new address follows there what they followed on the old one, which leaves everything.

the old address is opted out on its row → its subscriptions end, with their entries in the ledger → the new one follows, all in the transaction that
takes the yes

What dies between leaves the sign-up waiting, and the next yes goes on; what the old subscriptions held stands in the sign-up too.

Whoever has a number and an email address on one page, and moves one of them, stays on it: the new address gets the page's id, if nobody had proven it
theirs, and the old one is parted from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.domain.consent import Consent, Step, detail_of, read_detail
from chalicelib.domain.filters import Filters
from chalicelib.domain.preferences import UNCHOSEN, Preferences
from chalicelib.flows.services import Services
from chalicelib.flows.sharing import has_own_page, parted_writes, settled_writes
from chalicelib.state.table import Write
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.sign_ups import SignUp
from chalicelib.store.subscriptions import Subscription


@dataclass(frozen=True)
class Move:
    """A sign-up that takes the place of `old`: what that one still follows on its channel. `shared`: their other channel is on their page too, and
    `stays`: the new address comes to that page."""

    sign_up: SignUp
    old: str
    follows: Sequence[Subscription]
    shared: bool = False
    stays: bool = False

    @property
    def parts(self) -> Mapping[str, Filters]:
        """The part of each topic that moves."""
        return {topic: filters for topic, (filters, _) in self._choices.items()}

    def preferences(self, topic: str) -> Preferences | None:
        """When and how a topic comes that moves; None for one that does not."""
        return self._choices[topic][1] if topic in self._choices else None

    @property
    def _choices(self) -> Mapping[str, tuple[Filters, Preferences]]:
        """As they are now; of what was left already, as they were when the move was asked for."""
        then = {topic: read_detail(detail) for topic, detail in self.sign_up.carried.items()}
        return then | {one.topic: (one.filters, one.preferences) for one in self.follows}


def carried_of(follows: Sequence[Subscription]) -> Mapping[str, str]:
    """What a sign-up keeps of the choices that are to move with it."""
    return {one.topic: detail_of(one.filters, one.preferences) for one in follows}


def move_of(sign_up: SignUp | None, new: KnownAddress | None, *, services: Services) -> Move | None:
    """The move that a yes to a sign-up makes; None where it makes none, or where old and `new` are one."""
    if sign_up is None or not sign_up.instead_of or (new and sign_up.instead_of == new.subscriber):
        return None
    everything = services.store.subscriptions.of(sign_up.instead_of)
    follows = [one for one in everything if one.channel is sign_up.channel]
    shared = len(everything) > len(follows)
    stays = shared and new is not None and not has_own_page(new, services=services)
    return Move(sign_up, sign_up.instead_of, follows, shared, stays)


def close_old(move: Move, *, services: Services) -> None:
    """Nothing goes to the old address from now on, not even what is planned for it."""
    for name in dict.fromkeys(one.address for one in move.follows):
        services.store.addresses.opt_out(name, services.now())


def leave_groups(move: Move, *, services: Services) -> list[list[Write]]:
    """The ends of the old subscriptions, each with its entry in the ledger. What has ended is not ended again, and what stays on its page does not."""
    return [] if move.stays else [_left(one, move, services) for one in move.follows]


def arrived_writes(move: Move, new: KnownAddress, *, services: Services) -> list[Write]:
    """What is written beside the new subscriptions, the welcome included: who this was, and what they chose for all they follow, where the new one chose
    nothing; or that the new address has the old one's place on its page."""
    store = services.store
    if move.stays:
        return settled_writes(move.old, move.sign_up, new, services=services)
    chosen, own = store.preferences.of(move.old), store.preferences.of(new.subscriber)
    kept = [store.preferences.write(new.subscriber, chosen)] if own == UNCHOSEN and chosen != UNCHOSEN else []
    parted = parted_writes(move.old, move.sign_up.channel, new.hash, services=services) if move.shared else []
    return [store.addresses.welcome_write(new), *store.moves.done_writes(move.old, new.subscriber, move.sign_up.id), *kept, *parted]


def _left(one: Subscription, move: Move, services: Services) -> list[Write]:
    store, sign_up = services.store, move.sign_up
    entry = Consent(one.subscriber, one.address, one.channel, one.topic, Step.LEFT, sign_up.how, sign_up.id, one.locale, services.now())
    return [*store.subscriptions.leave_writes(one.subscriber, one.topic, one.channel), store.consents.leave_write(entry)]
