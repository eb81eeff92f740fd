"""A table as DynamoDB is when everybody wants the same: each call takes its time, and a partition gives only so much in a second. What it
refuses the SDK asks for again, a few times; then the call fails."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.errors import StateLater
from chalicelib.state.limits import key_of
from chalicelib.state.table import Change, Condition, Key, Page, Put, Row, Table, Values, Write

TRIES = 5
"""How often the SDK makes a call that is throttled."""
CALL, EACH_ROW = 0.01, 0.0001
"""Seconds that a call takes, and each row that a query gives, its planning included."""

T = TypeVar("T")


@dataclass
class Bucket:
    """What a partition gives: `rate` units in each second, none saved up for longer than one."""

    rate: float
    level: float
    at: datetime

    def has_some(self, now: datetime) -> bool:
        """Whether a call is let through. What it takes may be more than there is: those after it wait for that."""
        self.level, self.at = min(self.rate, self.level + self.rate * (now - self.at).total_seconds()), now
        return self.level > 0


@dataclass
class BusyTable:
    """Wraps a table. `reads`, `writes`: what a partition gives in a second, a write of a row in the index counted for the index's too.
    `asked`: the units of writes by partition and second, `throttled` the calls refused."""

    inner: Table
    now: Callable[[], datetime]
    rest: Callable[[float], None]
    random: Callable[[], float]
    reads: float
    writes: float
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._open: dict[Key, str] = {}
        self._crowded: dict[str, float] = {}

    def crowd(self, start: str, reads: float) -> None:
        """From now on others read the partitions whose name begins so, too: that much is left."""
        self._crowded[start] = reads
        self._buckets = {at: bucket for at, bucket in self._buckets.items() if at[0] == "write" or not at[1].startswith(start)}

    # --- reads -------------------------------------------------------------------------------------------------------

    def get(self, key: Key, **rest: Any) -> Values | None:
        """A row, for what it holds."""
        return self._read([key.partition], lambda: self.inner.get(key, **rest), lambda found: {key.partition: [Row(key, found or {})]})

    def get_many(self, keys: Sequence[Key], **rest: Any) -> dict[Key, Values]:
        """Rows, for what each holds."""
        places = list({key.partition for key in keys})
        return self._read(places, lambda: self.inner.get_many(keys, **rest), lambda found: {key.partition: [Row(key, found.get(key, {}))] for key in keys})

    def query(self, partition: str, **rest: Any) -> Page:
        """Rows of a partition, for what all of them hold."""
        page = self._read([partition], lambda: self.inner.query(partition, **rest), lambda found: {partition: found.rows})
        self.rest(EACH_ROW * len(page.rows))
        return page

    def query_open(self, name: str, **rest: Any) -> Page:
        """What the index holds."""
        return self._read([f"open {name}"], lambda: self.inner.query_open(name, **rest), lambda found: {f"open {name}": found.rows})

    def _read(self, places: Sequence[str], make: Callable[[], T], held: Callable[[T], Mapping[str, Sequence[Row]]]) -> T:
        self._until_let_through("read", places)
        found = make()
        for place, rows in held(found).items():
            self._bucket("read", place).level -= _units_to_read(rows)
        return found

    # --- writes ------------------------------------------------------------------------------------------------------

    def put(self, row: Row, *, expect: Condition | None = None) -> None:
        """Write a row."""
        self._write({row.key: row.values}, lambda: self.inner.put(row, expect=expect))

    def put_many(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Write rows; those whose partition has nothing left come back."""
        self.rest(CALL)
        taken, left = list[Row](), list[Row]()
        for row in rows:
            places = self._places(row.key, row.values)
            if self._lets_through("write", places):
                self._charge(places, row.values)
                taken.append(row)
            else:
                left.append(row)
        return [*(self.inner.put_many(taken) if taken else []), *left]

    def update(self, key: Key, change: Change, *, expect: Condition | None = None) -> Values:
        """Change a row, for all that it holds then."""
        places = self._places(key, change.set)
        self._until_let_through("write", places)
        values = self.inner.update(key, change, expect=expect)
        self._charge(places, values)
        return values

    def delete(self, key: Key, *, expect: Condition | None = None) -> None:
        """Remove a row."""
        self._write({key: {}}, lambda: self.inner.delete(key, expect=expect))

    def transact(self, writes: Sequence[Write]) -> None:
        """All of these, each for twice as much."""
        changed = {key_of(write): write.row.values if isinstance(write, Put) else getattr(write, "change", Change()).set for write in writes}
        self._write(changed, lambda: self.inner.transact(writes), times=2)

    def _write(self, changed: Mapping[Key, Values], make: Callable[[], object], times: int = 1) -> None:
        places = [(self._places(key, values), values) for key, values in changed.items()]
        self._until_let_through("write", [place for some, _ in places for place in some])
        make()
        for some, values in places * times:
            self._charge(some, values)

    def _places(self, key: Key, values: Values) -> list[str]:
        """Whose a write is: its partition's, and the index's where the row stands or comes in there."""
        if "open" in values:
            self._open[key] = str(values["open"])
        return [key.partition, *([f"open {self._open[key]}"] if key in self._open else [])]

    def _charge(self, places: Sequence[str], values: Values) -> None:
        """A unit for each kilobyte, one in the index."""
        for place, units in zip(places, (math.ceil(_bytes(values) / 1024), 1), strict=False):
            self._bucket("write", place).level -= units
            self.asked[place, int(self.now().timestamp())] += units

    # --- what is given -----------------------------------------------------------------------------------------------

    def _until_let_through(self, kind: str, places: Sequence[str]) -> None:
        for attempt in range(TRIES):
            self.rest(CALL)
            if self._lets_through(kind, places):
                return
            self.rest(self.random() * 2**attempt)
        raise StateLater(f"{kind}s are throttled")

    def _lets_through(self, kind: str, places: Sequence[str]) -> bool:
        found = all(self._bucket(kind, place).has_some(self.now()) for place in places)
        self.throttled[kind] += not found
        return found

    def _bucket(self, kind: str, place: str) -> Bucket:
        if (kind, place) not in self._buckets:
            left = next((rate for start, rate in self._crowded.items() if place.startswith(start)), self.reads)
            rate = self.writes if kind == "write" else left
            self._buckets[kind, place] = Bucket(rate, rate, self.now())
        return self._buckets[kind, place]


def _units_to_read(rows: Sequence[Row]) -> int:
    """Four kilobytes each, a begun one too, of all that one call gives."""
    return math.ceil(sum(_bytes(row.values) for row in rows) / 4096)


def _bytes(values: Values) -> int:
    """About what a row weighs, its key and names included."""
    return len(repr(values)) + 1
