"""Text in: whoever texts us is read, the conversation takes one step, and what it says becomes true with what it changes.

person, pause, sign-up that waits → domain/talk → STOP is written first → one transaction: changes, memory, replies
"""

import logging
import re
from dataclasses import replace
from zoneinfo import ZoneInfo

from chalicelib.domain.address import Channel
from chalicelib.domain.parsing import parse_phone
from chalicelib.domain.preferences import UNCHOSEN, Preferences
from chalicelib.domain.talk import Heard, step
from chalicelib.domain.talk_changes import Confirm, StopAll, Taken
from chalicelib.domain.talk_state import Talk, Waiting
from chalicelib.errors import Invalid
from chalicelib.flows.moving import Move, close_old, move_of
from chalicelib.flows.services import Services
from chalicelib.flows.sharing import Shared, shared_of
from chalicelib.flows.talking import Acting, writes_of
from chalicelib.store.inbound import Inbound, Replies
from chalicelib.store.sign_ups import SignUp
from chalicelib.store.subscribers import Person

_E164 = re.compile(r"\+[0-9]{7,15}")
_KEY = "page"
"""The reply that opens somebody's choices: said once, and kept nowhere."""
_log = logging.getLogger("belfry")


def text_in(sid: str, *, sender: str, body: str, opt_out_type: str, services: Services) -> Replies:
    """Take a text; its replies, none for silence. `opt_out_type` is what the provider says it acted on, empty for most texts. A number that
    texts us is good, whatever a provider held against it. Raises Invalid where the sender is no phone number, as with a short code, and
    TransactionRefused where another text of the same person came between."""
    if not _E164.fullmatch(sender):
        raise Invalid.field("#/From", "invalid_phone", "A text comes from a phone number.")
    now, city, store = services.now(), services.city, services.store
    person = store.subscribers.find(parse_phone(sender, pointer="#/From"))
    if person.known and (person.known.bad or person.known.faults):
        store.addresses.prove_good(person.hash)
    sign_up = store.sign_ups.waiting(person.hash, now)
    move = move_of(sign_up, person.known, services=services)
    shared = shared_of(sign_up, person.known, services=services)
    preferences = _preferences(person, services)
    talk = _state(person, preferences, sign_up, (move or shared), services)
    zone = ZoneInfo(preferences.zone) if preferences.zone else city.zone
    taken = step(talk, Heard(body, opt_out_type), now, words=services.words(), city=city, zone=zone)
    inbound = Inbound(sid, person, taken.meaning, taken.locale, now, answered=bool(opt_out_type))
    replies = _answer(Acting(inbound, preferences, sign_up, move, shared), taken, services)
    fields = {"sid": sid, "verb": str(taken.meaning.verb), "locale": taken.locale, "silent": not replies}
    _log.info("text answered", extra={"fields": fields})
    return replies


def _preferences(person: Person, services: Services) -> Preferences:
    """What they chose for all they follow."""
    return services.store.preferences.of(person.known.subscriber) if person.known and person.known.subscriber else UNCHOSEN


def _state(person: Person, preferences: Preferences, sign_up: SignUp | None, brings: Move | Shared | None, services: Services) -> Talk:
    until = preferences.paused_until
    paused = until if until and until > services.now() else None
    waiting = None
    if sign_up:
        waiting = Waiting(sign_up.id, sign_up.topics, sign_up.locale, brings.parts if brings else {}, sign_up.at, bool(sign_up.beside))
    return replace(person.talk, paused_until=paused, waiting=waiting, page=_page(person, services))


def _page(person: Person, services: Services) -> str:
    """Where their choices are; only their own phone is told."""
    if not person.subscriptions or person.opted_out:
        return ""
    return f"{services.public_url}/preferences/{services.tokens.sign('preferences', person.subscriptions[0].subscriber, str(Channel.SMS))}"


def _answer(acting: Acting, taken: Taken, services: Services) -> Replies:
    render, store, inbound = services.renderer().reply, services.store, acting.inbound
    if StopAll() in taken.changes:
        store.addresses.opt_out(inbound.person.hash, inbound.at, blocked=taken.meaning.blocks)
    elif taken.meaning.blocks:
        store.addresses.note_block(inbound.person.hash)
    if acting.move and Confirm(acting.move.sign_up.id) in taken.changes:
        close_old(acting.move, services=services)
    replies = tuple(render(said.template, taken.locale, **said.values).body for said in taken.replies if said.template != _KEY)
    keys = tuple(render(said.template, taken.locale, **said.values).body for said in taken.replies if said.template == _KEY)
    groups = writes_of(acting, taken.changes, reply=replies[0] if replies else "", services=services)
    meanwhile = taken.memory if StopAll() in taken.changes else inbound.person.memory.understood()
    kept = store.inbound.answer(inbound, replies, taken.memory, groups, meanwhile=meanwhile)
    return (*kept, *keys) if kept == replies else kept
