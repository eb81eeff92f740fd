"""Pages for residents: `/`, `/join`, the city's statements, and the files that all pages are drawn with. No cookie, no session."""

import re
from collections.abc import Callable
from pathlib import Path

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.conversation import known
from chalicelib.errors import Invalid, NotFound
from chalicelib.flows.services import Services
from chalicelib.intake.answers import View, answered
from chalicelib.intake.html import NEWS, OPEN, Form, first, html, languages, locale_of, page_view, read_form
from chalicelib.intake.signing_up import form_token, take
from chalicelib.store.batch_rows import KEPT

_STATIC = Path(__file__).resolve().parent.parent.parent / "templates" / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_NAME = re.compile(r"[a-z0-9-]+\.[0-9a-f]{12}\.(css|js|svg)")
"""Names hold a hash of what they name, so that what they name never changes."""
_KEPT = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_STATEMENTS = ("accessibility", "privacy", "terms")


def routes(services: Callable[[], Services]) -> Blueprint:
    """`/`, `/join`, `/accessibility`, `/privacy`, `/terms` and `/static/{name}`."""
    door = Blueprint(__name__)
    view = page_view(door, services)

    @door.route("/", methods=["GET"])
    @view
    def home() -> Response:
        return html("home", door.current_request, services(), headers=NEWS, texting=texting(services()))

    @door.route("/join", methods=["GET"])
    @view
    def join_form() -> Response:
        return _form(door.current_request, services(), {}, wrong=())

    @door.route("/join", methods=["POST"], content_types=["*/*"])
    @view
    def join() -> Response:
        return _join(door.current_request, services())

    for name in _STATEMENTS:
        _statement(name, door, view, services)

    @door.route("/static/{name}", methods=["GET"])
    @answered
    def static(name: str) -> Response:
        return _static(name)

    return door


def _join(request: Request, house: Services) -> Response:
    """The same page for an address that we know, one that we do not, and a program that filled in the honeypot."""
    form = read_form(request)
    try:
        question = take(request, form, house, locale=_language(form, request, house))
    except Invalid as invalid:
        return _form(request, house, form, wrong=tuple(problem.pointer.removeprefix("#/") for problem in invalid.problems), status=422)
    if question:
        return html("question", request, house, headers=OPEN, form=form_token(form, house), texting=texting(house), asked=question)
    return html("sign_up_sent", request, house, headers=OPEN)


def _form(request: Request, house: Services, form: Form, *, wrong: tuple[str, ...], status: int = 200) -> Response:
    return html(
        "join",
        request,
        house,
        status=status,
        headers=OPEN,
        topics=list(house.city.topics),
        picked=known(form.get("topic", []), house.city),
        email=first(form, "email")[:254],
        phone=first(form, "phone")[:60],
        form=form_token(form, house),
        language=_language(form, request, house),
        wrong=wrong,
        texting=texting(house),
    )


def _language(form: Form, request: Request, house: Services) -> str:
    """The language chosen for our emails; that of the page where none was."""
    asked = first(form, "language")
    return asked if asked in languages(house) else locale_of(request, house)


def _statement(name: str, door: Blueprint, view: Callable[[View], View], services: Callable[[], Services]) -> None:
    """A page that only says something."""

    def show() -> Response:
        return html(name, door.current_request, services(), headers=NEWS, days=KEPT.days, texting=texting(services()))

    show.__name__ = name
    door.route(f"/{name}", methods=["GET"])(view(show))


def _static(name: str) -> Response:
    path = _STATIC / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound("There is no such file.")
    headers: dict[str, str | list[str]] = {"Content-Type": _TYPES[path.suffix], **_KEPT}
    return Response(body=path.read_text("utf-8"), status_code=200, headers=headers)


def texting(house: Services) -> dict[str, str]:
    """The number to text, as people read it and as phones dial it."""
    return {"number": _spaced(house.sms_number), "dial": house.sms_number}


def _spaced(number: str) -> str:
    """A number as people read it: `+1 500 555 0006`."""
    return re.sub(r"^\+1(\d{3})(\d{3})(\d{4})$", r"+1 \1 \2 \3", number)
