"""Connections to one place that stay open, for requests that are sent once.

Connections are urllib3's, for its TLS and its names for what goes wrong; what is said over them goes the standard library's way, which is
half the work of urllib3's own pools and a fifth of `requests`. Nothing is logged here: a query may hold a phone number.
"""

import http.client
import ssl
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError, SSLError
from urllib3.util import Timeout


class NoHandshake(NewConnectionError):
    """Somebody answered, and we came to no terms."""


@dataclass(frozen=True)
class Heard:
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Lines:
    """Lines to the place at `url`. Up to `keep` of them stay open; any number of threads may use them. `seconds` is the most for a call in
    all, `connect` for its first part. Raises urllib3's errors."""

    def __init__(self, url: str, *, keep: int, connect: float, seconds: float) -> None:
        self.url, self._keep, self._connect = url, keep, connect
        self._timeout = Timeout(total=seconds, connect=connect)
        self.idle: deque[HTTPConnection] = deque()
        weakref.finalize(self, _hang_up, self.idle)

    def ask(self, method: str, path: str, body: str | bytes | None, headers: Mapping[str, str | bytes]) -> Heard:
        """One request, sent once."""
        line = self.take()
        try:
            heard = _ask(line, method, path, body, headers)
        except HTTPError:
            line.close()
            raise
        if line.sock is not None and len(self.idle) < self._keep:  # else the answer said that it closes
            self.idle.append(line)
        return heard

    def take(self) -> HTTPConnection:
        """A line that nobody uses: one left from before that still stands, or a new one."""
        left = self._timeout.clone()
        left.start_connect()
        while self.idle:
            line = self.idle.pop()
            if line.is_connected:
                break
            line.close()
        else:
            line = _connected(self.url, self._connect)
        if left.read_timeout is not None and left.read_timeout <= 0:
            line.close()
            raise ConnectTimeoutError(line, "connected too late to ask")
        line.sock.settimeout(left.read_timeout)
        return line

    def close(self) -> None:
        """Hang up wherever nobody speaks."""
        _hang_up(self.idle)


def _hang_up(lines: deque[HTTPConnection]) -> None:
    while lines:
        lines.pop().close()


@cache
def _trust() -> ssl.SSLContext:
    """Whom this machine trusts; read once, since that takes longer than a call."""
    return ssl.create_default_context()


def _connected(url: str, seconds: float) -> HTTPConnection:
    """A new connection. Raises NewConnectionError or ConnectTimeoutError: whatever fails here, not a byte of a request left us."""
    place = urlsplit(url)
    host, port = place.hostname or "", place.port
    secure = place.scheme == "https"
    line = HTTPSConnection(host, port, timeout=seconds, ssl_context=_trust()) if secure else HTTPConnection(host, port, timeout=seconds)
    try:
        line.connect()
    except TimeoutError as error:
        raise ConnectTimeoutError(line, "no handshake in time") from error
    except OSError as error:
        raise NoHandshake(line, f"no handshake: {error}") from error
    return line


def _ask(line: HTTPConnection, method: str, path: str, body: str | bytes | None, headers: Mapping[str, str | bytes]) -> Heard:
    """Say it and hear the answer, over the standard library's part of the connection."""
    try:
        http.client.HTTPConnection.request(line, method, path, body, headers)
        answer = http.client.HTTPConnection.getresponse(line)
        return Heard(answer.status, answer.headers, answer.read())
    except TimeoutError as error:
        raise ReadTimeoutError(None, "", "no answer in time") from error  # type: ignore[arg-type]
    except ssl.SSLError as error:
        raise SSLError(error) from error
    except (OSError, http.client.HTTPException) as error:
        raise ProtocolError("the connection ended", error) from error
