"""The libraries of the bundle: wheels for the target, whatever Python builds, unpacked and rid of what never runs there.

Chalice picks wheels for the Python that runs it; pip picks them for any. What is unpacked is kept under `build/libraries`,
named by everything it was made from.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chalicelib.domain.locale import SPOKEN
from infra.bundle import precompile
from infra.target import Target

LEFT_OUT = {
    # twilio's asynchronous client, which we do not use, and what only it needs
    "aiohttp": "twilio async",
    "aiohttp-retry": "twilio async",
    "aiohappyeyeballs": "aiohttp",
    "aiosignal": "aiohttp",
    "frozenlist": "aiohttp",
    "multidict": "aiohttp",
    "propcache": "aiohttp",
    "yarl": "aiohttp",
    # email-validator asks DNS only where it is told to; we never tell it to
    "dnspython": "email-validator deliverability",
    # cffi's parser of C headers; the compiled modules need its run time alone
    "pycparser": "cffi at build time",
}
"""Locked for a whole installation, needless in the bundle. The test that imports and renders from the bundle alone would miss any other."""

_PARTS_LEFT_OUT = (
    "bin",
    "twilio/http/async_http_client.py",
    "*/tests",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    "*.dist-info/sboms",
)
_PRODUCTS, _OUR_PRODUCT = "twilio/rest", "api"  # each product is a folder that its client imports when first asked for
_LANGUAGES = {"root", *(tag.split("-")[0] for tag in SPOKEN)}


class NoWheels(Exception):
    """pip found no wheel for a requirement, or could not reach its index."""


def libraries(requirements: Path, target: Target, kept: Path, *, python: str | None) -> Path:
    """A folder with the libraries for a target, precompiled by `python`; made once, and then found again. Raises NoWheels."""
    wanted = "\n".join(locked(requirements.read_text(), target))
    rules = Path(__file__).read_bytes()
    name = hashlib.sha256(b"\0".join([wanted.encode(), repr((target, python, sorted(_LANGUAGES))).encode(), rules])).hexdigest()[:16]
    folder = kept / f"{target.runtime}-{target.architecture}-{name}"
    if folder.is_dir():
        return folder
    kept.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=kept) as place:
        unfinished = Path(place) / "libraries"
        _install(wanted, target, unfinished)
        _trim(unfinished)
        if python:
            precompile(unfinished, python)
        unfinished.rename(folder)
    return folder


def locked(requirements: str, target: Target) -> Iterator[str]:
    """Those locked requirements, a line each with its hashes, that the target needs and the bundle does not leave out."""
    python = ".".join(str(part) for part in target.version)
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": target.machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for line in re.sub(r"\\\n", " ", requirements).splitlines():
        wanted, *hashes = line.partition("#")[0].split("--hash=")
        if not wanted.strip():
            continue
        requirement = Requirement(wanted.strip())
        if canonicalize_name(requirement.name) in LEFT_OUT or (requirement.marker and not requirement.marker.evaluate(environment)):
            continue
        yield " ".join([f"{requirement.name}{requirement.specifier}", *(f"--hash={one.strip()}" for one in hashes)])


def _install(wanted: str, target: Target, folder: Path) -> None:
    asked = folder.with_suffix(".txt")
    asked.write_text(wanted)
    options = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile", "--disable-pip-version-check", "--no-input", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *options, *target.wheel_options(), f"--target={folder}", f"--requirement={asked}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    asked.unlink()
    if done.returncode:
        raise NoWheels(f"no wheels for {target.runtime} on {target.architecture}:\n{done.stderr.strip()}")


def _trim(folder: Path) -> None:
    for pattern in _PARTS_LEFT_OUT:
        for found in folder.glob(pattern):
            _remove(found)
    for found in (folder / _PRODUCTS).iterdir():
        if found.is_dir() and found.name != _OUR_PRODUCT:
            _remove(found)
    for found in (folder / "babel/locale-data").glob("*.dat"):
        if found.stem.split("_")[0] not in _LANGUAGES:
            _remove(found)


def _remove(found: Path) -> None:
    if found.is_dir():
        shutil.rmtree(found)
    else:
        found.unlink()
