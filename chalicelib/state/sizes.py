"""How large values are by DynamoDB's rules, and which values it keeps at all.

After the developer guide's "Item sizes and formats"; for numbers it is an estimate, as AWS's own text is. Raises StateLimit.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from chalicelib.errors import StateLimit

KEY_NAMES = ("pk", "sk")
RESERVED = "\0"  # no name begins with it: it marks sets and bytes in JSON

_MOST_DEPTH = 32
_MOST_NUMBER = 10**38


def check_names(names: Iterable[str]) -> None:
    """Names of values are not empty, not those of the key, and do not begin with our mark."""
    for name in names:
        _check_name(name)


@lru_cache(maxsize=512)  # the same few names are in every row
def _check_name(name: str) -> None:
    if not isinstance(name, str) or not name or name in KEY_NAMES or name[0] == RESERVED:
        raise StateLimit(f"a value cannot be named {name!r}")


def text_bytes(text: str) -> int:
    """The UTF-8 length of a text."""
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise StateLimit("half a character (a lone surrogate) is no text") from error


def values_bytes(values: Mapping[str, object]) -> int:
    """The size of named values, each of a kind that is kept: no float, no empty set, no number over 38 digits."""
    return _entries_bytes(values, 0)


def _entries_bytes(values: Mapping[str, object], depth: int) -> int:
    size = 0
    for name, value in values.items():
        size += text_bytes(name) + (text_bytes(value) if type(value) is str else _value_bytes(value, depth))
    return size


def _value_bytes(value: object, depth: int) -> int:
    measure = _MEASURES.get(type(value))
    if measure is not None:
        return measure(value, depth)
    for kind, measure in _MEASURES.items():
        if isinstance(value, kind):
            return measure(value, depth)
    raise StateLimit(f"{type(value).__name__} is no kind of value that we keep")


def _string_bytes(value: str, _depth: int) -> int:
    return text_bytes(value)


def _one_byte(_value: object, _depth: int) -> int:
    return 1


def _number_bytes(value: int, _depth: int) -> int:
    if not -_MOST_NUMBER < value < _MOST_NUMBER:
        raise StateLimit("a number has at most 38 digits")
    digits = len(str(abs(value)).rstrip("0"))
    return (digits + 1) // 2 + 1 + (value < 0)


def _binary_bytes(value: bytes, _depth: int) -> int:
    return len(value)


def _set_bytes(value: frozenset[object], depth: int) -> int:
    texts = sum(isinstance(one, str) for one in value)
    numbers = sum(isinstance(one, int) and not isinstance(one, bool) for one in value)
    if not value or len(value) not in (texts, numbers):
        raise StateLimit("a set holds texts, or numbers, and is never empty")
    return sum(_value_bytes(one, depth) for one in value)


def _list_bytes(value: list[object], depth: int) -> int:
    _check_depth(depth)
    return 3 + len(value) + sum(_value_bytes(one, depth + 1) for one in value)


def _map_bytes(value: Mapping[str, object], depth: int) -> int:
    _check_depth(depth)
    for name in value:
        if not isinstance(name, str) or not name or name[0] == RESERVED:
            raise StateLimit(f"a value cannot be named {name!r}")
    return 3 + len(value) + _entries_bytes(value, depth + 1)


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
