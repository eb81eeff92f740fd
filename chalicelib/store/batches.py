"""Who works on a batch, and how far it is: each write under the condition that the protocol names. `batch_rows` says how rows look.

A batch with work left is in the index under its broadcast's id.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.batch import LEASE, BatchKey, BatchState, HowFar
from chalicelib.domain.delivery import State
from chalicelib.domain.times import to_ms
from chalicelib.errors import StateLater, WriteRefused
from chalicelib.state.table import Change, Compare, Condition, Exists, Key, Lacks, Row, Table, Value, equals, every
from chalicelib.store.batch_rows import far_key, how_far, packed_cells, partition_of, receipt_column, what_key


@dataclass(frozen=True)
class Answers:
    """What a worker knows and has not written yet: its column, the entries it sent again, since when something is in doubt, and how many
    times running the provider said: later."""

    cells: tuple[str, ...]
    resent: frozenset[int]
    in_doubt_since: datetime | None
    doubt_from: datetime | None = None
    laters: int = 0


@dataclass(frozen=True)
class Batches:
    """Reads and writes batches, each write under the condition the protocol names."""

    table: Table

    def claim(self, key: BatchKey, old: HowFar, answers: Answers, *, claim: str, attempting: Collection[int], now: datetime) -> HowFar | None:
        """Make the caller the batch's one worker, its first chunk marked. None where another was first or its lease lives.
        Only a batch that its last worker left behind has cost it a try."""
        values = _answer_values(answers) | {
            "state": str(BatchState.CLAIMED),
            "claim": claim,
            "tries": old.tries + (old.state is BatchState.CLAIMED),
            "lease_until": to_ms(now + LEASE),
            "due": to_ms(now + LEASE),
            "open": key.broadcast,
            "attempting": _numbered(attempting),
        }
        unchanged = every(
            equals("state", str(old.state)),
            equals("tries", old.tries),
            equals("claim", old.claim) if old.claim else Lacks("claim"),
            Compare("not_before", "<=", to_ms(now)),
            *([Compare("lease_until", "<", to_ms(now))] if old.state is BatchState.CLAIMED else []),
        )
        try:
            return how_far(self.table.update(far_key(key), Change(set=values), expect=unchanged))
        except WriteRefused as refused:
            return how_far(refused.old) if refused.old is not None and refused.old.get("claim") == claim else None

    def mark(self, key: BatchKey, answers: Answers, *, claim: str, attempting: Collection[int], now: datetime) -> HowFar | None:
        """An attempt at these entries begins, and all answers so far are kept. The batch as it stands then, with receipts that came
        meanwhile; None where the claim is no longer ours."""
        values = _answer_values(answers) | {"attempting": _numbered(attempting), "lease_until": to_ms(now + LEASE), "due": to_ms(now + LEASE)}
        return self._as_owner(key, claim, Change(set=values))

    def settle(self, key: BatchKey, answers: Answers, *, claim: str, state: BatchState, when: datetime, due: datetime | None = None) -> HowFar | None:
        """Lay the batch down: settled since `when`, or queued, held or waiting until then; `due`: when the sweep has to look, if not then. The
        batch as it stands then; None where the claim is no longer ours."""
        values = _answer_values(answers) | {"state": str(state), "attempting": []}
        if state is BatchState.SETTLED:
            change = Change(set=values | {"settled_at": to_ms(when)}, remove=("open", "due", "lease_until"))
        else:
            change = Change(set=values | {"not_before": to_ms(when), "due": to_ms(due or when)}, remove=("lease_until",))
        return self._as_owner(key, claim, change, done=state)

    def add_receipts(self, key: BatchKey, entries: Mapping[State, Collection[int]]) -> HowFar | None:
        """What is proven of entries, in any order and any number of times; the batch as it stands then, None where it is gone."""
        try:
            proven = {receipt_column(state): frozenset(numbers) for state, numbers in entries.items() if numbers}
            return how_far(self.table.update(far_key(key), Change(add=proven), expect=Exists()))
        except WriteRefused:
            return None

    def wake(self, key: BatchKey, seen: HowFar, *, now: datetime) -> bool:
        """A batch that waits for evidence has it: it may be claimed at once."""
        ours = equals("claim", seen.claim) if seen.claim else Lacks("claim")
        expect = every(equals("state", str(BatchState.WAITING)), Compare("not_before", ">", to_ms(now)), ours)
        return self._write(key, Change(set={"not_before": to_ms(now), "due": to_ms(now)}), expect)

    def put_off(self, key: BatchKey, seen: HowFar, *, due: datetime) -> bool:
        """It waits for a reason that its row does not show, and a message will come back to it before `due`. False where it was moved on meanwhile."""
        try:
            self.table.update(far_key(key), Change(set={"due": to_ms(due)}), expect=_as_seen(seen))
            return True
        except WriteRefused as refused:
            return refused.old is not None and (refused.old.get("due"), refused.old.get("state")) == (to_ms(due), str(seen.state))

    def push(self, key: BatchKey, seen: HowFar, *, due: datetime, release: datetime | None) -> bool:
        """The sweep's turn: look again at `due`; with `release`, a held batch need wait no longer. Never touches the lease."""
        values: dict[str, Value] = {"due": to_ms(due)}
        if release:
            values["not_before"] = 0
        return self._write(key, Change(set=values, add={"swept": 1}), _as_seen(seen))

    def delete(self, key: BatchKey) -> None:
        """Remove the rows of a planning attempt that never counted."""
        self.table.delete(what_key(key))
        self.table.delete(far_key(key))

    def of_page(self, broadcast: str, shard: int, page: int, token: str) -> Iterator[tuple[BatchKey, HowFar]]:
        """The batches of one planning attempt."""
        return self._query(broadcast, shard, prefix=f"P{page:04d}#{token}#")

    def of_shard(self, broadcast: str, shard: int) -> Iterator[tuple[BatchKey, HowFar]]:
        """Every batch of a shard, counted or not, read consistently."""
        return self._query(broadcast, shard, prefix="P")

    def due(self, broadcast: str, *, until: datetime, limit: int) -> list[BatchKey]:
        """Batches with work left that were to be looked at by `until`. May lag."""
        page = self.table.query_open(broadcast, due=to_ms(until), limit=limit)
        return [_key_of(broadcast, row.key) for row in page.rows if row.key.sort.startswith("P")]

    def read(self, keys: Sequence[BatchKey]) -> dict[BatchKey, HowFar]:
        """How far up to 100 batches are; those that are gone are left out."""
        found = self.table.get_many([far_key(key) for key in keys]) if keys else {}
        return {key: how_far(found[far_key(key)]) for key in keys if far_key(key) in found}

    def _query(self, broadcast: str, shard: int, prefix: str) -> Iterator[tuple[BatchKey, HowFar]]:
        after: str | None = None
        while True:
            page = self.table.query(partition_of(broadcast, shard), prefix=prefix, after=after)
            for row in page.rows:
                yield BatchKey(broadcast, shard, row.key.sort), how_far(row.values)
            if page.after is None:
                return
            after = page.after

    def _as_owner(self, key: BatchKey, claim: str, change: Change, *, done: BatchState | None = None) -> HowFar | None:
        """`done`: where our own write left the batch, should it be repeated because its answer was lost."""
        expect = every(equals("claim", claim), equals("state", str(BatchState.CLAIMED)))
        try:
            return how_far(self.table.update(far_key(key), change, expect=expect))
        except WriteRefused as refused:
            mine = done is not None and refused.old is not None and (refused.old.get("claim"), refused.old.get("state")) == (claim, str(done))
            return how_far(refused.old) if mine and refused.old is not None else None

    def _write(self, key: BatchKey, change: Change, expect: Condition) -> bool:
        try:
            self.table.update(far_key(key), change, expect=expect)
            return True
        except WriteRefused:
            return False


