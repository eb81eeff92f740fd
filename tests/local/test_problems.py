"""What goes wrong in the world: problems for scripts, pages for people, and never Flask's own page."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from local.world.around import Seeded, Seeding
from local.world.server import make_world
from tests.local.worlds import a_world

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PROBLEM = {"type", "title", "status", "detail", "code", "errors"}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A world with a bug in its seeding."""

    def fail(_: Seeding) -> Seeded:
        raise RuntimeError("a bug")

    return make_world(replace(a_world(tmp_path_factory.mktemp("city")).world, seed=fail)).test_client()


CASES = pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", "/nowhere", 404, "not_found", id="no such path"),
        pytest.param("GET", "/static/nothing.js", 404, "not_found", id="no such file"),
        pytest.param("GET", "/emails/7", 404, "not_found", id="no such email"),
        pytest.param("GET", f"/emails/{10**30}", 404, "not_found", id="no such number"),
        pytest.param("POST", "/desk/broadcasts/bc_1/sing", 404, "not_found", id="no such act"),
        pytest.param("DELETE", "/clock/move", 405, "method_not_allowed", id="no such method"),
        pytest.param("POST", "/desk/residents", 500, "internal_server_error", id="a bug"),
    ],
)


@CASES
@pytest.mark.parametrize("accept", [None, "*/*", "application/json"])
def test_a_script_gets_a_problem(web: FlaskClient, method: str, path: str, status: int, code: str, accept: str | None) -> None:
    answer = web.open(path, method=method, headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert set(answer.json) == PROBLEM
    assert (answer.json["code"], answer.json["status"]) == (code, status)


@CASES
def test_a_person_gets_a_page(web: FlaskClient, method: str, path: str, status: int, code: str) -> None:
    answer = web.open(path, method=method, headers={"Accept": BROWSER})
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert "Back to the desk" in answer.text


@pytest.mark.parametrize("accept", ["*/*", BROWSER])
def test_a_route_for_scripts_answers_them_alone(web: FlaskClient, accept: str) -> None:
    answer = web.post("/seed", json={"subscribers": 1}, headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "a bug" not in answer.text


def test_a_wrong_method_is_told_the_right_ones(web: FlaskClient) -> None:
    assert set(web.delete("/clock").headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_an_app_that_is_away_is_said_so_to_scripts(tmp_path: Path) -> None:
    answer = a_world(tmp_path).web.get("/desk/recent")
    assert (answer.status_code, answer.mimetype, answer.json["code"]) == (502, "application/problem+json", "app_away")


def test_the_world_says_that_it_is_up(web: FlaskClient) -> None:
    answer = web.get("/health")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
