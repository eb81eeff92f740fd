"""What the world's parts share at the wire: calling the app, cutting a connection, noticing that a caller left, and naming things."""

import socket
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress

import urllib3
from flask import Response, request


def new_hex() -> str:
    """32 random hex digits."""
    return uuid.uuid4().hex


def call(method: str, url: str, *, patience: float, headers: Mapping[str, str], body: bytes | None = None) -> urllib3.BaseHTTPResponse:
    """One request on a connection of its own: a kept one may be closing just now. Raises urllib3's HTTPError."""
    with urllib3.PoolManager(retries=False, timeout=patience) as http:
        return http.request(method, url, body=body, headers=dict(headers))


def is_gone() -> Callable[[], bool]:
    """Asks whether this request's caller has left."""
    asked: Callable[[], bool] | None = request.environ.get("waitress.client_disconnected")
    return asked or (lambda: False)


def cut() -> Response:
    """Break the connection without a word, as a network does. Where nothing can be broken (tests without a wire): an empty 599."""
    asked = request.environ.get("waitress.client_disconnected")
    channel = getattr(asked, "__self__", None)
    if channel is not None:
        with suppress(OSError):
            channel.socket.shutdown(socket.SHUT_RDWR)
    return Response(status=599)
