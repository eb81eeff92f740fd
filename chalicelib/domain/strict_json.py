"""JSON from outside, read without surprises: what two parsers could read in two ways is refused, and the place is named."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chalicelib.errors import Malformed, Problem

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What a JSON text can hold."""

MOST_DEPTH = 32
MOST_DIGITS = 20
MOST_PROBLEMS = 20

_CONTROLS = {chr(code) for code in [*range(0x20), 0x7F]} - {"\t", "\n", "\r"}


def parse_json(body: bytes, *, controls: bool = False) -> Json:
    """The value a JSON text holds. Raises Malformed: not UTF-8, not JSON, too deep, a key twice, a number no double
    holds, half a surrogate pair, or a control character, unless `controls` lets those pass."""
    found = _parse(body)
    problems = [one for one in _problems(found) if not (controls and one.code == "control_character")]
    if problems:
        raise Malformed("The JSON holds values that cannot be read in one way.", problems=problems[:MOST_PROBLEMS])
    return found


def parse_object(body: bytes, *, controls: bool = False) -> dict[str, Json]:
    """The object a JSON text holds. Raises Malformed, also where it holds something else."""
    found = parse_json(body, controls=controls)
    if not isinstance(found, dict):
        raise Malformed("Send a JSON object.", problems=[Problem("#", "not_an_object", "Send a JSON object.")])
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


def _parse(body: bytes) -> Json:
    if not body.strip():
        raise Malformed("The body is empty.", code="empty_body")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} cannot be read.", code="not_utf8") from None
    try:
        found: Json = json.loads(text, object_pairs_hook=_object, parse_constant=lambda _: _Unreadable("not_a_number"), parse_int=_whole, parse_float=_number)
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg}, line {error.lineno} column {error.colno}.", code="not_json") from None
    except RecursionError:
        raise Malformed("The JSON is nested too deep.", code="too_deep") from None
    return found


def _object(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    twice = _Twice(found)
    twice.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return twice


def _whole(digits: str) -> int | _Unreadable:
    return int(digits) if len(digits) <= MOST_DIGITS else _Unreadable("number_too_large")


def _number(digits: str) -> float | _Unreadable:
    value = float(digits)
    return value if math.isfinite(value) else _Unreadable("number_too_large")


_DETAILS: Mapping[str, str] = {
    "not_a_number": "NaN and Infinity are no JSON numbers.",
    "number_too_large": "This number is too large to keep.",
    "lone_surrogate": "This text holds half a character (a lone surrogate).",
    "control_character": "This text holds a control character.",
    "key_twice": "This key comes twice in one object.",
}


def _problems(value: object) -> Sequence[Problem]:
    """What is wrong, and where. Walks without recursion: the depth of the text is the caller's choice, not ours."""
    found: list[Problem] = []
    todo: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while todo and len(found) < MOST_PROBLEMS:
        steps, one = todo.pop()
        if len(steps) > MOST_DEPTH:
            raise Malformed("The JSON is nested too deep.", code="too_deep")
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
