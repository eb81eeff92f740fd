"""The way to AWS's state: botocore's HTTP session, over kept lines. Raises what botocore's own raises, so that its retries and our errors
are the same."""

from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from urllib3 import exceptions as theirs

from chalicelib.state.lines import Lines


class Carrier:
    """Carries requests that botocore has made and signed. `config` is a client's."""

    def __init__(self, config: Any) -> None:
        self._keep, self._connect, self._read = config.max_pool_connections, config.connect_timeout, config.read_timeout
        self._lines: dict[str, Lines] = {}

    def send(self, request: Any) -> AWSResponse:
        """One request, sent once."""
        scheme, _, place = request.url.partition("://")
        host, _, path = place.partition("/")
        try:
            heard = self._to(f"{scheme}://{host}").ask(request.method, f"/{path}", request.body, request.headers)
        except theirs.HTTPError as error:
            raise _in_botocores_words(error, request) from error
        return AWSResponse(request.url, heard.status, dict(heard.headers), SimpleNamespace(stream=lambda **_: [heard.body]))  # type: ignore[arg-type]

    def close(self) -> None:
        """Hang up."""
        for lines in self._lines.values():
            lines.close()

    def _to(self, origin: str) -> Lines:
        if origin not in self._lines:
            self._lines[origin] = Lines(origin, keep=self._keep, connect=self._connect, seconds=self._connect + self._read)
        return self._lines[origin]


def _in_botocores_words(error: theirs.HTTPError, request: Any) -> BotoCoreError:
    """urllib3's error as botocore's own session would have raised it."""
    match error:
        case theirs.NewConnectionError():
            return EndpointConnectionError(endpoint_url=request.url, error=error)
        case theirs.ConnectTimeoutError():
            return ConnectTimeoutError(endpoint_url=request.url, error=error)
        case theirs.ReadTimeoutError():
            return ReadTimeoutError(endpoint_url=request.url, error=error)
        case theirs.SSLError():
            return SSLError(endpoint_url=request.url, error=error)
        case theirs.ProtocolError():
            return ConnectionClosedError(error=error, request=request, endpoint_url=request.url)
    return HTTPClientError(error=error)
