"""What an update is about: what it says and what was said before."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.about import MOST_ENTITIES, About, Entity, Period, Workload, about_values, condensed, read_about, widened

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def some(*names: str) -> frozenset[str]:
    return frozenset(names)


@pytest.mark.parametrize(
    ("name", "now", "before", "both"),
    [
        pytest.param("entities", (Entity(route="1"),), (Entity(route="2"), Entity(route="1")), (Entity(route="1"), Entity(route="2")), id="entities"),
        pytest.param("entities", (), (Entity(route="2"),), (), id="now everything"),
        pytest.param("entities", (Entity(route="1"),), (), (), id="everything before"),
        pytest.param("periods", (Period(NOW),), (Period(None, NOW),), (Period(NOW), Period(None, NOW)), id="periods"),
        pytest.param("periods", (Period(NOW),), (), (), id="any time before"),
        pytest.param("periods", (), (Period(NOW),), (), id="now any time"),
        pytest.param("areas", some("a"), some("b"), some("a", "b"), id="areas"),
        pytest.param("areas", some("a"), some(), some(), id="the whole city before"),
        pytest.param("areas", some(), some("a"), some(), id="now the whole city"),
        pytest.param("categories", some("a"), some("b"), some("a", "b"), id="categories"),
        pytest.param("categories", some(), some("b"), some(), id="now any category"),
        pytest.param("categories", some("a"), some(), some(), id="any category before"),
        pytest.param("pay", 5, 7, 7, id="less pay"),
        pytest.param("pay", 7, 5, 7, id="more pay"),
        pytest.param("pay", 7, None, None, id="no pay said before"),
        pytest.param("pay", None, 7, None, id="no pay said now"),
        pytest.param("workload", Workload.FULL_TIME, Workload.FULL_TIME, Workload.FULL_TIME, id="the same workload"),
        pytest.param("workload", Workload.FULL_TIME, Workload.PART_TIME, None, id="another workload"),
        pytest.param("agency", "Parks", "Parks", "Parks", id="the same agency"),
        pytest.param("agency", "Parks", "Health", None, id="another agency"),
    ],
)
def test_an_update_is_about_all_that_was_said(name: str, now: Any, before: Any, both: Any) -> None:
    assert getattr(widened(About(**{name: now}), About(**{name: before})), name) == both


def test_an_update_that_names_too_much_by_now_is_about_its_routes() -> None:
    half = [tuple(Entity(route="Red", trip=f"{word}{number}") for number in range(MOST_ENTITIES // 2 + 1)) for word in "ab"]
    assert widened(About(entities=half[0]), About(entities=half[1])).entities == (Entity(route="Red"),)


def test_a_few_entities_stay_as_they_are_each_once() -> None:
    assert condensed([Entity(stop="9"), Entity(route="Red", trip="t"), Entity(stop="9")]) == (Entity(stop="9"), Entity(route="Red", trip="t"))


def test_a_job_that_pays_nothing_says_so() -> None:
    assert read_about(about_values(About(pay=0))) == About(pay=0)
    assert about_values(About()) == {}
