"""Starts the app and the world as two processes, watches both, and stops both."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import urllib3

HERE = Path(__file__).resolve().parent.parent

_STOP_PATIENCE_SECONDS = 12.0
_WATCH_SECONDS = 0.1
_LAST_LINES = 15


@dataclass(frozen=True)
class Child:
    """A process of ours, and where it writes its log."""

    name: str
    process: "subprocess.Popen[str]"
    log: Path

    @property
    def died(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:])


def is_free(port: int, patience: float = 0.0) -> bool:
    """Whether nobody listens on this port; a process that is just ending gets a moment."""
    end = time.monotonic() + patience
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return True
        if time.monotonic() >= end:
            return False
        time.sleep(_WATCH_SECONDS)


def start(name: str, module: str, log: Path, env: Mapping[str, str]) -> Child:
    """Start a module as a process. It waits for `go`, and ends when we do."""
    with log.open("a", encoding="utf-8") as stream:
        command = [sys.executable, "-m", module]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stream, stderr=stream, text=True, env=_module_env(env))
    return Child(name, process, log)


def go(child: Child) -> None:
    """Let a child begin to serve."""
    with suppress(OSError):
        stdin = child.process.stdin
        if stdin:
            stdin.write("go\n")
            stdin.flush()


def answers(url: str, children: Sequence[Child], patience: float) -> bool:
    """Wait until a URL answers 200. False where a child dies first, or time is up."""
    end = time.monotonic() + patience
    http = urllib3.PoolManager(retries=False, timeout=2)
    while time.monotonic() < end and not any(child.died for child in children):
        with suppress(urllib3.exceptions.HTTPError):
            if http.request("GET", url).status == 200:
                return True
        time.sleep(_WATCH_SECONDS / 2)
    return False


def wait_for_death(children: Sequence[Child]) -> Child:
    """The first child that ends."""
    while True:
        for child in children:
            if child.died:
                return child
        time.sleep(_WATCH_SECONDS)


def stop(children: Sequence[Child]) -> None:
    """End all children: asked first, then made to."""
    for child in children:
        if not child.died:
            child.process.send_signal(signal.SIGTERM)
    end = time.monotonic() + _STOP_PATIENCE_SECONDS
    for child in children:
        try:
            child.process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def _module_env(env: Mapping[str, str]) -> dict[str, str]:
    """The project's own modules come first, from wherever this is run."""
    return {**env, "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), env.get("PYTHONPATH", "")]))}
