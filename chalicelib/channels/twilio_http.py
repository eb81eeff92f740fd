"""The way to Twilio: the SDK's HTTP client, its connections kept, timed, and never trying twice.

Twilio sends again what is posted again, so a call that failed half way is ours to judge, not the transport's to repeat. Connections are
urllib3's, for its TLS and its names for what goes wrong; what is said over them goes the standard library's way, which is half the work
of urllib3's own pools and a fifth of `requests`, the SDK's default. Nothing is logged here: a query may hold a phone number.
"""

import http.client
import logging
import ssl
import weakref
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote_plus, urlencode, urlsplit

from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError, SSLError
from urllib3.util import Timeout, make_headers

HOST = "https://api.twilio.com"
CONNECT_SECONDS = 3
CALL_SECONDS = 10


class NoHandshake(NewConnectionError):
    """Somebody answered, and we came to no terms."""


class TwilioHttp(HttpClient):
    """Carries the SDK's requests to Twilio, or to a stand-in at `url`. Raises urllib3's errors. Up to `at_once` threads may share it."""

    def __init__(self, *, url: str | None, at_once: int, seconds: float = CALL_SECONDS) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._url = url.rstrip("/") if url else HOST
        self._at_once = at_once
        self._timeout = Timeout(total=seconds, connect=CONNECT_SECONDS)
        self._idle: deque[HTTPConnection] = deque()
        weakref.finalize(self, _hang_up, self._idle)

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
        line = self._line()
        try:
            response = _ask(line, method, path, _form(data) if data else None, {**(headers or {}), **signed})
        except HTTPError:
            line.close()
            raise
        if line.sock is not None and len(self._idle) < self._at_once:  # else the answer said that it closes
            self._idle.append(line)
        return response

    def _line(self) -> HTTPConnection:
        """A connection that nobody uses: one left from before that still stands, or a new one."""
        left = self._timeout.clone()
        left.start_connect()
        while self._idle:
            line = self._idle.pop()
            if line.is_connected:
                break
            line.close()
        else:
            line = _connected(self._url)
        line.sock.settimeout(left.read_timeout)
        return line


def _hang_up(lines: deque[HTTPConnection]) -> None:
    while lines:
        lines.pop().close()


def _connected(url: str) -> HTTPConnection:
    """A new connection. Raises NewConnectionError or ConnectTimeoutError: whatever fails here, not a byte of a request left us."""
    place = urlsplit(url)
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    line = kind(place.hostname or "", place.port, timeout=CONNECT_SECONDS)
    try:
        line.connect()
    except TimeoutError as error:
        raise ConnectTimeoutError(line, "no handshake in time") from error
    except OSError as error:
        raise NoHandshake(line, f"no handshake: {error}") from error
    return line


def _ask(line: HTTPConnection, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Response:
    """Say it and hear the answer, over the standard library's part of the connection."""
    try:
        http.client.HTTPConnection.request(line, method, path, body, headers)
        answer = http.client.HTTPConnection.getresponse(line)
        return Response(answer.status, answer.read().decode("utf-8", "replace"), answer.headers)
    except TimeoutError as error:
        raise ReadTimeoutError(None, "", "no answer in time") from error  # type: ignore[arg-type]
    except ssl.SSLError as error:
        raise SSLError(error) from error
    except (OSError, http.client.HTTPException) as error:
        raise ProtocolError("the connection ended", error) from error


def _form(data: Mapping[str, object]) -> str:
    """A form as `urlencode` writes it. The text is the same for everybody in a chunk, so its quoting is remembered."""
    if any(type(value) is not str for value in data.values()):
        return urlencode(data, doseq=True)
    return "&".join(f"{name}={_quoted(value)}" for name, value in data.items() if isinstance(value, str))


_quoted = lru_cache(maxsize=64)(quote_plus)
