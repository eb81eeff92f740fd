"""The page of guarantees: it fails where it names a test that is gone, or a time that the code does not keep."""

import importlib
import re
from datetime import timedelta

import pytest

from tests.house.sources import ROOT

PAGE = (ROOT / "docs/guarantees.md").read_text("utf-8")
UNITS = {"s": "seconds", "min": "minutes", "h": "hours"}
TIMES = re.findall(r"^\| (\d+) (s|min|h) \| `([\w/]+)\.py` (\w+) \|", PAGE, re.MULTILINE)


def there_are() -> set[str]:
    return {name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"^ *def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE)}


def test_every_test_that_the_guarantees_name_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 50
    assert named - there_are() == set()


def test_everything_that_is_held_names_its_test() -> None:
    section = PAGE.split("## What is held, and by which test")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith(("| held", "| ---"))]
    assert [row for row in rows if "`test_" not in row.split(" | ")[1]] == []


@pytest.mark.parametrize(("count", "unit", "file", "name"), TIMES, ids=[name for *_, name in TIMES])
def test_a_time_that_the_guarantees_name_is_the_codes(count: str, unit: str, file: str, name: str) -> None:
    module = importlib.import_module(f"chalicelib.{file.replace('/', '.')}")
    assert getattr(module, name) == timedelta(**{UNITS[unit]: int(count)})


def test_all_times_are_read() -> None:
    section = PAGE.split("## How long things wait")[1].split("\n## ")[0]
    assert len(TIMES) == section.count("\n| ") - 2


def test_the_checkers_promises_are_all_there() -> None:
    judged = {number for file in (ROOT / "local/proof").glob("*.py") for number in re.findall(r"\bI(\d+): ", file.read_text("utf-8"))}
    assert {int(number) for number in re.findall(r"^\| I(\d+) \|", PAGE, re.MULTILINE)} == set(range(1, 12)) >= {int(one) for one in judged}
