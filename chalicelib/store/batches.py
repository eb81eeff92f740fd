"""Batch rows, in partition `B#<broadcast>#<s>`: `P<page>#<token>#<number>` says how far it is, `W#` and the same name says whom it is for.

A batch with work left is in the index under its broadcast's id. Rows leave by time-to-live, so that a correction and
an explanation can still find who was in them.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import LEASE, BatchKey, BatchState, Entry, HowFar, What
from chalicelib.domain.delivery import State
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.errors import StateLater, WriteRefused
from chalicelib.state.table import (
    Change,
    Compare,
    Condition,
    Exists,
    Key,
    Lacks,
    Row,
    Table,
    Value,
    Values,
    equals,
    every,
)

KEPT = timedelta(days=30)
_BETWEEN = "\n"
_CITYS = (-1, -1)
"""How an entry with a zone of its own, and the city's quiet hours, keeps them."""
RECEIPTS = (State.ACCEPTED, State.DELIVERED, State.FAILED)


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
            return _read_far(self.table.update(far_key(key), Change(set=values), expect=unchanged))
        except WriteRefused as refused:
            return _read_far(refused.old) if refused.old is not None and refused.old.get("claim") == claim else None

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
            proven = {_receipt(state): frozenset(numbers) for state, numbers in entries.items() if numbers}
            return _read_far(self.table.update(far_key(key), Change(add=proven), expect=Exists()))
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
        return {key: _read_far(found[far_key(key)]) for key in keys if far_key(key) in found}

    def _query(self, broadcast: str, shard: int, prefix: str) -> Iterator[tuple[BatchKey, HowFar]]:
        after: str | None = None
        while True:
            page = self.table.query(_partition(broadcast, shard), prefix=prefix, after=after)
            for row in page.rows:
                yield BatchKey(broadcast, shard, row.key.sort), _read_far(row.values)
            if page.after is None:
                return
            after = page.after

    def _as_owner(self, key: BatchKey, claim: str, change: Change, *, done: BatchState | None = None) -> HowFar | None:
        """`done`: where our own write left the batch, should it be repeated because its answer was lost."""
        expect = every(equals("claim", claim), equals("state", str(BatchState.CLAIMED)))
        try:
            return _read_far(self.table.update(far_key(key), change, expect=expect))
        except WriteRefused as refused:
            mine = done is not None and refused.old is not None and (refused.old.get("claim"), refused.old.get("state")) == (claim, str(done))
            return _read_far(refused.old) if mine and refused.old is not None else None

    def _write(self, key: BatchKey, change: Change, expect: Condition) -> bool:
        try:
            self.table.update(far_key(key), change, expect=expect)
            return True
        except WriteRefused:
            return False


def _as_seen(seen: HowFar) -> Condition:
    return every(equals("state", str(seen.state)), equals("due", to_ms(seen.due)) if seen.due else Lacks("due"))


def new_rows(key: BatchKey, what: What, *, not_before: datetime | None, due: datetime, now: datetime) -> list[Row]:
    """The two rows of a batch that is to be written. Held where `not_before` lies ahead."""
    ttl = int((now + KEPT).timestamp())
    far: dict[str, Value] = {
        "state": str(BatchState.HELD if not_before else BatchState.QUEUED),
        "cells": packed_cells(["" for _ in what.entries]),
        "not_before": to_ms(not_before) if not_before else 0,
        "due": to_ms(not_before or due),
        "open": key.broadcast,
        "tries": 0,
        "channel": str(what.channel),
        "ttl": ttl,
    }
    whom: dict[str, Value] = {
        "channel": str(what.channel),
        "locale": what.locale,
        "entries": json.dumps([_entry(one) for one in what.entries], separators=(",", ":")),
        "planned_at": to_ms(now),
        "ttl": ttl,
    }
    if what.items:
        whom["items"] = list(what.items)
    return [Row(what_key(key), whom), Row(far_key(key), far)]


def packed_cells(cells: Sequence[str]) -> str:
    """Cells as a row keeps them: one text. So are the entries. As lists, every write and read of a batch would walk hundreds of values."""
    return _BETWEEN.join(cells)


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


