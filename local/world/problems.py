"""What goes wrong in the world, as a problem (RFC 9457) for scripts and as a page for people."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import urllib3
from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from chalicelib.errors import Problem, Refused

_TYPE = "application/problem+json"
_FOR_SCRIPTS = frozenset({"json", "levers", "twilio", "ses"})
"""Doors that answer scripts alone, whatever those say they accept."""

_DETAILS: Mapping[int, str] = {
    404: "There is nothing at this path.",
    405: "This method does not exist here.",
    500: "Something went wrong in the world. Its log says what.",
}


def answer_errors(flask: Flask) -> None:
    """Every error of every door: ours, the app's silence, and Flask's own."""

    @flask.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        return _answer(error.status, error.reason, error.detail, error.problems)

    @flask.errorhandler(urllib3.exceptions.HTTPError)
    def app_is_away(error: urllib3.exceptions.HTTPError) -> Response:
        return _answer(502, "app_away", f"The app does not answer ({type(error).__name__}). Is the city still starting?")

    @flask.errorhandler(HTTPException)
    def of_flask(error: HTTPException) -> Response:
        """What Flask says itself: no such path, no such method, and a 500 for every bug."""
        status = error.code or 500
        answer = _answer(status, error.name.lower().replace(" ", "_"), _DETAILS.get(status) or error.description or error.name)
        if isinstance(error, MethodNotAllowed):
            answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return answer


def _answer(status: int, code: str, detail: str, errors: Sequence[Problem] = ()) -> Response:
    if _is_for_a_person():
        return make_response(render_template("problem.html", detail=detail), status)
    named = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in errors]
    answer = jsonify(type=f"/problems/{code}", title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, errors=named)
    answer.status_code, answer.mimetype = status, _TYPE
    return answer


def _is_for_a_person() -> bool:
    page = request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"
    return page and request.blueprint not in _FOR_SCRIPTS