def _as_seen(seen: HowFar) -> Condition:
    return every(equals("state", str(seen.state)), equals("due", to_ms(seen.due)) if seen.due else Lacks("due"))


def put_all(table: Table, rows: Sequence[Row], *, sleep: Callable[[float], None], in_time: Callable[[], bool] = lambda: True) -> None:
    """Write rows 25 at a time until nothing is left over, waiting a little longer each time something is."""
    left, pause = list(rows), 0.05
    while left:
        taken, left = left[:25], left[25:]
        refused = table.put_many(taken)
        if refused:
            if not in_time():
                raise StateLater(f"{len(left)} rows were not taken")
            left = [*refused, *left]
            sleep(pause)
            pause = min(pause * 2, 2.0)


def _key_of(broadcast: str, key: Key) -> BatchKey:
    return BatchKey(broadcast, int(key.partition.rsplit("#", 1)[1], 16), key.sort)


def _answer_values(answers: Answers) -> dict[str, Value]:
    values: dict[str, Value] = {"cells": packed_cells(answers.cells)}
    values |= {"resent": _numbered(answers.resent), "laters": answers.laters}
    doubt = any(cell == State.UNKNOWN for cell in answers.cells)
    if answers.in_doubt_since:
        values["in_doubt_since"] = to_ms(answers.in_doubt_since)
    if answers.doubt_from:  # 0 once nothing is in doubt: the next doubt begins when it begins
        values["doubt_from"] = to_ms(answers.doubt_from) if doubt else 0
    return values


def _numbered(entries: Collection[int]) -> list[Value]:
    numbers: list[Value] = []
    numbers.extend(sorted(entries))
    return numbers
