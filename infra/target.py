"""Where the bundle will run: a Lambda runtime and an architecture, whatever Python builds it."""

import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which

RUNTIME = "python3.15"
"""The newest that Chalice (its table of runtimes) and Lambda (botocore's) share; a test holds it to both."""

ARCHITECTURE = "arm64"
"""Cheaper by a fifth per second than x86_64, and all that we ship has wheels for it."""

HOST = "host"
"""Asks for the Python or the machine that builds."""

_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
_OLDEST_GLIBC = 17
_GLIBC = {True: 34, False: 26}
"""2.34 is Amazon Linux 2023's, which runs Python 3.12 and newer; 2.26 is Amazon Linux 2's."""

_FIRST_ON_2023 = (3, 12)
_PLACES = (".pyenv/versions/{version}.*/bin/python{version}", ".local/share/uv/python/cpython-{version}.*/bin/python{version}")


@dataclass(frozen=True)
class Target:
    """A Lambda runtime such as `python3.15`, and `arm64` or `x86_64`."""

    runtime: str
    architecture: str

    @property
    def version(self) -> tuple[int, int]:
        """The runtime's Python, such as (3, 15)."""
        major, minor = self.runtime.removeprefix("python").split(".")
        return int(major), int(minor)

    @property
    def machine(self) -> str:
        """What wheels call the architecture."""
        return _MACHINES[self.architecture]

    def wheel_options(self) -> list[str]:
        """pip's options that find wheels for here, best first."""
        major, minor = self.version
        newest = _GLIBC[self.version >= _FIRST_ON_2023]
        platforms = [f"manylinux_2_{glibc}" for glibc in range(newest, _OLDEST_GLIBC - 1, -1)] + ["manylinux2014"]
        return [
            *(f"--platform={name}_{self.machine}" for name in platforms),
            f"--python-version={major}.{minor}",
            "--implementation=cp",
            *(f"--abi={abi}" for abi in (f"cp{major}{minor}", "abi3", "none")),
        ]


def chosen(runtime: str = RUNTIME, architecture: str = ARCHITECTURE) -> Target:
    """The target that was asked for, `host` read as this Python or this machine. Raises ValueError on a name that means nothing here."""
    if runtime == HOST:
        runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if architecture == HOST:
        architecture = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    if architecture not in _MACHINES:
        raise ValueError(f"architecture is one of {', '.join(_MACHINES)}, not {architecture!r}")
    if not re.fullmatch(r"python3\.\d+", runtime):
        raise ValueError(f"runtime is written python3.x, not {runtime!r}")
    return Target(runtime, architecture)


def interpreter_for(target: Target, *, home: Path | None = None) -> str | None:
    """A Python of the target's minor version on this machine, which alone can precompile for it; None where there is none."""
    if sys.version_info[:2] == target.version:
        return sys.executable
    return next((found for found in _candidates(target, home or Path.home()) if _is(found, target)), None)


def _candidates(target: Target, home: Path) -> Iterator[str]:
    on_path = which(target.runtime)
    if on_path:
        yield on_path
    version = target.runtime.removeprefix("python")
    for place in _PLACES:
        yield from sorted(str(found) for found in home.glob(place.format(version=version)))


def _is(python: str, target: Target) -> bool:
    """Whether it runs, and is what it is called: a version manager leaves shims on the path for Pythons that it will not start."""
    asked = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=False)  # noqa: S603
    return asked.stdout.split() == [str(part) for part in target.version]
