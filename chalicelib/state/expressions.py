"""Conditions and changes in DynamoDB's words, with placeholders for every name and value."""

from collections.abc import Iterable
from typing import Any

from chalicelib.state.attributes import Attribute, to_attribute
from chalicelib.state.sizes import KEY_NAMES
from chalicelib.state.table import Absent, All, Change, Compare, Condition, Either, Exists, Has, Lacks, OneOf, Value

_PARTITION = KEY_NAMES[0]


class Expressions:
    """The expressions of one call; they share their placeholders."""

    def __init__(self, change: Change | None = None, expect: Condition | None = None) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Attribute] = {}
        self._update = None if change is None else self._changing(change)
        self._condition = None if expect is None else self._requiring(expect)

    def parameters(self) -> dict[str, Any]:
        """What goes into the call; an expression that is not there is left out, as DynamoDB wants it."""
        found = {
            "UpdateExpression": self._update,
            "ConditionExpression": self._condition,
            "ExpressionAttributeNames": self._names,
            "ExpressionAttributeValues": self._values,
        }
        return {name: value for name, value in found.items() if value}

    def _changing(self, change: Change) -> str:
        clauses = (
            ("SET", [f"{self._name(name)} = {self._value(value)}" for name, value in change.set.items()]),
            ("REMOVE", [self._name(name) for name in change.remove]),
            ("ADD", [f"{self._name(name)} {self._value(amount)}" for name, amount in change.add.items()]),
        )
        return " ".join(f"{verb} {', '.join(actions)}" for verb, actions in clauses if actions)

    def _requiring(self, condition: Condition) -> str:
        match condition:
            case Exists():
                return f"attribute_exists({self._name(_PARTITION)})"
            case Absent():
                return f"attribute_not_exists({self._name(_PARTITION)})"
            case All(parts):
                return self._joined(" AND ", parts)
            case Either(parts):
                return self._joined(" OR ", parts)
            case _:
                return self._requiring_value(condition)

    def _requiring_value(self, condition: Has | Lacks | Compare | OneOf) -> str:
        name = self._name(condition.name)
        match condition:
            case Has():
                return f"attribute_exists({name})"
            case Lacks():
                return f"attribute_not_exists({name})"
            case Compare(_, "<>", value):
                return f"(attribute_exists({name}) AND {name} <> {self._value(value)})"  # alone, <> holds for what is not there
            case Compare(_, relation, value):
                return f"{name} {relation} {self._value(value)}"
            case OneOf(_, values):
                return f"{name} IN ({', '.join(self._value(value) for value in values)})"

    def _joined(self, word: str, parts: Iterable[Condition]) -> str:
        found = [self._requiring(part) for part in parts]
        return f"({word.join(found)})" if len(found) > 1 else found[0]  # DynamoDB refuses redundant parentheses

    def _name(self, name: str) -> str:
        for placeholder, known in self._names.items():
            if known == name:
                return placeholder
        placeholder = f"#{len(self._names)}"
        self._names[placeholder] = name
        return placeholder

    def _value(self, value: Value) -> str:
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = to_attribute(value)
        return placeholder
