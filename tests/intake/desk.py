"""A city hall with its doors open: the real app over API Gateway's stand-in, stores and queues on SQLite, a clock that jumps.

desk = Desk(tmp_path)
desk.post("/v1/broadcasts", a_broadcast(), key="communicator")
desk.hook("demo-city", a_notice())
desk.publish()                       # works off the queue `intake`, as Lambda would
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from chalice import Chalice
from chalice.config import Config
from chalice.local import LocalGateway

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.city import parse_city
from chalicelib.domain.preferences import NO_QUIET
from chalicelib.domain.tokens import Tokens
from chalicelib.domain.webhook import sign
from chalicelib.domain.words import Words
from chalicelib.flows.publish_post import publish_post
from chalicelib.flows.services import Services
from chalicelib.intake.front import open_doors
from chalicelib.render.renderer import CityRenderer
from chalicelib.store.api_keys import SCOPES
from chalicelib.store.sealed import Vault
from chalicelib.store.stores import Stores
from chalicelib.store.subscriptions import Subscription, audience_row, person_row
from tests.tables import sqlite_city

HERE = Path(__file__).parents[2]
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_" + "plJ3nmyCDGBKInavdOK15jsl9dQ8kZ1f"
KEYS = {
    "communicator": ("topics:read", "broadcasts:read", "broadcasts:write", "subscribers:write"),
    "second": ("broadcasts:write",),
    "approver": ("broadcasts:read", "broadcasts:approve"),
    "admin": SCOPES,
}
JSON = "application/json"
PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def pointers(self) -> list[tuple[str, str]]:
        return [(one["pointer"], one["code"]) for one in self.json["errors"]]


class Desk:
    """A city hall. `city` is the text of another city file; `sleepless` services never wait."""

    def __init__(self, folder: Path, *, city: str | None = None, secrets: Mapping[str, object] | None = None) -> None:
        self.state = sqlite_city(folder)
        self.clock = self.state.clock
        self.ids = 0
        text = city or (HERE / "city.toml").read_text("utf-8")
        self.city = replace(parse_city(text), quiet=NO_QUIET)
        sources: Mapping[str, object] = secrets if secrets is not None else {name: [SECRET, OLD_SECRET] for name in self.city.sources}
        self.services = Services(
            city=self.city,
            words=_words,
            store=Stores(self.state.table, Vault(b"h" * 32, b"s" * 32)),
            queues=self.state.queues,
            tokens=Tokens([b"t" * 32]),
            sender=_nobody,
            renderer=lambda: _renderer(text),
            secret=lambda name: {"sources": sources}[name],
            now=self.clock,
            new_id=self.new_id,
            sleep=lambda _seconds: None,
            public_url="https://alerts.example.gov",
            pace={Channel.SMS: 100, Channel.EMAIL: 14},
            sms_price_micros=11_000,
        )
        self.app = Chalice("belfry", configure_logs=False, env={})
        open_doors(self.app, lambda: self.services)
        self.gateway = LocalGateway(self.app, Config())
        for name, scopes in KEYS.items():
            self.services.store.api_keys.put(f"key-of-{name}", name=name, scopes=scopes, now=self.clock())

    def new_id(self) -> str:
        """32 hex digits, another each time, spread over the shards."""
        self.ids += 1
        return f"{self.ids * 7 % 16:x}{self.ids:031x}"

    # --- over HTTP ---------------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """A request as API Gateway hands it over."""
        given = {"accept": "*/*", **{name.lower(): value for name, value in (headers or {}).items()}}
        answer = self.gateway.handle_request(method, path, given, body)
        text = answer["body"]
        return Reply(answer["statusCode"], answer["headers"], text.encode() if isinstance(text, str) else text)

    def get(self, path: str, *, key: str = "communicator") -> Reply:
        """A GET with an API key."""
        return self.call("GET", path, headers={"Authorization": f"Bearer key-of-{key}"})

    def post(self, path: str, body: object = None, *, key: str = "communicator", name: str | None = None, raw: bytes | None = None, **headers: str) -> Reply:
        """A POST with an API key; `name` is the Idempotency-Key, a new one unless given."""
        sent = raw if raw is not None else json.dumps(body).encode() if body is not None else b""
        given = {"Content-Type": JSON, "Authorization": f"Bearer key-of-{key}", "Idempotency-Key": name or self.new_id()}
        return self.call("POST", path, sent, given | {header.replace("_", "-"): value for header, value in headers.items()})

    def hook(self, source: str, body: object, *, id: str | None = None, content_type: str = JSON, **headers: str) -> Reply:
        """A signed post of a source: bytes as they are, anything else as JSON."""
        sent = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        given = self.signed(sent, id=id) | {"Content-Type": content_type}
        return self.call("POST", f"/hooks/{source}", sent, given | {header.replace("_", "-"): value for header, value in headers.items()})

    def signed(self, body: bytes, *, id: str | None = None, secret: str = SECRET) -> dict[str, str]:
        """The headers of Standard Webhooks."""
        name, seconds = id or f"msg_{self.new_id()}", int(self.clock().timestamp())
        return {"webhook-id": name, "webhook-timestamp": str(seconds), "webhook-signature": sign(secret, id=name, timestamp=seconds, body=body)}

    # --- behind the doors --------------------------------------------------------------------------------------------

    def publish(self) -> None:
        """Work off the queue of posts, a second later, so that broadcasts have an order."""
        self.clock.advance(timedelta(seconds=1))
        for body in self.queued("intake"):
            publish_post(json.loads(body)["post"], services=self.services)

    def queued(self, queue: str) -> list[str]:
        """Take what is visible in a queue."""
        found = []
        while got := self.state.queues.receive([queue], 10, 60):
            self.state.queues.delete(*(message.id for message in got))
            found += [message.body for message in got]
        return found

    def broadcasts(self) -> list[tuple[Broadcast, Content]]:
        """All broadcasts with what they say, oldest first."""
        store = self.services.store.broadcasts
        found, after = store.page(limit=100)
        assert after is None
        return [(one, content) for one in reversed(found) if (content := store.content(one.id))]

    def rows(self) -> int:
        """How many rows there are in the whole table."""
        with self.state.file.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM state_rows").fetchone()[0])

    def follower(self, *topics: str, channels: tuple[Channel, ...] = (Channel.SMS,), locale: str = "en", shard: int | None = None) -> str:
        """A subscriber to these topics on these channels."""
        subscriber = self.new_id() if shard is None else f"{shard:x}{self.new_id()[1:]}"
        for channel in channels:
            known = self.services.store.addresses.claim(Address(channel, f"+1202555{self.ids:04d}"), subscriber=subscriber, verified=True)
            for topic in topics:
                one = Subscription(subscriber, topic, channel, known.hash, locale)
                self.state.table.put_many([audience_row(one), person_row(one)])
        return subscriber


def a_broadcast(**changes: object) -> dict[str, object]:
    """A body that `POST /v1/broadcasts` takes. A change to None leaves the field out."""
    body: dict[str, object] = {
        "topics": ["transit/red-line"],
        "kind": "transit",
        "severity": "moderate",
        "content": {"en": {"title": "Red Line: shuttle buses", "body": "Buses replace trains."}, "es": {"title": "Línea Roja", "body": "Autobuses."}},
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def a_notice(ref: str = "n1", *, type: str = "notice.published", revision: int | None = 1, status: str = "actual", **changes: object) -> dict[str, object]:
    """An event in the format `notice`."""
    data = {"ref": ref, "revision": revision, "status": status, **a_broadcast(**changes)}
    return {"type": type, "timestamp": "2026-12-01T12:00:00Z", "data": {name: value for name, value in data.items() if value is not None}}


def _nobody(channel: Channel) -> Any:
    raise AssertionError(f"nothing is handed over at the desk, and not by {channel}")


@functools.cache
def _words() -> Words:
    return Words.parse((HERE / "chalicelib/domain/words.toml").read_text("utf-8"))


@functools.cache
def _renderer(city: str) -> CityRenderer:
    return CityRenderer(city=parse_city(city), templates=HERE / "templates", public_url="https://alerts.example.gov")
