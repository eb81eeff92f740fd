"""A table whose index lags behind its rows, as DynamoDB's does. Rows and conditions are as true as ever.

    LaggingTable(SqliteTable(file), clock, seed=7)

Each write that moves a row within the index waits until a number of others came after it, drawn anew at every write, or until
`within` has passed. Pages may be cut short too, as DynamoDB ends them at 1 MB.
"""

import base64
import json
import random
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.state.limits import check_due, check_limit, check_partition, key_of
from chalicelib.state.table import Change, Check, Condition, Delete, Key, Page, Put, Row, Table, Values, Write

MOST = 8
WITHIN = timedelta(seconds=1)

Place = tuple[str, int]
"""Where a row stands in the index: its `open` and its `due`."""


class LaggingTable:
    """Wraps an empty table. `most`: how many writes the index is behind at worst; `page_rows`: the most rows of a page."""

    def __init__(
        self, inner: Any, now: Callable[[], datetime], *, seed: int = 0, most: int = MOST, within: timedelta = WITHIN, page_rows: int | None = None
    ) -> None:
        self._inner: Table = inner
        self._now, self._random = now, random.Random(seed)
        self._most, self._within, self._page_rows = most, within, page_rows
        self._shown: dict[Key, Place] = {}
        self._behind: deque[tuple[datetime, Key, Place | None]] = deque()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def settle(self) -> None:
        """Let the index catch up."""
        while self._behind:
            self._show()

    # --- reads -------------------------------------------------------------------------------------------------------

    def query(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int | None = None, consistent: bool = True, backward: bool = False
    ) -> Page:
        """Rows of a partition, no more at once than a page takes."""
        most = min(limit or self._page_rows, self._page_rows) if self._page_rows else limit
        return self._inner.query(partition, prefix=prefix, after=after, limit=most, consistent=consistent, backward=backward)

    def query_open(self, name: str, *, due: int, after: str | None = None, limit: int | None = None) -> Page:
        """What the index knows by now."""
        check_partition(name)
        check_due(due)
        check_limit(limit)
        while self._behind and self._behind[0][0] + self._within <= self._now():
            self._show()
        start = tuple(json.loads(base64.b64decode(after))) if after else ()
        places = sorted((when, key.partition, key.sort) for key, (open_, when) in self._shown.items() if open_ == name and when <= due)
        found = [place for place in places if place > start][: limit or self._page_rows]
        more = bool(found) and found[-1] != places[-1]
        rows = [Row(Key(partition, sort), {"open": name, "due": when}) for when, partition, sort in found]
        return Page(rows, base64.b64encode(json.dumps(found[-1]).encode()).decode() if more else None)

    # --- writes ------------------------------------------------------------------------------------------------------

    def put(self, row: Row, *, expect: Condition | None = None) -> None:
        """Write a whole row."""
        self._inner.put(row, expect=expect)
        self._note(row.key, row.values)

    def put_many(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Write rows without conditions."""
        left = self._inner.put_many(rows)
        for row in rows:
            if row not in left:
                self._note(row.key, row.values)
        return left

    def update(self, key: Key, change: Change, *, expect: Condition | None = None) -> Values:
        """Change a row."""
        values = self._inner.update(key, change, expect=expect)
        self._note(key, values)
        return values

    def delete(self, key: Key, *, expect: Condition | None = None) -> None:
        """Remove a row."""
        self._inner.delete(key, expect=expect)
        self._note(key, {})

    def transact(self, writes: Sequence[Write]) -> None:
        """All of these writes, or none."""
        self._inner.transact(writes)
        for write in writes:
            match write:
                case Put(row):
                    self._note(row.key, row.values)
                case Delete(key):
                    self._note(key, {})
                case Check():
                    pass
                case _:
                    self._note(key_of(write), self._inner.get(key_of(write)) or {})

    def _note(self, key: Key, values: Values) -> None:
        open_, due = values.get("open"), values.get("due")
        place = (str(open_), int(str(due))) if open_ is not None and due is not None else None
        if place is None and key not in self._shown and not any(key == one for _, one, _ in self._behind):
            return
        self._behind.append((self._now(), key, place))
        kept = self._random.randint(0, self._most)
        while len(self._behind) > kept:
            self._show()

    def _show(self) -> None:
        _, key, place = self._behind.popleft()
        if place is None:
            self._shown.pop(key, None)
        else:
            self._shown[key] = place
