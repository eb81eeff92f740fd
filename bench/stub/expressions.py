"""DynamoDB's expressions, as far as our adapter writes them. A text is read once and kept as a function: the same few come again and again."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

Item = dict[str, Any]
Names = Mapping[str, str]
Given = Mapping[str, Any]
Holds = Callable[[Item | None, Names, Given], bool]
Changes = Callable[[Item, Names, Given], None]

_TOKEN = re.compile(r"attribute_exists|attribute_not_exists|begins_with|AND|OR|IN|<>|<=|>=|[=<>(),]|[#:]?\w+")
_CLAUSE = re.compile(r"(SET|REMOVE|ADD) (.*?)(?= (?:SET|REMOVE|ADD) |$)")


@cache
def condition(text: str) -> Holds:
    """What a condition asks of an item."""
    tokens = _TOKEN.findall(text)
    holds = _either(tokens)
    assert not tokens, f"cannot read {text!r} at {tokens}"
    return holds


@cache
def update(text: str) -> Changes:
    """What an update does to an item."""
    actions = [action for verb, list_ in _CLAUSE.findall(text) for action in _actions(verb, list_)]

    def change(item: Item, names: Names, given: Given) -> None:
        for action in actions:
            action(item, names, given)

    return change


def _actions(verb: str, text: str) -> list[Changes]:
    return [{"SET": _set, "REMOVE": _remove, "ADD": _add}[verb](part.strip()) for part in text.split(",")]


def _set(text: str) -> Changes:
    name, value = text.split(" = ")
    return lambda item, names, given: item.__setitem__(names.get(name, name), given[value])


def _remove(text: str) -> Changes:
    return lambda item, names, _given: item.pop(names.get(text, text), None) and None


def _add(text: str) -> Changes:
    name, value = text.split(" ")

    def add(item: Item, names: Names, given: Given) -> None:
        ((kind, amount),) = given[value].items()
        old = item.get(names.get(name, name), {kind: "0" if kind == "N" else []})[kind]
        item[names.get(name, name)] = {kind: str(int(old) + int(amount)) if kind == "N" else sorted({*old, *amount})}

    return add


def _either(tokens: list[str]) -> Holds:
    parts = [_all(tokens)]
    while tokens[:1] == ["OR"]:
        tokens.pop(0)
        parts.append(_all(tokens))
    return parts[0] if len(parts) == 1 else lambda item, names, given: any(part(item, names, given) for part in parts)


def _all(tokens: list[str]) -> Holds:
    parts = [_one(tokens)]
    while tokens[:1] == ["AND"]:
        tokens.pop(0)
        parts.append(_one(tokens))
    return parts[0] if len(parts) == 1 else lambda item, names, given: all(part(item, names, given) for part in parts)


def _one(tokens: list[str]) -> Holds:
    first = tokens.pop(0)
    if first == "(":
        inner = _either(tokens)
        tokens.pop(0)
        return inner
    if first in {"attribute_exists", "attribute_not_exists"}:
        _, name, _ = tokens.pop(0), tokens.pop(0), tokens.pop(0)
        wanted = first == "attribute_exists"
        return lambda item, names, _given: (item is not None and names.get(name, name) in item) == wanted
    relation = tokens.pop(0)
    if relation == "IN":
        choices = tokens[1 : tokens.index(")") : 2]
        del tokens[: tokens.index(")") + 1]
        return lambda item, names, given: item is not None and item.get(names.get(first, first)) in [given[one] for one in choices]
    return _comparison(first, relation, tokens.pop(0))


def _comparison(name: str, relation: str, value: str) -> Holds:
    compare = _RELATIONS[relation]

    def holds(item: Item | None, names: Names, given: Given) -> bool:
        found, wanted = (item or {}).get(names.get(name, name)), given[value]
        return found is not None and found.keys() == wanted.keys() and compare(_plain(found), _plain(wanted))

    return holds


def _plain(attribute: dict[str, Any]) -> Any:
    ((kind, held),) = attribute.items()
    return int(held) if kind == "N" else held


_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
