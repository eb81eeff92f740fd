"""A street with kiosks: a town whose kiosks are real ones, and the app's kiosk doors, called as a page calls them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from chalice.app import Chalice
from chalice.test import Client

from chalicelib.channels.kiosk import KioskSender
from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Approval, Audience, Broadcast, BroadcastState, Content, SendAt, hash_of
from chalicelib.domain.city import KioskPlan
from chalicelib.domain.topic import reached
from chalicelib.flows.register_kiosk import Registered, register_kiosk
from chalicelib.flows.services import Services
from chalicelib.intake.answers import finish
from chalicelib.intake.kiosk import routes
from chalicelib.state.queue import Outgoing
from tests.engine.town import Town
from tests.render.notices import a_renderer

PLAN = KioskPlan("bell-square", "Bell Square", ("transit", "events"), ("en", "es", "ar", "zh-Hans"))


@dataclass(frozen=True)
class Answer:
    """What the app answered."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Street(Town):
    """The town, with kiosks in it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        kiosks, sms = KioskSender(self.state.queues), self.services.sender
        renderer = a_renderer()
        self.services: Services = replace(self.services, sender=lambda channel: kiosks if channel is Channel.KIOSK else sms(channel), renderer=lambda: renderer)
        app = Chalice(app_name="street", configure_logs=False)
        app.register_middleware(finish, "http")
        app.register_blueprint(routes(lambda: self.services))
        self.app = app

    def register(self, plan: KioskPlan = PLAN, token: str | None = "a-token") -> Registered:
        """A kiosk in the street."""
        return register_kiosk(plan, services=self.services, token=token)

    def say(self, content: Content, *topics: str) -> str:
        """A broadcast on kiosks, sent and settled; its id."""
        now = self.clock()
        audience = Audience(topics or ("transit",), tuple(reached(topics or ("transit",), self.services.city.topics, include_below=False)), (Channel.KIOSK,))
        digest = hash_of(content, audience)
        made = Broadcast(
            f"bc_{self.new_id()}",
            BroadcastState.SCHEDULED,
            "ana",
            now,
            SendAt(now),
            audience,
            content.urgent,
            content.expires_at,
            digest,
            Approval("ana", "routine", digest, now),
            planned={"kiosk": self.plain.headcounts.count(audience.reached, audience.channels).channels[Channel.KIOSK]},
        )
        self.state.table.transact(self.plain.broadcasts.create_writes(made, content))
        self.state.queues.named("launch").send([Outgoing(json.dumps({"broadcast": made.id}))])
        self.work()
        return made.id

    def later(self, **time: float) -> None:
        """Time passes."""
        self.clock.advance(timedelta(**time))

    def get(self, path: str, token: str | None = "a-token", **headers: str) -> Answer:
        """A GET, as the page makes it."""
        return self._call("GET", path, token, headers, b"")

    def post(self, path: str, body: object, token: str | None = "a-token", **headers: str) -> Answer:
        """A POST of JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._call("POST", path, token, {"Content-Type": "application/json", **headers}, raw)

    def titles(self) -> list[str]:
        """What is up on the kiosk, in English."""
        return [item["langs"]["en"]["title"] for item in self.get("/kiosk/v1/state").json["items"]]

    def _call(self, method: str, path: str, token: str | None, headers: Mapping[str, str], body: bytes) -> Answer:
        signed = {"Authorization": f"Bearer {token}"} if token is not None else {}
        with Client(self.app) as client:
            found = client.http.request(method, path, headers={**signed, **headers}, body=body)
            return Answer(found.status_code, {name.lower(): value for name, value in found.headers.items()}, found.body.decode())
