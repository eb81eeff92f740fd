"""Answers: JSON, problems (RFC 9457) and problem pages; and bodies, checked before anybody reads them.

`answered` and `answered_page` wrap every view: what is refused becomes a 4xx, everything else a logged 500. `finish` is the
HTTP middleware: it gives every answer a request id, and turns Chalice's own errors into problems.
"""

import binascii
import functools
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from urllib.parse import urlsplit

from chalice.app import Request, Response

from chalicelib.domain.strict_json import Json, parse_object
from chalicelib.errors import Malformed, NotFound, Paused, Problem, Refused, RenderFailed, StateLater, TooLarge, WrongType
from chalicelib.flows.services import Services

JSON_TYPES = ("application/json",)
PROBLEM_TYPE = "application/problem+json"
MOST_BODY = 256 * 1024

_TITLES: Mapping[int, str] = {
    400: "The request could not be read",
    401: "Not signed, or signed wrongly",
    403: "Not allowed",
    404: "Not found",
    405: "This method does not exist here",
    409: "In another state",
    413: "Too large",
    415: "This content type is not taken",
    422: "Understood, but not right as it stands",
    429: "Not now",
    500: "Our mistake",
    503: "Busy",
}
_CHALICE_CODES: Mapping[str, str] = {
    "MethodNotAllowedError": "method_not_allowed",
    "UnsupportedMediaType": "wrong_type",
    "BadRequest": "malformed",
    "BadRequestError": "malformed",
    "InternalServerError": "internal",
}
_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
}

_log = logging.getLogger("belfry")
_request_id: ContextVar[str] = ContextVar("request_id", default="")

View = Callable[..., Response]


# --- answers ---------------------------------------------------------------------------------------------------------


def answer(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(body=body, status_code=status, headers={"Content-Type": "application/json", **(headers or {})})


def problem(status: int, code: str, detail: str, errors: Sequence[Problem] = (), headers: Mapping[str, str] | None = None) -> Response:
    """A problem: `{type, title, status, detail, code, errors, request_id}`."""
    body = {
        "type": f"/problems/{code}",
        "title": _TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in errors],
        "request_id": _request_id.get(),
    }
    return Response(body=body, status_code=status, headers={"Content-Type": PROBLEM_TYPE, **(headers or {})})


def answered(view: View) -> View:
    """A view whose failures are problems."""

    @functools.wraps(view)
    def safe(*args: object, **kwargs: object) -> Response:
        try:
            return view(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the outermost edge: whatever it was, the caller gets a problem and we get a log line
            return _problem_of(error)

    return safe


def answered_page(services: Callable[[], Services], locale: Callable[[], str] = lambda: "en") -> Callable[[View], View]:
    """A view whose failures are pages: `templates/pages/problem.html` with `status`, `code` and `request_id`."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def safe(*args: object, **kwargs: object) -> Response:
            try:
                return view(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - as above
                return _page_of(_problem_of(error), services(), locale())

        return safe

    return wrap


def _problem_of(error: Exception) -> Response:
    if isinstance(error, Refused):
        return problem(error.status, error.reason, error.detail, error.problems, _headers_of(error))
    if isinstance(error, StateLater):
        return problem(503, "try_later", "We are busy. Send the same request again in a few seconds.", headers={"Retry-After": "2"})
    _log.error("view failed", extra={"fields": {"error": type(error).__name__, "at": _where(error), "request_id": _request_id.get()}})
    return problem(500, "internal", "Something went wrong on our side. Nothing was sent; try again, and tell us the request id if it stays.")


def _headers_of(refused: Refused) -> dict[str, str]:
    if isinstance(refused, Paused):
        return {"Retry-After": str(refused.retry_after)}
    return {"WWW-Authenticate": 'Bearer realm="belfry"'} if refused.status == 401 else {}


def _where(error: Exception) -> list[str]:
    """The frames an error passed through. Never its message: that may hold what a person wrote."""
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)][-8:]


def _page_of(refusal: Response, services: Services, locale: str) -> Response:
    values = {"status": refusal.status_code, "code": refusal.body["code"], "request_id": _request_id.get()}
    shared = {"root": urlsplit(services.public_url).path, "languages": services.city.languages}
    try:
        html = services.renderer().page("problem", locale, **values, **shared)
    except RenderFailed:
        return refusal
    return Response(body=html, status_code=refusal.status_code, headers={"Content-Type": "text/html; charset=utf-8"})


# --- the middleware --------------------------------------------------------------------------------------------------


def finish(request: Request | None, get_response: Callable[[Request | None], Response]) -> Response:
    """HTTP middleware: a request id and safe headers on every answer, and Chalice's own errors as problems."""
    _request_id.set(_id_of(request))
    response = get_response(request)
    if isinstance(response.body, dict) and set(response.body) == {"Code", "Message"}:
        code = _CHALICE_CODES.get(response.body["Code"], "refused")
        response = problem(response.status_code, code, _own_words(response.status_code), headers=_text_headers(response.headers))
    for name, value in {**_ALWAYS, "X-Request-Id": _request_id.get()}.items():
        response.headers.setdefault(name, value)
    return response


def _id_of(request: Request | None) -> str:
    if request is None:
        return ""
    given = request.context.get("requestId") or getattr(request.lambda_context, "aws_request_id", "")
    return str(given)


def _own_words(status: int) -> str:
    """Chalice's messages repeat the caller's header; ours do not."""
    return f"{_TITLES.get(status, 'Refused')}."


def _text_headers(headers: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in headers.items() if name.lower() != "content-type"}


# --- bodies ----------------------------------------------------------------------------------------------------------


def read_bytes(request: Request, *, types: Sequence[str], limit: int = MOST_BODY) -> bytes:
    """The raw body. Raises WrongType (also where it is compressed), TooLarge or Malformed."""
    if media_type(request) not in types:
        raise WrongType(f"Send one of: {', '.join(types)}.")
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise WrongType("Send the body uncompressed.", code="compressed")
    try:
        body = request.raw_body
    except (UnicodeEncodeError, binascii.Error):
        raise Malformed("The body is not UTF-8.", code="not_utf8") from None
    raw = body.encode() if isinstance(body, str) else body
    if len(raw) > limit:
        raise TooLarge(f"A body here is at most {limit} bytes.")
    return raw


def read_json(request: Request, limit: int = MOST_BODY) -> dict[str, Json]:
    """The JSON object in the body. Raises WrongType, TooLarge or Malformed."""
    return parse_object(read_bytes(request, types=JSON_TYPES, limit=limit))


def media_type(request: Request) -> str:
    """The content type without parameters; a charset other than UTF-8 makes it one that nobody takes."""
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    for name, _, value in (part.partition("=") for part in rest.lower().split(";")):
        if name.strip() == "charset" and value.strip(' "') not in {"utf-8", "utf8", "us-ascii"}:
            return ""
    return str(kind).strip().lower()


def segment(text: str) -> str:
    """A path parameter, which arrives percent-encoded, if it could be one of our names. Raises NotFound."""
    if 0 < len(text) <= 200 and text.isascii() and all(char.isalnum() or char in "-_.~" for char in text) and ".." not in text:
        return text
    raise NotFound("There is no such thing.")
