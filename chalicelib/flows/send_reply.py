"""Send a reply: one letter to one person, such as the confirmation of a sign-up.

    claim → look: still wanted? may it go? → render → slot → hand over → settle → what it told of the sender

A letter whose outcome we never learned is sent again: two confirmations do no harm, none leaves somebody outside. What was put off was not
tried: it waits until it can go, or until its link no longer counts. Whoever stays outside all the same, an alarm tells of.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import NOT_TRIED, Answer, EmailMessage, Outcome, Parcel
from chalicelib.domain.pace import SLOW, News, Tempo
from chalicelib.errors import StateLater
from chalicelib.flows.services import Services
from chalicelib.flows.slots import Pacer, pacer
from chalicelib.store.addresses import address_key, read_addresses
from chalicelib.store.pace import find_tempo, tempo_key
from chalicelib.store.replies import MOST_TRIES, Reply, ReplyState
from chalicelib.store.sign_ups import SignUp
from chalicelib.store.switches import SWITCHES, read_switches, stops_all

PUT_OFF = (timedelta(minutes=1), timedelta(minutes=10))
"""How long to leave a letter that could not go. At most the first, doubled each time, up to the second."""
PAUSED = timedelta(minutes=1)
"""How soon to ask again whether a switch is released."""
_LAST = timedelta(seconds=30)
"""No letter is handed over later than this after its worker began."""

_log = logging.getLogger("belfry")


@dataclass(frozen=True)
class _Look:
    """What there is to know of a letter before it goes: the sign-up it is about, where its address is kept, a thrown switch, its sender."""

    sign_up: SignUp | None
    is_known: bool
    to: Address | None
    paused: bool
    tempo: Tempo


def send_reply(reply: str, *, services: Services) -> None:
    """Hand a letter over, if nobody else has it in hand. Safe to repeat."""
    replies, began = services.store.replies, services.now()
    claimed = replies.claim(reply, began, claim=services.new_id())
    if claimed is None:
        return
    try:
        seen = _look(claimed, services)
    except StateLater:
        replies.put_off(claimed, began + PAUSED)
        return
    if seen.sign_up is None or seen.sign_up.confirmed or not seen.is_known:
        replies.settle(claimed, ReplyState.FAILED)  # nobody waits for it any more
        return
    why = _hopeless(claimed, seen.sign_up, seen.to, began)
    if seen.to is None or why:
        replies.settle(claimed, ReplyState.FAILED)
        _log.error("letter given up", extra={"fields": {"reply": claimed.id, "about": claimed.about, "why": why}})
    elif seen.paused:
        replies.put_off(claimed, began + PAUSED)
    else:
        _send(claimed, seen.sign_up, seen.to, seen.tempo, began, services)


def _look(reply: Reply, services: Services) -> _Look:
    rows = services.store.table.get_many([address_key(reply.address), SWITCHES, tempo_key(Channel.EMAIL)])
    [address] = read_addresses([reply.address], rows)
    return _Look(
        sign_up=services.store.sign_ups.get(reply.about),
        is_known=address is not None,
        to=services.store.vault.open_address_or_none(address.sealed) if address else None,
        paused=stops_all(read_switches(rows), Channel.EMAIL),
        tempo=find_tempo(Channel.EMAIL, rows),
    )


def _hopeless(reply: Reply, sign_up: SignUp, to: Address | None, now: datetime) -> str:
    """Why trying on is in vain although somebody waits; empty where it is not."""
    if to is None:
        return "address_unreadable"
    if not sign_up.is_valid(now):
        return "link_ended"
    return "too_many_tries" if reply.tries > MOST_TRIES else ""


def _send(reply: Reply, sign_up: SignUp, to: Address, tempo: Tempo, began: datetime, services: Services) -> None:
    """In a slot of the sender's pace that waits for no routine broadcast to end, and keeps none back."""
    parcel = Parcel(to, _letter(reply, sign_up, services), services.tokens.sign("reply", reply.id))
    way = pacer(Channel.EMAIL, urgent=True, alone=True, tempo=tempo, services=services)
    wait = way.take(1, 1)
    if wait is not None:
        _put_off(reply, wait, services)
        return
    called = services.now()
    [outcome] = services.sender(Channel.EMAIL).hand_over([parcel], gate=way.gate.until(began + _LAST))
    _settle(reply, outcome, services)
    _tell(way, outcome, services.now() - called)


def _letter(reply: Reply, sign_up: SignUp, services: Services) -> EmailMessage:
    link = f"{services.public_url}/confirm/{services.tokens.sign('confirm', sign_up.id)}"
    return services.renderer().letter(reply.letter, reply.locale, topics=list(sign_up.topics), link=link)


def _settle(reply: Reply, outcome: Outcome, services: Services) -> None:
    """An unknown outcome stays claimed until its lease ends; then the sweep has it tried again."""
    if outcome.answer is Answer.ACCEPTED:
        services.store.replies.settle(reply, ReplyState.ACCEPTED)
    elif outcome.answer is Answer.REFUSED:
        services.store.replies.settle(reply, ReplyState.FAILED)
    elif outcome.answer is not Answer.UNKNOWN:
        _put_off(reply, outcome.wait or timedelta(0), services)


def _put_off(reply: Reply, wait: timedelta, services: Services) -> None:
    """Longer each time, not with all the others at once, and no less than there is use in."""
    least, most = PUT_OFF
    longest = min(most, least * 2.0 ** min(reply.laters, 10))
    services.store.replies.put_off(reply, services.now() + max(wait, longest * (1 + services.random()) / 2))


def _tell(way: Pacer, outcome: Outcome, took: timedelta) -> None:
    """What the letter told of the sender: it may have been the probe that all others wait for."""
    if outcome.code == NOT_TRIED:
        news = News()
    elif outcome.answer is Answer.LATER:
        news = News(throttled=1)
    elif outcome.answer in {Answer.UNKNOWN, Answer.NOT_SENT} or took > SLOW + way.gate.apart:
        news = News(unanswered=1)
    else:
        news = News(answered=1)
    way.tell(news)
