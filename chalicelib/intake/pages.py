"""Pages for residents: `/`, `/join`, `/n/{notice}` and the style sheet they share. No script, no cookie, no session."""

import re
from collections.abc import Callable
from pathlib import Path

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.conversation import known
from chalicelib.errors import Invalid, NotFound
from chalicelib.flows.services import Services
from chalicelib.flows.sign_up import sign_up
from chalicelib.intake.answers import answered, segment
from chalicelib.intake.html import HEADERS, Form, first, html, languages, locale_of, page_view, read_form, shared

_STATIC = Path(__file__).resolve().parent.parent.parent / "templates" / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_SENT = frozenset({BroadcastState.SENDING, BroadcastState.COMPLETED})
_HONEYPOT = "website"
"""A field that people do not see and programs fill in."""


def routes(services: Callable[[], Services]) -> Blueprint:
    """`/`, `/join`, `/n/{notice}` and `/static/{name}`."""
    door = Blueprint(__name__)
    view = page_view(door, services)

    @door.route("/", methods=["GET"])
    @view
    def home() -> Response:
        return html("home", door.current_request, services(), number=_spaced(services().sms_number), dial=services().sms_number)

    @door.route("/join", methods=["GET"])
    @view
    def join_form() -> Response:
        return _form(door.current_request, services(), {}, wrong=())

    @door.route("/join", methods=["POST"], content_types=["*/*"])
    @view
    def join() -> Response:
        return _join(door.current_request, services())

    @door.route("/n/{notice}", methods=["GET"])
    @view
    def notice(notice: str) -> Response:
        return _notice(door.current_request, services(), segment(notice))

    @door.route("/static/{name}", methods=["GET"])
    @answered
    def static(name: str) -> Response:
        return _static(name)

    return door


def _join(request: Request, house: Services) -> Response:
    """The same page for an address that we know, one that we do not, and a program that filled in the honeypot."""
    form = read_form(request)
    if not first(form, _HONEYPOT):
        try:
            sign_up(email=first(form, "email"), topics=form.get("topic", []), locale=_language(form, request, house), services=house)
        except Invalid as invalid:
            return _form(request, house, form, wrong=tuple(problem.pointer.removeprefix("#/") for problem in invalid.problems), status=422)
    return html("sign_up_sent", request, house)


def _form(request: Request, house: Services, form: Form, *, wrong: tuple[str, ...], status: int = 200) -> Response:
    return html(
        "join",
        request,
        house,
        status=status,
        topics=list(house.city.topics),
        picked=known(form.get("topic", []), house.city),
        email=first(form, "email")[:254],
        language=_language(form, request, house),
        wrong=wrong,
        number=_spaced(house.sms_number),
    )


def _language(form: Form, request: Request, house: Services) -> str:
    """The language chosen for our emails; that of the page where none was."""
    asked = first(form, "language")
    return asked if asked in languages(house) else locale_of(request, house)


def _notice(request: Request, house: Services, name: str) -> Response:
    """The last revision that was sent: what waits for approval is nobody's business yet, and what was stopped is taken back."""
    for broadcast in house.store.notices.broadcasts(name):
        found, content = house.store.broadcasts.get(broadcast), house.store.broadcasts.content(broadcast)
        if found and content and found.state in _SENT:
            page = house.renderer().notice_page(content, locale_of(request, house), now=house.now(), **shared(house))
            return Response(body=page, status_code=200, headers=dict(HEADERS))
    raise NotFound("There is no such notice.")


def _static(name: str) -> Response:
    path = _STATIC / name
    if not re.fullmatch(r"[a-z0-9-]+\.(css|svg)", name) or not path.is_file():
        raise NotFound("There is no such file.")
    headers: dict[str, str | list[str]] = {"Content-Type": _TYPES[path.suffix], "Cache-Control": "public, max-age=3600"}
    return Response(body=path.read_text("utf-8"), status_code=200, headers=headers)


def _spaced(number: str) -> str:
    """A number as people read it: `+1 500 555 0006`."""
    return re.sub(r"^\+1(\d{3})(\d{3})(\d{4})$", r"+1 \1 \2 \3", number)
