"""Confirm a sign-up: whoever holds the letter's link is the address's owner, and agrees."""

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Consent, Step, wording_id
from chalicelib.domain.conversation import known
from chalicelib.errors import NotFound, TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.addresses import KnownAddress
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
    try:
        services.store.table.transact(_writes(found, address, locale, services))
    except TransactionRefused:
        again = services.store.sign_ups.get(name)
        if again is None or not again.confirmed:
            raise
    return found


def _writes(found: SignUp, address: KnownAddress, locale: str, services: Services) -> list[Write]:
    store, topics = services.store, known(found.topics, services.city)
    agreement = services.renderer().page("agreement", locale, topics=topics)
    writes = [store.sign_ups.confirm_write(found.id), store.addresses.welcome_write(address), store.consents.wording_write(agreement)]
    for topic in topics:
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
            detail=found.detail,
        )
        subscription = Subscription(address.subscriber, topic, Channel.EMAIL, address.hash, locale)
        writes += [*store.subscriptions.join_writes(subscription), store.consents.add_write(entry)]
    return writes
