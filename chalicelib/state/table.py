"""What Belfry needs of a table: DynamoDB, made small enough to be true twice.

A row has a partition and a sort key and named values. One sparse index `open` holds the rows that carry both `open`
(text) and `due` (number), sorted by `due`. Adapters: `dynamodb.py`, `sqlite_table.py`; one contract suite runs on both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Value = str | int | bool | bytes | None | list["Value"] | Mapping[str, "Value"] | frozenset[str] | frozenset[int]
"""A stored value. Numbers are integers; sets are of one kind and never empty."""

Values = Mapping[str, Value]
"""The named values of a row, its key left out."""

MOST_GET = 100
MOST_PUT = 25
MOST_TRANSACT = 100
MOST_ROW_BYTES = 400 * 1024
PAGE_BYTES = 1024 * 1024


@dataclass(frozen=True, order=True)
class Key:
    """Where a row is kept."""

    partition: str
    sort: str


@dataclass(frozen=True)
class Row:
    """A stored row."""

    key: Key
    values: Values


@dataclass(frozen=True)
class Page:
    """Rows in key order. `after` goes into the next call; None means that there are no more."""

    rows: Sequence[Row]
    after: str | None


# --- conditions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exists:
    """The row exists."""


@dataclass(frozen=True)
class Absent:
    """The row does not exist."""


@dataclass(frozen=True)
class Has:
    """The row has this value."""

    name: str


@dataclass(frozen=True)
class Lacks:
    """The row is absent or has no such value."""

    name: str


@dataclass(frozen=True)
class Compare:
    """A value stands in this relation to another: one of = <> < <= > >=. False where the row lacks the value."""

    name: str
    relation: str
    value: str | int | bool


@dataclass(frozen=True)
class OneOf:
    """A value is one of these."""

    name: str
    values: tuple[str | int, ...]


@dataclass(frozen=True)
class All:
    """Every one of these holds."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True)
class Either:
    """At least one of these holds."""

    conditions: tuple["Condition", ...]


Condition = Exists | Absent | Has | Lacks | Compare | OneOf | All | Either


def equals(name: str, value: str | int | bool) -> Compare:
    """The value is exactly this."""
    return Compare(name, "=", value)


def every(*conditions: Condition) -> All:
    """All of these hold."""
    return All(conditions)


def either(*conditions: Condition) -> Either:
    """One of these holds."""
    return Either(conditions)


# --- writes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """What an update does to a row: set values, remove values, add to numbers (a missing one counts as 0) or to sets."""

    set: Values = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    add: Mapping[str, int | frozenset[str] | frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Put:
    """Write a whole row."""

    row: Row
    expect: Condition | None = None


@dataclass(frozen=True)
class Update:
    """Change a row, making it if it is absent and `expect` allows that."""

    key: Key
    change: Change
    expect: Condition | None = None


@dataclass(frozen=True)
class Delete:
    """Remove a row."""

    key: Key
    expect: Condition | None = None


@dataclass(frozen=True)
class Check:
    """Write nothing; only require this of a row."""

    key: Key
    expect: Condition


Write = Put | Update | Delete | Check


class Table(Protocol):
    """A partitioned, sorted table. Every write is atomic; a refused one raises WriteRefused with the old row."""

    def get(self, key: Key, *, consistent: bool = True) -> Values | None:
        """The row's values, or None."""

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> dict[Key, Values]:
        """Those of up to 100 rows that exist. Raises StateLimit over 100 or on a key named twice."""

    def put(self, row: Row, *, expect: Condition | None = None) -> None:
        """Write a whole row."""

    def put_many(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Write up to 25 rows without conditions; the rows that were not taken come back, to be tried again."""

    def update(self, key: Key, change: Change, *, expect: Condition | None = None) -> Values:
        """Change a row and return its values after the change."""

    def delete(self, key: Key, *, expect: Condition | None = None) -> None:
        """Remove a row; removing an absent one without `expect` is no error."""

    def query(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int | None = None, consistent: bool = True, backward: bool = False
    ) -> Page:
        """Rows of a partition in key order, those whose sort key starts with `prefix`, after the sort key `after`.
        A page ends at `limit` rows or 1 MB. `backward` reads from the last row to the first."""

    def query_open(self, name: str, *, due: int, after: str | None = None, limit: int | None = None) -> Page:
        """Rows with `open` = name and `due` <= due, earliest first; of their values the index holds `open` and `due` alone. May lag behind
        writes: whoever acts re-reads the row or writes conditionally. `after` is the opaque `Page.after` of the page before."""

    def transact(self, writes: Sequence[Write]) -> None:
        """All of up to 100 writes on distinct keys, or none. Raises TransactionRefused with the old rows, StateContended where others are at them."""
