"""`/v1/broadcasts`: post, preview, approve, stop, correct, look. The OpenAPI document says what each takes and gives; here it is done."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.broadcast import BroadcastState, SendAt
from chalicelib.domain.notice import Notice
from chalicelib.domain.strict_json import Json
from chalicelib.errors import Malformed, NotFound
from chalicelib.feeds.native import read_fields, read_send_at
from chalicelib.flows.approve import approve
from chalicelib.flows.correct import Correction, correct
from chalicelib.flows.post_broadcast import Order, post_broadcast
from chalicelib.flows.posting import Posted, estimate, replay, review_told, state_of
from chalicelib.flows.preview import preview
from chalicelib.flows.progress import not_read, progress
from chalicelib.flows.screening import foresee
from chalicelib.flows.services import Services
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.intake.answers import answer, answered, read_json, segment
from chalicelib.intake.auth import require
from chalicelib.intake.paging import page_answer, page_asked
from chalicelib.intake.schema import check
from chalicelib.intake.shapes import broadcast_line, broadcast_whole, messages
from chalicelib.store.requests import RequestName

_KEY = re.compile(r'"([\x20-\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e][\x20-\x7e]{0,254})')


def routes(services: Callable[[], Services]) -> Blueprint:
    """The doors for broadcasts."""
    door = Blueprint(__name__)

    @door.route("/v1/broadcasts", methods=["POST"], content_types=["*/*"])
    @answered
    def create_broadcast() -> Response:
        return _create(door.current_request, services())

    @door.route("/v1/broadcasts", methods=["GET"])
    @answered
    def list_broadcasts() -> Response:
        require(door.current_request, "broadcasts:read", services=services())
        return _list(door.current_request, services())

    @door.route("/v1/broadcasts/preview", methods=["POST"], content_types=["*/*"])
    @answered
    def preview_broadcast() -> Response:
        require(door.current_request, "broadcasts:write", services=services())
        return _preview(door.current_request, services())

    @door.route("/v1/broadcasts/{broadcast}", methods=["GET"])
    @answered
    def get_broadcast(broadcast: str) -> Response:
        require(door.current_request, "broadcasts:read", services=services())
        return _whole(segment(broadcast), services())

    @door.route("/v1/broadcasts/{broadcast}/approve", methods=["POST"], content_types=["*/*"])
    @answered
    def approve_broadcast(broadcast: str) -> Response:
        key = require(door.current_request, "broadcasts:approve", services=services())
        seen = _seen(door.current_request)
        return _whole(approve(segment(broadcast), by=key.name, seen=seen, services=services()).id, services())

    @door.route("/v1/broadcasts/{broadcast}/stop", methods=["POST"], content_types=["*/*"])
    @answered
    def stop(broadcast: str) -> Response:
        key = require(door.current_request, "broadcasts:write", services=services())
        return _whole(stop_broadcast(segment(broadcast), by=key.name, services=services()).id, services())

    @door.route("/v1/broadcasts/{broadcast}/correct", methods=["POST"], content_types=["*/*"])
    @answered
    def correct_broadcast(broadcast: str) -> Response:
        return _correct(door.current_request, segment(broadcast), services())

    return door


# --- posting ---------------------------------------------------------------------------------------------------------


def _create(request: Request, services: Services) -> Response:
    """A request that was done before gets its first answer before anything else is looked at: what was right then may be late by now."""
    key = require(request, "broadcasts:write", services=services)
    name = RequestName(key.name, "POST /v1/broadcasts", idempotency_key(request))
    body, body_hash = _body(request)
    before = services.store.requests.find(name, services.now())
    if before:
        return _posted(replay(before, body_hash), services)
    notice, send_at = _order(body, services)
    return _posted(post_broadcast(Order(notice, send_at, key.name, name, body_hash), preview(notice, send_at, services=services), services=services), services)


def _correct(request: Request, wrong: str, services: Services) -> Response:
    """As above: whoever asks again is told the same, whatever has become of the wrong one."""
    key = require(request, "broadcasts:write", services=services)
    name = RequestName(key.name, f"POST /v1/broadcasts/{wrong}/correct", idempotency_key(request))
    body, body_hash = _body(request)
    before = services.store.requests.find(name, services.now())
    if before:
        return _posted(replay(before, body_hash), services)
    check("NewCorrection", body)
    notice = read_fields(body, topics=(), sent=services.now())
    severity = notice.severity if "severity" in body else None
    urgency = notice.urgency if "urgency" in body else None
    return _posted(correct(Correction(wrong, notice, severity, urgency, key.name, name, body_hash), services=services), services)


def _body(request: Request) -> tuple[dict[str, Json], str]:
    """What was sent, and a hash of it that tells the same from another."""
    body = read_json(request)
    return body, hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _posted(posted: Posted, services: Services) -> Response:
    headers = {"Location": f"{services.public_url}/v1/broadcasts/{posted.answer['id']}"}
    return answer(202, dict(posted.answer), headers | ({"Idempotent-Replayed": "true"} if posted.replayed else {}))


def _preview(request: Request, services: Services) -> Response:
    notice, send_at = _order(read_json(request), services)
    found = preview(notice, send_at, services=services)
    review = foresee(found.content, found.audience, found.starts_at, services=services)
    told = {"state": str(BroadcastState.NEEDS_REVIEW), "review": review_told(review)} if review else {"state": str(state_of(found))}
    return answer(200, {**told, **estimate(found), "messages": messages(found, services)})


def _order(body: dict[str, Json], services: Services) -> tuple[Notice, SendAt | None]:
    check("NewBroadcast", body)
    send_at = read_send_at(body.get("send_at"), now=services.now())
    starts_at = max(services.now(), send_at.instant) if send_at else services.now()
    return read_fields(body, topics=services.city.topics, areas=services.city.areas, sent=starts_at), send_at


def idempotency_key(request: Request) -> str:
    """The caller's name for this request, bare or in quotes."""
    given = _KEY.fullmatch((request.headers.get("idempotency-key") or "").strip())
    if given is None:
        raise Malformed("Send an Idempotency-Key of 1 to 255 printable characters.", code="no_idempotency_key")
    return given.group(1) or given.group(2)


def _seen(request: Request) -> str | None:
    if not request.raw_body:
        return None
    body = read_json(request)
    check("Approve", body)
    return str(body["content_hash"]) if "content_hash" in body else None


# --- reading ---------------------------------------------------------------------------------------------------------


def _list(request: Request, services: Services) -> Response:
    asked = page_asked(request, "broadcasts", services)
    found, after = services.store.broadcasts.page(limit=asked.limit, after=asked.after)
    rows: list[Mapping[str, object]] = [broadcast_line(one) for one in found]
    return page_answer(rows, after, asked, services)


def _whole(broadcast: str, services: Services) -> Response:
    found, content = services.store.broadcasts.get(broadcast), services.store.broadcasts.content(broadcast)
    if found is None or content is None:
        raise NotFound("There is no such broadcast.")
    looked = progress(found, services=services)
    return answer(200, broadcast_whole(looked, content, not_read(looked, services=services)))
