"""How batches are written down, in partition `B#<broadcast>#<s>`: `P<page>#<token>#<number>` says how far one is, `W#` and the same name says
whom it is for. Rows leave by time-to-live, so that a correction and an explanation can still find who was in them.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, BatchState, Entry, HowFar, What
from chalicelib.domain.delivery import State
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Key, Row, Value, Values

KEPT = timedelta(days=30)
RECEIPTS = (State.ACCEPTED, State.DELIVERED, State.FAILED)

_BETWEEN = "\n"
_CITYS = (-1, -1)
"""How an entry with a zone of its own, and the city's quiet hours, keeps them."""


def far_key(key: BatchKey) -> Key:
    """Where its progress is kept."""
    return Key(partition_of(key.broadcast, key.shard), key.name)


def what_key(key: BatchKey) -> Key:
    """Where its recipients are kept."""
    return Key(partition_of(key.broadcast, key.shard), f"W#{key.name}")


def partition_of(broadcast: str, shard: int) -> str:
    """The partition of a broadcast's shard."""
    return f"B#{broadcast}#{shard:x}"


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


def read_far(key: BatchKey, rows: Mapping[Key, Values]) -> HowFar | None:
    """A batch's progress among rows already read."""
    found = rows.get(far_key(key))
    return how_far(found) if found else None


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


def how_far(values: Values) -> HowFar:
    """A batch's progress, as its row has it."""
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
        receipts={state: _numbers(values, receipt_column(state)) for state in RECEIPTS if receipt_column(state) in values},
        swept=int(str(values.get("swept", 0))),
        laters=int(str(values.get("laters", 0))),
        channel=Channel(str(values["channel"])) if "channel" in values else None,
        settled_at=_moment(values, "settled_at"),
    )


def receipt_column(state: State) -> str:
    """The set that receipts of a state are added to."""
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


def _many(values: Values, name: str) -> Collection[Value]:
    found = values.get(name, [])
    return found if isinstance(found, list | frozenset | set) else []


def _numbers(values: Values, name: str) -> frozenset[int]:
    return frozenset(int(str(one)) for one in _many(values, name))


def _moment(values: Values, name: str) -> datetime | None:
    found = values.get(name)
    return from_ms(found) if isinstance(found, int) and found else None
