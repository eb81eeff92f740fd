"""`/v1/openapi.json`, which says what the API is; and `/v1/topics`."""

from collections.abc import Callable

from chalice.app import Blueprint, Response

from chalicelib.flows.services import Services
from chalicelib.intake.answers import answer, answered
from chalicelib.intake.auth import require
from chalicelib.intake.schema import document


def routes(services: Callable[[], Services]) -> Blueprint:
    """The doors that only read what the city file and this release say."""
    door = Blueprint(__name__)

    @door.route("/v1/openapi.json", methods=["GET"])
    @answered
    def get_openapi() -> Response:
        return Response(body=document(), headers={"Content-Type": "application/json", "Cache-Control": "public, max-age=300"})

    @door.route("/v1/topics", methods=["GET"])
    @answered
    def list_topics() -> Response:
        require(door.current_request, "topics:read", services=services())
        return _topics(services())

    return door


def _topics(services: Services) -> Response:
    rows = [{"id": topic.id, "names": dict(topic.names), "keywords": list(topic.keywords)} for topic in services.city.topics.values()]
    return answer(200, {"data": rows, "next_cursor": None, "has_more": False})
