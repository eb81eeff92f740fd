"""The app as it would be deployed: packaged once for each target, and read by many tests."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.build import Built, build, package_template
from infra.target import chosen

HOST = chosen("host", "host")


@pytest.fixture(scope="session")
def deployable(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """What `make package` makes."""
    return build("prod", chosen(), out=tmp_path_factory.mktemp("deployable"))


@pytest.fixture(scope="session")
def runnable(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The same for the Python and the machine that run the tests."""
    return build("prod", HOST, out=tmp_path_factory.mktemp("runnable"))


@pytest.fixture(scope="session")
def prod(deployable: Built) -> dict[str, Any]:
    """The template of production."""
    return read_template(deployable.template)


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The template of the training stage."""
    return read_template(package_template("training", chosen(), out=tmp_path_factory.mktemp("training")))


@pytest.fixture(params=["prod", "training"])
def template(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Each stage's template in turn."""
    yield request.getfixturevalue(request.param)


def read_template(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read
