"""Which Python and machine the bundle is for, and what it takes from the lock file."""

import sys
from pathlib import Path

import botocore.session
import pytest
from chalice.deploy.packager import BaseLambdaDeploymentPackager

from infra.target import ARCHITECTURE, RUNTIME, Target, chosen, interpreter_for
from infra.wheels import LEFT_OUT, locked
from tests.house.sources import ROOT

ABSENT = Target("python3.99", "arm64")


def runtimes_of_lambda() -> set[str]:
    return set(botocore.session.get_session().get_service_model("lambda").shape_for("Runtime").enum)


def test_the_default_is_the_newest_python_that_chalice_and_lambda_share() -> None:
    shared = runtimes_of_lambda() & set(BaseLambdaDeploymentPackager._RUNTIME_TO_ABI)
    assert max(shared, key=lambda name: Target(name, ARCHITECTURE).version) == RUNTIME


@pytest.mark.parametrize(
    ("runtime", "architecture", "found", "missing"),
    [
        pytest.param("python3.15", "arm64", ["--platform=manylinux_2_34_aarch64", "--python-version=3.15", "--abi=cp315", "--abi=abi3"], "x86_64", id="newest"),
        pytest.param("python3.12", "x86_64", ["--platform=manylinux_2_34_x86_64", "--abi=cp312"], "aarch64", id="first on Amazon Linux 2023"),
        pytest.param(
            "python3.11", "x86_64", ["--platform=manylinux_2_26_x86_64", "--platform=manylinux2014_x86_64"], "manylinux_2_27", id="last on Amazon Linux 2"
        ),
    ],
)
def test_wheels_are_asked_for_by_what_the_target_can_run(runtime: str, architecture: str, found: list[str], missing: str) -> None:
    options = chosen(runtime, architecture).wheel_options()
    assert set(found) <= set(options)
    assert missing not in " ".join(options)


@pytest.mark.parametrize(("runtime", "architecture"), [("python2.7", "arm64"), ("python3", "arm64"), ("nodejs24.x", "arm64"), ("python3.13", "riscv")])
def test_a_target_that_means_nothing_is_refused(runtime: str, architecture: str) -> None:
    with pytest.raises(ValueError, match=r"runtime|architecture"):
        chosen(runtime, architecture)


def test_host_is_the_python_that_builds() -> None:
    assert chosen("host", "host").version == sys.version_info[:2]
    assert interpreter_for(chosen("host", "host")) == sys.executable


def test_a_version_managers_shim_that_starts_nothing_is_no_interpreter(tmp_path: Path) -> None:
    shim = tmp_path / ".pyenv/versions/3.99.1/bin/python3.99"
    shim.parent.mkdir(parents=True)
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert interpreter_for(ABSENT, home=tmp_path) is None


def test_an_interpreter_is_found_where_version_managers_keep_theirs(tmp_path: Path) -> None:
    kept = tmp_path / ".local/share/uv/python/cpython-3.99.0-linux/bin/python3.99"
    kept.parent.mkdir(parents=True)
    kept.write_text("#!/bin/sh\necho 3 99\n")
    kept.chmod(0o755)
    assert interpreter_for(ABSENT, home=tmp_path) == str(kept)


LOCK = """\
aiohttp==3.14.5 \\
    --hash=sha256:aa
# a remark
Jinja2==3.1.6 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
typing-extensions==4.16.0 ; python_full_version < '3.13' \\
    --hash=sha256:dd
colorama==1 ; sys_platform == 'win32' \\
    --hash=sha256:ee
"""


@pytest.mark.parametrize(("runtime", "taken"), [("python3.15", ["Jinja2==3.1.6"]), ("python3.12", ["Jinja2==3.1.6", "typing-extensions==4.16.0"])])
def test_markers_are_judged_for_the_target_and_not_for_the_python_that_builds(runtime: str, taken: list[str]) -> None:
    assert [line.split()[0] for line in locked(LOCK, chosen(runtime))] == taken


def test_hashes_are_kept() -> None:
    assert next(locked(LOCK, chosen())) == "Jinja2==3.1.6 --hash=sha256:bb --hash=sha256:cc"


def test_what_is_left_out_of_the_bundle_is_locked_and_was_not_asked_for() -> None:
    lock = (ROOT / "requirements-lambda.txt").read_text()
    asked = (ROOT / "requirements-lambda.in").read_text().split()
    assert all(f"\n{name}==" in f"\n{lock}" for name in LEFT_OUT)
    assert not LEFT_OUT.keys() & set(asked)
