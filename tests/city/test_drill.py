"""The drill, small: a city of its own goes through faults and a kill and comes out green; and it leaves nothing running when it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.world import ROOT

pytestmark = pytest.mark.xdist_group("city")


def drill(directory: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "local.drill", "--recipients", "100", "--directory", str(directory)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_drill_shows_what_happens_and_ends_green(tmp_path: Path) -> None:
    process = drill(tmp_path / "drill")
    said, _ = process.communicate(timeout=300)
    found = {line[2:14].strip(): line[15:] for line in said.splitlines()}
    assert process.returncode == 0, said
    assert (found["Doubled"], found["Lost"], found["Checker"]) == ("0", "0", "nothing is broken"), said
    assert said.rstrip().endswith("Green.")
    assert "kill -9 of the app" in said
    assert " 100 %   handed over " in said


def test_a_drill_that_is_stopped_says_so_and_leaves_nothing_running(tmp_path: Path) -> None:
    process = drill(tmp_path / "drill")
    assert process.stdout
    said = ""
    while "is up" not in said:
        said += process.stdout.readline()
        assert process.poll() is None, said
    pids = json.loads((tmp_path / "drill" / "city.json").read_text())["pids"].values()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert (process.returncode, "Nothing is proven" in said) == (130, True)
    end = time.monotonic() + 20
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < end, "the drill left its city running"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
