"""The algebra of conditions: one table of cases, put to a row of each adapter."""

import pytest

from chalicelib.errors import WriteRefused
from chalicelib.state.expressions import Expressions
from chalicelib.state.table import (
    Absent,
    Change,
    Compare,
    Condition,
    Exists,
    Has,
    Key,
    Lacks,
    OneOf,
    Row,
    Table,
    Value,
    either,
    equals,
    every,
)
from tests.tables import SqliteCity

KEY = Key("B#1", "P0000#t#0#AT")
VALUES: dict[str, Value] = {"state": "claimed", "tries": 3, "done": False, "yes": True, "none": None, "list": [3], "set": frozenset({3}), "raw": b"3"}

CASES: list[tuple[Condition, bool, bool]] = [
    # the condition, whether it holds for VALUES, whether it holds for an absent row
    (Exists(), True, False),
    (Absent(), False, True),
    (Has("state"), True, False),
    (Has("none"), True, False),
    (Has("missing"), False, False),
    (Lacks("state"), False, True),
    (Lacks("none"), False, True),
    (Lacks("missing"), True, True),
    (equals("state", "claimed"), True, False),
    (equals("state", "Claimed"), False, False),
    (equals("tries", 3), True, False),
    (equals("tries", "3"), False, False),
    (equals("done", False), True, False),
    (equals("none", ""), False, False),
    (equals("list", 3), False, False),
    (equals("set", 3), False, False),
    (equals("raw", "3"), False, False),
    (equals("missing", "x"), False, False),
    (Compare("state", "<>", "settled"), True, False),
    (Compare("state", "<>", "claimed"), False, False),
    (Compare("state", "<>", 1), True, False),
    (Compare("list", "<>", 3), True, False),
    (Compare("missing", "<>", "x"), False, False),
    (Compare("tries", "<", 4), True, False),
    (Compare("tries", "<", 3), False, False),
    (Compare("tries", "<=", 3), True, False),
    (Compare("tries", ">", 2), True, False),
    (Compare("tries", ">", 3), False, False),
    (Compare("tries", ">=", 3), True, False),
    (Compare("tries", ">", -10), True, False),
    (Compare("state", ">", "b"), True, False),
    (Compare("state", "<", "d"), True, False),
    (Compare("missing", "<=", 4), False, False),
    (OneOf("state", ("queued", "claimed")), True, False),
    (OneOf("state", ("queued",)), False, False),
    (OneOf("tries", (1, "3")), False, False),
    (OneOf("tries", (1, 3)), True, False),
    (OneOf("missing", ("x",)), False, False),
    (every(Exists()), True, False),
    (every(Exists(), Has("state"), Lacks("missing")), True, False),
    (every(Exists(), Has("missing")), False, False),
    (every(Absent(), Lacks("state")), False, True),
    (either(Absent(), equals("tries", 3)), True, True),
    (either(Absent(), equals("tries", 4)), False, True),
    (either(Compare("state", "<>", "claimed")), False, False),
    (either(equals("tries", 4), every(Has("state"), Has("tries"))), True, False),
    (every(either(Lacks("page"), equals("page", 2)), Lacks("done_at")), True, True),
    (every(OneOf("state", ("queued", "claimed")), either(Compare("state", "<>", "claimed"), Compare("tries", "<", 9))), True, False),
    (every(either(every(Has("missing"), Has("state")), every(Has("state"))), Has("yes")), True, False),
    (every(*(Compare("tries", "<", n) for n in range(4, 60))), True, False),
]


@pytest.mark.parametrize(("condition", "present", "absent"), CASES, ids=[str(case[0])[:120] for case in CASES])
def test_a_condition_lets_through_just_what_it_says(table: Table, condition: Condition, present: bool, absent: bool) -> None:
    assert _lets_through(table, condition) is absent
    table.put(Row(KEY, VALUES))
    assert _lets_through(table, condition) is present


ACROSS_KINDS: list[tuple[Condition, bool]] = [
    (equals("done", 0), False),
    (equals("yes", 1), False),
    (equals("tries", True), False),
    (Compare("yes", "<>", 1), True),
    (Compare("tries", "<", "4"), False),
    (Compare("state", "<", 4), False),
    (Compare("yes", "<", 4), False),
    (Compare("list", "<", 4), False),
    (Compare("none", "<=", 4), False),
    (OneOf("yes", (1,)), False),
]


@pytest.mark.parametrize(("condition", "present"), ACROSS_KINDS, ids=[str(case[0]) for case in ACROSS_KINDS])
def test_values_of_different_kinds_are_different_and_have_no_order(sqlite: SqliteCity, condition: Condition, present: bool) -> None:
    """As in DynamoDB; moto compares as Python does, where True == 1 and "a" < 4 is an error, and so is left out."""
    sqlite.table.put(Row(KEY, VALUES))
    assert _lets_through(sqlite.table, condition) is present


SPELLED: list[tuple[Condition, str]] = [
    (Exists(), "attribute_exists(#0)"),
    (every(Exists()), "attribute_exists(#0)"),
    (every(either(Absent())), "attribute_not_exists(#0)"),
    (every(Has("a"), Lacks("b"), Has("a")), "(attribute_exists(#0) AND attribute_not_exists(#1) AND attribute_exists(#0))"),
    (every(Compare("a", "<>", 1)), "(attribute_exists(#0) AND #0 <> :0)"),
    (either(equals("a", 1), every(OneOf("a", (1, 2)), Compare("b", "<", 3))), "(#0 = :0 OR (#0 IN (:1, :2) AND #1 < :3))"),
]


@pytest.mark.parametrize(("condition", "text"), SPELLED, ids=[text for _, text in SPELLED])
def test_a_condition_is_spelled_without_the_redundant_parentheses_that_dynamodb_refuses(condition: Condition, text: str) -> None:
    assert Expressions(expect=condition).parameters()["ConditionExpression"] == text


def _lets_through(table: Table, condition: Condition) -> bool:
    try:
        table.update(KEY, Change(set={"mark": 1}), expect=condition)
    except WriteRefused:
        return False
    table.delete(KEY)
    return True
