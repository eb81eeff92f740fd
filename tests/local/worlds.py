"""A small world for tests: a founded city in a directory, its world without processes, and a stand-in for the app."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from flask.testing import FlaskClient

from chalicelib.domain.city import parse_city
from local import founding
from local.options import Options
from local.world.around import World
from local.world.server import make_world
from local.world_process import Parts, assemble, serve
from tests.world import ROOT, free_ports

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
AWAY = 9  # the discard port: nobody listens


@dataclass(frozen=True)
class SmallWorld:
    """A world without a process of its own."""

    options: Options
    parts: Parts
    web: FlaskClient

    @property
    def world(self) -> World:
        return self.parts.world

    @property
    def account(self) -> str:
        return self.world.keyring.account_sid


def found_city(directory: Path, *, port: int = AWAY, world_port: int = AWAY + 1, city_time: datetime = NOON) -> Options:
    """A city with its keys, clock and kiosks."""
    options = Options(port, world_port, city_time, None, directory)
    founding.found(options, parse_city((ROOT / "city.toml").read_text("utf-8")))
    return options


def a_world(directory: Path, *, port: int = AWAY, city_time: datetime = NOON) -> SmallWorld:
    """A world whose app, if there is one, listens at `port`."""
    options = found_city(directory, port=port, city_time=city_time)
    parts = assemble(options)
    return SmallWorld(options, parts, make_world(parts.world).test_client())


@contextmanager
def served(directory: Path, *, port: int = AWAY) -> Iterator[SmallWorld]:
    """A world at a port of its own, for those who speak to it over the wire."""
    options = found_city(directory, port=port, world_port=free_ports(1)[0])
    parts = assemble(options)
    server = serve(parts.world, options.world_port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield SmallWorld(options, parts, make_world(parts.world).test_client())
    finally:
        server.close()
        for channel in list(server.active_channels.values()):
            channel.close()
        server.task_dispatcher.shutdown()
        thread.join(5)


@dataclass(frozen=True)
class Heard:
    """A request that the stand-in got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class StandIn:
    """An app that only listens, and answers as told."""

    port: int
    heard: list[Heard] = field(default_factory=list)
    status: int = 200
    content_type: str = "text/xml"
    body: bytes = b"<Response/>"
    hear: Callable[[Heard], None] = lambda _heard: None


@contextmanager
def a_stand_in() -> Iterator[StandIn]:
    """A stand-in for the app at a port of its own."""
    stand_in = StandIn(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            heard = Heard(self.path, dict(self.headers), self.rfile.read(int(self.headers.get("Content-Length", 0))))
            stand_in.heard.append(heard)
            stand_in.hear(heard)
            self.send_response(stand_in.status)
            self.send_header("Content-Type", stand_in.content_type)
            self.send_header("Content-Length", str(len(stand_in.body)))
            self.end_headers()
            self.wfile.write(stand_in.body)

        do_GET = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
