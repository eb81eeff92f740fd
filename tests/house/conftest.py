"""The app as it would be deployed: packaged once for each target, whichever worker of a test run comes first, and read by many tests."""

import fcntl
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.build import Built, build, package_template
from infra.target import chosen, interpreter_for

HOST = chosen("host", "host")
Make = Callable[[Path], object]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Make], Path]:
    """Makes a folder of this name, once in a test run: a second worker waits for the first."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent

    def folder(name: str, make: Make) -> Path:
        made, done = shared / name, shared / f"{name}.done"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                make(made)
                done.touch()
        return made

    return folder


@pytest.fixture(scope="session")
def deployable(once: Callable[[str, Make], Path]) -> Built:
    """What `make package` makes."""
    return _built(once("deployable", lambda out: build("prod", chosen(), out=out)), precompiled=interpreter_for(chosen()) is not None)


@pytest.fixture(scope="session")
def runnable(once: Callable[[str, Make], Path]) -> Built:
    """The same for the Python and the machine that run the tests."""
    return _built(once("runnable", lambda out: build("prod", HOST, out=out)), precompiled=True)


@pytest.fixture(scope="session")
def prod(deployable: Built) -> dict[str, Any]:
    """The template of production."""
    return _template(deployable.template)


@pytest.fixture(scope="session")
def training(once: Callable[[str, Make], Path]) -> dict[str, Any]:
    """The template of the training stage."""
    return _template(once("training", lambda out: package_template("training", chosen(), out=out)) / "sam.json")


@pytest.fixture(params=["prod", "training"])
def template(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Each stage's template in turn."""
    yield request.getfixturevalue(request.param)


def _built(out: Path, *, precompiled: bool) -> Built:
    return Built(out / "sam.json", out / "deployment.zip", precompiled)


def _template(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read
