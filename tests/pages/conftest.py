"""A booth, served over HTTP for a browser."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import served as serving
from tests.conversation.booth import Booth


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Booth, str]]:
    """A booth and its URL."""
    booth = Booth(tmp_path)

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        found = booth.call(method, path, body, dict(headers))
        return found.status, found.headers, found.text.encode()

    with serving.served(answer) as url:
        yield booth, url
