"""A booth, served over HTTP for a browser."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import served as serving
from tests.conversation.booth import Booth


def serve(booth: Booth) -> AbstractContextManager[str]:
    """The URL under which a booth answers."""

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        found = booth.call(method, path, body, dict(headers))
        return found.status, found.headers, found.text.encode()

    return serving.served(answer)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Booth, str]]:
    """A booth and its URL."""
    booth = Booth(tmp_path)
    with serve(booth) as url:
        yield booth, url
