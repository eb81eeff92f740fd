"""The files that pages are drawn with: the name under which each is served, which holds a hash of its bytes, and what a browser checks it by.

`templates/static/manifest.json` says it; `infra/styles.sh` writes both.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from chalicelib.errors import RenderFailed


@dataclass(frozen=True)
class Static:
    """A file, and the hash that a browser compares (Subresource Integrity)."""

    file: str
    integrity: str


class Statics:
    """The files of one folder, read when the first is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Static] = {}

    def of(self, name: str) -> Static:
        """The file that goes by this name. Raises RenderFailed where there is none."""
        if not self._known:
            said = json.loads((self._folder / "manifest.json").read_text("utf-8"))
            self._known = {one: Static(**row) for one, row in said.items()}
        if name not in self._known:
            raise RenderFailed(f"there is no static file {name!r}")
        return self._known[name]
