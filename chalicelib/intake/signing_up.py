"""The sign-up form as it comes in: is it a person's, and must they answer a question first?"""

from collections.abc import Mapping

from chalice.app import Request

from chalicelib.domain.question import TOO_QUICK
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.flows.answer_question import answer_question
from chalicelib.flows.ask_question import ask_question
from chalicelib.flows.services import Services
from chalicelib.flows.sign_up import sign_up
from chalicelib.flows.signing import Human, Origin
from chalicelib.intake.html import Form, first

HONEYPOT = "website"
"""A field that people do not see and programs fill in."""
_SHOWN = "form"
"""A hidden field: when the form was shown, signed. What is sent again after a mistake keeps it."""


def form_token(form: Form, house: Services) -> str:
    """What the form's hidden field `form` holds: the one that came, or a new one."""
    given = first(form, _SHOWN)
    return given if _shown_at(given, house) else house.tokens.sign("join", str(to_ms(house.now())))


def take(request: Request, form: Form, house: Services, *, locale: str, shown: str = "") -> Mapping[str, object] | None:
    """Take a form's sign-up. Where a question has to be answered first: what `pages/question.html` needs to ask it. Raises Invalid naming each wrong
    field. `shown` is the sentence beside the button, where it says what a yes agrees to."""
    if first(form, HONEYPOT):
        return None
    origin = Origin(human=_human(form, house), shown=shown, network=network_of(request))
    topics, email, phone = form.get("topic", []), first(form, "email"), first(form, "phone")
    if sign_up(topics=topics, email=email, phone=phone, locale=locale, services=house, origin=origin):
        return None
    question = ask_question(locale, services=house)
    kept = [("topic", topic) for topic in topics] + [("email", email), ("phone", phone), ("language", locale)]
    return {"word": question.word, "question": question.token, "kept": kept, "wrong": ("answer",) if first(form, "question") else ()}


def _human(form: Form, house: Services) -> Human:
    if answer_question(first(form, "question"), first(form, "answer"), services=house):
        return Human.SURE
    shown = _shown_at(first(form, _SHOWN), house)
    return Human.LIKELY if shown is not None and house.now() - from_ms(shown) >= TOO_QUICK else Human.DOUBTFUL


def _shown_at(token: str, house: Services) -> int | None:
    parts = house.tokens.read("join", token)
    return int(parts[0]) if parts else None


def network_of(request: Request) -> str:
    """Where a request comes from, as the gateway saw it: what a header says of that, anybody may write."""
    return str((request.context.get("identity") or {}).get("sourceIp") or "unknown")
