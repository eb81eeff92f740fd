"""A whole city in a directory of its own: started as `make run` starts it, on free ports, and spoken to over HTTP."""

import base64
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import urllib3

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    """What somebody answered over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class RunningCity:
    """A city that runs. `card` is its `city.json`; paths of `world` and `app` go to the one and the other."""

    def __init__(self, directory: Path, process: "subprocess.Popen[bytes]", card: Mapping[str, Any]) -> None:
        self.directory = directory
        self.process = process
        self.card = card
        self._http = urllib3.PoolManager(retries=False, timeout=90)

    # --- the two doors ---

    def world(self, method: str, path: str, body: object = None) -> Answer:
        """Ask the world."""
        return self._ask(method, self.card["world"] + path, json.dumps(body).encode() if body is not None else None, {"Content-Type": "application/json"})

    def app(self, method: str, path: str, body: object = None, *, key: str = "communicator", once: str | None = None) -> Answer:
        """Ask the app with somebody's key; POSTs carry an idempotency key."""
        headers = {"Authorization": f"Bearer {self.card['api_keys'][key]}", "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = once or os.urandom(8).hex()
        return self._ask(method, self.card["app"] + path, json.dumps(body).encode() if body is not None else None, headers)

    def hook(self, source: str, body: bytes, content_type: str = "application/json", *, name: str | None = None) -> Answer:
        """Post a webhook as a source does, signed by the city's clock."""
        name, stamp = name or f"msg_{os.urandom(8).hex()}", str(int(self.now().timestamp()))
        secret = base64.b64decode(self.card["sources"][source]["secret"].removeprefix("whsec_"))
        signature = "v1," + base64.b64encode(hmac.digest(secret, f"{name}.{stamp}.".encode() + body, "sha256")).decode()
        headers = {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signature, "Content-Type": content_type}
        return self._ask("POST", f"{self.card['app']}/hooks/{source}", body, headers)

    # --- what tests say often ---

    def text(self, number: str, body: str) -> str:
        """Text the city; the TwiML that came back."""
        return self.world("POST", f"/phones/{number}/texts", {"body": body}).body.decode()

    def texts_to(self, number: str) -> list[str]:
        """What a phone was texted, replies included."""
        found = self.world("GET", f"/phones/{number}/texts").json["texts"]
        return [one["body"] for one in found if one["direction"] == "out"]

    def outbox(self, channel: str | None = None) -> list[dict[str, Any]]:
        """What providers accepted."""
        return list(self.world("GET", "/outbox" + (f"?channel={channel}" if channel else "")).json["messages"])

    def now(self) -> datetime:
        """The city's time."""
        return datetime.fromisoformat(self.world("GET", "/clock").json["now"].replace("Z", "+00:00"))

    def advance(self, length: str) -> None:
        """Move the clock, such as by `PT2H`."""
        assert self.world("POST", "/clock", {"advance": length}).status == 200

    def broadcast(self, name: str) -> dict[str, Any]:
        """A broadcast as the API shows it."""
        return dict(self.app("GET", f"/v1/broadcasts/{name}").json)

    def until(self, condition: Callable[[], object], *, patience: float = 30.0) -> Any:
        """Wait until something holds, and return it. Fails where it never does."""
        end = time.monotonic() + patience
        while not (found := condition()):
            assert time.monotonic() < end, "the city never came to that"
            time.sleep(0.1)
        return found

    def kill(self, which: str) -> None:
        """`kill -9` of the app or the world."""
        os.kill(self.card["pids"][which], signal.SIGKILL)

    def _ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        answer = self._http.request(method, url, body=body, headers=dict(headers))
        return Answer(answer.status, answer.headers, answer.data)


BY_DAY = "2026-12-01T10:00:00-05:00"
"""At night routine texts wait for the morning."""


@contextmanager
def running_city(directory: Path, *, city: Path | None = None, city_time: str = BY_DAY) -> Iterator[RunningCity]:
    """A city that keeps its state in `directory`; the same directory again goes on where it was. Stopped at the end."""
    process = start(directory, city=city, city_time=city_time)
    try:
        yield RunningCity(directory, process, wait_for_card(directory, process))
    finally:
        stop(process)


def start(directory: Path, *, city: Path | None = None, city_time: str | None = None) -> "subprocess.Popen[bytes]":
    """Begin a city; `wait_for_card` says when it is up."""
    port, world_port = free_ports(2)
    env = {**os.environ, "STATE_DIR": str(directory), "PORT": str(port), "WORLD_PORT": str(world_port)}
    env |= ({"CITY": str(city)} if city else {}) | ({"CITY_TIME": city_time} if city_time else {})
    (directory / "city.json").unlink(missing_ok=True)
    with (directory / "city.log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-m", "local"], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def wait_for_card(directory: Path, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The `city.json` of a city whose app answers at /health."""
    http, end = urllib3.PoolManager(retries=False, timeout=5), time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, f"the city ended: {(directory / 'city.log').read_text()[-2000:]}"
        try:
            card = json.loads((directory / "city.json").read_text("utf-8"))
            if http.request("GET", f"{card['app']}/health").status == 200 and http.request("GET", f"{card['world']}/clock").status == 200:
                return dict(card)
        except (FileNotFoundError, urllib3.exceptions.HTTPError):
            pass
        time.sleep(0.05)
    raise AssertionError("the city did not come up")


def stop(process: "subprocess.Popen[bytes]") -> int:
    """Ctrl-C, and the exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
