"""Lists in pages: `?limit=25&cursor=…`. A cursor is signed, and good for one list only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from chalice.app import Request, Response

from chalicelib.errors import Invalid
from chalicelib.flows.services import Services
from chalicelib.intake.answers import answer

MOST = 100
USUAL = 25
_PURPOSE = "cursor"


@dataclass(frozen=True)
class Asked:
    """The page that is asked for: of which list, how many rows, after which one."""

    name: str
    limit: int
    after: str | None


def page_asked(request: Request, name: str, services: Services) -> Asked:
    """The page a request asks for. Raises Invalid for a limit out of range, a cursor we did not sign for this list, or either twice."""
    limit, cursor = _one(request, "limit"), _one(request, "cursor")
    if limit is not None and not (limit.isascii() and limit.isdecimal() and len(limit) <= 3 and 1 <= int(limit) <= MOST):
        raise Invalid.field("?limit", "invalid_limit", f"Use a whole number from 1 to {MOST}.")
    return Asked(name, int(limit) if limit else USUAL, _after(cursor, name, services) if cursor is not None else None)


def page_answer(rows: Sequence[Mapping[str, object]], after: str | None, asked: Asked, services: Services) -> Response:
    """A page, with the cursor and the link of the next."""
    cursor = services.tokens.sign(_PURPOSE, asked.name, after) if after else None
    link = f"{services.public_url}/v1/{asked.name}?{urlencode({'limit': asked.limit, 'cursor': cursor})}" if cursor else ""
    headers = {"Link": f'<{link}>; rel="next"'} if link else {}
    return answer(200, {"data": list(rows), "next_cursor": cursor, "has_more": cursor is not None}, headers)


def _one(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name) if request.query_params and name in request.query_params else []
    if len(values) > 1:
        raise Invalid.field(f"?{name}", "given_twice", "Give this once.")
    return str(values[0]) if values else None


def _after(cursor: str, name: str, services: Services) -> str:
    found = services.tokens.read(_PURPOSE, cursor)
    if found is None or len(found) != 2 or found[0] != name:
        raise Invalid.field("?cursor", "invalid_cursor", "Use next_cursor as it was given, for the same list.")
    return found[1]
