"""Send a reply: one letter to one person, such as the confirmation of a sign-up.

    claim → look: still wanted? → render → hand over → settle

A letter whose outcome we never learned is sent again: two confirmations do no harm, none leaves somebody outside.
"""

from datetime import timedelta

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import Answer, EmailMessage, Outcome, Parcel
from chalicelib.domain.pace import Tempo
from chalicelib.flows.services import Gate, Services
from chalicelib.flows.slots import pacer
from chalicelib.store.replies import MOST_TRIES, Reply, ReplyState

_AGAIN = timedelta(minutes=1)
_LAST = timedelta(seconds=30)
"""No letter is handed over later than this after its worker began."""


def send_reply(reply: str, *, services: Services) -> None:
    """Hand a letter over, if nobody else has it in hand. Safe to repeat."""
    replies = services.store.replies
    claimed = replies.claim(reply, services.now(), claim=services.new_id())
    if claimed is None:
        return
    [address] = services.store.addresses.read([claimed.address])
    to = services.store.vault.open_address_or_none(address.sealed) if address else None
    message = _letter(claimed, services)
    if to is None or message is None or claimed.tries > MOST_TRIES:
        replies.settle(claimed, ReplyState.FAILED)
        return
    _settle(claimed, _hand_over(claimed, to, message, services), services)


def _letter(reply: Reply, services: Services) -> EmailMessage | None:
    """The letter; None where what it is about has ended."""
    sign_up = services.store.sign_ups.get(reply.about)
    if sign_up is None or sign_up.confirmed or not sign_up.is_valid(services.now()):
        return None
    link = f"{services.public_url}/confirm/{services.tokens.sign('confirm', sign_up.id)}"
    return services.renderer().letter(reply.letter, reply.locale, topics=list(sign_up.topics), link=link)


def _hand_over(reply: Reply, to: Address, message: EmailMessage, services: Services) -> Outcome:
    parcel = Parcel(to, message, services.tokens.sign("reply", reply.id))
    [outcome] = services.sender(Channel.EMAIL).hand_over([parcel], gate=_gate(services))
    return outcome


def _gate(services: Services) -> Gate:
    """A slot of the sender's pace, before any routine broadcast: a letter does not wait for one to end."""
    way, last = pacer(Channel.EMAIL, urgent=True, tempo=Tempo(), services=services), services.now() + _LAST
    return way.gate.until(last) if way.take(1, 1) is None else lambda **_: False


def _settle(reply: Reply, outcome: Outcome, services: Services) -> None:
    """An unknown outcome stays claimed until its lease ends; then the sweep has it tried again."""
    if outcome.answer is Answer.ACCEPTED:
        services.store.replies.settle(reply, ReplyState.ACCEPTED)
    elif outcome.answer is Answer.REFUSED:
        services.store.replies.settle(reply, ReplyState.FAILED)
    elif outcome.answer is not Answer.UNKNOWN:
        services.store.replies.put_off(reply, services.now() + max(_AGAIN * reply.tries, outcome.wait or _AGAIN))
