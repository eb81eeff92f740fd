"""Bad input on every door: refused as a problem, quickly, with nothing stored, nothing queued, and nothing of it said back."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.intake.desk import JSON, PROTOBUF, Desk, Reply, a_broadcast, a_notice

GOOD = json.dumps(a_broadcast()).encode()


def with_text(text: str) -> bytes:
    """A good broadcast, but for its title."""
    return GOOD.replace(b"Red Line: shuttle buses", text.encode("utf-8", "surrogatepass"))


BODIES: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n ",
    "a list": b"[]",
    "null": b"null",
    "a string": b'"x"',
    "a number": b"0",
    "cut": GOOD[:-20],
    "no json": b"topics=transit",
    "key twice": b'{"topics": ["jobs"], ' + GOOD[1:],
    "deep": b"[" * 10_000 + b"]" * 10_000,
    "deep in an object": b'{"content": ' + b'{"a":' * 40 + b"1" + b"}" * 41,
    "endless": b"[" * 200_000,
    "no utf-8": b'{"topics": ["\xff\xfe"]}',
    "utf-16": GOOD.decode().encode("utf-16"),
    "half a character": with_text("\\ud800"),
    "null character": with_text("\\u0000"),
    "control characters": with_text("\\u0007\\u001b[31m"),
    "bare control character": with_text("\x07"),
    "line breaks": with_text("a\\r\\nBcc: x@example.org"),
    "infinite": GOOD[:-1] + b', "n": Infinity}',
    "not a number": GOOD[:-1] + b', "n": NaN}',
    "1e309": GOOD[:-1] + b', "n": 1e309}',
    "endless number": GOOD[:-1] + b', "n": ' + b"9" * 5000 + b"}",
    "negative": GOOD[:-1] + b', "n": -1}',
    "true for one": GOOD.replace(b'"moderate"', b"true"),
    "a million characters": with_text("x" * 200_000),
    "many members": b'{"topics": [' + b"{}," * 60_000 + b"{}]}",
    "many keys": b"{" + b",".join(b'"k%d": 1' % number for number in range(15_000)) + b"}",
    "unknown topic": GOOD.replace(b"transit/red-line", b"nowhere"),
    "homoglyph topic": GOOD.replace(b"transit/red-line", "trаnsit".encode()),
    "topic with a path": GOOD.replace(b"transit/red-line", b"../../etc/passwd"),
    "script link": GOOD[:-1] + b', "link": "javascript:alert(1)"}',
    "data link": GOOD[:-1] + b', "link": "data:text/html,x"}',
    "unknown area": GOOD[:-1] + b', "about": {"areas": ["atlantis"]}}',
    "about a list": GOOD[:-1] + b', "about": [{"route": "Red"}]}',
    "about nothing": GOOD[:-1] + b', "about": {"entities": [{}]}}',
    "about too much": GOOD[:-1] + b', "about": {"entities": [' + b",".join(b'{"stop": "%d"}' % number for number in range(101)) + b"]}}",
    "unknown activity": GOOD[:-1] + b', "about": {"entities": [{"stop": "9", "activities": ["FLY"]}]}}',
    "an endless stop": GOOD[:-1] + b', "about": {"entities": [{"stop": "' + b"9" * 101 + b'"}]}}',
    "a period that runs backwards": GOOD[:-1] + b', "about": {"periods": [{"start": "2026-12-02T00:00:00Z", "end": "2026-12-01T00:00:00Z"}]}}',
    "a period of no time": GOOD[:-1] + b', "about": {"periods": [{"end": "24:00"}]}}',
    "negative pay": GOOD[:-1] + b', "about": {"pay": -1}}',
    "unknown field": GOOD[:-1] + b', "zzsecretzz": 1}',
    "xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
}
SAFE = {
    "right to left override": with_text("\u202egnirts\u202c"),
    "zero width": with_text("a\u200bb"),
    "emoji families": with_text("👨‍👩‍👧‍👦" * 18),
    "extension characters": with_text("€" * 161),
    "template": with_text("{{7*7}} {% for x in y %} ${x} %s {0}"),
    "script": with_text("<script>alert(1)</script><img src=x onerror=alert(1)>"),
    "separator": with_text("a\u2028b"),
}
DOORS = [
    *("/v1/broadcasts", "/v1/broadcasts/preview", "/v1/kiosks", "/v1/switches"),
    *("/hooks/demo-city", "/hooks/demo-transit", "/v1/broadcasts/bc_1/correct", "/v1/deliveries/explain", "/v1/subscribers/erase"),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.state.file.close()


def send(desk: Desk, path: str, body: bytes, content_type: str = JSON, **headers: str) -> Reply:
    """A post that lacks nothing but a good body."""
    given_ = {"content-type": content_type, "authorization": "Bearer key-of-admin", "idempotency-key": "k", **desk.signed(body, id="msg_1")}
    return desk.call("POST", path, body, given_ | {name.replace("_", "-"): value for name, value in headers.items()})


def assert_untouched(desk: Desk, rows: int) -> None:
    assert desk.rows() == rows
    assert all(desk.queued(queue) == [] for queue in ("launch", "intake", "replies"))


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_a_problem_and_leaves_no_trace(desk: Desk, path: str, name: str) -> None:
    rows = desk.rows()
    reply = send(desk, path, BODIES[name])
    assert 400 <= reply.status < 500
    assert reply.headers["Content-Type"] == "application/problem+json"
    problem = reply.json
    assert set(problem) == {"type", "title", "status", "detail", "code", "errors", "request_id"}
    assert (problem["type"], problem["status"]) == (f"/problems/{problem['code']}", reply.status)
    assert problem["request_id"] == reply.headers["X-Request-Id"]
    assert problem["request_id"]
    assert len(problem["errors"]) <= 20
    assert "alert(1)" not in reply.body.decode()
    assert "passwd" not in reply.body.decode()
    assert_untouched(desk, rows)


@pytest.mark.parametrize("name", SAFE)
def test_odd_but_honest_text_is_taken_as_text(desk: Desk, name: str) -> None:
    reply = send(desk, "/v1/broadcasts/preview", SAFE[name])
    assert reply.status == 200
    assert "49" not in reply.json["messages"]["sms"]["en"]["body"]
    assert "<script>" not in reply.json["messages"]["email"]["en"]["html"]


@pytest.mark.parametrize("path", DOORS)
def test_ten_megabytes_are_too_large(desk: Desk, path: str) -> None:
    reply = send(desk, path, b'{"a": "' + b"x" * 10_000_000 + b'"}')
    assert (reply.status, reply.code) == (413, "too_large")


@pytest.mark.parametrize("path", DOORS[:4])
def test_the_api_takes_256_kilobytes(desk: Desk, path: str) -> None:
    filler = b'{"a": "%s"}'
    at_limit = filler % (b"x" * (256 * 1024 - len(filler) + 2))
    assert len(at_limit) == 256 * 1024
    assert send(desk, path, at_limit).status == 422
    assert send(desk, path, at_limit + b" ").status == 413


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "text/html", "application/xml", "multipart/form-data", "application/jsonx", "application/json; charset=utf-16"]
)
def test_another_content_type_is_not_taken(desk: Desk, path: str, content_type: str) -> None:
    rows = desk.rows()
    reply = send(desk, path, GOOD, content_type)
    assert (reply.status, reply.code) == (415, "wrong_type")
    assert_untouched(desk, rows)


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "br", "deflate"])
def test_compressed_bodies_are_not_unpacked(desk: Desk, path: str, encoding: str) -> None:
    assert (send(desk, path, GOOD, content_encoding=encoding).status, send(desk, path, GOOD, content_encoding="identity").status != 415) == (415, True)


@pytest.mark.parametrize("source", ["nobody", "..%2fdemo-city", "%2e%2e", "%00", "demo-city%0d%0aX: y", "x" * 4096, "DEMO-CITY"])
def test_a_source_we_do_not_know_is_not_found(desk: Desk, source: str) -> None:
    assert send(desk, f"/hooks/{source}", json.dumps(a_notice()).encode()).status == 404


# --- every door there is ---------------------------------------------------------------------------------------------


def every_door() -> list[tuple[str, str]]:
    from chalice import Chalice

    from chalicelib.intake.front import open_doors

    app = Chalice("belfry", configure_logs=False, env={})
    open_doors(app, lambda: None)  # type: ignore[arg-type,return-value]
    return [(method, path) for path, methods in sorted(app.routes.items()) for method in sorted(methods)]


NASTY = ["x", "..%2f..%2fetc%2fpasswd", "%00", "%", "a b", "x" * 4096, "%ff%fe", "'; DROP TABLE x; --", "{{7*7}}", "٣"]


@pytest.mark.parametrize(("method", "path"), every_door(), ids=lambda value: value)
def test_no_door_breaks_on_a_nasty_path_or_body(desk: Desk, caplog: pytest.LogCaptureFixture, method: str, path: str) -> None:
    for name in NASTY:
        parts = [name if part.startswith("{") else part for part in path.split("/")]
        for body in (b"", GOOD, b"\xff\x00", b"a=%ff&a=2&&=%"):
            with caplog.at_level(logging.ERROR):
                for content_type in (JSON, "application/x-www-form-urlencoded", PROTOBUF):
                    reply = send_as(desk, method, "/".join(parts), body, content_type)
                    assert reply.status < 500, (name, body, content_type)
        if "{" not in path:
            break
    assert not caplog.records


def send_as(desk: Desk, method: str, path: str, body: bytes, content_type: str) -> Reply:
    headers = {"content-type": content_type, "authorization": "Bearer key-of-admin", "idempotency-key": "k", **desk.signed(body)}
    return desk.call(method, path, body, headers)


@pytest.mark.parametrize("path", ["/v1/broadcasts", "/hooks/demo-city", "/health", "/v1/topics"])
def test_another_method_is_a_problem_that_names_those_there_are(desk: Desk, path: str) -> None:
    reply = desk.call("DELETE", path)
    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert reply.headers["Allow"]
    assert reply.headers["Content-Type"] == "application/problem+json"


def test_a_get_may_carry_any_content_type_for_the_body_it_does_not_have(desk: Desk) -> None:
    assert desk.call("GET", "/health", headers={"content-type": "text/html"}).status == 200


def test_every_answer_carries_an_id_and_safe_headers(desk: Desk) -> None:
    ids = set()
    for reply in (desk.call("GET", "/health"), desk.get("/v1/topics"), desk.call("DELETE", "/health"), desk.get("/v1/broadcasts/x")):
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["Cache-Control"] == "no-store"
        ids.add(reply.headers["X-Request-Id"])
    assert len(ids) == 4
    assert "" not in ids


def test_health_says_ok_and_nothing_else(desk: Desk) -> None:
    reply = desk.call("GET", "/health")
    assert (reply.status, reply.json) == (200, {"status": "ok"})


# --- anything at all -------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def changed(body: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(
        st.sampled_from([*body, "urgency", "link", "about", "expires_at", "channels", "send_at", "include_below"]), VALUES, min_size=1, max_size=3
    ).map(lambda changes: {**body, **changes})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(body=changed(a_broadcast()), event=changed(a_notice()["data"]))  # type: ignore[arg-type]
def test_any_value_in_any_field_is_taken_or_refused(desk: Desk, body: dict[str, Any], event: dict[str, Any]) -> None:
    assert desk.post("/v1/broadcasts/preview", body).status in (200, 400, 422)
    assert desk.hook("demo-city", {"type": "notice.published", "data": event}).status in (202, 400, 422)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused(desk: Desk, body: bytes) -> None:
    for path in DOORS:
        assert 400 <= send(desk, path, body).status < 500
