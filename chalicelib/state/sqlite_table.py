"""The table in one SQLite file: the default on one machine, durable over `kill -9`."""

import base64
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import cast

from chalicelib.errors import TransactionRefused, WriteRefused
from chalicelib.state.limits import (
    DUE,
    OPEN,
    check_change,
    check_condition,
    check_due,
    check_get,
    check_key,
    check_limit,
    check_partition,
    check_writes,
    key_of,
    row_bytes,
    rows_bytes,
)
from chalicelib.state.rules import changed, holds
from chalicelib.state.sizes import RESERVED
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.table import PAGE_BYTES, Change, Condition, Delete, Key, Page, Put, Row, Update, Value, Values, Write

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state_rows (
    pk TEXT NOT NULL, sk TEXT NOT NULL, body TEXT NOT NULL, bytes INTEGER NOT NULL, open TEXT, due INTEGER, ttl INTEGER,
    PRIMARY KEY (pk, sk)
);
CREATE INDEX IF NOT EXISTS state_rows_open ON state_rows (open, due, pk, sk) WHERE open IS NOT NULL;
CREATE INDEX IF NOT EXISTS state_rows_ttl ON state_rows (ttl) WHERE ttl IS NOT NULL
"""
_SAVE = """
INSERT INTO state_rows (pk, sk, body, bytes, open, due, ttl) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (pk, sk) DO UPDATE SET body = excluded.body, bytes = excluded.bytes, open = excluded.open, due = excluded.due, ttl = excluded.ttl
"""
_LOAD = "SELECT body FROM state_rows WHERE pk = ? AND sk = ?"
_DELETE = "DELETE FROM state_rows WHERE pk = ? AND sk = ?"
_FORGET = "DELETE FROM state_rows WHERE ttl <= ?"
_FORWARD = "SELECT pk, sk, body, bytes FROM state_rows WHERE pk = ? AND sk >= ? AND sk < ? ORDER BY sk LIMIT ?"
_BACKWARD = "SELECT pk, sk, body, bytes FROM state_rows WHERE pk = ? AND sk >= ? AND sk < ? ORDER BY sk DESC LIMIT ?"
_OPEN = """
SELECT pk, sk, json_object('open', open, 'due', due), length(pk) + length(sk) + length(open) + 20, due FROM state_rows
WHERE open = ? AND due <= ? AND (due, pk, sk) > (?, ?, ?) ORDER BY due, pk, sk LIMIT ?
"""
_NEXT_DUE = "SELECT min(due) FROM state_rows WHERE open IS NOT NULL AND (? IS NULL OR open = ?) AND due > ? AND due <= ?"
_ABOVE_ALL_TEXT = b""  # SQLite sorts any blob after any text
_BEFORE_ALL = (-(2**63), "", "")
_SET, _BYTES = RESERVED + "set", RESERVED + "bytes"  # the one name in an object that stands for such a value
_TAGGED = json.dumps({_SET: 0})[: -len('set": 0}')]  # how such an object begins in JSON
_NEVER = 2**63


class SqliteTable:
    """A Table in a file. `consistent` changes nothing: every read is."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        file.prepare(_SCHEMA)

    def get(self, key: Key, *, consistent: bool = True) -> Values | None:  # noqa: ARG002 the Protocol's
        """The row's values, or None."""
        check_key(key)
        with self._file.reading() as connection:
            return _load(connection, key)

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> dict[Key, Values]:  # noqa: ARG002 the Protocol's
        """Those of up to 100 rows that exist."""
        check_get(keys)
        with self._file.reading() as connection:
            found = {key: _load(connection, key) for key in keys}
        return {key: values for key, values in found.items() if values is not None}

    def put(self, row: Row, *, expect: Condition | None = None) -> None:
        """Write a whole row."""
        check_condition(expect)
        record = _record(row, row_bytes(row))
        with self._file.writing() as connection:
            if expect is not None:
                _require(connection, row.key, expect)
            connection.execute(_SAVE, record)

    def put_many(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Write up to 25 rows; a file takes them all."""
        records = [_record(row, size) for row, size in zip(rows, rows_bytes(rows), strict=True)]
        with self._file.writing() as connection:
            connection.executemany(_SAVE, records)
        return ()

    def update(self, key: Key, change: Change, *, expect: Condition | None = None) -> Values:
        """Change a row and return its values after the change."""
        check_key(key)
        check_change(change)
        check_condition(expect)
        with self._file.writing() as connection:
            old = _require(connection, key, expect)
            return _change(connection, key, old, change)

    def delete(self, key: Key, *, expect: Condition | None = None) -> None:
        """Remove a row."""
        check_key(key)
        check_condition(expect)
        with self._file.writing() as connection:
            if expect is not None:
                _require(connection, key, expect)
            connection.execute(_DELETE, (key.partition, key.sort))

    def query(
        self,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        limit: int | None = None,
        consistent: bool = True,  # noqa: ARG002 the Protocol's
        backward: bool = False,
    ) -> Page:
        """Rows of a partition in key order."""
        check_partition(partition)
        check_limit(limit)
        low, high = prefix, _past(prefix)
        if after is not None and backward:
            high = after if high is None else min(high, after)
        elif after is not None:
            low = max(low, after + "\0")  # the least text above `after`
        bounds = (partition, low, _ABOVE_ALL_TEXT if high is None else high)
        with self._file.reading() as connection:
            rows, last = _page(connection, _BACKWARD if backward else _FORWARD, bounds, limit)
        return Page(rows, None if last is None else last[1])

    def query_open(self, name: str, *, due: int, after: str | None = None, limit: int | None = None) -> Page:
        """Rows with `open` = name and `due` <= due, earliest first; of their values the index holds these two."""
        check_partition(name)
        check_due(due)
        check_limit(limit)
        start = json.loads(base64.b64decode(after)) if after else _BEFORE_ALL
        with self._file.reading() as connection:
            rows, last = _page(connection, _OPEN, (name, due, *start), limit)
        return Page(rows, None if last is None else base64.b64encode(json.dumps([last[4], last[0], last[1]]).encode()).decode())

    def transact(self, writes: Sequence[Write]) -> None:
        """All of up to 100 writes on distinct keys, or none."""
        check_writes(writes)
        with self._file.writing() as connection:
            olds = [_load(connection, key_of(write)) for write in writes]
            refused = {n: old for n, (write, old) in enumerate(zip(writes, olds, strict=True)) if not holds(write.expect, old)}
            if refused:
                raise TransactionRefused(refused)
            for write, old in zip(writes, olds, strict=True):
                _apply(connection, write, old)

    def next_due(self, *, after: int, until: int, name: str | None = None) -> int | None:
        """The earliest `due` after `after` and up to `until` of rows open under `name`, or under any: for whoever moves a clock. None where there is none."""
        with self._file.reading() as connection:
            found: int | None = connection.execute(_NEXT_DUE, (name, name, after, until)).fetchone()[0]
        return found

    def forget_expired(self, now: datetime) -> int:
        """Remove the rows whose `ttl` (epoch seconds) has passed, as DynamoDB does in its own time. Returns how many."""
        with self._file.writing() as connection:
            return connection.execute(_FORGET, (int(now.timestamp()),)).rowcount


def _require(connection: sqlite3.Connection, key: Key, expect: Condition | None) -> Values | None:
    old = _load(connection, key)
    if not holds(expect, old):
        raise WriteRefused(old)
    return old


def _apply(connection: sqlite3.Connection, write: Write, old: Values | None) -> None:
    if isinstance(write, Put):
        connection.execute(_SAVE, _record(write.row, row_bytes(write.row)))
    elif isinstance(write, Update):
        _change(connection, write.key, old, write.change)
    elif isinstance(write, Delete):
        connection.execute(_DELETE, (write.key.partition, write.key.sort))


def _change(connection: sqlite3.Connection, key: Key, old: Values | None, change: Change) -> Values:
    row = Row(key, changed(old or {}, change))
    connection.execute(_SAVE, _record(row, row_bytes(row)))
    return row.values


def _load(connection: sqlite3.Connection, key: Key) -> dict[str, Value] | None:
    found = connection.execute(_LOAD, (key.partition, key.sort)).fetchone()
    return _decode(found[0]) if found else None


def _page(connection: sqlite3.Connection, statement: str, bounds: Sequence[object], limit: int | None) -> tuple[list[Row], tuple[str, ...] | None]:
    """Rows up to 1 MB, and the record of the last one if there may be more: as in DynamoDB, `limit` reached counts as more."""
    rows: list[Row] = []
    size, last = 0, None
    with closing(connection.execute(statement, (*bounds, limit or -1))) as found:
        for record in found:
            size += record[3]
            if rows and size > PAGE_BYTES:
                return rows, last
            rows.append(Row(Key(record[0], record[1]), _decode(record[2])))
            last = record
    return rows, last if len(rows) == limit else None


def _past(prefix: str) -> str | None:
    """The least text above all that start with `prefix`; None where there is none."""
    for end in range(len(prefix), 0, -1):
        code = ord(prefix[end - 1]) + 1
        if code <= 0x10FFFF:
            return prefix[: end - 1] + chr(0xE000 if code == 0xD800 else code)
    return None


# --- values as JSON --------------------------------------------------------------------------------------------------


def _record(row: Row, size: int) -> tuple[str | int | None, ...]:
    ttl, indexed = row.values.get("ttl"), OPEN in row.values and DUE in row.values
    return (
        row.key.partition,
        row.key.sort,
        json.dumps(row.values, default=_tagged, ensure_ascii=False, separators=(",", ":")),
        size,
        cast(str, row.values[OPEN]) if indexed else None,
        cast(int, row.values[DUE]) if indexed else None,
        ttl if isinstance(ttl, int) and ttl < _NEVER else None,
    )


def _tagged(value: object) -> object:
    if isinstance(value, frozenset):
        return {_SET: sorted(value)}
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    return dict(cast(Mapping[str, Value], value))


def _decode(body: str) -> dict[str, Value]:
    values: dict[str, Value] = json.loads(body, object_hook=_untagged) if _TAGGED in body else json.loads(body)
    return values


def _untagged(value: dict[str, Value]) -> Value:
    if _SET in value:
        return cast(frozenset[str], frozenset(cast(list[str], value[_SET])))
    if _BYTES in value:
        return base64.b64decode(cast(str, value[_BYTES]))
    return value