def far_key(key: BatchKey) -> Key:
    """Where its progress is kept."""
    return Key(_partition(key.broadcast, key.shard), key.name)


def what_key(key: BatchKey) -> Key:
    """Where its recipients are kept."""
    return Key(_partition(key.broadcast, key.shard), f"W#{key.name}")


def read_far(key: BatchKey, rows: Mapping[Key, Values]) -> HowFar | None:
    """A batch's progress among rows already read."""
    found = rows.get(far_key(key))
    return _read_far(found) if found else None


def read_what(key: BatchKey, rows: Mapping[Key, Values]) -> What | None:
    """A batch's recipients among rows already read."""
    found = rows.get(what_key(key))
    if not found:
        return None
    return What(
        channel=Channel(str(found["channel"])),
        locale=str(found["locale"]),
        entries=[_read_entry(one) for one in json.loads(str(found["entries"]))],
        planned_at=_moment(found, "planned_at"),
        items=tuple(str(one) for one in _many(found, "items")),
    )


def _partition(broadcast: str, shard: int) -> str:
    return f"B#{broadcast}#{shard:x}"


def _key_of(broadcast: str, key: Key) -> BatchKey:
    return BatchKey(broadcast, int(key.partition.rsplit("#", 1)[1], 16), key.sort)


def _receipt(state: State) -> str:
    return f"receipt_{state}"


def _entry(one: Entry) -> list[str | int]:
    fields: list[str | int] = [one.subscriber, one.address, one.topic]
    if one.quiet is not None or one.zone:
        fields += [*(_CITYS if one.quiet is None else one.quiet), one.zone or ""]
    return fields


def _read_entry(fields: list[str | int]) -> Entry:
    subscriber, address, topic = map(str, fields[:3])
    if len(fields) < 6:
        return Entry(subscriber, address, topic)
    quiet = (int(fields[3]), int(fields[4]))
    return Entry(subscriber, address, topic, quiet if quiet != _CITYS else None, str(fields[5]) or None)


def _answer_values(answers: Answers) -> dict[str, Value]:
    values: dict[str, Value] = {"cells": packed_cells(answers.cells)}
    values |= {"resent": _numbered(answers.resent), "laters": answers.laters}
    doubt = any(cell == State.UNKNOWN for cell in answers.cells)
    if answers.in_doubt_since:
        values["in_doubt_since"] = to_ms(answers.in_doubt_since)
    if answers.doubt_from:  # 0 once nothing is in doubt: the next doubt begins when it begins
        values["doubt_from"] = to_ms(answers.doubt_from) if doubt else 0
    return values


def _read_far(values: Values) -> HowFar:
    return HowFar(
        state=BatchState(str(values["state"])),
        cells=tuple(str(values["cells"]).split(_BETWEEN)),
        not_before=from_ms(int(str(values["not_before"]))),
        due=_moment(values, "due"),
        claim=str(values["claim"]) if "claim" in values else None,
        tries=int(str(values.get("tries", 0))),
        lease_until=_moment(values, "lease_until"),
        attempting=_numbers(values, "attempting"),
        resent=_numbers(values, "resent"),
        in_doubt_since=_moment(values, "in_doubt_since"),
        doubt_from=_moment(values, "doubt_from"),
        receipts={state: _numbers(values, _receipt(state)) for state in RECEIPTS if _receipt(state) in values},
        swept=int(str(values.get("swept", 0))),
        laters=int(str(values.get("laters", 0))),
        channel=Channel(str(values["channel"])) if "channel" in values else None,
        settled_at=_moment(values, "settled_at"),
    )


def _numbered(entries: Collection[int]) -> list[Value]:
    numbers: list[Value] = []
    numbers.extend(sorted(entries))
    return numbers


def _many(values: Values, name: str) -> Collection[Value]:
    found = values.get(name, [])
    return found if isinstance(found, list | frozenset | set) else []


def _numbers(values: Values, name: str) -> frozenset[int]:
    return frozenset(int(str(one)) for one in _many(values, name))


def _moment(values: Values, name: str) -> datetime | None:
    found = values.get(name)
    return from_ms(found) if isinstance(found, int) and found else None
