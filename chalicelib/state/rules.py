"""What conditions and changes mean, for the adapter that has no DynamoDB to ask. Kinds count: the number 1 is not the truth value."""

import operator
from collections.abc import Callable, Mapping

from chalicelib.errors import StateLimit
from chalicelib.state.limits import check_names
from chalicelib.state.table import Absent, All, Change, Compare, Condition, Either, Exists, Has, Lacks, OneOf, Value, Values

MOST_CHOICES = 100

_ORDERINGS: Mapping[str, Callable[[str | int, str | int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_RELATIONS = frozenset({"=", "<>", *_ORDERINGS})


def check_condition(condition: Condition | None) -> None:
    """A condition that DynamoDB can be asked. Raises StateLimit."""
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
            if not 0 < len(values) <= MOST_CHOICES:
                raise StateLimit(f"a choice is among 1 to {MOST_CHOICES} values")


def holds(condition: Condition, values: Values | None) -> bool:
    """Whether a condition holds for a row's values; None is the absent row."""
    match condition:
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
    """A row's values after a change. Raises StateLimit where a sum is asked of what is no number, or a union of what is no such set."""
    after = {name: value for name, value in values.items() if name not in change.remove}
    after.update(change.set)
    for name, amount in change.add.items():
        after[name] = _added(after.get(name), amount)
    return after


def _check_compare(condition: Compare) -> None:
    check_names([condition.name])
    if condition.relation not in _RELATIONS:
        raise StateLimit(f"there is no relation {condition.relation!r}")
    if isinstance(condition.value, bool) and condition.relation in _ORDERINGS:
        raise StateLimit("truth values have no order")


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
    if isinstance(value, str | int) and _kind(value) is _kind(other):
        return _ORDERINGS[relation](value, other)
    return False


def _same(value: Value, other: str | int | bool) -> bool:
    return _kind(value) is _kind(other) and value == other


def _kind(value: object) -> type | None:
    if isinstance(value, bool):
        return bool
    return str if isinstance(value, str) else int if isinstance(value, int) else None


def _added(value: Value, amount: int | frozenset[str] | frozenset[int]) -> Value:
    if value is None:
        return amount
    if _kind(value) is int and isinstance(value, int) and isinstance(amount, int):
        return value + amount
    if isinstance(value, frozenset) and isinstance(amount, frozenset) and _kind(next(iter(value))) is _kind(next(iter(amount))):
        return frozenset([*value, *amount])
    raise StateLimit("a sum of numbers, or a union of sets of one kind, and nothing else")
