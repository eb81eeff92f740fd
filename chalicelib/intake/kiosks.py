"""`/v1/kiosks`: kiosks as the city's staff see them."""

from collections.abc import Callable

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.city import KioskPlan
from chalicelib.domain.locale import canonical
from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import spoken
from chalicelib.flows.register_kiosk import register_kiosk
from chalicelib.flows.services import Services
from chalicelib.intake.answers import answer, answered, read_json
from chalicelib.intake.auth import require
from chalicelib.intake.paging import page_answer, page_asked
from chalicelib.intake.schema import check
from chalicelib.store.kiosks import Kiosk


def routes(services: Callable[[], Services]) -> Blueprint:
    """The doors for kiosks."""
    door = Blueprint(__name__)

    @door.route("/v1/kiosks", methods=["POST"], content_types=["*/*"])
    @answered
    def post_kiosk() -> Response:
        require(door.current_request, "kiosks:write", services=services())
        return _register(door.current_request, services())

    @door.route("/v1/kiosks", methods=["GET"])
    @answered
    def list_kiosks() -> Response:
        require(door.current_request, "kiosks:read", services=services())
        return _list(door.current_request, services())

    return door


def _register(request: Request, services: Services) -> Response:
    body = read_json(request)
    check("NewKiosk", body)
    languages = tuple(dict.fromkeys(canonical(tag) for tag in _texts(body["languages"])))
    done = register_kiosk(KioskPlan(str(body["id"]), str(body["name"]).strip(), tuple(_texts(body["topics"])), languages), services=services)
    return answer(201 if done.token else 200, _shape(done.kiosk) | ({"token": done.token} if done.token else {}))


def _list(request: Request, services: Services) -> Response:
    asked = page_asked(request, "kiosks", services)
    later = [kiosk for kiosk in services.store.kiosks.all() if kiosk.id > (asked.after or "")]
    shown = later[: asked.limit]
    return page_answer([_shape(kiosk) for kiosk in shown], shown[-1].id if len(later) > len(shown) else None, asked, services)


def _shape(kiosk: Kiosk) -> dict[str, object]:
    return {
        "id": kiosk.id,
        "name": kiosk.name,
        "topics": list(kiosk.topics),
        "languages": list(kiosk.languages),
        "registered_at": spoken(kiosk.registered_at),
    }


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
