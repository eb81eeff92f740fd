"""JSON from outside, read without surprises: what two parsers could read in two ways is refused, and the place is named."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chalicelib.errors import Invalid, Malformed, Problem

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What a JSON text can hold."""

MOST_DEPTH = 32
MOST_DIGITS = 20
MOST_PROBLEMS = 20

_ODD = re.compile(r"\\u(?:d[89a-f]|00[01]|007f)|\\[bf]|\x7f", re.IGNORECASE)
"""What in the text can become half a character or a control character; JSON itself refuses the bare ones below a space."""
_CONTROLS = {chr(code) for code in [*range(0x20), 0x7F]} - {"\t", "\n", "\r"}


def parse_json(body: bytes, *, controls: bool = False) -> Json:
    """The value a JSON text holds. Raises Malformed: not UTF-8, not JSON, too deep, a key twice, a number no double
    holds, half a surrogate pair, or a control character, unless `controls` lets those pass."""
    found, doubtful = _parse(body)
    _hold_to_depth(found, MOST_DEPTH)
    problems = [one for one in _problems(found) if not (controls and one.code == "control_character")] if doubtful else []
    if problems:
        raise Malformed("The JSON holds values that cannot be read in one way.", problems=problems[:MOST_PROBLEMS])
    return found


def parse_object(body: bytes, *, controls: bool = False) -> dict[str, Json]:
    """The object a JSON text holds. Raises Malformed, and Invalid where it holds something else."""
    found = parse_json(body, controls=controls)
    if not isinstance(found, dict):
        raise Invalid.field("#", "not_an_object", "Send a JSON object.")
    return found


def pointer(*steps: str | int) -> str:
    """A JSON pointer as a URI fragment: `#/topics/0`."""
    return "#" + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


class _Twice(dict[str, Json]):
    """An object in which `key` came more than once."""

    key: str = ""


@dataclass(frozen=True)
class _Unreadable:
    """Stands where a number was that no double holds."""

    code: str


def _parse(body: bytes) -> tuple[Json, bool]:
    """What the text holds, and whether to look closer: most texts need no walk through every value."""
    if not body.strip():
        raise Malformed("The body is empty.", code="empty_body")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} cannot be read.", code="not_utf8") from None
    doubts: list[object] = []
    try:
        found: Json = json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, doubts),
            parse_constant=lambda _: _doubtful("not_a_number", doubts),
            parse_int=lambda digits: int(digits) if len(digits) <= MOST_DIGITS else _doubtful("number_too_large", doubts),
            parse_float=lambda digits: value if math.isfinite(value := float(digits)) else _doubtful("number_too_large", doubts),
        )
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg}, line {error.lineno} column {error.colno}.", code="not_json") from None
    except RecursionError:
        raise Malformed("The JSON is nested too deep.", code="too_deep") from None
    return found, bool(doubts or _ODD.search(text))


def _object(pairs: Sequence[tuple[str, Json]], doubts: list[object]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    keys = [key for key, _ in pairs]
    twice = _Twice(found)
    twice.key = next(key for at, key in enumerate(keys) if key in keys[:at])
    doubts.append(twice)
    return twice


def _doubtful(code: str, doubts: list[object]) -> _Unreadable:
    doubts.append(code)
    return _Unreadable(code)


def _hold_to_depth(value: object, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise Malformed("The JSON is nested too deep.", code="too_deep")
    for inner in value.values() if isinstance(value, dict) else value:
        _hold_to_depth(inner, left - 1)


_DETAILS: Mapping[str, str] = {
    "not_a_number": "NaN and Infinity are no JSON numbers.",
    "number_too_large": "This number is too large to keep.",
    "lone_surrogate": "This text holds half a character (a lone surrogate).",
    "control_character": "This text holds a control character.",
    "key_twice": "This key comes twice in one object.",
}


def _problems(value: object) -> Sequence[Problem]:
    """What is wrong, and where."""
    found: list[Problem] = []
    todo: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while todo and len(found) < MOST_PROBLEMS:
        steps, one = todo.pop()
        found += [Problem(pointer(*at), code, _DETAILS[code]) for at, code in _wrong_here(steps, one)]
        todo += [((*steps, name), inner) for name, inner in reversed(_inside(one))]
    return found


def _inside(value: object) -> list[tuple[str | int, object]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _wrong_here(steps: tuple[str | int, ...], value: object) -> list[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, _Unreadable):
        return [(steps, value.code)]
    if isinstance(value, str):
        return [(steps, code) for code in _text_codes(value)]
    if isinstance(value, _Twice):
        return [((*steps, shown(value.key)), "key_twice")]
    if isinstance(value, dict):
        return [((*steps, shown(key)), code) for key in value for code in _text_codes(key)]
    return []


def _text_codes(text: str) -> list[str]:
    codes = ["lone_surrogate"] if any("\ud800" <= char <= "\udfff" for char in text) else []
    return codes + (["control_character"] if _CONTROLS.intersection(text) else [])


def shown(key: str) -> str:
    """A key as it can stand in an answer."""
    return "".join(char if char.isprintable() else "�" for char in key[:100])
