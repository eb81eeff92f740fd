"""Send a reply: one letter or text to one person, such as the confirmation of a sign-up.

    claim → look: still wanted? may it go? → render → slot → hand over → settle → what it told of the sender

A letter whose outcome we never learned is sent again: two confirmations do no harm, none leaves somebody outside. A text is sent again only where
its provider says that it never came. What was put off was not tried: it waits until it can go, or until its yes no longer counts. Whoever stays
outside all the same, an alarm tells of; but a reminder that cannot go is nobody's loss.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import QUIET
from chalicelib.domain.message import NOT_TRIED, Advice, Answer, EmailMessage, Outcome, Parcel, SmsMessage
from chalicelib.domain.pace import SLOW, News, Tempo
from chalicelib.domain.quiet import released_at
from chalicelib.errors import StateLater
from chalicelib.flows.services import Services
from chalicelib.flows.slots import Pacer, pacer
from chalicelib.store.addresses import KnownAddress, address_key, read_addresses
from chalicelib.store.pace import find_tempo, tempo_key
from chalicelib.store.replies import MOST_TRIES, Reply, ReplyState
from chalicelib.store.sign_ups import Asked, SignUp, asked_key, read_asked
from chalicelib.store.subscribers import read_turn, talk_key
from chalicelib.store.switches import SWITCHES, read_switches, stops_all

REMINDER = "remind"
"""The text that asks once more, where nothing was answered."""

PUT_OFF = (timedelta(minutes=1), timedelta(minutes=10))
"""How long to leave a letter that could not go. At most the first, doubled each time, up to the second."""
PAUSED = timedelta(minutes=1)
"""How soon to ask again whether a switch is released."""
_LAST = timedelta(seconds=30)
"""No letter is handed over later than this after its worker began."""
_WHOLE_SECONDS = timedelta(seconds=1)
"""Twilio dates its texts by the second."""

_log = logging.getLogger("belfry")


@dataclass(frozen=True)
class _Look:
    """What there is to know of a letter before it goes: the sign-up it is about, where its address is kept, what a phone was asked last and how far
    the talk with it is, a thrown switch, its sender."""

    sign_up: SignUp | None
    address: KnownAddress | None
    to: Address | None
    asked: Asked | None
    turn: int
    paused: bool
    tempo: Tempo


def send_reply(reply: str, *, services: Services) -> None:
    """Hand a letter or text over, if nobody else has it in hand. Safe to repeat."""
    replies, began = services.store.replies, services.now()
    claimed = replies.claim(reply, began, claim=services.new_id())
    if claimed is None:
        return
    try:
        seen = _look(claimed, services)
    except StateLater:
        replies.put_off(claimed, began + PAUSED)
        return
    if seen.sign_up is None or not _is_awaited(claimed, seen.sign_up, seen, began):
        replies.settle(claimed, ReplyState.FAILED)
        return
    why = _hopeless(claimed, seen.sign_up, seen.to, began)
    later = _not_before(claimed, seen, began, services)
    if seen.to is None or why:
        replies.settle(claimed, ReplyState.FAILED)
        _log.error("letter given up", extra={"fields": {"reply": claimed.id, "about": claimed.about, "why": why}})
    elif later > began:
        replies.put_off(claimed, later)
    else:
        _send(claimed, seen.sign_up, seen.to, seen, began, services)


def _look(reply: Reply, services: Services) -> _Look:
    keys = [address_key(reply.address), SWITCHES, tempo_key(reply.channel), asked_key(reply.address), talk_key(reply.address)]
    rows = services.store.table.get_many(keys)
    [address] = read_addresses([reply.address], rows)
    return _Look(
        sign_up=services.store.sign_ups.get(reply.about),
        address=address,
        to=services.store.vault.open_address_or_none(address.sealed) if address else None,
        asked=read_asked(reply.address, rows),
        turn=read_turn(reply.address, rows),
        paused=stops_all(read_switches(rows), reply.channel),
        tempo=find_tempo(reply.channel, rows),
    )


def _is_awaited(reply: Reply, sign_up: SignUp, seen: _Look, now: datetime) -> bool:
    """Whether somebody still waits for it: not whoever has said yes, or is gone; nor a phone that said STOP. A reminder goes where the phone was
    asked and has not texted us since."""
    if sign_up.confirmed or seen.address is None or (reply.channel is Channel.SMS and seen.address.opted_out):
        return False
    return reply.letter != REMINDER or (seen.asked == Asked(sign_up.id, seen.turn) and sign_up.is_valid(now))


def _hopeless(reply: Reply, sign_up: SignUp, to: Address | None, now: datetime) -> str:
    """Why trying on is in vain although somebody waits; empty where it is not."""
    if to is None:
        return "address_unreadable"
    if not sign_up.is_valid(now):
        return "link_ended"
    return "too_many_tries" if reply.tries > MOST_TRIES else ""


def _not_before(reply: Reply, seen: _Look, now: datetime, services: Services) -> datetime:
    """When it may go: not while a switch is thrown, and no reminder at night."""
    if seen.paused:
        return now + PAUSED
    return released_at(QUIET, services.city.zone, now) if reply.letter == REMINDER else now


def _send(reply: Reply, sign_up: SignUp, to: Address, seen: _Look, began: datetime, services: Services) -> None:
    """In a slot of the sender's pace that waits for no routine broadcast to end, and keeps none back. The sender is there before: its first use takes
    longer than a slot waits."""
    sender = services.sender(reply.channel)
    parcel = Parcel(to, _message(reply, sign_up, services), services.tokens.sign("reply", reply.id))
    if reply.channel is Channel.SMS and reply.tries > 1 and not _is_missing(reply, sign_up, parcel, seen, services):
        return
    way = pacer(reply.channel, urgent=True, alone=True, tempo=seen.tempo, services=services)
    wait = way.take(1, 1)
    if wait is not None:
        _put_off(reply, wait, services)
        return
    called = services.now()
    [outcome] = sender.hand_over([parcel], gate=way.gate.until(began + _LAST))
    _settle(reply, sign_up, seen, outcome, services)
    _tell(way, outcome, services.now() - called)


def _is_missing(reply: Reply, sign_up: SignUp, parcel: Parcel, seen: _Look, services: Services) -> bool:
    """Whether the provider says that an earlier try of this text never came. Where it holds it, all is done; where it cannot say, we ask again."""
    held = services.sender(reply.channel).find(parcel.to, parcel.message, since=sign_up.at - _WHOLE_SECONDS)
    if held:
        _settle(reply, sign_up, seen, Outcome(Answer.ACCEPTED), services)
    elif held is None:
        _put_off(reply, timedelta(0), services)
    return held is False


def _message(reply: Reply, sign_up: SignUp, services: Services) -> SmsMessage | EmailMessage:
    if reply.channel is Channel.SMS:
        return services.renderer().reply(reply.letter, reply.locale, topics=list(sign_up.topics), beside=bool(sign_up.beside))
    sure = bool(sign_up.beside and services.store.subscriptions.of(sign_up.beside))
    link = f"{services.public_url}/confirm/{services.tokens.sign('confirm', sign_up.id)}"
    return services.renderer().letter(reply.letter, reply.locale, topics=list(sign_up.topics), link=link, digits=sign_up.digits, sure=sure)


def _settle(reply: Reply, sign_up: SignUp, seen: _Look, outcome: Outcome, services: Services) -> None:
    """An unknown outcome stays claimed until its lease ends; then the sweep has it tried again. A phone that was asked, or may have been, is
    remembered first."""
    if reply.channel is Channel.SMS and reply.letter != REMINDER and outcome.answer in {Answer.ACCEPTED, Answer.UNKNOWN}:
        services.store.sign_ups.ask(sign_up, seen.turn)
    if reply.channel is Channel.SMS and outcome.advice is Advice.OPTED_OUT:
        services.store.addresses.heed_opt_out(reply.address, f"{reply.id}:{outcome.advice}", services.now())
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
