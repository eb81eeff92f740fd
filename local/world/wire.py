"""What the providers' doors share: cutting a connection, keeping a caller waiting, and naming things."""

import socket
import uuid
from collections.abc import Callable
from contextlib import suppress

from flask import Response, request


def new_hex() -> str:
    """32 random hex digits."""
    return uuid.uuid4().hex


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
