"""Sign up: a page asks for topics by email. Nothing is subscribed before the letter's link is used."""

import json

from chalicelib.domain.address import Address
from chalicelib.domain.conversation import known
from chalicelib.domain.parsing import parse_email
from chalicelib.errors import Invalid, Problem
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all
from chalicelib.store.replies import Reply
from chalicelib.store.sign_ups import SignUp

MOST_TOPICS = 30
"""In one sign-up, so that confirming it fits one transaction."""


def sign_up(*, email: str, topics: list[str], locale: str, services: Services) -> None:
    """Keep the sign-up and send its letter. Does and answers the same for an address that we know and one that we do not;
    past three letters a day it does nothing, and says nothing either. Raises Invalid naming each wrong field."""
    now, store = services.now(), services.store
    address, chosen = _checked(email, topics, services)
    found = store.addresses.claim(address, subscriber=services.new_id(), verified=False)
    if not store.sign_ups.may_write(found.hash, now):
        return
    kept = SignUp(services.new_id(), found.hash, found.subscriber, tuple(chosen), locale, now)
    reply = Reply(services.new_id(), found.hash, "confirm", kept.id, locale)
    store.table.transact([store.sign_ups.put_write(kept), store.replies.put_write(reply, now)])
    send_all(services.queues.named("replies"), [Outgoing(json.dumps({"reply": reply.id}))], sleep=services.sleep)


def _checked(email: str, topics: list[str], services: Services) -> tuple[Address, list[str]]:
    chosen, address = known(topics, services.city), None
    problems: list[Problem] = []
    try:
        address = parse_email(email)
    except Invalid as invalid:
        problems += invalid.problems
    if not 1 <= len(chosen) <= MOST_TOPICS or len(chosen) != len(set(topics)):
        problems.append(Problem("#/topics", "choose_topics", f"Choose one to {MOST_TOPICS} topics of the list."))
    if problems or address is None:
        raise Invalid("The sign-up is not complete.", problems=problems)
    return address, chosen
