"""`infra/setup.sh`: what a newcomer sees while it works and when it fails. A stand-in plays the Python of .venv: nothing is installed."""

import shutil
import subprocess
from pathlib import Path

from tests.world import ROOT

LOCK = "one==1.0 \\\n    --hash=sha256:aa\n    # via -r requirements.in\ntwo==2.0 \\\n    --hash=sha256:bb\nthree==3.0 ; sys_platform == 'win32' \\\n    --hash=sha256:cc\n"
FETCHES = "echo 'Ignoring three: markers do not match'; echo 'Collecting one==1.0'; until [ -e go ]; do sleep 0.05; done"
PYTHON = """#!/bin/sh
case "$*" in *"pip install"*) {install} ;; *--version) echo "Python 3.11.7" ;; esac
"""


def begin(directory: Path, install: str) -> "subprocess.Popen[str]":
    """A set-up in a directory of its own, whose installation is these words of shell."""
    for folder in ("infra", ".venv/bin"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "infra/setup.sh", directory / "infra/setup.sh")
    (directory / "requirements.txt").write_text(LOCK)
    python = directory / ".venv/bin/python"
    python.write_text(PYTHON.format(install=install))
    python.chmod(0o755)
    command = ["sh", "infra/setup.sh"]
    return subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def is_ready(directory: Path) -> bool:
    return any((directory / ".venv").glob("ready-*"))


def test_it_says_how_far_it_is_while_it_works_and_nothing_on_standard_output(tmp_path: Path) -> None:
    process = begin(tmp_path, FETCHES)
    assert process.stderr is not None
    assert "Setting up" in process.stderr.readline()
    assert process.stderr.readline() == "  1 of 2 packages fetched\n"
    (tmp_path / "go").touch()
    out, rest = process.communicate(timeout=30)
    assert (process.returncode, out, rest.splitlines()[-1]) == (0, "", "Set up with Python 3.11.7.")
    assert is_ready(tmp_path)


def test_it_says_what_is_in_place_once_pip_installs(tmp_path: Path) -> None:
    for folder in ("one-1.0.dist-info", "two-2.0.dist-info"):
        (tmp_path / ".venv/lib/python3.11/site-packages" / folder).mkdir(parents=True)
    (tmp_path / ".venv/lib64").symlink_to("lib")
    process = begin(tmp_path, "echo 'Installing collected packages: one, two'; until [ -e go ]; do sleep 0.05; done")
    assert process.stderr is not None
    process.stderr.readline()
    assert process.stderr.readline() == "  2 of 3 packages in place\n"
    (tmp_path / "go").touch()
    process.communicate(timeout=30)


def test_a_failure_shows_the_end_of_the_log_and_is_one(tmp_path: Path) -> None:
    process = begin(tmp_path, "seq 100; echo 'ERROR: No matching distribution found for two==2.0'; exit 3")
    out, said = process.communicate(timeout=30)
    assert (process.returncode, out) == (3, "")
    assert "ERROR: No matching distribution found for two==2.0" in said
    assert ("\n99\n" in said, "\n10\n" in said) == (True, False)
    assert not is_ready(tmp_path)


def test_a_machine_that_is_set_up_is_silent(tmp_path: Path) -> None:
    begin(tmp_path, "true").communicate(timeout=30)
    again = subprocess.run(["sh", "infra/setup.sh"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
