"""Text in: who sent it, and what it means to us."""

import re

from chalicelib.domain.conversation import as_provider_heard, locale_for, understand
from chalicelib.domain.parsing import parse_phone
from chalicelib.errors import Invalid
from chalicelib.flows.services import Services
from chalicelib.store.inbound import Inbound

_E164 = re.compile(r"\+[0-9]{7,15}")


def text_in(sid: str, *, sender: str, body: str, opt_out_type: str, services: Services) -> Inbound:
    """A text as a flow takes it. `opt_out_type` is what the provider says it acted on, empty for most texts. A number that texts us is
    good, whatever a provider held against it. Raises Invalid where the sender is no phone number, as with a short code."""
    if not _E164.fullmatch(sender):
        raise Invalid.field("#/From", "invalid_phone", "A text comes from a phone number.")
    now, city = services.now(), services.city
    person = services.store.subscribers.find(parse_phone(sender, pointer="#/From"))
    if person.known and (person.known.bad or person.known.faults):
        services.store.addresses.prove_good(person.hash)
    heard = understand(body, words=services.words(), city=city, asked=person.memory.asking(now))
    meaning = as_provider_heard(heard, opt_out_type)
    return Inbound(sid, person, meaning, locale_for(meaning, person.locale, city.languages), now, answered=bool(opt_out_type))
