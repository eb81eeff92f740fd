"""The index of tests lags, and everything else is what it wraps."""

from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.state.table import Change, Delete, Key, Put, Row, Update
from tests.lagging import LaggingTable
from tests.tables import sqlite_city

FAR = 10**15
ROWS = [Row(Key("p", f"{n:02}"), {"open": "x", "due": n % 3}) for n in range(40)]


@pytest.fixture
def table(tmp_path: Path) -> LaggingTable:
    city = sqlite_city(tmp_path)
    return LaggingTable(city.table, city.clock, seed=3)


def open_keys(table: LaggingTable) -> set[str]:
    return {row.key.sort for row in table.query_open("x", due=FAR).rows}


def test_the_index_is_behind_by_some_of_the_last_writes(table: LaggingTable) -> None:
    missing = []
    for number, row in enumerate(ROWS, 1):
        table.put(row)
        assert table.get(row.key) == row.values
        missing.append(number - len(open_keys(table)))
    assert 0 in missing
    assert 4 <= max(missing) <= 8


def test_a_row_that_left_the_index_may_still_be_found(table: LaggingTable) -> None:
    table.put_many(ROWS[:10])
    table.settle()
    table.transact([Delete(ROWS[0].key), Update(ROWS[1].key, Change(remove=("open", "due"))), Put(Row(ROWS[2].key, {"open": "x", "due": 99}))])
    assert len(open_keys(table)) > 8
    table.settle()
    assert len(open_keys(table)) == 8
    assert {row.values["due"] for row in table.query_open("x", due=FAR).rows if row.key == ROWS[2].key} == {99}


def test_it_catches_up_when_time_passes(tmp_path: Path) -> None:
    city = sqlite_city(tmp_path)
    table = LaggingTable(city.table, city.clock, most=100, seed=1)
    table.put_many(ROWS[:20])
    assert len(open_keys(table)) < 20
    city.clock.advance(timedelta(seconds=1))
    assert len(open_keys(table)) == 20


def test_pages_are_read_on_where_they_were_cut(tmp_path: Path) -> None:
    city = sqlite_city(tmp_path)
    table = LaggingTable(city.table, city.clock, page_rows=7)
    for start in (0, 25):
        table.put_many(ROWS[start : start + 25])
    table.settle()
    found, after = [], None
    while True:
        page = table.query_open("x", due=1, after=after)
        assert len(page.rows) <= 7
        found, after = [*found, *page.rows], page.after
        if after is None:
            break
    assert [row.values["due"] for row in found] == [0] * 14 + [1] * 13
    assert {row.key for row in found} == {row.key for row in ROWS if row.values["due"] != 2}
    assert len(table.query("p").rows) == 7
