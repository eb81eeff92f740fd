"""What a build refuses, and how plainly it says so."""

import shutil
import zipfile
from pathlib import Path

import polib
import pytest

from infra import build
from infra.bundle import pack
from infra.staging import compile_catalogues
from infra.target import chosen
from infra.wheels import NoWheels, libraries
from tests.house.sources import ROOT


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--runtime", "python2"], "runtime is written python3.x, not 'python2'", id="runtime"),
        pytest.param(["--architecture", "mips"], "architecture is one of arm64, x86_64, not 'mips'", id="architecture"),
    ],
)
def test_a_setting_that_means_nothing_ends_the_build_before_it_begins(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build.main([*arguments, "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == f"{said}\n"
    assert not (tmp_path / "out").exists()


def test_a_sentence_that_one_language_lacks_is_not_shipped(tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    file = polib.pofile(str(templates / "locale/es/LC_MESSAGES/residents.po"))
    file.translated_entries()[0].msgstr = ""
    file.save()
    with pytest.raises(ValueError, match="es/residents: is not translated in every form"):
        compile_catalogues(templates)


def test_a_requirement_without_a_wheel_for_the_target_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    lock = tmp_path / "lock.txt"
    lock.write_text(f"no-such-library==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(NoWheels, match=r"no wheels for python3.15 on arm64:[\s\S]*no-such-library==1.0"):
        libraries(lock, chosen(), tmp_path / "kept", python=None)
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_file_that_two_sides_bring_is_never_chosen_between(tmp_path: Path) -> None:
    for side in ("ours", "theirs"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "app.py").write_text(side)
    with pytest.raises(ValueError, match=r"in the bundle twice: app\.py"):
        pack([tmp_path / "ours", tmp_path / "theirs"], tmp_path / "bundle.zip")


def test_the_same_files_make_the_same_bytes_whenever_and_in_whatever_order_they_were_written(tmp_path: Path) -> None:
    zipped = []
    for side, names in {"one": ["a.py", "b.py"], "two": ["b.py", "a.py"]}.items():
        (tmp_path / side).mkdir()
        for name in names:
            (tmp_path / side / name).write_text(name)
        pack([tmp_path / side], tmp_path / f"{side}.zip")
        zipped.append((tmp_path / f"{side}.zip").read_bytes())
    assert zipped[0] == zipped[1]
    with zipfile.ZipFile(tmp_path / "one.zip") as packed:
        assert {one.date_time for one in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
