"""What AWS refuses, refused before the call and by both adapters alike. Every check raises StateLimit: it is our bug.

Sizes follow DynamoDB's rules (developer guide, "Item sizes and formats"); they are an estimate for numbers, as AWS's own are.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from chalicelib.errors import StateLimit
from chalicelib.state.queue import MOST_BYTES, MOST_DELAY, MOST_SEND, Outgoing
from chalicelib.state.table import MOST_GET, MOST_PUT, MOST_ROW_BYTES, MOST_TRANSACT, Change, Check, Key, Put, Row, Values, Write

KEY_NAMES = ("pk", "sk")
OPEN, DUE = "open", "due"

_MOST_PARTITION_BYTES = 2048
_MOST_SORT_BYTES = 1024
_MOST_DEPTH = 32
_MOST_NUMBER = 10**38
_MOST_DUE = 2**63  # of the index's numbers; SQLite's columns end here, and so do years worth scheduling
_KEY_NAMES_BYTES = sum(map(len, KEY_NAMES))
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")  # SQS takes 80; the rest is left for the prefix and for `-dead`
_NOT_IN_BODIES = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # SQS: InvalidMessageContents


# --- keys and rows ---------------------------------------------------------------------------------------------------


def check_key(key: Key) -> None:
    """Neither part of a key is empty or too long."""
    check_partition(key.partition)
    if not 0 < text_bytes(key.sort) <= _MOST_SORT_BYTES:
        raise StateLimit(f"a sort key has 1 to {_MOST_SORT_BYTES} bytes")


def check_partition(partition: str) -> None:
    """A partition key is not empty and not too long."""
    if not 0 < text_bytes(partition) <= _MOST_PARTITION_BYTES:
        raise StateLimit(f"a partition key has 1 to {_MOST_PARTITION_BYTES} bytes")


def check_keys(keys: Sequence[Key], most: int) -> None:
    """Not too many keys, none named twice, each a good one."""
    if len(keys) > most:
        raise StateLimit(f"{len(keys)} rows at once; {most} is the most")
    if len(set(keys)) < len(keys):
        raise StateLimit("one key is named twice")
    for key in keys:
        check_key(key)


def check_get(keys: Sequence[Key]) -> None:
    """A reading of many rows is within limits."""
    check_keys(keys, MOST_GET)


def check_limit(limit: int | None) -> None:
    """A page has at least one row."""
    if limit is not None and limit < 1:
        raise StateLimit("a page has at least one row")


def check_row(row: Row) -> int:
    """The size of a row, which is one that the table takes."""
    check_key(row.key)
    return check_size(row.key, row.values)


def check_put_many(rows: Sequence[Row]) -> list[int]:
    """The sizes of rows that may be written at once."""
    check_keys([row.key for row in rows], MOST_PUT)
    return [check_size(row.key, row.values) for row in rows]


def check_size(key: Key, values: Values) -> int:
    """The size of values kept under a key. They are of kinds we keep and within 400 KB."""
    check_names(values)
    size = _KEY_NAMES_BYTES + text_bytes(key.partition) + text_bytes(key.sort) + _entries_bytes(values, 0)
    if size > MOST_ROW_BYTES:
        raise StateLimit(f"a row of {size} bytes; {MOST_ROW_BYTES} is the most")
    _check_index(values)
    return size


def check_change(change: Change) -> None:
    """A change does something, and names each value once."""
    names = [*change.set, *change.remove, *change.add]
    if not names or len(set(names)) < len(names):
        raise StateLimit("a change names at least one value, and none twice")
    check_names(names)
    _entries_bytes(change.set, 0)
    _entries_bytes(change.add, 0)
    _check_index(change.set)
    for amount in change.add.values():
        if isinstance(amount, bool) or not isinstance(amount, int | frozenset):
            raise StateLimit("only numbers and sets can be added to")


def check_writes(writes: Sequence[Write]) -> None:
    """A transaction is within limits, apart from what its conditions say and what its changes say."""
    check_keys([key_of(write) for write in writes], MOST_TRANSACT)
    for write in writes:
        if isinstance(write, Put):
            check_size(write.row.key, write.row.values)


def key_of(write: Write) -> Key:
    """The key of the row that a write is about."""
    return write.row.key if isinstance(write, Put) else write.key


def writes_nothing(write: Write) -> bool:
    """Whether a write only requires something."""
    return isinstance(write, Check)


def check_names(names: Sequence[str] | Values) -> None:
    """Names of values are not those of the key, not empty, and do not begin with NUL (our mark for sets and bytes in JSON)."""
    for name in names:
        if not isinstance(name, str) or not name or name in KEY_NAMES or name[0] == "\0":
            raise StateLimit(f"a value cannot be named {name!r}")


def _check_index(values: Values) -> None:
    name, due = values.get(OPEN, "-"), values.get(DUE, 0)
    if not isinstance(name, str) or not 0 < len(name.encode()) <= _MOST_PARTITION_BYTES:
        raise StateLimit(f"`{OPEN}` is a text with something in it")
    if not isinstance(due, int) or isinstance(due, bool) or not -_MOST_DUE <= due < _MOST_DUE:
        raise StateLimit(f"`{DUE}` is a number of milliseconds")


# --- values ----------------------------------------------------------------------------------------------------------


def text_bytes(text: str) -> int:
    """The UTF-8 length of a text."""
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise StateLimit("half a character (a lone surrogate) is no text") from error


def _value_bytes(value: object, depth: int) -> int:
    measure = _MEASURES.get(type(value))
    if measure is not None:
        return measure(value, depth)
    for kind, measure in _MEASURES.items():
        if isinstance(value, kind):
            return measure(value, depth)
    raise StateLimit(f"{type(value).__name__} is no kind of value that we keep")


def _one_byte(_value: object, _depth: int) -> int:
    return 1


def _string_bytes(value: str, _depth: int) -> int:
    return text_bytes(value)


def _number_bytes(value: int, _depth: int) -> int:
    if not -_MOST_NUMBER < value < _MOST_NUMBER:
        raise StateLimit("a number has at most 38 digits")
    digits = len(str(abs(value)).rstrip("0"))
    return (digits + 1) // 2 + 1 + (value < 0)


def _binary_bytes(value: bytes, _depth: int) -> int:
    return len(value)


def _set_bytes(value: frozenset[object], depth: int) -> int:
    if not value:
        raise StateLimit("a set is never empty")
    kinds = {bool if isinstance(one, bool) else str if isinstance(one, str) else int if isinstance(one, int) else None for one in value}
    if kinds not in ({str}, {int}):
        raise StateLimit("a set holds texts, or numbers")
    return sum(_value_bytes(one, depth) for one in value)


def _list_bytes(value: list[object], depth: int) -> int:
    _check_depth(depth)
    return 3 + sum(_value_bytes(one, depth + 1) + 1 for one in value)


def _map_bytes(value: Mapping[str, object], depth: int) -> int:
    _check_depth(depth)
    for name in value:
        if not isinstance(name, str) or name[:1] == "\0":
            raise StateLimit(f"a value cannot be named {name!r}")
    return 3 + len(value) + _entries_bytes(value, depth + 1)


def _entries_bytes(values: Mapping[str, object], depth: int) -> int:
    return sum(text_bytes(name) + _value_bytes(value, depth) for name, value in values.items())


def _check_depth(depth: int) -> None:
    if depth >= _MOST_DEPTH:
        raise StateLimit(f"values lie at most {_MOST_DEPTH} deep")


_MEASURES: dict[type, Callable[..., int]] = {
    str: _string_bytes,
    bool: _one_byte,
    int: _number_bytes,
    type(None): _one_byte,
    list: _list_bytes,
    dict: _map_bytes,
    frozenset: _set_bytes,
    bytes: _binary_bytes,
    Mapping: _map_bytes,
}


# --- queues ----------------------------------------------------------------------------------------------------------


def check_queue_name(name: str) -> None:
    """A name that a queue may have."""
    if not _QUEUE_NAME.fullmatch(name):
        raise StateLimit(f"a queue cannot be named {name!r}")


def check_messages(messages: Sequence[Outgoing]) -> None:
    """Messages that a queue takes at once."""
    if len(messages) > MOST_SEND:
        raise StateLimit(f"{len(messages)} messages at once; {MOST_SEND} is the most")
    if sum(text_bytes(message.body) for message in messages) > MOST_BYTES:
        raise StateLimit(f"messages sent at once have {MOST_BYTES} bytes at the most")
    for message in messages:
        if not message.body or _NOT_IN_BODIES.search(message.body):
            raise StateLimit("a message has a body, without control characters")
        if not 0 <= message.delay <= MOST_DELAY:
            raise StateLimit(f"a delay is 0 to {MOST_DELAY} seconds")
