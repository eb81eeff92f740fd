"""The drill's own arithmetic: what it shows, and what it takes to be green."""

import fcntl
from dataclasses import replace
from pathlib import Path

import pytest

from local.drill.__main__ import main
from local.drill.report import Report, report
from local.drill.sizes import Sizes
from local.drill.standing import Standing, read_standing

SETTLED = Standing("completed", {"delivered": 3, "accepted": 1, "unconfirmed": 1, "queued": 0})
EVERYBODY = [("sms", "+1"), ("sms", "+2"), ("sms", "+3"), ("email", "a@example.org"), ("kiosk", "square")]
GOT = {("sms", "+1"): 1, ("sms", "+2"): 1, ("sms", "+3"): 1, ("kiosk", "square"): 1}


def test_a_standing_adds_up_channels_and_reasons() -> None:
    shown = {"sms": {"queued": 2, "delivered": 3, "skipped": {"opted_out": 1, "cap": 2}}, "email": {"delivered": 1, "skipped": {}}}
    found = read_standing({"state": "sending", "counts": shown})
    assert (found.state, found.counts, found.shown) == ("sending", {"queued": 2, "delivered": 4, "skipped": 3}, shown)
    assert read_standing({"state": "scheduled", "counts": None}).counts == {}


def test_a_line_says_how_far_it_is_and_where_the_others_are() -> None:
    standing = Standing("sending", {"delivered": 1200, "accepted": 34, "queued": 700, "held": 2, "attempting": 25, "unknown": 9, "failed": 3, "expired": 0})
    line = standing.line(12.4, 2000)
    assert line.split("   ")[-1] == "handed over 1,234 · waiting 702 · in hand 25 · in doubt 9 · failed 3"
    assert "12 s" in line and " 61 %" in line


def test_all_settled_and_each_once_is_green() -> None:
    found = report(SETTLED, EVERYBODY, GOT, [])
    assert found.green
    assert dict(found.lines()) == {"Handed over": "4 of 5", "Doubled": "0", "Lost": "0", "Unconfirmed": "1", "Checker": "nothing is broken"}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(report(SETTLED, EVERYBODY, {**GOT, ("sms", "+1"): 3}, []), ("Doubled", "2"), id="somebody got it three times"),
        pytest.param(report(SETTLED, EVERYBODY, {("sms", "+1"): 1}, []), ("Lost", "3"), id="more are missing than are said to be"),
        pytest.param(report(SETTLED, EVERYBODY, {**GOT, ("sms", "+9"): 1}, []), ("Strangers", "1 got it and should not have"), id="a stranger got it"),
        pytest.param(report(SETTLED, EVERYBODY, GOT, ["I1: twice"]), ("Checker", "1 promises broken"), id="the checker found something"),
        pytest.param(report(replace(SETTLED, state="needs_review"), EVERYBODY, GOT, []), ("State", "needs_review"), id="it never completed"),
        pytest.param(
            report(Standing("completed", {**SETTLED.counts, "queued": 1}), EVERYBODY, GOT, []), ("Handed over", "4 of 5"), id="counts hold somebody unsettled"
        ),
        pytest.param(report(Standing("completed", {"delivered": 4}), EVERYBODY, GOT, []), ("Lost", "1"), id="counts leave somebody out"),
    ],
)
def test_anything_else_is_red(found: Report, words: tuple[str, str]) -> None:
    assert not found.green
    assert words in list(found.lines())


@pytest.mark.parametrize(("texts", "seconds"), [(5000, 60.0), (20_000, 60.0), (2500, 30.0), (100, 2.0)])
def test_faults_last_in_proportion(texts: int, seconds: float) -> None:
    sizes = Sizes(texts)
    assert [fault["for"] for fault in sizes.faults() if fault["mode"] == "429"] == [seconds]
    assert f"for {seconds:.0f} s" in sizes.fault_words()


def test_a_folder_that_holds_anything_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letters").write_text("dear")
    assert main(["--directory", str(tmp_path)]) == 1
    assert "holds something else" in capsys.readouterr().out
    assert (tmp_path / "letters").read_text() == "dear"


def test_a_folder_in_which_a_city_runs_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "city.log").write_text("I run")
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["--directory", str(tmp_path)]) == 1
    assert "Another drill runs" in capsys.readouterr().out
    assert (tmp_path / "city.log").read_text() == "I run"


@pytest.mark.parametrize("count", ["many", "99", "100001", "-5", "1e3"])
def test_a_wrong_size_is_named(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--recipients", count])
    assert ended.value.code == 2
    assert "a number from 100 to 100000" in capsys.readouterr().err
