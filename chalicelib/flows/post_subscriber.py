"""Post a subscriber: staff sign somebody up who said yes to them. The address is asked all the same, and follows nothing before its own yes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Address
from chalicelib.domain.consent import How
from chalicelib.domain.conversation import spoken
from chalicelib.domain.locale import canonical
from chalicelib.domain.times import spoken as spoken_moment
from chalicelib.errors import Invalid, Problem, StateContended, TransactionRefused
from chalicelib.flows.posting import Posted, refuse_in_flight, replay
from chalicelib.flows.services import Services
from chalicelib.flows.signing import Origin, checked, sharing, take
from chalicelib.state.table import Write
from chalicelib.store.requests import Answered, RequestName, read_answered

ANSWER = {"state": "awaiting_confirmation"}
"""What every sign-up is answered: nobody learns whom we know."""
_AHEAD = timedelta(minutes=5)
"""How far clocks may differ."""
_REQUEST = 0


@dataclass(frozen=True)
class Person:
    """Whom staff sign up: the address, the topics, the language, and how and when they said yes."""

    phone: str
    email: str
    topics: list[str]
    locale: str
    how: str
    at: datetime


@dataclass(frozen=True)
class Visit:
    """By whose key, under which name for the request, with the hash of its body."""

    by: str
    request: RequestName
    body_hash: str


def post_subscriber(person: Person, visit: Visit, *, services: Services) -> Posted:
    """Sign them up, once for each request. Raises Invalid naming each wrong field, and where the request's name came before with another body;
    Conflict where it is in flight."""
    addresses, topics, locale = _read(person, services)
    origin = Origin(how=How.STAFF, proof={"how": person.how, "at": spoken_moment(person.at), "by": visit.by})
    origin = sharing(origin, addresses, services=services)
    also: list[Write] = [services.store.requests.write(visit.request, Answered(visit.body_hash, ANSWER), services.now())]
    try:
        for address in addresses:
            take(address, topics, locale, origin, services=services, also=also)
            also = []
    except TransactionRefused as refused:
        if not refused.olds.get(_REQUEST):
            raise
        return replay(read_answered(refused.olds[_REQUEST] or {}), visit.body_hash)
    except StateContended as contended:
        refuse_in_flight(contended)
        raise
    return Posted(ANSWER)


def _read(person: Person, services: Services) -> tuple[list[Address], list[str], str]:
    problems: list[Problem] = []
    locale = spoken(canonical(person.locale), services.city.languages)
    if locale is None:
        problems.append(Problem("#/locale", "unknown_locale", f"Use one of: {', '.join(services.city.languages)}."))
    if person.at > services.now() + _AHEAD:
        problems.append(Problem("#/consent/at", "in_the_future", "Nobody can have said yes at a moment that lies ahead."))
    try:
        addresses, topics = checked(person.email, person.phone, person.topics, services)
    except Invalid as invalid:
        raise Invalid(invalid.detail, problems=[*invalid.problems, *problems]) from None
    if problems or locale is None:
        raise Invalid("The sign-up is not complete.", problems=problems)
    return addresses, topics, locale
