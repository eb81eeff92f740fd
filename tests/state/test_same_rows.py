"""Whatever is written, in whatever order, both adapters answer alike and end with the same rows."""

import itertools
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.errors import StateError, TransactionRefused, WriteRefused
from chalicelib.state.dynamodb import DynamoTable
from chalicelib.state.table import (
    Absent,
    Change,
    Check,
    Compare,
    Condition,
    Delete,
    Exists,
    Has,
    Key,
    Lacks,
    OneOf,
    Put,
    Row,
    Table,
    Update,
    Value,
    Values,
    Write,
    either,
    every,
)
from tests.aws_tables import MotoCity, make_table
from tests.tables import sqlite_city

_fresh = itertools.count(1)

# Each name keeps one kind of value, since moto cannot compare across kinds; test_conditions.py has those cases.
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "state": st.sampled_from(["queued", "claimed", "settled"]),
    "tries": st.integers(-2, 3),
    "worker": st.lists(st.sampled_from(["accepted", None, 1]), max_size=3),
    "seen": st.frozensets(st.integers(0, 4), min_size=1, max_size=3),
    "open": st.sampled_from(["bc_1", "bc_2"]),
    "due": st.integers(0, 5),
}
keys = st.builds(Key, st.sampled_from(["p", "q"]), st.sampled_from(["a", "b"]))
names = st.sampled_from(list(KINDS))


@st.composite
def stored(draw: st.DrawFn) -> dict[str, Value]:
    return {name: draw(KINDS[name]) for name in draw(st.lists(names, max_size=4, unique=True))}


@st.composite
def changes(draw: st.DrawFn) -> Change:
    some = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    verbs = {name: draw(st.sampled_from(["set", "remove", "add"] if name in ("tries", "seen", "due") else ["set", "remove"])) for name in some}
    return Change(
        set={name: draw(KINDS[name]) for name, verb in verbs.items() if verb == "set"},
        remove=tuple(name for name, verb in verbs.items() if verb == "remove"),
        add={name: draw(KINDS[name]) for name, verb in verbs.items() if verb == "add"},
    )


single: st.SearchStrategy[Condition] = st.one_of(
    st.just(Exists()),
    st.just(Absent()),
    st.builds(Has, names),
    st.builds(Lacks, names),
    st.builds(Compare, st.just("tries"), st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), st.integers(-2, 3)),
    st.builds(Compare, st.just("state"), st.sampled_from(["=", "<>", "<", ">="]), KINDS["state"]),
    st.builds(OneOf, st.just("tries"), st.lists(st.integers(-2, 3), min_size=1, max_size=3).map(tuple)),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    single,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: every(*parts)), st.lists(inner, min_size=1, max_size=3).map(lambda parts: either(*parts))
    ),
    max_leaves=4,
)
expectations = st.one_of(st.none(), conditions)
writes: st.SearchStrategy[Write] = st.one_of(
    st.builds(Put, st.builds(Row, keys, stored()), expectations),
    st.builds(Update, keys, changes(), expectations),
    st.builds(Delete, keys, expectations),
)
in_transactions: st.SearchStrategy[Write] = st.one_of(writes, st.builds(Check, keys, conditions))
steps = st.lists(st.one_of(writes.map(lambda write: [write, None]), st.lists(in_transactions, min_size=1, max_size=3)), max_size=8)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=steps)
def test_a_sequence_of_writes_has_the_same_answers_and_leaves_the_same_rows(moto: MotoCity, steps: list[list[Any]]) -> None:
    name = f"same-{next(_fresh)}"
    make_table(moto.dynamodb, name)
    aws = DynamoTable(moto.dynamodb, name)
    with TemporaryDirectory() as folder:
        city = sqlite_city(Path(folder))
        for step in steps:
            assert _answer(city.table, step) == _answer(aws, step)
        assert _everything(city.table) == _everything(aws)
        city.file.close()


def _answer(table: Table, step: list[Any]) -> object:
    try:
        if step[-1] is None:
            return _alone(table, step[0])
        table.transact(step)
    except WriteRefused as refused:
        return ("refused", refused.old)
    except TransactionRefused as refused:
        return ("refused", refused.olds)
    except StateError as error:
        return type(error)
    return None


def _alone(table: Table, write: Write) -> Values | None:
    match write:
        case Put(row, expect):
            table.put(row, expect=expect)
        case Update(key, change, expect):
            return table.update(key, change, expect=expect)
        case Delete(key, expect):
            table.delete(key, expect=expect)
        case Check():
            raise AssertionError("a check stands in transactions only")
    return None


def _everything(table: Table) -> list[list[Row]]:
    of_index = [sorted(table.query_open(name, due=100).rows, key=lambda row: row.key) for name in ("bc_1", "bc_2")]
    return [*(list(table.query(partition).rows) for partition in ("p", "q")), *of_index]
