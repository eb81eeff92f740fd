"""Confirm a sign-up: whoever holds the letter's link is the address's owner, and agrees."""

from dataclasses import dataclass, replace

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Consent, Step, detail_of, wording_id
from chalicelib.domain.conversation import known
from chalicelib.errors import NotFound, TransactionRefused
from chalicelib.flows.moving import Move, arrived_writes, close_old, leave_groups, move_of
from chalicelib.flows.services import Services
from chalicelib.flows.sharing import Shared, settled_writes, shared_of
from chalicelib.state.table import MOST_TRANSACT, Write
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.packing import packed
from chalicelib.store.sign_ups import SignUp
from chalicelib.store.subscriptions import Subscription


def confirm_sign_up(name: str, *, locale: str, services: Services) -> SignUp:
    """Subscribe the topics of a sign-up, in the language of the page; what is returned names whoever the address belongs to from now on. Confirming
    again changes nothing. Raises NotFound where there is none, or its 48 hours are over."""
    found = services.store.sign_ups.get(name)
    if found is None or not (found.confirmed or found.is_valid(services.now())):
        raise NotFound("This link has ended. Sign up again and we send a new one.", code="link_ended")
    if found.confirmed:
        return found
    [address] = services.store.addresses.read([found.address])
    if address is None or not address.subscriber:
        raise NotFound("This link has ended. Sign up again and we send a new one.", code="link_ended")
    move, shared = move_of(found, address, services=services), shared_of(found, address, services=services)
    if move:
        close_old(move, services=services)
    yes = _Yes(found, address, locale, move, shared)
    try:
        for writes in packed([*(leave_groups(move, services=services) if move else ()), *_groups(yes, services)]):
            services.store.table.transact(writes)
    except TransactionRefused:
        again = services.store.sign_ups.get(name)
        if again is None or not again.confirmed:
            raise
        [address] = services.store.addresses.read([found.address])
        return replace(again, subscriber=address.subscriber if address else "")
    return replace(found, subscriber=yes.subscriber)


def promised(found: SignUp, *, services: Services) -> tuple[str, bool]:
    """What is said of the page that a yes to a sign-up leads to, as it stands now: the last digits of the number beside it, empty where the address keeps
    a page of its own; and whether the number is there already."""
    [address] = services.store.addresses.read([found.address])
    return _said(shared_of(found, address, services=services))


def _said(shared: Shared | None) -> tuple[str, bool]:
    return (shared.sign_up.digits, bool(shared.follows)) if shared else ("", False)


@dataclass(frozen=True)
class _Yes:
    """A sign-up that is agreed to, its address, the language; the move that it makes, or the page that it comes to."""

    sign_up: SignUp
    address: KnownAddress
    locale: str
    move: Move | None
    shared: Shared | None

    @property
    def subscriber(self) -> str:
        """Whose the address is from now on."""
        if self.move and self.move.stays:
            return self.move.old
        return self.shared.subscriber if self.shared else self.address.subscriber


def _groups(yes: _Yes, services: Services) -> list[list[Write]]:
    """All in one, for a yes that counts once. Topics that one transaction does not hold are joined before, where nothing is sent yet; what died between
    is gone on with."""
    found, store = yes.sign_up, services.store
    digits, sure = _said(yes.shared)
    agreement = services.renderer().page("agreement", yes.locale, topics=known(found.topics, services.city), digits=digits, sure=sure)
    last = [store.sign_ups.confirm_write(found.id), store.consents.wording_write(agreement)]
    last += _arriving(yes, services)
    before = list[list[Write]]()
    made = {one.topic for one in store.consents.of(yes.subscriber) if one.source == found.id}
    for topic, writes in _joins(yes, agreement, services).items():
        if topic in made:
            continue
        if len(last) + len(writes) <= MOST_TRANSACT:
            last += writes
        else:
            before.append(writes)
    return [*before, last]


def _arriving(yes: _Yes, services: Services) -> list[Write]:
    """The address is proven and willing, and whoever's it is."""
    if yes.move:
        return arrived_writes(yes.move, yes.address, services=services)
    if yes.shared:
        return settled_writes(yes.shared.subscriber, yes.sign_up, yes.address, services=services)
    return [services.store.addresses.welcome_write(yes.address)]


def _joins(yes: _Yes, agreement: str, services: Services) -> dict[str, list[Write]]:
    """What joins each topic, with its entry in the ledger."""
    found, address, move, store = yes.sign_up, yes.address, yes.move, services.store
    topics = known([*found.topics, *(move.parts if move else ())], services.city)
    follows = {one.topic: one for one in store.subscriptions.of(yes.subscriber, Channel.EMAIL)}
    moving = {one.topic: one for one in move.follows} if move else {}
    joins: dict[str, list[Write]] = {}
    for topic in topics:
        own = follows.get(topic)
        subscription = _chosen(Subscription(yes.subscriber, topic, Channel.EMAIL, address.hash, yes.locale), yes, own)
        subscription = subscription.from_now(services.now(), before=own or moving.get(topic))
        entry = Consent(
            subscriber=yes.subscriber,
            address=address.hash,
            channel=Channel.EMAIL,
            topic=topic,
            step=Step.JOINED,
            how=found.how,
            source=found.id,
            locale=yes.locale,
            at=services.now(),
            wording=wording_id(agreement),
            detail=detail_of(subscription.filters, subscription.preferences, proof=found.detail),
        )
        joins[topic] = [*store.subscriptions.join_writes(subscription), store.consents.add_write(entry)]
    return joins


def _chosen(one: Subscription, yes: _Yes, own: Subscription | None) -> Subscription:
    """With the choices that move, or that are made on the page already; what is followed here already stays as it is."""
    if yes.shared:
        return replace(one, filters=yes.shared.parts.get(one.topic, one.filters), preferences=yes.shared.chosen)
    if yes.move is None:
        return one
    if own:
        return replace(one, filters=own.filters, preferences=own.preferences)
    move = yes.move
    return replace(one, filters=move.parts.get(one.topic, one.filters), preferences=move.preferences(one.topic) or one.preferences)
