"""Intake of kiosks: the page, what it shows now, and what it reports as shown.

The page is the same for everybody who knows its address; the token, in the fragment that no server sees, is what lets
it ask. Everything a page needs beyond that comes as JSON.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.locale import ENGLISH, SPOKEN, best
from chalicelib.domain.playlist import Sent
from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import spoken
from chalicelib.errors import Invalid, NotFound, Unsigned
from chalicelib.flows.read_playlist import read_playlist
from chalicelib.flows.record_shown import record_shown
from chalicelib.flows.services import Services
from chalicelib.intake.answers import answer, answered, answered_page, read_json, segment
from chalicelib.store.kiosks import Kiosk

MOST_SHOWN = 100

_STATIC = Path(__file__).resolve().parents[2] / "templates" / "kiosk" / "static"
_TYPES = {"kiosk.js": "text/javascript; charset=utf-8", "kiosk.css": "text/css; charset=utf-8"}
# Nothing inline and nothing from elsewhere. Who may frame it is left open: there is nothing on it to click.
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"


def routes(services: Callable[[], Services]) -> Blueprint:
    """`/kiosk/{id}`, `/kiosk/static/{file}`, `/kiosk/v1/state`, `/kiosk/v1/shown`."""
    door = Blueprint(__name__)

    @door.route("/kiosk/{kiosk_id}", methods=["GET"])
    @answered_page(services)
    def page(kiosk_id: str) -> Response:
        return _page(segment(kiosk_id), services())

    @door.route("/kiosk/static/{name}", methods=["GET"])
    @answered
    def static(name: str) -> Response:
        return _static(name)

    @door.route("/kiosk/v1/state", methods=["GET"])
    @answered
    def state() -> Response:
        return _state(door.current_request, services())

    @door.route("/kiosk/v1/shown", methods=["POST"], content_types=["*/*"])
    @answered
    def shown() -> Response:
        _owner(door.current_request, services())
        return answer(202, {"recorded": record_shown(_items(read_json(door.current_request)), services=services())})

    return door


def _page(kiosk_id: str, services: Services) -> Response:
    kiosk = services.store.kiosks.get(kiosk_id)
    if kiosk is None:
        raise NotFound("There is no such kiosk.")
    cards = list(dict.fromkeys(best(tag, SPOKEN) or ENGLISH for tag in kiosk.languages))
    html = services.renderer().page("kiosk", kiosk.languages[0], kiosk=kiosk.name, languages=cards)
    return Response(body=html, headers={"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY})


def _static(name: str) -> Response:
    if name not in _TYPES:
        raise NotFound("There is no such file.")
    return Response(body=(_STATIC / name).read_text("utf-8"), headers={"Content-Type": _TYPES[name], "Cache-Control": "public, max-age=300"})


# --- what is up ------------------------------------------------------------------------------------------------------


def _state(request: Request, services: Services) -> Response:
    kiosk = _owner(request, services)
    said: dict[str, Json] = {
        "v": 1,
        "kiosk": {"id": kiosk.id, "name": kiosk.name},
        "langs": list(kiosk.languages),
        "tz": services.city.zone.key,
        "items": [_item(one, services) for one in read_playlist(kiosk, services=services)],
    }
    tag = f'"{hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]}"'
    now = spoken(services.now())
    headers: dict[str, str | list[str]] = {"ETag": tag, "Belfry-Now": now}
    if request.headers.get("if-none-match") == tag:
        return Response(body="", status_code=304, headers=headers)
    return answer(200, {**said, "now": now}, {"ETag": tag, "Belfry-Now": now})


def _item(one: Sent, services: Services) -> dict[str, Json]:
    envelope: dict[str, Json] = json.loads(json.dumps(services.renderer().kiosk(one.content, one.broadcast).envelope))
    item = envelope["item"]
    return {**item, "token": one.token} if isinstance(item, dict) else {}


def _owner(request: Request, services: Services) -> Kiosk:
    """The kiosk that asks. Raises Unsigned."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    kiosk = services.store.kiosks.of_token(token.strip()) if scheme.lower() == "bearer" and 0 < len(token) <= 200 else None
    if kiosk is None:
        raise Unsigned("Send the kiosk's own token as a bearer token.")
    return kiosk


# --- what was shown --------------------------------------------------------------------------------------------------


def _items(body: dict[str, Json]) -> list[tuple[str, str]]:
    items = body.get("items")
    if not isinstance(items, list) or len(items) > MOST_SHOWN:
        raise Invalid.field("#/items", "invalid_items", f"Give a list of up to {MOST_SHOWN} items.")
    return [_item_shown(item, at) for at, item in enumerate(items)]


def _item_shown(item: Json, at: int) -> tuple[str, str]:
    if isinstance(item, dict):
        broadcast, token = item.get("broadcast"), item.get("token")
        if isinstance(broadcast, str) and isinstance(token, str):
            return broadcast, token
    raise Invalid.field(f"#/items/{at}", "invalid_item", "An item is {broadcast, token}, as the state said them.")
