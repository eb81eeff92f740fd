"""A street, served over HTTP for a browser."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import served as serving
from tests.kiosk.street import Street


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Street, str]]:
    """A street and its URL."""
    street = Street(tmp_path)

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        found = street._call(method, path, None, dict(headers), body)
        return found.status, found.headers, found.body.encode()

    with serving.served(answer) as url:
        yield street, url
