"""`/v1/subscribers`: staff sign somebody up."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import parse_moment
from chalicelib.flows.post_subscriber import Person, Visit, post_subscriber
from chalicelib.flows.posting import Posted, replay
from chalicelib.flows.services import Services
from chalicelib.intake.answers import answer, answered, read_json
from chalicelib.intake.auth import require
from chalicelib.intake.broadcasts import idempotency_key
from chalicelib.intake.schema import check
from chalicelib.store.requests import RequestName

_ROUTE = "POST /v1/subscribers"


def routes(services: Callable[[], Services]) -> Blueprint:
    """The door for sign-ups at a counter."""
    door = Blueprint(__name__)

    @door.route("/v1/subscribers", methods=["POST"], content_types=["*/*"])
    @answered
    def create_subscriber() -> Response:
        return _create(door.current_request, services())

    return door


def _create(request: Request, services: Services) -> Response:
    """A request that was done before gets its first answer before anything else is looked at."""
    key = require(request, "subscribers:write", services=services)
    name = RequestName(key.name, _ROUTE, idempotency_key(request))
    body = read_json(request)
    body_hash = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    before = services.store.requests.find(name, services.now())
    if before:
        return _posted(replay(before, body_hash))
    check("NewSubscriber", body)
    return _posted(post_subscriber(_person(body), Visit(key.name, name, body_hash), services=services))


def _person(body: dict[str, Json]) -> Person:
    topics, consent = body["topics"], body["consent"]
    said: dict[str, Json] = consent if isinstance(consent, dict) else {}
    at: datetime = parse_moment(str(said["at"]), "#/consent/at")
    return Person(
        phone=str(body.get("phone", "")),
        email=str(body.get("email", "")),
        topics=[str(topic) for topic in topics] if isinstance(topics, list) else [],
        locale=str(body["locale"]),
        how=str(said["how"]).strip(),
        at=at,
    )


def _posted(posted: Posted) -> Response:
    return answer(202, dict(posted.answer), {"Idempotent-Replayed": "true"} if posted.replayed else {})
