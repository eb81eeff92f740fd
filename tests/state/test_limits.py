"""Both adapters refuse what AWS refuses, whatever moto lets through."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.errors import StateLimit
from chalicelib.state.limits import row_bytes
from chalicelib.state.table import (
    MOST_ROW_BYTES,
    All,
    Change,
    Check,
    Compare,
    Condition,
    Delete,
    Either,
    Exists,
    Has,
    Key,
    Lacks,
    OneOf,
    Put,
    Row,
    Table,
    Update,
    every,
)
from tests.tables import SqliteCity

KEY = Key("p", "s")
LARGE = 404_000  # moto stops at 405,000 bytes, AWS and SQLite at 409,600
TWICE = [KEY, Key("p", "other"), KEY]


def _keys(count: int) -> list[Key]:
    return [Key("p", f"{n}") for n in range(count)]


def _sized(size: int) -> Row:
    empty = Row(KEY, {"large": ""})
    return Row(KEY, {"large": "x" * (size - row_bytes(empty))})


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


CALLS: dict[str, Callable[[Table], object]] = {
    "101 rows to get": lambda table: table.get_many(_keys(101)),
    "a row twice to get": lambda table: table.get_many(TWICE),
    "26 rows to put": lambda table: table.put_many([Row(key, {}) for key in _keys(26)]),
    "a row twice to put": lambda table: table.put_many([Row(key, {}) for key in TWICE]),
    "101 writes": lambda table: table.transact([Put(Row(key, {})) for key in _keys(101)]),
    "a row written twice": lambda table: table.transact([Put(Row(KEY, {})), Delete(KEY)]),
    "a row checked and written": lambda table: table.transact([Check(KEY, Exists()), Put(Row(KEY, {}))]),
    "a transaction over 4 MB": lambda table: table.transact([Put(Row(key, {"large": "x" * 399_000})) for key in _keys(11)]),
    "a page of none": lambda table: table.query("p", limit=0),
    "a page of the index of none": lambda table: table.query_open("p", due=1, limit=0),
    "an index by text": lambda table: table.query_open("p", due="1"),  # type: ignore[arg-type]
    "no partition to query": lambda table: table.query(""),
    "no name to query the index": lambda table: table.query_open("", due=1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_too_much_at_once_is_refused(table: Table, call: Callable[[Table], object]) -> None:
    with pytest.raises(StateLimit):
        call(table)
    assert table.query("p").rows == []


BAD_KEYS: dict[str, Key] = {
    "no partition": Key("", "s"),
    "no sort": Key("p", ""),
    "long partition": Key("p" * 2049, "s"),
    "long sort": Key("p", "s" * 1025),
    "long in bytes": Key("p", "é" * 513),
    "half a character": Key("p", "\ud800"),
}
WITH_KEY: dict[str, Callable[[Table, Key], object]] = {
    "get": lambda table, key: table.get(key),
    "get_many": lambda table, key: table.get_many([key]),
    "put": lambda table, key: table.put(Row(key, {})),
    "put_many": lambda table, key: table.put_many([Row(key, {})]),
    "update": lambda table, key: table.update(key, Change(set={"n": 1})),
    "delete": lambda table, key: table.delete(key),
    "transact": lambda table, key: table.transact([Delete(key)]),
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_a_bad_key_is_refused_everywhere(table: Table, key: Key) -> None:
    for name, call in WITH_KEY.items():
        assert _refuses(call, table, key), name


def test_the_longest_keys_are_taken(table: Table) -> None:
    key = Key("p" * 2048, "s" * 1024)
    table.put(Row(key, {"n": 1}))
    assert table.get(key) == {"n": 1}


BAD_VALUES: dict[str, Any] = {
    "float": 1.5,
    "float within": {"a": [1.5]},
    "39 digits": 10**38,
    "39 digits below zero": -(10**38),
    "empty set": frozenset(),
    "empty set within": [frozenset()],
    "set of both": frozenset({"a", 1}),
    "set of truth values": frozenset({True}),
    "set of bytes": frozenset({b"a"}),
    "set with a large number": frozenset({10**38}),
    "mutable set": {"a"},
    "tuple": (1, 2),
    "object": object(),
    "map with a number for a name": {1: "a"},
    "map without a name": {"": 1},
    "map with our mark for a name": {"\0set": [1]},
    "half a character": "\ud800",
    "half a character for a name": {"\ud800": 1},
    "33 deep": _deep(33),
}
WITH_VALUE: dict[str, Callable[[Table, Any], object]] = {
    "put": lambda table, value: table.put(Row(KEY, {"value": value})),
    "put_many": lambda table, value: table.put_many([Row(KEY, {"value": value})]),
    "update": lambda table, value: table.update(KEY, Change(set={"value": value})),
    "transact put": lambda table, value: table.transact([Put(Row(KEY, {"value": value}))]),
    "transact update": lambda table, value: table.transact([Update(KEY, Change(set={"value": value}))]),
}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES.keys())
def test_a_bad_value_is_refused_everywhere_and_nothing_is_kept(table: Table, value: Any) -> None:
    for name, call in WITH_VALUE.items():
        assert _refuses(call, table, value), name
    assert table.get(KEY) is None


def test_values_may_lie_32_deep(table: Table) -> None:
    table.put(Row(KEY, {"value": _deep(32)}))
    assert table.get(KEY) == {"value": _deep(32)}


BAD_ROWS: dict[str, dict[str, Any]] = {
    "a value named as the partition": {"pk": "x"},
    "a value named as the sort": {"sk": "x"},
    "a value without a name": {"": 1},
    "a name with our mark": {"\0bytes": "x"},
    "open that is no text": {"open": 1, "due": 1},
    "open that is empty": {"open": "", "due": 1},
    "due that is no number": {"open": "bc_1", "due": "1"},
    "due that is a truth value": {"due": True},
    "due beyond all time": {"due": 2**63},
}


@pytest.mark.parametrize("values", BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_row_that_no_table_takes_is_refused(table: Table, values: dict[str, Any]) -> None:
    with pytest.raises(StateLimit):
        table.put(Row(KEY, values))
    with pytest.raises(StateLimit):
        table.update(KEY, Change(set=values))
    assert table.get(KEY) is None


BAD_CHANGES: dict[str, Change] = {
    "nothing": Change(),
    "set and remove": Change(set={"a": 1}, remove=("a",)),
    "set and add": Change(set={"n": 1}, add={"n": 1}),
    "remove twice": Change(remove=("a", "a")),
    "remove the key": Change(remove=("pk",)),
    "add to the key": Change(add={"sk": 1}),
    "add a truth value": Change(add={"n": True}),
    "add a text": Change(add={"n": "1"}),  # type: ignore[dict-item]
    "add an empty set": Change(add={"s": frozenset()}),
    "add a float": Change(add={"n": 0.5}),  # type: ignore[dict-item]
    "add a number to a text": Change(add={"text": 1}),
    "add a number to a truth value": Change(add={"yes": 1}),
    "add a number to a set": Change(add={"set": 1}),
    "add a set to a number": Change(add={"n": frozenset({1})}),
    "add numbers to a set of texts": Change(add={"set": frozenset({1})}),
    "add a set to a list": Change(add={"list": frozenset({"a"})}),
    "add to nothing that was stored": Change(add={"none": 1}),
}


@pytest.mark.parametrize("change", BAD_CHANGES.values(), ids=BAD_CHANGES.keys())
def test_a_change_without_sense_is_refused_and_leaves_the_row(table: Table, change: Change) -> None:
    before: dict[str, Any] = {"a": 1, "n": 1, "text": "x", "yes": True, "set": frozenset({"a"}), "list": ["a"], "none": None}
    table.put(Row(KEY, before))
    with pytest.raises(StateLimit):
        table.update(KEY, change)
    with pytest.raises(StateLimit):
        table.transact([Update(KEY, change)])
    assert table.get(KEY) == before


BAD_CONDITIONS: dict[str, Condition] = {
    "all of none": All(()),
    "either of none": Either(()),
    "none within": every(Exists(), All(())),
    "no such relation": Compare("n", "==", 1),
    "an order of truth values": Compare("n", "<", True),
    "one of none": OneOf("n", ()),
    "one of 101": OneOf("n", tuple(range(101))),
    "the key's name": Has("pk"),
    "no name": Lacks(""),
}


@pytest.mark.parametrize("condition", BAD_CONDITIONS.values(), ids=BAD_CONDITIONS.keys())
def test_a_condition_that_dynamodb_cannot_be_asked_is_refused(table: Table, condition: Condition) -> None:
    table.put(Row(KEY, {"n": 1}))
    for call in (
        lambda: table.put(Row(KEY, {}), expect=condition),
        lambda: table.update(KEY, Change(set={"n": 2}), expect=condition),
        lambda: table.delete(KEY, expect=condition),
        lambda: table.transact([Check(KEY, condition)]),
    ):
        with pytest.raises(StateLimit):
            call()
    assert table.get(KEY) == {"n": 1}


def test_a_row_of_400_kilobytes_is_taken_and_one_byte_more_is_refused(sqlite: SqliteCity) -> None:
    sqlite.table.put(_sized(MOST_ROW_BYTES))
    assert sqlite.table.get(KEY) == _sized(MOST_ROW_BYTES).values
    with pytest.raises(StateLimit):
        sqlite.table.put(_sized(MOST_ROW_BYTES + 1))


def test_a_row_over_400_kilobytes_is_refused_everywhere(table: Table) -> None:
    table.put(_sized(LARGE))
    for call in (
        lambda: table.put(_sized(MOST_ROW_BYTES + 1)),
        lambda: table.put_many([_sized(MOST_ROW_BYTES + 1)]),
        lambda: table.update(KEY, Change(set=_sized(MOST_ROW_BYTES + 50).values)),
        lambda: table.transact([Put(_sized(MOST_ROW_BYTES + 1))]),
    ):
        with pytest.raises(StateLimit):
            call()
    assert table.get(KEY) == _sized(LARGE).values


def test_a_change_may_not_grow_a_row_over_400_kilobytes(table: Table) -> None:
    table.put(_sized(LARGE))
    with pytest.raises(StateLimit):
        table.update(KEY, Change(set={"more": "x" * 6_000}))
    with pytest.raises(StateLimit):
        table.transact([Put(Row(Key("p", "other"), {})), Update(KEY, Change(set={"more": "x" * 6_000}))])
    assert table.get(KEY) == _sized(LARGE).values
    assert table.get(Key("p", "other")) is None


SIZES: dict[str, tuple[Any, int]] = {
    # by the developer guide's "Item sizes and formats"
    "text": ("abc", 3),
    "text of wide characters": ("é红\U0001f514", 2 + 3 + 4),
    "nothing": (None, 1),
    "truth value": (True, 1),
    "zero": (0, 1),
    "one digit": (7, 2),
    "two digits": (42, 2),
    "three digits": (427, 3),
    "trailing zeros": (4200, 2),
    "below zero": (-42, 3),
    "38 digits": (10**38 - 1, 20),
    "bytes": (b"\x00" * 5, 5),
    "set of texts": (frozenset({"a", "bc"}), 3),
    "empty list": ([], 3),
    "list": (["a", "b"], 3 + 2 * 2),
    "empty map": ({}, 3),
    "map": ({"name": "ab"}, 3 + 1 + 4 + 2),
}


@pytest.mark.parametrize(("value", "size"), SIZES.values(), ids=SIZES.keys())
def test_values_weigh_what_dynamodb_says(value: Any, size: int) -> None:
    names = len("pk") + len("p") + len("sk") + len("s") + len("value")
    assert row_bytes(Row(KEY, {"value": value})) == names + size


def _refuses(call: Callable[[Table, Any], object], table: Table, value: Any) -> bool:
    try:
        call(table, value)
    except StateLimit:
        return True
    return False
