"""The zip that Lambda runs: sorted, dated alike and precompiled, so that the same sources make the same bytes."""

import subprocess
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o100644 << 16
_DEPLOYED_AT = "/var/task"


def unpack(bundle: Path, folder: Path) -> None:
    """Lay out what Chalice zipped."""
    with zipfile.ZipFile(bundle) as packed:
        packed.extractall(folder)


def precompile(folder: Path, python: str) -> None:
    """Put a `.pyc` beside every module. Lambda may not write its own, and believes ours without looking at dates, which a zip loses.

    In one process: what a `.pyc` holds depends a little on what its maker compiled before.
    """
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", _DEPLOYED_AT]
    subprocess.run([python, "-I", "-m", "compileall", *options, str(folder)], check=True)  # noqa: S603


def pack(folders: Sequence[Path], bundle: Path) -> None:
    """Zip the content of folders, in order of names and with one date for all. No two of them may hold the same file."""
    files = sorted((path.relative_to(folder).as_posix(), path) for folder in folders for path in folder.rglob("*") if path.is_file())
    twice = {name for (name, _), (after, _) in pairwise(files) if name == after}
    if twice:
        raise ValueError(f"in the bundle twice: {', '.join(sorted(twice))}")
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for name, path in files:
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE
            packed.writestr(entry, path.read_bytes())
