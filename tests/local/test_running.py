"""`python -m local`: what a person sees, and what outlasts a stop and a kill. Few cities are started here: each takes seconds."""

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from chalicelib.errors import Misconfigured
from local.options import read_options
from tests.world import ROOT, RunningCity, free_ports, running_city, start, stop, wait_for_card

pytestmark = pytest.mark.xdist_group("city")


def run(directory: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    port, world_port = free_ports(2)
    full = {**os.environ, "STATE_DIR": str(directory), "PORT": str(port), "WORLD_PORT": str(world_port), **env}
    return subprocess.run([sys.executable, "-m", "local"], cwd=ROOT, env=full, capture_output=True, text=True, timeout=60, check=False)


def test_a_taken_port_is_named_with_a_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = run(tmp_path, WORLD_PORT=str(port))
    assert found.returncode == 1
    assert f"Port {port} is taken" in found.stderr
    assert f"WORLD_PORT={port + 10} make run" in found.stderr


@pytest.mark.parametrize(
    ("env", "words"),
    [
        pytest.param({"CITY_TIME": "tomorrow"}, "CITY_TIME='tomorrow'", id="no time"),
        pytest.param({"CITY_TIME": "2026-12-01T10:00:00"}, "with its offset", id="a time without an offset"),
        pytest.param({"PORT": "http"}, "PORT is a port", id="no port"),
        pytest.param({"PORT": "8123", "WORLD_PORT": "8123"}, "both 8123", id="one port for two"),
    ],
)
def test_a_wrong_setting_is_named(env: dict[str, str], words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        read_options(env)


def test_a_missing_city_file_is_named(tmp_path: Path) -> None:
    found = run(tmp_path, CITY="nowhere.toml")
    assert (found.returncode, "CITY=nowhere.toml" in found.stderr, found.stdout) == (1, True, "")


def test_a_city_outlasts_a_kill_and_a_stop(tmp_path: Path) -> None:
    with running_city(tmp_path, city_time="2026-12-01T10:00:00-05:00") as city:
        first = city.card
        assert set(first) == {"app", "world", "state", "pids", "twilio", "api_keys", "sources", "topics", "kiosks"}
        assert (set(first["pids"]), set(first["api_keys"])) == ({"app", "world"}, {"communicator", "approver", "admin"})
        assert city.world("GET", "/clock").json["now"][:14] == "2026-12-01T15:"
        assert "<Message>" in city.text("+14155550101", "ALERTS")
        assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
        ports = {"PORT": first["app"].rpartition(":")[2], "WORLD_PORT": first["world"].rpartition(":")[2]}
        for second in (run(tmp_path), run(tmp_path, **ports)):
            assert second.returncode == 1
            assert f"This city already runs, at {first['world']} (the app at {first['app']})" in second.stderr
        assert (tmp_path / "city.json").exists()
        city.kill("app")
        assert city.process.wait(10) == 1
        said = (tmp_path / "city.log").read_text()
        ending = said.partition("Ctrl-C stops the city")[2].strip().splitlines()[-3:]
        assert ending == [
            f"The app ended: SIGKILL from outside. Its log is {tmp_path / 'app.log'}.",
            "",
            "The city has stopped. Nothing is lost: make run goes on where it was.",
        ]
    gone = [pid for pid in first["pids"].values() if is_running(pid)]
    assert gone == []
    process = start(tmp_path, city_time="2030-01-01T00:00:00Z")
    again = wait_for_card(tmp_path, process)
    assert {name: again[name] for name in ("twilio", "api_keys", "sources", "kiosks")} == {
        name: first[name] for name in ("twilio", "api_keys", "sources", "kiosks")
    }
    city = RunningCity(tmp_path, process, again)
    assert city.world("GET", "/clock").json["now"][:14] == "2026-12-01T15:"
    assert (tmp_path / "city.log").read_text().count("this city keeps its own clock; make fresh forgets") == 1
    assert len(city.world("GET", "/phones/+14155550101/texts").json["texts"]) == 2
    assert stop(process) == 0
    assert not any(is_running(pid) for pid in again["pids"].values())


def test_a_second_interrupt_ends_it_no_worse_than_one(tmp_path: Path) -> None:
    process = start(tmp_path)
    card = wait_for_card(tmp_path, process)
    process.send_signal(signal.SIGINT)
    end = time.monotonic() + 10
    while "Stopping the city." not in (tmp_path / "city.log").read_text() and time.monotonic() < end:
        time.sleep(0.005)
    for again in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        process.send_signal(again)
    assert process.wait(20) == 0
    assert "Traceback" not in (tmp_path / "city.log").read_text()
    assert not any(is_running(pid) for pid in card["pids"].values())


def test_a_city_that_still_starts_is_said_to(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = run(tmp_path)
    assert (found.returncode, "This city already runs and is still starting" in found.stderr) == (1, True)


def test_a_city_that_is_just_ending_is_waited_for(tmp_path: Path) -> None:
    held = (tmp_path / "lock").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    threading.Timer(1.0, held.close).start()
    with running_city(tmp_path) as city:
        assert city.world("GET", "/health").status == 200


def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    process = start(tmp_path)
    card = wait_for_card(tmp_path, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    end = time.monotonic() + 10
    while any(is_running(pid) for pid in card["pids"].values()):
        assert time.monotonic() < end, "a child outlived its parent"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3] if Path(f"/proc/{pid}/stat").exists() else False
