"""What AWS refuses, refused before the call and by both adapters alike. Every check raises StateLimit: it is our bug."""

import re
from collections.abc import Sequence

from chalicelib.errors import StateLimit
from chalicelib.state.queue import MOST_BYTES, MOST_DELAY, MOST_SEND, Outgoing
from chalicelib.state.sizes import KEY_NAMES, check_names, text_bytes, values_bytes
from chalicelib.state.table import (
    MOST_GET,
    MOST_PUT,
    MOST_ROW_BYTES,
    MOST_TRANSACT,
    All,
    Change,
    Compare,
    Condition,
    Either,
    Has,
    Key,
    Lacks,
    OneOf,
    Put,
    Row,
    Update,
    Values,
    Write,
)

OPEN, DUE = "open", "due"
ORDERINGS = ("<", "<=", ">", ">=")

_MOST_PARTITION_BYTES = 2048
_MOST_SORT_BYTES = 1024
_MOST_TRANSACTION_BYTES = 4 * 1024 * 1024
_MOST_CHOICES = 100
_MOST_DUE = 2**63  # SQLite's columns end here, and so do the milliseconds that anyone schedules
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")  # SQS takes 80; the rest is left for the prefix and for `-dead`
_NOT_IN_BODIES = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # SQS: InvalidMessageContents


# --- keys and rows ---------------------------------------------------------------------------------------------------


def check_partition(partition: str) -> None:
    """A partition is named, and not at too great length."""
    if not 0 < text_bytes(partition) <= _MOST_PARTITION_BYTES:
        raise StateLimit(f"a partition key has 1 to {_MOST_PARTITION_BYTES} bytes")


def check_key(key: Key) -> None:
    """Neither part of a key is empty or too long."""
    check_partition(key.partition)
    if not 0 < text_bytes(key.sort) <= _MOST_SORT_BYTES:
        raise StateLimit(f"a sort key has 1 to {_MOST_SORT_BYTES} bytes")


def check_get(keys: Sequence[Key]) -> None:
    """At most 100 keys, each named once."""
    _check_keys(keys, MOST_GET)


def check_limit(limit: int | None) -> None:
    """A page has at least one row."""
    if limit is not None and limit < 1:
        raise StateLimit("a page has at least one row")


def check_due(due: object) -> None:
    """The sort key of the index is a number of milliseconds."""
    if isinstance(due, bool) or not isinstance(due, int) or not -_MOST_DUE <= due < _MOST_DUE:
        raise StateLimit(f"`{DUE}` is a number of milliseconds")


def row_bytes(row: Row) -> int:
    """The size of a row that the table takes."""
    check_key(row.key)
    return _size(row)


def _size(row: Row) -> int:
    check_names(row.values)
    key = text_bytes(row.key.partition) + text_bytes(row.key.sort) + sum(map(len, KEY_NAMES))
    size = key + values_bytes(row.values)
    if size > MOST_ROW_BYTES:
        raise StateLimit(f"a row of {size} bytes; {MOST_ROW_BYTES} is the most")
    _check_index(row.values)
    return size


def rows_bytes(rows: Sequence[Row]) -> list[int]:
    """The sizes of at most 25 rows with distinct keys."""
    _check_keys([row.key for row in rows], MOST_PUT)
    return [_size(row) for row in rows]


def _check_keys(keys: Sequence[Key], most: int) -> None:
    if len(keys) > most:
        raise StateLimit(f"{len(keys)} rows at once; {most} is the most")
    if len(set(keys)) < len(keys):
        raise StateLimit("one key is named twice")
    for key in keys:
        check_key(key)


def _check_index(values: Values) -> None:
    if OPEN in values:
        name = values[OPEN]
        if not isinstance(name, str):
            raise StateLimit(f"`{OPEN}` is a text")
        check_partition(name)
    if DUE in values:
        check_due(values[DUE])


# --- writes ----------------------------------------------------------------------------------------------------------


def check_change(change: Change) -> None:
    """A change does something, names each value once, and adds only numbers and sets."""
    names = [*change.set, *change.remove, *change.add]
    if not names or len(set(names)) < len(names):
        raise StateLimit("a change names at least one value, and none twice")
    check_names(names)
    if values_bytes(change.set) + values_bytes(change.add) > MOST_ROW_BYTES:
        raise StateLimit(f"a change of more than {MOST_ROW_BYTES} bytes")
    _check_index(change.set)
    for amount in change.add.values():
        if isinstance(amount, bool) or not isinstance(amount, int | frozenset):
            raise StateLimit("only numbers and sets are added to")


def check_condition(condition: Condition | None) -> None:
    """A condition is one that DynamoDB can be asked."""
    match condition:
        case All(parts) | Either(parts):
            if not parts:
                raise StateLimit("a condition of no conditions says nothing")
            for part in parts:
                check_condition(part)
        case Has(name) | Lacks(name):
            check_names([name])
        case Compare():
            _check_compare(condition)
        case OneOf(name, values):
            check_names([name])
            if not 0 < len(values) <= _MOST_CHOICES:
                raise StateLimit(f"a choice is among 1 to {_MOST_CHOICES} values")


def check_writes(writes: Sequence[Write]) -> None:
    """A transaction of at most 100 writes on distinct keys, each one good."""
    _check_keys([key_of(write) for write in writes], MOST_TRANSACT)
    size = 0
    for write in writes:
        check_condition(write.expect)
        if isinstance(write, Put):
            size += _size(write.row)
        elif isinstance(write, Update):
            check_change(write.change)
            size += values_bytes(write.change.set)
    if size > _MOST_TRANSACTION_BYTES:
        raise StateLimit(f"a transaction of {size} bytes; {_MOST_TRANSACTION_BYTES} is the most")


def key_of(write: Write) -> Key:
    """The key of the row that a write is about."""
    return write.row.key if isinstance(write, Put) else write.key


def _check_compare(condition: Compare) -> None:
    check_names([condition.name])
    if condition.relation not in ("=", "<>", *ORDERINGS):
        raise StateLimit(f"there is no relation {condition.relation!r}")
    if isinstance(condition.value, bool) and condition.relation in ORDERINGS:
        raise StateLimit("truth values have no order")


# --- queues ----------------------------------------------------------------------------------------------------------


def check_queue_name(name: str) -> None:
    """A name that a queue may have."""
    if not _QUEUE_NAME.fullmatch(name):
        raise StateLimit(f"a queue cannot be named {name!r}")


def check_messages(messages: Sequence[Outgoing]) -> None:
    """At most ten messages of 1 MiB together, each with a body, and delayed by at most 900 s."""
    if len(messages) > MOST_SEND:
        raise StateLimit(f"{len(messages)} messages at once; {MOST_SEND} is the most")
    if sum(text_bytes(message.body) for message in messages) > MOST_BYTES:
        raise StateLimit(f"messages sent at once have {MOST_BYTES} bytes at the most")
    for message in messages:
        if not message.body or _NOT_IN_BODIES.search(message.body):
            raise StateLimit("a message has a body, without control characters")
        if not 0 <= message.delay <= MOST_DELAY:
            raise StateLimit(f"a delay is 0 to {MOST_DELAY} seconds")
