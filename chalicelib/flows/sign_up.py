"""Sign up: a page, or staff, asks for topics by email or by text. Nothing is subscribed before the letter's link is used, or YES is texted.

fields right? → a question first? → caps → sign-up, letter and reminder in one transaction → the letter's queue

Past a cap nothing is kept and nothing sent, and nobody is told. What an address is to us decides nothing here, and is not read: it is looked at
when the letter goes.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.caps import caps
from chalicelib.domain.city import QUIET
from chalicelib.domain.consent import How, wording_id
from chalicelib.domain.conversation import known
from chalicelib.domain.parsing import parse_email, parse_mobile
from chalicelib.domain.quiet import released_at
from chalicelib.domain.strict_json import Json
from chalicelib.errors import Invalid, Problem
from chalicelib.flows.services import Services
from chalicelib.flows.watching import is_guarded
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all
from chalicelib.state.table import Write
from chalicelib.store.replies import Reply
from chalicelib.store.sign_ups import SignUp

MOST_TOPICS = 30
"""In one sign-up, so that confirming it fits one transaction."""
REMIND_AFTER = timedelta(hours=12)

_log = logging.getLogger("belfry")


class Human(StrEnum):
    """What is known of whoever fills in a page: nothing that speaks for a person, a form filled in within a person's time, or a question answered."""

    DOUBTFUL = "doubtful"
    LIKELY = "likely"
    SURE = "sure"


@dataclass(frozen=True)
class Origin:
    """Where a sign-up comes from: a page or staff; how sure it is that a person made it; the sentence that was shown, where it was none of ours that
    can be rendered again; the network address of whoever sent it, empty for staff; and what staff wrote down of the yes they were given."""

    how: How = How.WEB
    human: Human = Human.LIKELY
    shown: str = ""
    network: str = ""
    proof: Mapping[str, Json] = field(default_factory=dict)

    @property
    def vouched(self) -> bool:
        """Whether the hour's reserve is open to it."""
        return self.how is How.STAFF or self.human is Human.SURE


def sign_up(*, topics: list[str], locale: str, services: Services, email: str = "", phone: str = "", origin: Origin = Origin()) -> bool:
    """Keep the sign-up and send its letter, or its text where a phone is given. False: nothing was done, and a question has to be answered first. Does
    and answers the same for an address that we know, one that we do not and one that said stop; past a cap it does nothing, and says nothing either.
    Raises Invalid naming each wrong field."""
    addresses, chosen = _checked(email, phone, topics, services)
    if not origin.vouched and (origin.human is Human.DOUBTFUL or any(is_guarded(one.channel, services=services) for one in addresses)):
        return False
    for address in addresses:
        _take(address, chosen, locale, origin, services)
    return True


def _take(address: Address, chosen: list[str], locale: str, origin: Origin, services: Services) -> None:
    now, limits = services.now(), services.city.limits.sign_ups
    full = services.store.caps.take(caps(address, origin.network, limits, vouched=origin.vouched), now)
    if full:
        _log.info("sign-up over a cap", extra={"fields": {"cap": full.about.partition(":")[0], "channel": str(address.channel)}})
        return
    found = services.store.addresses.claim(address, subscriber=services.new_id(), verified=False)
    shown = origin.shown or _shown(address.channel, chosen, locale, services)
    wording = wording_id(shown) if shown else ""
    kept = SignUp(services.new_id(), found.hash, found.subscriber, tuple(chosen), locale, now, False, address.channel, origin.how, wording, origin.proof)
    reply = Reply(services.new_id(), found.hash, "confirm", kept.id, locale, channel=kept.channel)
    services.store.table.transact([*_writes(kept, reply, now, services), *([services.store.consents.wording_write(shown)] if shown else [])])
    send_all(services.queues.named("replies"), [Outgoing(json.dumps({"reply": reply.id}))], sleep=services.sleep)


def _writes(kept: SignUp, reply: Reply, now: datetime, services: Services) -> list[Write]:
    writes = [services.store.sign_ups.put_write(kept), services.store.replies.put_write(reply, now)]
    if kept.how is How.WEB:
        writes.append(services.store.watch.asked_write(kept.id, now))
    if kept.channel is Channel.SMS:
        due = released_at(QUIET, services.city.zone, now + REMIND_AFTER)
        again = Reply(services.new_id(), kept.address, "remind", kept.id, kept.locale, channel=kept.channel, due=due)
        writes.append(services.store.replies.put_write(again, now))
    return writes


def _shown(channel: Channel, topics: list[str], locale: str, services: Services) -> str:
    """The sentence that a yes will agree to: for a phone the text itself; a letter's link shows its own."""
    return services.renderer().reply("confirm", locale, topics=topics).body if channel is Channel.SMS else ""


def _checked(email: str, phone: str, topics: list[str], services: Services) -> tuple[list[Address], list[str]]:
    """Whoever gives both gets both."""
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
