"""Who calls the API: `Authorization: Bearer <key>`, and whether the key may."""

import re

from chalice.app import Request

from chalicelib.errors import Forbidden, Unsigned
from chalicelib.flows.services import Services
from chalicelib.store.api_keys import ApiKey

_BEARER = re.compile(r"Bearer +([\x21-\x7e]{1,200}) *", re.IGNORECASE)


def require(request: Request, scope: str, *, services: Services) -> ApiKey:
    """The key of this request, if it has the scope. Raises Unsigned or Forbidden."""
    given = _BEARER.fullmatch(request.headers.get("authorization") or "")
    if given is None:
        raise Unsigned("Send an API key: Authorization: Bearer <key>.", code="no_key")
    key = services.store.api_keys.find(given.group(1))
    if key is None:
        raise Unsigned("This API key is unknown.", code="unknown_key")
    if scope not in key.scopes:
        raise Forbidden(f"This API key lacks the scope {scope}.", code="missing_scope")
    return key
