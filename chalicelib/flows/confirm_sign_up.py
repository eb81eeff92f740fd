"""Confirm a sign-up: whoever holds the letter's link is the address's owner, and agrees."""

from dataclasses import replace

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Consent, Step, detail_of, wording_id
from chalicelib.domain.conversation import known
from chalicelib.errors import NotFound, TransactionRefused
from chalicelib.flows.moving import Move, arrived_writes, close_old, leave_groups, move_of
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.packing import packed
from chalicelib.store.sign_ups import SignUp
from chalicelib.store.subscriptions import Subscription


def confirm_sign_up(name: str, *, locale: str, services: Services) -> SignUp:
    """Subscribe the topics of a sign-up, in the language of the page. Confirming again changes nothing. Raises NotFound where
    there is none, or its 48 hours are over."""
    found = services.store.sign_ups.get(name)
    if found is None or not (found.confirmed or found.is_valid(services.now())):
        raise NotFound("This link has ended. Sign up again and we send a new one.", code="link_ended")
    if found.confirmed:
        return found
    [address] = services.store.addresses.read([found.address])
    if address is None or not address.subscriber:
        raise NotFound("This link has ended. Sign up again and we send a new one.", code="link_ended")
    move = move_of(found, address.subscriber, services=services)
    if move:
        close_old(move, services=services)
    try:
        for writes in packed([*(leave_groups(move, services=services) if move else ()), _writes(found, address, locale, move, services)]):
            services.store.table.transact(writes)
    except TransactionRefused:
        again = services.store.sign_ups.get(name)
        if again is None or not again.confirmed:
            raise
    return found


def _writes(found: SignUp, address: KnownAddress, locale: str, move: Move | None, services: Services) -> list[Write]:
    """All in one, for a yes that counts once."""
    store, topics = services.store, known([*found.topics, *(move.parts if move else ())], services.city)
    agreement = services.renderer().page("agreement", locale, topics=known(found.topics, services.city))
    writes = [store.sign_ups.confirm_write(found.id), store.addresses.welcome_write(address), store.consents.wording_write(agreement)]
    writes += arrived_writes(move, address.subscriber, services=services) if move else []
    for topic in topics:
        subscription = Subscription(address.subscriber, topic, Channel.EMAIL, address.hash, locale)
        subscription = _moved(subscription, move, services) if move else subscription
        entry = Consent(
            subscriber=address.subscriber,
            address=address.hash,
            channel=Channel.EMAIL,
            topic=topic,
            step=Step.JOINED,
            how=found.how,
            source=found.id,
            locale=locale,
            at=services.now(),
            wording=wording_id(agreement),
            detail=detail_of(subscription.filters, subscription.preferences, proof=found.detail),
        )
        writes += [*store.subscriptions.join_writes(subscription), store.consents.add_write(entry)]
    return writes


def _moved(one: Subscription, move: Move, services: Services) -> Subscription:
    """With the choices that move; what is followed here already stays as it is."""
    own = next((had for had in services.store.subscriptions.of(one.subscriber, one.channel) if had.topic == one.topic), None)
    if own:
        return replace(one, filters=own.filters, preferences=own.preferences)
    return replace(one, filters=move.parts.get(one.topic, one.filters), preferences=move.preferences(one.topic) or one.preferences)
