"""What a table promises about reading many rows in order: partitions, the sparse index, pages."""

import pytest

from chalicelib.state.table import PAGE_BYTES, Change, Key, Page, Row, Table

SORTS = ["H#", "H#1", "H#12", "H#2", "H#é", "H#\U0001f514", "H#\U0010ffff", "H", "I", "h#1", "SUB#a#sms", "\ud7ff", "\ud7ff1", "\ue000"]


def _fill(table: Table, sorts: list[str], partition: str = "S#1") -> None:
    for start in range(0, len(sorts), 25):
        table.put_many([Row(Key(partition, sort), {"sort": sort}) for sort in sorts[start : start + 25]])


def _sorts(page: Page) -> list[str]:
    return [row.key.sort for row in page.rows]


def _walk(table: Table, *, limit: int | None, prefix: str = "", backward: bool = False) -> list[str]:
    found: list[str] = []
    after: str | None = None
    for _ in range(100):
        page = table.query("S#1", prefix=prefix, after=after, limit=limit, backward=backward)
        assert limit is None or len(page.rows) <= limit
        found += _sorts(page)
        after = page.after
        if after is None:
            return found
    raise AssertionError("the pages never end")


def test_a_query_returns_one_partition_in_the_order_of_utf8(table: Table) -> None:
    _fill(table, SORTS)
    _fill(table, ["H#0"], partition="S#10")
    page = table.query("S#1")
    assert _sorts(page) == sorted(SORTS, key=str.encode)
    assert page.rows[0] == Row(Key("S#1", "H"), {"sort": "H"})
    assert page.after is None
    assert table.query("S#2") == Page([], None)


@pytest.mark.parametrize("prefix", ["H#", "H", "H#1", "SUB#", "H#\U0010ffff", "\ud7ff", "x", "h"])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_a_prefix_names_just_the_sort_keys_that_start_with_it(table: Table, prefix: str, backward: bool) -> None:
    _fill(table, SORTS)
    expected = sorted((sort for sort in SORTS if sort.startswith(prefix)), key=str.encode, reverse=backward)
    assert _walk(table, limit=None, prefix=prefix, backward=backward) == expected


@pytest.mark.parametrize("limit", [1, 2, 5, 14, 15])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_pages_put_together_are_the_whole(table: Table, limit: int, backward: bool) -> None:
    _fill(table, SORTS)
    assert _walk(table, limit=limit, backward=backward) == sorted(SORTS, key=str.encode, reverse=backward)
    ours = sorted((sort for sort in SORTS if sort.startswith("H#")), key=str.encode, reverse=backward)
    assert _walk(table, limit=limit, prefix="H#", backward=backward) == ours


AFTERS = ["", "A", "G", "H", "H#", "H#1", "H#11", "H#12", "H#zz", "H#\U0010ffff", "I", "zz"]


@pytest.mark.parametrize("prefix", ["", "H#"])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_a_query_starts_after_any_sort_key_whether_a_row_has_it_or_not(table: Table, prefix: str, backward: bool) -> None:
    _fill(table, SORTS)
    ours = sorted((sort for sort in SORTS if sort.startswith(prefix)), key=str.encode, reverse=backward)
    for after in AFTERS:
        expected = [sort for sort in ours if (sort < after if backward else sort > after)]
        assert _sorts(table.query("S#1", prefix=prefix, after=after, backward=backward)) == expected, after


@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "eventual"])
def test_a_reading_may_be_consistent_or_not(table: Table, consistent: bool) -> None:
    table.put(Row(Key("p", "s"), {"n": 1}))
    assert table.get(Key("p", "s"), consistent=consistent) == {"n": 1}
    assert table.get_many([Key("p", "s")], consistent=consistent) == {Key("p", "s"): {"n": 1}}
    assert len(table.query("p", consistent=consistent).rows) == 1


def test_a_page_ends_at_one_megabyte(table: Table) -> None:
    large = "x" * 300_000
    for n in range(5):
        table.put(Row(Key("S#1", f"{n}"), {"large": large}))
    page = table.query("S#1")
    assert _sorts(page) == ["0", "1", "2"]
    assert 3 * len(large) < PAGE_BYTES < 4 * len(large)
    assert page.after == "2"
    assert _sorts(table.query("S#1", after=page.after)) == ["3", "4"]


# --- the sparse index ------------------------------------------------------------------------------------------------


def _open_walk(table: Table, name: str, due: int, limit: int | None = None) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    after: str | None = None
    for _ in range(100):
        page = table.query_open(name, due=due, after=after, limit=limit)
        found += [(row.key.partition, row.key.sort) for row in page.rows]
        after = page.after
        if after is None:
            return found
    raise AssertionError("the pages never end")


def test_the_index_holds_what_is_open_and_due_earliest_first(table: Table) -> None:
    for partition, name, due in (("late", "bc_1", 30), ("early", "bc_1", -10), ("exact", "bc_1", 20), ("after", "bc_1", 31), ("other", "bc_2", 1)):
        table.put(Row(Key(partition, "s"), {"open": name, "due": due, "more": "x"}))
    assert _open_walk(table, "bc_1", 30) == [("early", "s"), ("exact", "s"), ("late", "s")]
    assert _open_walk(table, "bc_3", 30) == []


def test_of_a_row_the_index_holds_its_key_and_when_it_is_due(table: Table) -> None:
    table.put(Row(Key("B#1", "BROADCAST"), {"open": "BROADCAST", "due": 7, "state": "scheduled"}))
    assert list(table.query_open("BROADCAST", due=7).rows) == [Row(Key("B#1", "BROADCAST"), {"open": "BROADCAST", "due": 7})]


@pytest.mark.parametrize("values", [{"open": "bc_1"}, {"due": 1}, {}], ids=["no due", "no open", "neither"])
def test_a_row_without_both_values_is_not_in_the_index(table: Table, values: dict[str, str | int]) -> None:
    table.put(Row(Key("p", "s"), dict(values)))
    assert _open_walk(table, "bc_1", 10) == []


def test_an_update_moves_a_row_in_the_index_and_out_of_it(table: Table) -> None:
    key = Key("p", "s")
    table.put(Row(key, {"open": "bc_1", "due": 5}))
    table.update(key, Change(set={"due": 50}))
    assert _open_walk(table, "bc_1", 10) == []
    table.update(key, Change(add={"due": -45}))
    assert _open_walk(table, "bc_1", 10) == [("p", "s")]
    table.update(key, Change(remove=("open", "due")))
    assert _open_walk(table, "bc_1", 100) == []
    table.update(key, Change(set={"open": "bc_1", "due": 1}))
    table.delete(key)
    assert _open_walk(table, "bc_1", 100) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, None])
def test_pages_of_the_index_put_together_are_the_whole(table: Table, limit: int | None) -> None:
    keys = [Key(f"p{n % 3}", f"s{n}") for n in range(7)]
    for n, key in enumerate(keys):
        table.put(Row(key, {"open": "bc_1", "due": n // 3}))
    found = _open_walk(table, "bc_1", 10, limit)
    assert sorted(found) == sorted((key.partition, key.sort) for key in keys)
    assert [int(sort[1:]) // 3 for _, sort in found] == [0, 0, 0, 1, 1, 1, 2]
