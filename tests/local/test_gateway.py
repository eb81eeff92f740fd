"""The server in front of the app: what API Gateway answers by itself, and nothing else."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from chalice.app import Chalice, Response

from local.gateway import MOST_BODY, MOST_HOOK_BODY, make_server


@dataclass
class Served:
    """A toy app behind the server."""

    port: int = 0
    bodies: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    app, served = Chalice(app_name="toy"), Served()

    def take(**_: str) -> Response:
        served.bodies.append(app.current_request.raw_body)
        return Response({"size": len(app.current_request.raw_body)}, status_code=202)

    app.route("/hooks/{source}", methods=["POST"], content_types=["*/*"])(lambda source: take())
    app.route("/v1/things", methods=["POST"], content_types=["*/*"], name="things")(take)
    app.route("/page", methods=["GET"])(lambda: Response("مرحبا", headers={"Content-Type": "text/html; charset=utf-8", "Set-Cookie": ["a=1", "b=2"]}))
    control = {"hold": lambda: served.commands.append("hold")}
    found = make_server(app, "127.0.0.1", 0, control=control, key="the key")
    served.port = found.server_address[1]
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield served
    found.shutdown()
    found.server_close()
    thread.join(5)


@pytest.fixture
def caller(server: Served) -> Iterator[http.client.HTTPConnection]:
    server.bodies.clear()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    yield connection
    connection.close()


def problem(answer: http.client.HTTPResponse) -> tuple[int, str | None, str]:
    found = json.loads(answer.read())
    assert set(found) == {"type", "title", "status", "detail", "code", "errors", "request_id"}
    return answer.status, answer.headers["Content-Type"], found["code"]


def test_an_unknown_path_is_a_404_problem(caller: http.client.HTTPConnection) -> None:
    caller.request("GET", "/nowhere", headers={"Authorization": "Bearer x"})
    assert problem(caller.getresponse()) == (404, "application/problem+json", "not_found")


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        pytest.param("/v1/things", MOST_BODY, 202, id="just within the limit"),
        pytest.param("/v1/things", MOST_BODY + 1, 413, id="one byte over"),
        pytest.param("/hooks/a", MOST_BODY + 1, 202, id="webhooks may be larger"),
        pytest.param("/hooks/a", MOST_HOOK_BODY + 1, 413, id="but not larger than this"),
        pytest.param("/v1/things", 10 * 1024 * 1024, 413, id="10 MB"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_over_the_limit_is_a_413_problem_and_nobody_sees_it(
    server: Served, caller: http.client.HTTPConnection, path: str, size: int, status: int, chunked: bool
) -> None:
    body = b"x" * size
    caller.request("POST", path, body=(body[at : at + 65536] for at in range(0, size, 65536)) if chunked else body, encode_chunked=chunked)
    answer = caller.getresponse()
    assert answer.status == status
    if status == 413:
        assert (problem(answer), server.bodies) == ((413, "application/problem+json", "too_large"), [])
    else:
        assert (json.loads(answer.read()), [len(one) for one in server.bodies]) == ({"size": size}, [size])


def test_a_connection_is_kept_for_the_next_request(caller: http.client.HTTPConnection) -> None:
    for body in (b"one", b"three"):
        caller.request("POST", "/v1/things", body=body)
        kept = caller.sock
        assert json.loads(caller.getresponse().read()) == {"size": len(body)}
        assert caller.sock is kept


def test_headers_and_text_arrive_whole(caller: http.client.HTTPConnection) -> None:
    caller.request("GET", "/page")
    answer = caller.getresponse()
    assert (answer.read().decode(), answer.headers.get_all("Set-Cookie")) == ("مرحبا", ["a=1", "b=2"])


def test_an_answer_to_head_has_no_body(caller: http.client.HTTPConnection) -> None:
    caller.request("HEAD", "/nowhere")
    answer = caller.getresponse()
    assert (answer.status, answer.read()) == (404, b"")
    caller.request("GET", "/page")
    assert caller.getresponse().status == 200


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        pytest.param("POST /v1/things HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400, id="a negative length"),
        pytest.param("POST /v1/things HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400, id="a length in words"),
        pytest.param("POST /v1/things HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, id="a chunk without a size"),
        pytest.param("PURGE /v1/things HTTP/1.1\r\n\r\n", 405, id="a method without a name"),
        pytest.param("GET /%s HTTP/1.1\r\n\r\n" % ("x" * 70_000), 414, id="a path without an end"),
        pytest.param("POST /v1/things HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n\r\n", 413, id="asks before it sends too much"),
    ],
)
def test_what_cannot_be_read_is_a_problem_too(server: Served, request_text: str, status: int) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        line.sendall(request_text.encode())
        line.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        assert problem(answer)[:2] == (status, "application/problem+json")


def test_who_asks_before_sending_is_told_to_go_on(server: Served) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line:
        line.sendall(b"POST /v1/things HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 100")
        line.sendall(b"hi")
        assert line.recv(1000).startswith(b"HTTP/1.1 202")


def test_who_wants_the_connection_closed_is_told_that_it_is(caller: http.client.HTTPConnection) -> None:
    caller.request("GET", "/page", headers={"Connection": "close"})
    assert caller.getresponse().headers["Connection"] == "close"


@pytest.mark.parametrize(
    ("path", "key", "status", "heard"),
    [("/.city/hold", "the key", 200, ["hold"]), ("/.city/hold", "a guess", 404, []), ("/.city/hold", "", 404, []), ("/.city/melt", "the key", 404, [])],
)
def test_only_the_world_commands_the_pumps(server: Served, caller: http.client.HTTPConnection, path: str, key: str, status: int, heard: list[str]) -> None:
    server.commands.clear()
    caller.request("POST", path, headers={"X-City-Key": key})
    assert (caller.getresponse().status, server.commands) == (status, heard)
