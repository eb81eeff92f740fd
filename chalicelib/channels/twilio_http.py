"""The way to Twilio: the SDK's HTTP client, over lines that are kept, timed, and never trying twice.

Twilio sends again what is posted again, so a call that failed half way is ours to judge, not the transport's to repeat.
"""

import logging
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote_plus, urlencode

from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3.util import make_headers

from chalicelib.channels.lines import Lines

HOST = "https://api.twilio.com"
CONNECT_SECONDS = 3
CALL_SECONDS = 10


class TwilioHttp(HttpClient):
    """Carries the SDK's requests to Twilio, or to a stand-in at `url`. Raises urllib3's errors. Up to `at_once` threads may share it."""

    def __init__(self, *, url: str | None, at_once: int, seconds: float = CALL_SECONDS) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self.lines = Lines(url.rstrip("/") if url else HOST, keep=at_once, connect=CONNECT_SECONDS, seconds=seconds)

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the SDK's signature; ours is set once
        allow_redirects: bool = False,  # noqa: ARG002 - Twilio's API does not redirect
    ) -> Response:
        """One request, sent once."""
        path = uri.removeprefix(HOST) + (f"?{urlencode(params, doseq=True)}" if params else "")
        signed = make_headers(basic_auth=":".join(auth)) if auth else {}
        heard = self.lines.ask(method, path, _form(data) if data else None, {**(headers or {}), **signed})
        return Response(heard.status, heard.body.decode("utf-8", "replace"), heard.headers)


def _form(data: Mapping[str, object]) -> str:
    """A form as `urlencode` writes it. The text is the same for everybody in a chunk, so its quoting is remembered."""
    if any(type(value) is not str for value in data.values()):
        return urlencode(data, doseq=True)
    return "&".join(f"{name}={_quoted(value)}" for name, value in data.items() if isinstance(value, str))


_quoted = lru_cache(maxsize=64)(quote_plus)
