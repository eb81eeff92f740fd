"""What conditions and changes mean, for the adapter that has no DynamoDB to ask. Kinds count: the number 1 is not the truth value."""

import operator
from collections.abc import Callable, Mapping

from chalicelib.errors import StateLimit
from chalicelib.state.table import Absent, All, Change, Compare, Condition, Either, Exists, Has, Lacks, OneOf, Value, Values

_ORDERINGS: Mapping[str, Callable[..., bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(condition: Condition | None, values: Values | None) -> bool:
    """Whether a condition holds for a row's values. No condition always holds; no values are the absent row's."""
    match condition:
        case None:
            return True
        case Exists():
            return values is not None
        case Absent():
            return values is None
        case All(parts):
            return all(holds(part, values) for part in parts)
        case Either(parts):
            return any(holds(part, values) for part in parts)
        case _:
            return _holds_value(condition, values or {})


def changed(values: Values, change: Change) -> dict[str, Value]:
    """A row's values after a change. Raises StateLimit where what is there cannot be added to."""
    after = {name: value for name, value in values.items() if name not in change.remove}
    after.update(change.set)
    for name, amount in change.add.items():
        after[name] = _added(after[name], amount) if name in after else amount
    return after


def _holds_value(condition: Has | Lacks | Compare | OneOf, values: Values) -> bool:
    present = condition.name in values
    match condition:
        case Has():
            return present
        case Lacks():
            return not present
        case Compare(name, relation, value):
            return present and _compares(values[name], relation, value)
        case OneOf(name, choices):
            return present and any(_same(values[name], choice) for choice in choices)


def _compares(value: Value, relation: str, other: str | int | bool) -> bool:
    if relation in ("=", "<>"):
        return _same(value, other) == (relation == "=")
    return _kind(value) == _kind(other) and _ORDERINGS[relation](value, other)


def _same(value: Value, other: str | int | bool) -> bool:
    return _kind(value) == _kind(other) and value == other


def _added(value: Value, amount: int | frozenset[str] | frozenset[int]) -> Value:
    if _kind(value) != _kind(amount):
        raise StateLimit("numbers are added to numbers, and sets to sets of the same kind")
    if isinstance(value, frozenset) and isinstance(amount, frozenset):
        return frozenset([*value, *amount])
    return value + amount  # type: ignore[operator]


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, frozenset):
        return f"set of {_kind(next(iter(value)))}s"
    return "text" if isinstance(value, str) else "number" if isinstance(value, int) else "other"
