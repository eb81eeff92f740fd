"""The world as one Flask application."""

from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, request

from chalicelib.errors import Forbidden
from local.world.app_calls import AppCalls
from local.world.around import World
from local.world.desk import desk, examples_desk
from local.world.json_api import json_api, levers
from local.world.pages import lever_pages, mail_pages, pages
from local.world.problems import answer_errors
from local.world.ses_api import ses_api
from local.world.twilio_api import twilio_api

_HERE = Path(__file__).resolve().parent.parent
_POLICY = "default-src 'self'; img-src 'self' data:; frame-src 'self' {app}; frame-ancestors 'self'; form-action 'self'; base-uri 'none'"


def make_world(world: World) -> Flask:
    """Every door of the world, open."""
    flask = Flask("world", template_folder=str(_HERE / "templates"), static_folder=str(_HERE / "static"))
    flask.json.sort_keys = False  # type: ignore[attr-defined]
    flask.json.ensure_ascii = False  # type: ignore[attr-defined]
    flask.jinja_env.trim_blocks = flask.jinja_env.lstrip_blocks = True
    flask.jinja_env.filters["wall"] = lambda moment: moment.astimezone(world.city.zone)
    answer_errors(flask)
    calls = AppCalls(world.app_url, world.keyring)
    doors = (twilio_api(world), ses_api(world), pages(world), mail_pages(world), lever_pages(world), desk(world, calls), examples_desk(world, calls))
    for door in (json_api(world), levers(world), *doors):
        flask.register_blueprint(door)

    @flask.before_request
    def only_our_own_pages() -> None:
        """A page from elsewhere must not press our buttons."""
        origin = request.headers.get("Origin")
        if origin and urlsplit(origin).netloc != request.host:
            raise Forbidden("A page from elsewhere presses no button here.")

    @flask.after_request
    def guard(answer: Response) -> Response:
        answer.headers.setdefault("Content-Security-Policy", _POLICY.format(app=world.app_url))
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    return flask
