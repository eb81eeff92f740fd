"""What a table promises about single rows and groups of them."""

from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import pytest

from chalicelib.errors import TransactionRefused, WriteRefused
from chalicelib.state.table import Absent, Change, Check, Delete, Exists, Has, Key, Lacks, Put, Row, Table, Update, Value, equals

HERE = Key("B#1", "SHARD#a")
THERE = Key("B#1", "SHARD#b")

KINDS: dict[str, Value] = {
    "text": "Línea roja 红线 \U0001f514",
    "empty text": "",
    "text with a NUL": "a\0b",
    "number": 1764590400000,
    "negative number": -7,
    "38 digits": 10**38 - 1,
    "zero": 0,
    "true": True,
    "false": False,
    "nothing": None,
    "bytes": b"\x00\xff",
    "empty bytes": b"",
    "set of texts": frozenset({"a", "ب"}),
    "set of numbers": frozenset({0, 12, -3}),
    "list": ["a", 1, None, ["b", {"c": False}]],
    "empty list": [],
    "map": {"es": {"title": "Aviso"}, "n": 1, "S": "x", "pk": "y", "set": ["not", "a", "set"]},
    "empty map": {},
    "sets and bytes within": {"entries": [{"who": frozenset({"x"}), "raw": b"\x01"}]},
}


@pytest.mark.parametrize("value", KINDS.values(), ids=KINDS.keys())
def test_a_value_comes_back_as_it_went_in(table: Table, value: Value) -> None:
    table.put(Row(HERE, {"value": value}))
    found = table.get(HERE)
    assert found == {"value": value}
    assert type(found["value"]) is type(value)


@pytest.mark.parametrize("value", KINDS.values(), ids=KINDS.keys())
def test_an_updated_value_comes_back_as_it_went_in(table: Table, value: Value) -> None:
    assert table.update(HERE, Change(set={"value": value})) == {"value": value}
    assert table.get(HERE) == {"value": value}


class Channel(StrEnum):
    SMS = "sms"


def test_values_of_derived_kinds_are_kept_as_what_they_derive_from(table: Table) -> None:
    table.put(Row(HERE, {"channel": Channel.SMS, "code": HTTPStatus.OK, "map": MappingProxyType({"channels": frozenset({Channel.SMS})})}))
    found = table.get(HERE)
    assert found == {"channel": "sms", "code": 200, "map": {"channels": frozenset({"sms"})}}
    assert [type(value) for value in found.values()] == [str, int, dict]
    assert table.update(HERE, Change(set={"n": 1}), expect=equals("channel", Channel.SMS))["n"] == 1


def test_words_that_dynamodb_keeps_for_itself_may_name_values(table: Table) -> None:
    values = dict.fromkeys(["state", "name", "values", "set", "size", "a.b", "a-b", "naïve", "#n", ":v"], 1)
    table.put(Row(HERE, values))
    table.update(HERE, Change(set=dict.fromkeys(values, 2)), expect=equals("a.b", 1))
    assert table.get(HERE) == dict.fromkeys(values, 2)


def test_an_absent_row_reads_as_none_and_a_row_without_values_as_empty(table: Table) -> None:
    assert table.get(HERE) is None
    table.put(Row(HERE, {}))
    assert table.get(HERE) == {}


def test_rows_are_told_apart_by_both_parts_of_the_key(table: Table) -> None:
    for key in (Key("a", "b#c"), Key("a#b", "c"), Key("a", "b")):
        table.put(Row(key, {"key": str(key)}))
    assert table.get(Key("a#b", "c")) == {"key": str(Key("a#b", "c"))}
    assert table.get(Key("a", "B")) is None


def test_get_many_returns_the_rows_that_exist(table: Table) -> None:
    table.put(Row(HERE, {"n": 1}))
    assert table.get_many([HERE, THERE]) == {HERE: {"n": 1}}
    assert table.get_many([]) == {}


def test_get_many_takes_a_hundred_rows(table: Table) -> None:
    rows = [Row(Key(f"p{n % 7}", f"{n:03}"), {"n": n}) for n in range(100)]
    for start in range(0, 100, 25):
        assert list(table.put_many(rows[start : start + 25])) == []
    assert table.get_many([row.key for row in rows]) == {row.key: row.values for row in rows}


def test_put_replaces_the_whole_row(table: Table) -> None:
    table.put(Row(HERE, {"old": 1, "open": "BROADCAST", "due": 5}))
    table.put(Row(HERE, {"new": 2}))
    assert table.get(HERE) == {"new": 2}
    assert list(table.query_open("BROADCAST", due=10).rows) == []


def test_put_many_replaces_and_makes_rows(table: Table) -> None:
    table.put(Row(HERE, {"old": 1}))
    assert list(table.put_many([Row(HERE, {"n": 1}), Row(THERE, {"n": 2})])) == []
    assert table.get_many([HERE, THERE]) == {HERE: {"n": 1}, THERE: {"n": 2}}
    assert list(table.put_many([])) == []


def test_the_second_put_if_absent_is_refused_with_the_row_of_the_first(table: Table) -> None:
    table.put(Row(HERE, {"claim": "first", "seen": frozenset({1})}), expect=Absent())
    with pytest.raises(WriteRefused) as refused:
        table.put(Row(HERE, {"claim": "second"}), expect=Absent())
    assert refused.value.old == {"claim": "first", "seen": frozenset({1})}
    assert table.get(HERE) == {"claim": "first", "seen": frozenset({1})}


