"""What every page for residents shares: its language, its form, its headers, and a page where something is refused."""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.conversation import spoken
from chalicelib.domain.locale import ENGLISH, SPOKEN, canonical
from chalicelib.errors import Malformed, NotFound
from chalicelib.flows.services import Services
from chalicelib.intake.answers import View, answered_page, read_bytes

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
MOST_BYTES = 32 * 1024

_NOTHING_BUT_OURS = "; ".join(
    (
        "default-src 'none'",
        *(f"{what}-src 'self'" for what in ("script", "style", "img", "font", "connect")),
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ),
)
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": _NOTHING_BUT_OURS,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every page. With those of `answers`: nothing is kept, and no page that we link to learns where somebody came from."""

OPEN = {"Referrer-Policy": "same-origin"}
"""Of pages whose address is no secret."""

NEWS = OPEN | {"Cache-Control": "public, max-age=60", "Vary": "Accept-Language"}
"""Of pages that are the same for everybody, as long as nothing happens."""

Form = dict[str, list[str]]


def page_view(door: Blueprint, services: Callable[[], Services]) -> Callable[[View], View]:
    """A view of a page: what it refuses is a page in the reader's language too, under the same strict headers."""

    def wrap(view: View) -> View:
        guarded = answered_page(services, lambda: locale_of(door.current_request, services()))(view)

        @functools.wraps(view)
        def safe(*args: object, **kwargs: object) -> Response:
            response = guarded(*args, **kwargs)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return safe

    return wrap


def html(
    name: str, request: Request, services: Services, *, status: int = 200, locale: str = "", headers: Mapping[str, str] = MappingProxyType({}), **values: object
) -> Response:
    """A page: `templates/pages/<name>.html`, with `root` (the path in front of ours) and the languages to switch to."""
    body = services.renderer().page(name, locale or locale_of(request, services), **shared(services), **values)
    return Response(body=body, status_code=status, headers={**HEADERS, **headers})


def shared(services: Services) -> dict[str, object]:
    """What every page needs to link to ours and to switch languages."""
    return {"root": urlsplit(services.public_url).path, "languages": languages(services)}


def languages(services: Services) -> tuple[str, ...]:
    """The languages of pages: those of the city that we have every sentence in."""
    return tuple(tag for tag in services.city.languages if tag in SPOKEN) or (ENGLISH,)


def chosen(request: Request, services: Services) -> str | None:
    """The language that the reader chose with `?lang=`."""
    asked = request.query_params
    return spoken(canonical(str(asked.get("lang", ""))), languages(services)) if asked else None


def locale_of(request: Request, services: Services) -> str:
    """The reader's language: chosen, else as the browser asks, else English."""
    return chosen(request, services) or _asked(request.headers.get("accept-language", ""), languages(services)) or ENGLISH


def read_form(request: Request, *, most_fields: int = MOST_FIELDS, most_bytes: int = MOST_BYTES) -> Form:
    """A form's fields. Raises WrongType, TooLarge or Malformed."""
    try:
        text = read_bytes(request, types=(FORM,), limit=most_bytes).decode("utf-8")
        return parse_qs(text, keep_blank_values=True, max_num_fields=most_fields, errors="strict")
    except ValueError:
        raise Malformed("The form could not be read.") from None


def signed_parts(purpose: str, token: str, count: int, services: Services) -> tuple[str, ...]:
    """What a link's token says. Raises NotFound for one that is not ours, or is for something else."""
    parts = services.tokens.read(purpose, token)
    if parts is None or len(parts) != count:
        raise NotFound("This link is not one of ours, or was cut short.", code="unknown_link")
    return parts


def first(form: Form, name: str) -> str:
    """The first value of a field; empty where there is none."""
    return form.get(name, [""])[0]


def _asked(header: str, spoken_here: tuple[str, ...]) -> str | None:
    """The first language of an Accept-Language header that we write, by its weights."""
    wanted = sorted((_weighed(part) for part in header[:500].split(",")), key=lambda one: -one[0])
    return next((found for weight, tag in wanted if weight > 0 and (found := spoken(canonical(tag), spoken_here))), None)


def _weighed(part: str) -> tuple[float, str]:
    tag, _, rest = part.strip().partition(";")
    try:
        return float(rest.strip().removeprefix("q=") or 1), tag.strip()
    except ValueError:
        return 0.0, tag.strip()
