"""The zip that Lambda runs: whole, for the right machine, the same each time, and able to render with nothing else on the path."""

import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.locale import SPOKEN
from infra.build import Built, build
from infra.target import chosen
from tests.house.conftest import HOST, Make
from tests.house.sources import ROOT

pytestmark = pytest.mark.bundle

MOST_MB = 45
LAMBDA_BRINGS = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six")
SCRIPT = Path(__file__).with_name("render_all.py")


def names(built: Built) -> list[str]:
    with zipfile.ZipFile(built.zipped) as packed:
        return packed.namelist()


def checksums(built: Built) -> dict[str, int]:
    with zipfile.ZipFile(built.zipped) as packed:
        return {one.filename: one.CRC for one in packed.infolist()}


@pytest.fixture(scope="session")
def rendered(runnable: Built, once: Callable[[str, Make], Path]) -> dict[str, Any]:
    """What a bare Python makes of the unzipped bundle."""
    told: dict[str, Any] = json.loads((once("rendered", lambda place: _run_alone(runnable, place)) / "told.json").read_text("utf-8"))
    return told


def _run_alone(built: Built, place: Path) -> None:
    bundle, brought = place / "task", place / "runtime"
    brought.mkdir(parents=True)
    with zipfile.ZipFile(built.zipped) as packed:
        packed.extractall(bundle)
    for name in LAMBDA_BRINGS:
        found = importlib.util.find_spec(name)
        assert found and found.origin
        source = Path(found.origin)
        source = source.parent if source.name == "__init__.py" else source
        (brought / (name if source.is_dir() else source.name)).symlink_to(source)
    done = subprocess.run([sys.executable, "-I", "-S", SCRIPT, bundle, brought], capture_output=True, text=True, check=False, cwd="/", env={})
    assert not done.returncode, done.stderr
    (place / "told.json").write_text(done.stdout, "utf-8")


# --- what is in it ---------------------------------------------------------------------------------------------------


def test_the_bundle_is_small_enough_to_upload(deployable: Built, runnable: Built) -> None:
    assert deployable.zipped.stat().st_size < MOST_MB * 1_000_000
    assert runnable.zipped.stat().st_size < MOST_MB * 1_000_000


def test_everything_of_ours_is_in_it(deployable: Built) -> None:
    packed = set(names(deployable))
    ours = [*(ROOT / "chalicelib").rglob("*"), ROOT / "app.py"]
    assert {str(file.relative_to(ROOT)) for file in ours if file.is_file() and "__pycache__" not in file.parts} <= packed
    templates = {str(file.relative_to(ROOT)) for file in (ROOT / "templates").rglob("*") if file.is_file() and file.suffix not in {".po", ".mo"}}
    assert templates | {"city.toml"} <= packed


def test_sentences_are_compiled(deployable: Built) -> None:
    packed = names(deployable)
    assert not [name for name in packed if name.endswith(".po")]
    sources = {file.relative_to(ROOT).with_suffix(".mo").as_posix() for file in (ROOT / "templates/locale").rglob("*.po")}
    assert sources == {name for name in packed if name.startswith("templates/") and name.endswith(".mo")}


def test_nothing_is_in_it_that_only_developers_need(deployable: Built) -> None:
    packed = names(deployable)
    strangers = ("boto3/", "botocore/", "moto/", "pytest/", "pip/", "setuptools/", "local/", "tests/", "infra/", "bench/", ".chalice/", "aiohttp/", "dns/")
    assert not [name for name in packed if name.startswith(strangers)]
    assert {name for name in packed if name.startswith("chalice/") and name.endswith(".py")} == {"chalice/__init__.py", "chalice/app.py"}
    assert not [name for name in packed if name.endswith(("/RECORD", "/direct_url.json"))]


def test_compiled_libraries_are_for_the_target(deployable: Built) -> None:
    target = chosen()
    libraries = [name for name in names(deployable) if name.endswith(".so")]
    tags = {tag for name in libraries for tag in re.findall(r"cpython-(\d+)-(\w+?)-linux", name)}
    assert tags == {(f"{target.version[0]}{target.version[1]}", target.machine)}
    with zipfile.ZipFile(deployable.zipped) as packed:
        machines = {packed.read(name)[18:20] for name in libraries}
    assert machines == {b"\xb7\x00"}, "not all are for arm64"


def test_every_module_is_compiled_for_the_python_that_runs_it(runnable: Built) -> None:
    packed = set(names(runnable))
    tag = sys.implementation.cache_tag
    modules = [Path(name) for name in packed if name.endswith(".py")]
    assert runnable.precompiled
    assert not {str(one) for one in modules if str(one.parent / "__pycache__" / f"{one.stem}.{tag}.pyc") not in packed}


def test_a_compiled_module_is_believed_without_a_look_at_its_date(runnable: Built) -> None:
    with zipfile.ZipFile(runnable.zipped) as packed:
        head = packed.read(f"__pycache__/app.{sys.implementation.cache_tag}.pyc")[:8]
    assert head[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(head[4:], "little") == 0b01  # checked by nobody: PEP 552


def test_without_the_targets_python_nothing_is_compiled(deployable: Built) -> None:
    assert deployable.precompiled or not [name for name in names(deployable) if name.endswith(".pyc")]


@pytest.mark.package
def test_two_builds_are_the_same_bytes(runnable: Built, tmp_path: Path) -> None:
    again = build("prod", HOST, out=tmp_path)
    assert checksums(again) == checksums(runnable)
    assert sha256(again.zipped.read_bytes()).hexdigest() == sha256(runnable.zipped.read_bytes()).hexdigest()
    assert again.template.read_text() == runnable.template.read_text()


# --- what it does ----------------------------------------------------------------------------------------------------


def test_every_module_can_be_imported_from_the_bundle_alone(rendered: dict[str, Any]) -> None:
    modules = {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in (ROOT / "chalicelib").rglob("*.py")}
    assert set(rendered["modules"]) == modules - {"chalicelib"}
    assert rendered["foreign"] == []


def test_every_template_renders_in_every_locale_from_the_bundle_alone(rendered: dict[str, Any]) -> None:
    files = (file.relative_to(ROOT / "templates") for file in (ROOT / "templates").rglob("*") if file.suffix in {".txt", ".html", ".json", ".xml"})
    templates = {file.as_posix() for file in files if file.parts[0] != "static"}
    assert rendered["rendered"].keys() == templates
    assert {len(lengths) for lengths in rendered["rendered"].values()} == {len(SPOKEN)}


def test_a_notice_of_every_kind_is_written_for_every_channel_from_the_bundle_alone(rendered: dict[str, Any]) -> None:
    assert set(rendered["notices"]) == {
        f"{kind} {channel}" for kind in ("transit", "event", "job", "announcement", "emergency") for channel in ("sms", "email", "kiosk")
    }
    assert all("Bell Square" in said for said in rendered["notices"].values())


def test_modules_run_from_the_compiled_files_that_were_shipped(rendered: dict[str, Any]) -> None:
    assert rendered["compiled"]