def test_a_write_refused_for_want_of_a_row_carries_none(table: Table) -> None:
    with pytest.raises(WriteRefused) as refused:
        table.update(HERE, Change(set={"n": 1}), expect=Exists())
    assert refused.value.old is None
    assert table.get(HERE) is None


def test_a_refused_delete_leaves_the_row(table: Table) -> None:
    table.put(Row(HERE, {"state": "claimed"}))
    with pytest.raises(WriteRefused) as refused:
        table.delete(HERE, expect=equals("state", "settled"))
    assert refused.value.old == {"state": "claimed"}
    assert table.get(HERE) == {"state": "claimed"}


def test_delete_removes_the_row_and_may_be_repeated(table: Table) -> None:
    table.put(Row(HERE, {"state": "settled"}))
    table.delete(HERE, expect=equals("state", "settled"))
    table.delete(HERE)
    assert table.get(HERE) is None


def test_an_update_without_expectation_makes_the_row(table: Table) -> None:
    assert table.update(HERE, Change(set={"opted_out": 5})) == {"opted_out": 5}


def test_removing_from_an_absent_row_makes_an_empty_one(table: Table) -> None:
    assert table.update(HERE, Change(remove=("opted_out",))) == {}
    assert table.get(HERE) == {}


CHANGES: dict[str, tuple[dict[str, Value], Change, dict[str, Value]]] = {
    "set keeps the others": ({"a": 1, "b": 2}, Change(set={"a": 9}), {"a": 9, "b": 2}),
    "set changes the kind": ({"a": 1}, Change(set={"a": ["x"]}), {"a": ["x"]}),
    "remove": ({"a": 1, "b": 2}, Change(remove=("a", "missing")), {"b": 2}),
    "add to a number": ({"n": 5}, Change(add={"n": -7}), {"n": -2}),
    "add to nothing": ({}, Change(add={"n": 3}), {"n": 3}),
    "add to a set": ({"s": frozenset({1, 2})}, Change(add={"s": frozenset({2, 3})}), {"s": frozenset({1, 2, 3})}),
    "add to a set of texts": ({"s": frozenset({"a"})}, Change(add={"s": frozenset({"b"})}), {"s": frozenset({"a", "b"})}),
    "begin a set": ({}, Change(add={"s": frozenset({"b"})}), {"s": frozenset({"b"})}),
    "all at once": ({"a": 1, "b": 2, "n": 1}, Change(set={"a": 0, "c": "x"}, remove=("b",), add={"n": 1}), {"a": 0, "c": "x", "n": 2}),
}


@pytest.mark.parametrize(("before", "change", "after"), CHANGES.values(), ids=CHANGES.keys())
def test_an_update_returns_and_keeps_the_row_after_the_change(table: Table, before: dict[str, Value], change: Change, after: dict[str, Value]) -> None:
    table.put(Row(HERE, before))
    assert table.update(HERE, change) == after
    assert table.get(HERE) == after


def test_a_transaction_writes_everything(table: Table) -> None:
    doomed, checked = Key("B#1", "doomed"), Key("B#1", "checked")
    table.put(Row(doomed, {}))
    table.put(Row(checked, {"n": 1}))
    table.transact(
        [
            Put(Row(HERE, {"a": 1}), expect=Absent()),
            Update(THERE, Change(set={"b": 2}, add={"n": 1})),
            Delete(doomed, expect=Exists()),
            Check(checked, equals("n", 1)),
        ]
    )
    assert table.get_many([HERE, THERE, doomed, checked]) == {HERE: {"a": 1}, THERE: {"b": 2, "n": 1}, checked: {"n": 1}}


def test_a_refused_transaction_writes_nothing_and_says_which_rows_stood_in_the_way(table: Table) -> None:
    table.put(Row(THERE, {"used": "key-1"}))
    with pytest.raises(TransactionRefused) as refused:
        table.transact(
            [
                Put(Row(HERE, {"a": 1}), expect=Absent()),
                Put(Row(THERE, {"used": "key-2"}), expect=Absent()),
                Update(Key("B#2", "gone"), Change(set={"a": 1}), expect=Has("a")),
            ]
        )
    assert refused.value.olds == {1: {"used": "key-1"}, 2: None}
    assert table.get_many([HERE, THERE]) == {THERE: {"used": "key-1"}}


REFUSING: dict[str, Any] = {
    "put": Put(Row(THERE, {"n": 2}), expect=Lacks("n")),
    "update": Update(THERE, Change(add={"n": 1}), expect=Lacks("n")),
    "delete": Delete(THERE, expect=Lacks("n")),
    "check": Check(THERE, Lacks("n")),
}


@pytest.mark.parametrize("write", REFUSING.values(), ids=REFUSING.keys())
def test_each_kind_of_write_can_refuse_a_transaction(table: Table, write: Any) -> None:
    table.put(Row(THERE, {"n": 1}))
    with pytest.raises(TransactionRefused) as refused:
        table.transact([Put(Row(HERE, {})), write])
    assert refused.value.olds == {1: {"n": 1}}
    assert table.get_many([HERE, THERE]) == {THERE: {"n": 1}}


def test_a_transaction_takes_a_hundred_writes(table: Table) -> None:
    table.transact([Put(Row(Key("p", f"{n:03}"), {"n": n})) for n in range(100)])
    assert len(table.query("p").rows) == 100


def test_a_transaction_of_nothing_does_nothing(table: Table) -> None:
    table.transact([])
