"""`make fresh` forgets a city, but none that runs."""

import fcntl
from pathlib import Path

import pytest

from local.fresh import main


@pytest.mark.parametrize("of", [".", "drill"], ids=["the city", "a drill beside it"])
def test_a_city_that_runs_is_not_forgotten(tmp_path: Path, capsys: pytest.CaptureFixture[str], of: str) -> None:
    home = tmp_path / of
    home.mkdir(exist_ok=True)
    (home / "city.db").touch()
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(tmp_path) == 1
    assert (home / "city.db").exists()
    assert capsys.readouterr().err == f"A city runs in {home}. Stop it first, with Ctrl-C; nothing was forgotten.\n"


@pytest.mark.parametrize("there", [True, False], ids=["it lived", "there was none"])
def test_a_city_that_stands_still_is_forgotten(tmp_path: Path, capsys: pytest.CaptureFixture[str], there: bool) -> None:
    home = tmp_path / "city"
    if there:
        home.mkdir()
        (home / "city.db").touch()
        (home / "lock").touch()
    assert main(home) == 0
    assert not home.exists()
    assert capsys.readouterr().out.startswith("The city is forgotten")
