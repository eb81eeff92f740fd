"""Failures become problems; what people wrote stays out of logs."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chalice import Chalice, Response
from chalice.app import Request
from chalice.config import Config
from chalice.local import LocalGateway

from chalicelib.errors import Conflict, Invalid, Malformed, NotFound, RenderFailed, StateLater
from chalicelib.intake.answers import answer, answered, answered_page, finish, media_type, read_bytes, read_json, segment
from tests.intake.desk import Desk


def ask(view: Callable[[], Response]) -> Any:
    """What a view answers, through the middleware."""
    app = Chalice("answers", configure_logs=False, env={})
    app.register_middleware(finish, "http")
    app.route("/x")(view)
    found = LocalGateway(app, Config()).handle_request("GET", "/x", {}, b"")
    return found["statusCode"], found["headers"], found["body"]


def raising(error: Exception) -> Callable[[], Response]:
    def view() -> Response:
        raise error

    return view


def test_a_refusal_is_a_problem_with_its_pointers() -> None:
    status, headers, body = ask(answered(raising(Invalid.field("#/a", "odd", "Say it otherwise."))))
    problem = json.loads(body)
    assert (status, headers["Content-Type"]) == (422, "application/problem+json")
    assert (problem["code"], problem["errors"]) == ("invalid", [{"pointer": "#/a", "code": "odd", "detail": "Say it otherwise."}])


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(NotFound("x"), 404, "not_found"), (Conflict("x", code="in_flight"), 409, "in_flight"), (StateLater("x"), 503, "try_later")],
    ids=["not found", "own code", "busy"],
)
def test_each_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    found, headers, body = ask(answered(raising(error)))
    assert (found, json.loads(body)["code"]) == (status, code)
    assert ("Retry-After" in headers) is (status == 503)


def test_our_own_mistake_is_a_500_that_tells_the_caller_nothing_and_the_log_no_person(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        status, _, body = ask(answered(raising(KeyError("+15551234567 secret text"))))
    problem = json.loads(body)
    assert (status, problem["code"]) == (500, "internal")
    assert "5551234567" not in body
    (record,) = caplog.records
    assert "5551234567" not in caplog.text + str(record.__dict__)
    assert record.__dict__["fields"]["error"] == "KeyError"
    assert record.__dict__["fields"]["request_id"] == problem["request_id"]
    assert any("view" in frame for frame in record.__dict__["fields"]["at"])


def test_a_page_that_fails_is_a_page_in_the_readers_language(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    status, headers, body = ask(answered_page(lambda: desk.services, lambda: "es")(raising(NotFound("x"))))
    assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert 'lang="es"' in body


def test_a_problem_page_that_cannot_be_rendered_is_a_problem() -> None:
    def page(*_: object, **__: object) -> str:
        raise RenderFailed("no template")

    services: Any = SimpleNamespace(renderer=lambda: SimpleNamespace(page=page), public_url="https://x", city=SimpleNamespace(languages=("en",)))
    status, headers, _ = ask(answered_page(lambda: services)(raising(NotFound("x"))))
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")


def test_a_view_that_answers_is_left_alone() -> None:
    status, _, body = ask(answered(lambda: answer(201, {"a": 1}, {"X-A": "b"})))
    assert (status, json.loads(body)) == (201, {"a": 1})


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; charset=UTF-8", "application/json"),
        ('application/json; charset="utf-8"; x=y', "application/json"),
        ("application/json; charset=latin-1", ""),
        ("", ""),
    ],
)
def test_a_content_type_is_read_without_its_parameters(header: str, expected: str) -> None:
    request: Any = SimpleNamespace(headers={"content-type": header})
    assert media_type(request) == expected


def a_request(body: object, *, base64: bool = False) -> Request:
    """A request as Lambda hands it over."""
    event = {"multiValueQueryStringParameters": None, "headers": {"content-type": "application/json"}, "pathParameters": {}, "body": body}
    return Request(event | {"isBase64Encoded": base64, "requestContext": {"httpMethod": "POST", "resourcePath": "/x"}, "stageVariables": None})


@pytest.mark.parametrize("request_", [a_request("A", base64=True), a_request('{"a": "\ud800"}')], ids=["broken base64", "half a character"])
def test_a_body_that_lambda_could_not_read_either_is_malformed(request_: Request) -> None:
    with pytest.raises(Malformed):
        read_bytes(request_, types=["application/json"])


def test_a_body_in_base64_is_unpacked() -> None:
    assert read_json(a_request("eyJhIjogMX0=", base64=True)) == {"a": 1}


@pytest.mark.parametrize("text", ["demo-city", "bc_0", "a.b", "transit~red-line"])
def test_a_name_in_a_path_is_taken(text: str) -> None:
    assert segment(text) == text


@pytest.mark.parametrize("text", ["", "..", "a..b", "a/b", "%2e", "a b", "é", "x" * 201, "a\n"])
def test_anything_else_in_a_path_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        segment(text)
