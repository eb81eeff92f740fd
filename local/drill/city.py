"""A city for one drill: started as `make run` starts one, in a folder and on ports of its own, killed, started again, and stopped."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import urllib3

from local import founding, keyring
from local.options import Options
from local.supervisor import HERE
from local.world.app_calls import AppCalls
from local.world.wire import call

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_PATIENCE_SECONDS = 120.0
_NOT_OURS = ("CITY", "CITY_TIME")
_LOG = "city.log"


class CityFailed(Exception):
    """The city does not do what a drill needs of it; the message says what."""


class DrilledCity:
    """The city. Nothing of an earlier drill in the same folder is kept. Raises CityFailed where the folder holds anything else."""

    def __init__(self, directory: Path) -> None:
        _clear(directory)
        port, world_port = _free_ports(2)
        self.options = Options(port, world_port, None, None, directory)
        self._process: subprocess.Popen[bytes] | None = None

    # --- up and down -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it, or start it again where it was. Raises CityFailed where it does not come up."""
        self.options.card.unlink(missing_ok=True)
        env = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        env |= {"STATE_DIR": str(self.options.state_dir), "PORT": str(self.options.port), "WORLD_PORT": str(self.options.world_port)}
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "local"]
            self._process = subprocess.Popen(command, cwd=HERE, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + _START_SECONDS
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > end:
                raise CityFailed(f"The city did not come up. What it said is in {self.log}.")
            time.sleep(0.05)

    def kill_app(self) -> int:
        """`kill -9` of the app's process, and wait for the city to end of it, as it does. Returns the process id."""
        pid = int((founding.read_card(self.options) or {})["pids"]["app"])
        os.kill(pid, signal.SIGKILL)
        if self._process:
            self._process.wait(_STOP_SECONDS)
        return pid

    def stop(self) -> None:
        """Stop it, however it is."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> Path:
        """What the city itself said; `app.log` and `world.log` are beside it."""
        return self.options.state_dir / _LOG

    # --- its two doors -----------------------------------------------------------------------------------------------

    @property
    def app(self) -> AppCalls:
        """The app, with everybody's keys."""
        return AppCalls(self.options.app_url, keyring.read(self.options.secrets_file))

    def world(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Ask the world. Raises CityFailed for anything but an answer."""
        sent = json.dumps(body).encode() if body is not None else None
        try:
            answer = call(method, self.options.world_url + path, patience=_PATIENCE_SECONDS, headers={"Content-Type": "application/json"}, body=sent)
        except urllib3.exceptions.HTTPError as error:
            raise CityFailed(f"The world does not answer at {path}.") from error
        if answer.status >= 400:
            raise CityFailed(f"The world answered {answer.status} at {path}: {answer.data[:300].decode('utf-8', 'replace')}")
        return json.loads(answer.data)

    def _is_up(self) -> bool:
        with suppress(urllib3.exceptions.HTTPError):
            urls = (f"{self.options.app_url}/health", f"{self.options.world_url}/clock")
            return self.options.card.exists() and all(call("GET", url, patience=5, headers={}).status == 200 for url in urls)
        return False


def _clear(directory: Path) -> None:
    if directory.exists() and any(directory.iterdir()) and not (directory / _LOG).exists():
        raise CityFailed(f"{directory} holds something else than a drill's city. Give another folder.")
    if _is_alive(directory / "lock"):
        raise CityFailed(f"Another drill runs in {directory}. Give another folder.")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)


def _is_alive(lock: Path) -> bool:
    """Whether a city holds its folder's lock."""
    if not lock.exists():
        return False
    with lock.open("r+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
