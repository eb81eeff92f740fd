"""HTTP in front of `app.py`, as API Gateway stands before Lambda: Chalice's own local server, made quick and strict.

What API Gateway and its GatewayResponses answer by themselves is answered here: 404 for a path nobody serves and 413 for
a body over the limit, both as problems, the second before the body is read.
"""

import hmac
import json
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import ChaliceRequestHandler, LocalChalice, LocalGateway, LocalGatewayException, ThreadedHTTPServer

from chalicelib.intake.answers import problem

MOST_BODY = 256 * 1024
MOST_HOOK_BODY = 1024 * 1024
CONTROL_PREFIX = "/.city/"

_DRAIN_BYTES = 32 * 1024 * 1024
_CHUNK = 64 * 1024
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}(;[^\r\n]*)?\r\n")
_WORDS = {
    400: ("malformed", "The request could not be read."),
    404: ("not_found", "There is nothing at this path."),
    405: ("method_not_allowed", "This method does not exist here."),
    413: ("too_large", "The body is larger than this path takes."),
}

_log = logging.getLogger("local.gateway")

Control = Mapping[str, Callable[[], Mapping[str, object] | None]]
"""What the world may ask of this process, by name; what comes back is the answer."""


class _Unreadable(Exception):
    """The request's body cannot or must not be read; the status says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Server(ThreadedHTTPServer):
    """Threads, a backlog for bursts, and silence about callers who leave."""

    request_queue_size = 256
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - socketserver's signature
        """A connection broke; whoever broke it knows."""
        _log.debug("a connection broke", exc_info=True)


def make_server(app: Chalice, host: str, port: int, *, control: Control, key: str) -> Server:
    """A server of the app's routes. Call it once for an app: it makes the app's current request its thread's own."""
    app.__class__ = type("ThreadedChalice", (LocalChalice, app.__class__), {})
    gateway = LocalGateway(app, Config(chalice_stage="local", config_from_disk={"app_name": app.app_name, "lambda_timeout": 30}))
    handler = type("Handler", (_Handler,), {"gateway": gateway, "control": control, "key": key})
    return Server((host, port), handler)


class _Handler(ChaliceRequestHandler):
    """One connection."""

    gateway: ClassVar[LocalGateway]
    control: ClassVar[Control]
    key: ClassVar[str]
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    timeout = 75
    server_version, sys_version = "belfry", ""

    def __init__(self, request: Any, client_address: Any, server: Any) -> None:
        BaseHTTPRequestHandler.__init__(self, request, client_address, server)

    def _generic_handle(self) -> None:
        try:
            body = self._body()
            self._answer(body)
        except _Unreadable as unreadable:
            self._refuse(unreadable.status)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle  # noqa: N815 - http.server's names

    def _answer(self, body: bytes | None) -> None:
        if self.path.startswith(CONTROL_PREFIX):
            self._run_control()
        elif not self._is_served():
            self._problem(404)
        else:
            try:
                answer = self.gateway.handle_request(self.command, self.path, dict(self.headers), body)
                headers = {**answer["headers"], **answer["multiValueHeaders"]}
                self._send_http_response(answer["statusCode"], headers, self._handle_binary(answer)["body"])
            except LocalGatewayException as refused:
                self._send_error_response(refused)

    def _is_served(self) -> bool:
        try:
            self.gateway.event_converter._route_matcher.match_route(self.path)
        except ValueError:
            return False
        return True

    def _run_control(self) -> None:
        known = hmac.compare_digest(self.headers.get("X-City-Key", "").encode(), self.key.encode())
        command = self.control.get(self.path.removeprefix(CONTROL_PREFIX))
        if known and self.command == "POST" and command:
            self._send_http_response(200, {"Content-Type": "application/json"}, json.dumps(command() or {}))
        else:
            self._problem(404)

    # --- bodies ------------------------------------------------------------------------------------------------------

    def _most(self) -> int:
        return MOST_HOOK_BODY if self.path.startswith("/hooks/") else MOST_BODY

    def _body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunked_body()
        length = self._length()
        if length > self._most():
            raise _Unreadable(413)
        return self.rfile.read(length) if length else None

    def _length(self) -> int:
        text = self.headers.get("Content-Length", "0").strip()
        if not text.isdecimal() or not text.isascii() or len(text) > 15:
            raise _Unreadable(400)
        return int(text)

    def _chunked_body(self) -> bytes:
        body = b""
        while size := self._chunk_size():
            if len(body) + size > self._most():
                raise _Unreadable(413)
            body += self.rfile.read(size)
            if self.rfile.readline(3) != b"\r\n":
                raise _Unreadable(400)
        while self.rfile.readline(_CHUNK) not in {b"\r\n", b"\n", b""}:
            pass  # trailers
        return body

    def _chunk_size(self) -> int:
        line = self.rfile.readline(200)
        if not _CHUNK_SIZE.fullmatch(line):
            raise _Unreadable(400)
        return int(line.split(b";")[0], 16)

    def handle_expect_100(self) -> bool:
        """A caller asks before sending a body: no, if it is too large."""
        length = self.headers.get("Content-Length", "0")
        if length.isdecimal() and int(length) > self._most():
            self._refuse(413, drain=False)
            return False
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def _refuse(self, status: int, *, drain: bool = True) -> None:
        """Answer first, then read on without keeping it: a caller who is still sending gets to see the answer."""
        self.close_connection = True
        self._problem(status)
        self.wfile.flush()
        self.connection.settimeout(2)
        left = _DRAIN_BYTES if drain else 0
        try:
            while left > 0 and (got := self.rfile.read1(_CHUNK)):
                left -= len(got)
        except OSError:
            pass

    # --- answers -----------------------------------------------------------------------------------------------------

    def _problem(self, status: int) -> None:
        code, detail = _WORDS.get(status, ("refused", HTTPStatus(status).phrase))
        name = uuid.uuid4().hex
        body = {**problem(status, code, detail).body, "request_id": name}
        headers = {"Content-Type": "application/problem+json", "X-Request-Id": name, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        self._send_http_response(status, headers, json.dumps(body))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What the server itself refuses (a line it cannot read, a method it has no name for) is a problem too."""
        self.close_connection = True
        self._problem(405 if code == HTTPStatus.NOT_IMPLEMENTED else int(code))

    def _send_http_response_with_body(self, code: int, headers: Mapping[str, Any], body: str | bytes) -> None:
        raw = body if isinstance(body, bytes) else body.encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(raw)))
        self._send_headers({"Content-Type": "application/json", **headers})
        if self.command != "HEAD":
            self.wfile.write(raw)

    def end_headers(self) -> None:
        """A caller is told when this connection ends, so that it sends nothing more on it."""
        if self.close_connection:
            self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: a path may hold a token."""
