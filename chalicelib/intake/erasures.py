"""`/v1/subscribers/erase`: staff erase somebody who asked for it at a counter. The address is in the body, so that no URL and no log holds it."""

from collections.abc import Callable

from chalice.app import Blueprint, Request, Response

from chalicelib.flows.erase import erase_address
from chalicelib.flows.services import Services
from chalicelib.intake.answers import answer, answered, read_json
from chalicelib.intake.auth import require
from chalicelib.intake.explain import address_of
from chalicelib.intake.schema import check


def routes(services: Callable[[], Services]) -> Blueprint:
    """The door for erasures."""
    door = Blueprint(__name__)

    @door.route("/v1/subscribers/erase", methods=["POST"], content_types=["*/*"])
    @answered
    def erase_subscriber() -> Response:
        return _erase(door.current_request, services())

    return door


def _erase(request: Request, services: Services) -> Response:
    key = require(request, "subscribers:erase", services=services)
    body = read_json(request)
    check("EraseSubscriber", body)
    erase_address(address_of(body), by=key.name, services=services)
    return answer(202, {"state": "erasing"})
