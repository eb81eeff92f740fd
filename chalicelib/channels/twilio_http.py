"""The way to Twilio: the SDK's HTTP client, pooled, timed and never trying twice.

Twilio sends again what is posted again, so a call that failed half way is ours to judge, not the transport's to repeat.
Nothing is logged here: a query may hold a phone number.
"""

import logging
from typing import Any
from urllib.parse import urlencode

from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3 import PoolManager, Timeout
from urllib3.util import make_headers

HOST = "https://api.twilio.com"
CONNECT_SECONDS = 3
CALL_SECONDS = 10


class TwilioHttp(HttpClient):
    """Carries the SDK's requests to Twilio, or to a stand-in at `url`. Raises urllib3's errors as they come."""

    def __init__(self, *, url: str | None, at_once: int, seconds: float = CALL_SECONDS) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._url = url.rstrip("/") if url else HOST
        self._pool = PoolManager(maxsize=at_once, retries=False, timeout=Timeout(total=seconds, connect=CONNECT_SECONDS))

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the SDK's signature; ours is set once
        allow_redirects: bool = False,  # noqa: ARG002 - Twilio's API does not redirect
    ) -> Response:
        """One request, sent once."""
        signed: dict[str, Any] = make_headers(basic_auth=":".join(auth)) if auth else {}
        url = uri.replace(HOST, self._url, 1) + (f"?{urlencode(params, doseq=True)}" if params else "")
        body = urlencode(data, doseq=True) if data else None
        answer = self._pool.request(method, url, body=body, headers={**(headers or {}), **signed}, redirect=False)
        return Response(answer.status, answer.data.decode("utf-8", "replace"), answer.headers)
