"""Every HTTP door, opened."""

from collections.abc import Callable

from chalice.app import Blueprint, Chalice, Response

from chalicelib.flows.services import Services
from chalicelib.intake import (
    addresses,
    api,
    archive,
    broadcasts,
    choices,
    erasures,
    explain,
    hooks,
    kiosk,
    kiosks,
    links,
    own,
    pages,
    receipts,
    sms,
    subscriber_import,
    subscribers,
    switches,
)
from chalicelib.intake.answers import answer, answered, finish

DOORS = (
    sms,
    receipts,
    hooks,
    api,
    broadcasts,
    kiosks,
    kiosk,
    switches,
    subscribers,
    subscriber_import,
    erasures,
    explain,
    pages,
    archive,
    links,
    choices,
    own,
    addresses,
)


def open_doors(app: Chalice, services: Callable[[], Services]) -> None:
    """Register all routes, the middleware that finishes answers, and the binary types that we accept."""
    app.register_middleware(finish, "http")
    app.register_blueprint(health())
    for door in DOORS:
        app.register_blueprint(door.routes(services))
    _take_any_type(app)
    app.api.binary_types.extend(name for name in (*hooks.binary_types(), *subscriber_import.CSV_TYPES) if name not in app.api.binary_types)


def _take_any_type(app: Chalice) -> None:
    """Chalice would refuse a GET for the content type of a body that it does not have. Views that read a body check its type themselves."""
    for methods in app.routes.values():
        for route in methods.values():
            route.content_types = ["*/*"]


def health() -> Blueprint:
    """`GET /health`: whether the process answers. Says nothing else."""
    door = Blueprint(__name__)

    @door.route("/health", methods=["GET"])
    @answered
    def get_health() -> Response:
        return answer(200, {"status": "ok"})

    return door
