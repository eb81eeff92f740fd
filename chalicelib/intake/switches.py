"""`/v1/switches`: what is stopped, by whom and why; stopping it, and letting it go on."""

from collections.abc import Callable, Mapping

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.times import spoken
from chalicelib.flows.services import Services
from chalicelib.flows.turn_switch import names, turn_switch
from chalicelib.intake.answers import answer, answered, read_json
from chalicelib.intake.auth import require
from chalicelib.intake.schema import check
from chalicelib.store.switches import Thrown


def routes(services: Callable[[], Services]) -> Blueprint:
    """The doors for switches."""
    door = Blueprint(__name__)

    @door.route("/v1/switches", methods=["GET"])
    @answered
    def list_switches() -> Response:
        require(door.current_request, "switches:read", services=services())
        return _list(services())

    @door.route("/v1/switches", methods=["POST"], content_types=["*/*"])
    @answered
    def post_switch() -> Response:
        key = require(door.current_request, "switches:write", services=services())
        return _turn(door.current_request, key.name, services())

    return door


def _list(services: Services) -> Response:
    thrown = services.store.switches.thrown()
    known = dict.fromkeys([*names(services.city), *sorted(thrown)])
    return answer(200, {"data": [_shape(name, thrown) for name in known], "next_cursor": None, "has_more": False})


def _turn(request: Request, by: str, services: Services) -> Response:
    body = read_json(request)
    check("TurnSwitch", body)
    name, why = str(body["name"]), str(body.get("why") or "").strip()
    return answer(200, _shape(name, turn_switch(name, stopped=body["stopped"] is True, why=why, by=by, services=services)))


def _shape(name: str, thrown: Mapping[str, Thrown]) -> dict[str, object]:
    found = thrown.get(name)
    since = {"by": found.by, "at": spoken(found.at), "why": found.why} if found else {"by": None, "at": None, "why": None}
    return {"name": name, "stopped": found is not None, **since}
