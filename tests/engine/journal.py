"""What was written, in order; and writes that are made twice, as the SDK does where a reply got lost."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.domain.batch import BatchKey
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.times import from_ms
from chalicelib.state.table import Change, Delete, Key, Put, Row, Update, Values, Write
from tests.tables import Clock


@dataclass
class Journal:
    """What was written, in order: each write has a number, and facts name the write that made them."""

    clock: Clock
    writes: int = 0
    marks: dict[tuple[BatchKey, int], int] = field(default_factory=dict)
    opted_out: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    approved: dict[str, int] = field(default_factory=dict)
    ends: Callable[[str], None] = lambda _name: None
    moved: dict[str, int] = field(default_factory=dict)

    def note(self, key: Key, values: Values | None, set_: Values) -> None:
        """A write of this row, which holds `values` now."""
        self.writes += 1
        if key.sort == "ADDRESS":
            self._address(key.partition.removeprefix("A#"), values or {})
        elif key.sort == "BROADCAST":
            self._broadcast(key.partition.removeprefix("B#"), values or {}, set_)
        elif key.sort.startswith("P") and key.partition.startswith("B#") and "attempting" in set_:
            _, broadcast, shard = key.partition.split("#")
            attempting = set_["attempting"]
            for entry in attempting if isinstance(attempting, list) else []:
                self.marks[BatchKey(broadcast, int(shard, 16), key.sort), int(str(entry))] = self.writes
        elif key.partition.startswith("T#"):
            self.moved[key.sort.split("#")[0]] = self.writes

    def _address(self, hash: str, values: Values) -> None:
        if "opted_out" in values:
            self.opted_out.setdefault(hash, self.writes)
        else:
            self.opted_out.pop(hash, None)

    def _broadcast(self, name: str, values: Values, set_: Values) -> None:
        if "stop_at" in set_:
            self.stopped[name] = (self.writes, from_ms(int(str(set_["stop_at"]))))
        if "approval" in set_:
            self.approved[name] = self.writes
        if set_.get("state") in {str(BroadcastState.COMPLETED), str(BroadcastState.STOPPED)}:
            self.ends(name)


class JournalTable:
    """A table whose writes are noted once they are made."""

    def __init__(self, inner: Any, journal: Journal) -> None:
        self._inner, self._journal = inner, journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def put(self, row: Row, **kwargs: Any) -> None:
        self._inner.put(row, **kwargs)
        self._journal.note(row.key, row.values, row.values)

    def put_many(self, rows: Sequence[Row]) -> Sequence[Row]:
        left: Sequence[Row] = self._inner.put_many(rows)
        for row in rows:
            if row not in left:
                self._journal.note(row.key, row.values, row.values)
        return left

    def update(self, key: Key, change: Change, **kwargs: Any) -> Values:
        values: Values = self._inner.update(key, change, **kwargs)
        self._journal.note(key, values, change.set)
        return values

    def delete(self, key: Key, **kwargs: Any) -> None:
        self._inner.delete(key, **kwargs)
        self._journal.note(key, None, {})

    def transact(self, writes: Sequence[Write]) -> None:
        self._inner.transact(writes)
        for write in writes:
            if isinstance(write, Put):
                self._journal.note(write.row.key, write.row.values, write.row.values)
            elif isinstance(write, Update):
                self._journal.note(write.key, self._inner.get(write.key), write.change.set)
            elif isinstance(write, Delete):
                self._journal.note(write.key, None, {})


class Twice:
    """A table some of whose writes are made twice: the second try may meet the first. A transaction is known again by its token."""

    def __init__(self, inner: Any, *, seed: int, share: float) -> None:
        self._inner, self._random, self._share = inner, random.Random(seed), share

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def update(self, *args: Any, **kwargs: Any) -> Any:
        return self._make(self._inner.update, *args, **kwargs)

    def put(self, *args: Any, **kwargs: Any) -> Any:
        return self._make(self._inner.put, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._make(self._inner.delete, *args, **kwargs)

    def _make(self, write: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._random.random() < self._share:
            write(*args, **kwargs)
        return write(*args, **kwargs)
