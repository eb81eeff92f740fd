"""Every HTTP door, opened."""

from collections.abc import Callable

from chalice.app import Blueprint, Chalice, Response

from chalicelib.flows.services import Services
from chalicelib.intake.answers import answer, answered, finish


def open_doors(app: Chalice, services: Callable[[], Services]) -> None:  # noqa: ARG001
    """Register all routes, the middleware that finishes answers, and the binary types that we accept."""
    app.register_middleware(finish, "http")
    for blueprint in (health(),):
        app.register_blueprint(blueprint)


def health() -> Blueprint:
    """`GET /health`: whether the process answers. Says nothing else."""
    door = Blueprint(__name__)

    @door.route("/health")
    @answered
    def get_health() -> Response:
        return answer(200, {"status": "ok"})

    return door
