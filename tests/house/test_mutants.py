"""The page of survivors: it fails where it explains a line that is gone, or lists no score for a file that is changed."""

import re

from infra.mutants import ENOUGH, ROUNDS, explained
from tests.house.sources import ROOT

PAGE = (ROOT / "docs/mutants.md").read_text("utf-8")
FILES = [file for one in ROUNDS for file in one.files]


def test_what_is_changed_and_the_tests_that_have_to_notice_are_there() -> None:
    named = [*FILES, *(test for one in ROUNDS for test in one.tests)]
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_survivor_that_is_explained_is_a_line_of_the_code() -> None:
    code = " ".join(" ".join((ROOT / file).read_text("utf-8").split()) for file in FILES)
    assert [old for old, _ in explained(PAGE) if old not in code] == []


def test_every_file_has_its_score_and_it_is_enough() -> None:
    scores = {file: (int(noticed), int(made)) for file, noticed, made in re.findall(r"^\| `([\w/.]+)` \| (\d+) of (\d+) \|", PAGE, re.MULTILINE)}
    assert set(scores) == set(FILES)
    assert [file for file, (noticed, made) in scores.items() if noticed < made * ENOUGH] == []


def test_a_row_of_survivors_is_read_with_its_bars() -> None:
    page = "| as it is | changed to | why |\n| --- | --- | --- |\n| `a \\| b` | `a & b` | the same here |\n| `file` | 3 of 4 |\n"
    assert explained(page) == {("a | b", "a & b")}
