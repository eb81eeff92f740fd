"""Signing up: what a sign-up needs, and what becomes of it, wherever it comes from.

caps → sign-up, letter and reminder in one transaction, with the caps of this one address → the letter's queue

What an address is to us decides nothing here, and is not read: it is looked at when the letter goes.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.caps import Cap, caps
from chalicelib.domain.consent import How, wording_id
from chalicelib.domain.conversation import known
from chalicelib.domain.parsing import parse_email, parse_mobile
from chalicelib.domain.strict_json import Json
from chalicelib.errors import Invalid, Problem, TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all
from chalicelib.state.table import Write
from chalicelib.store.replies import Reply
from chalicelib.store.sign_ups import SignUp

MOST_TOPICS = 30
"""In one sign-up, so that confirming it fits one transaction."""
REMIND_AFTER = timedelta(hours=12)
UNPROVEN = timedelta(days=30)
"""How long an address is kept that nobody has shown to be theirs."""

_log = logging.getLogger("belfry")


class Human(StrEnum):
    """What is known of whoever fills in a page: nothing that speaks for a person, a form filled in within a person's time, or a question answered."""

    DOUBTFUL = "doubtful"
    LIKELY = "likely"
    SURE = "sure"


@dataclass(frozen=True)
class Origin:
    """Where a sign-up comes from: a page or staff; how sure it is that a person made it; the sentence that was shown, where it was none of ours that
    can be rendered again; the network address of whoever sent it, empty for staff; and what staff wrote down of the yes they were given. `instead_of`
    names a subscriber whose place it takes, and `carried` what they chose; `beside` one whose page it is to share, where nobody has proven the address
    yet, and `digits` the last of the number that it is about."""

    how: How = How.WEB
    human: Human = Human.LIKELY
    shown: str = ""
    network: str = ""
    proof: Mapping[str, Json] = field(default_factory=dict)
    instead_of: str = ""
    carried: Mapping[str, str] = field(default_factory=dict)
    beside: str = ""
    digits: str = ""

    @property
    def vouched(self) -> bool:
        """Whether the hour's reserve is open to it."""
        return self.how is How.STAFF or self.human is Human.SURE


A_PAGE = Origin()
"""Of which nothing more is known."""


def sharing(origin: Origin, addresses: Sequence[Address], *, services: Services) -> Origin:
    """Where a number and an email address were given at once: both are to share a page, which neither has yet."""
    number = next((one.value for one in addresses if one.channel is Channel.SMS), "")
    return replace(origin, beside=services.new_id(), digits=last_digits(number)) if number and len(addresses) > 1 else origin


def last_digits(number: str) -> str:
    """What tells whoever knows a number which one is meant, and nobody else."""
    return number[-2:]


def checked(email: str, phone: str, topics: list[str], services: Services) -> tuple[list[Address], list[str]]:
    """The addresses and topics that were given; whoever gives a number and an email address means both. Raises Invalid naming each wrong field."""
    chosen = known(topics, services.city)
    addresses: list[Address] = []
    problems: list[Problem] = []
    try:
        if phone.strip():
            addresses.append(parse_mobile(phone, countries=services.city.countries))
    except Invalid as invalid:
        problems += invalid.problems
    try:
        if email.strip() or not phone.strip():
            addresses.append(parse_email(email))
    except Invalid as invalid:
        problems += invalid.problems
    if not 1 <= len(chosen) <= MOST_TOPICS or len(chosen) != len(set(topics)):
        problems.append(Problem("#/topics", "choose_topics", f"Choose one to {MOST_TOPICS} topics of the list."))
    if problems:
        raise Invalid("The sign-up is not complete.", problems=problems)
    return addresses, chosen


def take(address: Address, topics: list[str], locale: str, origin: Origin, *, services: Services, also: Sequence[Write] = ()) -> None:
    """Keep the sign-up of one address and send its letter or text. Past a cap none is kept, and nothing sent. `also` is written in any case, and first;
    raises TransactionRefused where that is refused."""
    now, store = services.now(), services.store
    wanted = caps(address, origin.network, services.city.limits.sign_ups, vouched=origin.vouched)
    full = store.caps.full(wanted, now)
    if full:
        _pass_over(full, also, services)
        return
    kept = _kept(address, topics, locale, origin, services)
    shown = origin.shown or _shown(kept, services)
    kept = replace(kept, wording=wording_id(shown) if shown else "")
    reply = Reply(services.new_id(), kept.address, "confirm", kept.id, locale, channel=kept.channel)
    lasting = [cap for cap in wanted if cap.since_last]
    words = [store.consents.wording_write(shown)] if shown else []
    try:
        store.table.transact([*also, *(store.caps.take_write(cap, now) for cap in lasting), *_writes(kept, reply, now, services), *words])
    except TransactionRefused as refused:
        crossed = [cap for number, cap in enumerate(lasting, start=len(also)) if number in refused.olds]
        if not crossed:
            raise
        _pass_over(crossed[0], also, services)
        return
    send_all(services.queues.named("replies"), [Outgoing(json.dumps({"reply": reply.id}))], sleep=services.sleep)


def _pass_over(full: Cap, also: Sequence[Write], services: Services) -> None:
    """Say in the log which cap is full, and nobody's name."""
    _log.info("sign-up over a cap", extra={"fields": {"cap": full.about.partition(":")[0]}})
    if also:
        services.store.table.transact(also)


def _kept(address: Address, topics: list[str], locale: str, origin: Origin, services: Services) -> SignUp:
    """What is waited for. An address that somebody has proven theirs has a page of its own, and keeps it; a page is shared only with words that say so."""
    found = services.store.addresses.claim(address, subscriber=services.new_id(), verified=False, until=services.now() + UNPROVEN)
    shares = bool(origin.digits) and not found.verified
    return SignUp(
        id=services.new_id(),
        address=found.hash,
        subscriber=found.subscriber,
        topics=tuple(topics),
        locale=locale,
        at=services.now(),
        channel=address.channel,
        how=origin.how,
        proof=origin.proof,
        instead_of=origin.instead_of,
        carried=origin.carried,
        beside=origin.beside if shares else "",
        digits=origin.digits if shares else "",
    )


def _writes(kept: SignUp, reply: Reply, now: datetime, services: Services) -> list[Write]:
    writes, letters = [services.store.sign_ups.put_write(kept), services.store.replies.put_write(reply, now)], [reply.id]
    if kept.how is How.WEB:
        writes.append(services.store.watch.asked_write(kept.id, now))
    if whose := kept.instead_of or kept.beside:
        writes.append(services.store.moves.ask_write(whose, kept.id, now))
    if kept.channel is Channel.SMS:
        again = Reply(services.new_id(), kept.address, "remind", kept.id, kept.locale, channel=kept.channel, due=now + REMIND_AFTER)
        writes.append(services.store.replies.put_write(again, now))
        letters.append(again.id)
    return [*writes, services.store.erasures.ask_write(kept.address, kept.id, letters, now)]


def _shown(kept: SignUp, services: Services) -> str:
    """The sentence that a yes will agree to: for a phone the text itself; a letter's link shows its own."""
    if kept.channel is not Channel.SMS:
        return ""
    return services.renderer().reply("confirm", kept.locale, topics=list(kept.topics), beside=bool(kept.beside)).body
