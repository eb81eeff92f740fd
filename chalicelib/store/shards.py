"""Shard rows: `B#<broadcast>` / `SHARD#<s>`: how far a fan-out job read its sixteenth of the audience, and what a stop left of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.counts import Unread
from chalicelib.domain.ids import SHARDS
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Change, Condition, Key, Lacks, Table, Value, Values, either, equals, every

END = "~"
"""`after` once everything was read: above every subscriber id."""


@dataclass(frozen=True)
class Shard:
    """What is read of a shard. A page exists once its token stands in `tokens`; the batches of any other token were never. `planned` counts
    their recipients; `unread` those whom a stop left out."""

    page: int = 0
    after: str = ""
    tokens: tuple[str, ...] = ()
    done: bool = False
    cut: bool = False
    at: datetime | None = None
    planned: Mapping[Channel, int] = field(default_factory=dict)
    unread: Unread = field(default_factory=Unread)


@dataclass(frozen=True)
class Shards:
    """Reads and writes shard rows."""

    table: Table

    def get(self, broadcast: str, shard: int) -> Shard:
        """A shard, read consistently; a fresh one where its row is missing."""
        return _read(self.table.get(shard_key(broadcast, shard)) or {})

    def checkpoint(self, broadcast: str, shard: int, turned: Shard, now: datetime) -> bool:
        """The batches of the last page of `turned` are written: from now on they count. False where another job was first. A write that is
        repeated because its answer was lost may find that others read on meanwhile: its page counts all the same."""
        before, token = turned.page - 1, turned.tokens[-1]
        values: Values = {"page": turned.page, "after": turned.after, "tokens": list(turned.tokens), "planned": _counts(turned.planned), "at": to_ms(now)}
        expect = every(either(Lacks("page"), equals("page", before)), Lacks("done"))
        return self._write(broadcast, shard, Change(set=values), expect, mine=lambda old: token in _read(old).tokens)

    def cut(self, broadcast: str, shard: int, read: Shard, unread: Unread, now: datetime) -> bool:
        """The broadcast was stopped: what is unread stays unread, and is counted."""
        values: Values = {"page": read.page, "after": END, "tokens": list(read.tokens), "done": True, "cut": read.after != END, "at": to_ms(now)}
        values = {**values, "unread": _counts(unread.channels), "unread_exact": unread.exact}
        expect = every(either(Lacks("page"), equals("page", read.page)), Lacks("done"))
        return self._write(broadcast, shard, Change(set=values), expect, mine=lambda old: bool(old.get("done")))

    def finish(self, broadcast: str, shard: int, read: Shard, now: datetime) -> bool:
        """Everything is read and queued. Never undone."""
        return self._write(broadcast, shard, Change(set={"done": True, "at": to_ms(now)}), equals("page", read.page), mine=lambda old: bool(old.get("done")))

    def _write(self, broadcast: str, shard: int, change: Change, expect: Condition, *, mine: Callable[[Values], bool]) -> bool:
        try:
            self.table.update(shard_key(broadcast, shard), change, expect=expect)
            return True
        except WriteRefused as refused:
            return refused.old is not None and mine(refused.old)


def shard_key(broadcast: str, shard: int) -> Key:
    """Where a shard is kept."""
    return Key(f"B#{broadcast}", f"SHARD#{shard:x}")


def shard_keys(broadcast: str) -> list[Key]:
    """Where all sixteen are kept."""
    return [shard_key(broadcast, shard) for shard in range(SHARDS)]


def read_shard(broadcast: str, shard: int, rows: Mapping[Key, Values]) -> Shard:
    """A shard among rows already read; a fresh one where its row is missing."""
    return _read(rows.get(shard_key(broadcast, shard), {}))


def _read(values: Values) -> Shard:
    tokens, at = values.get("tokens", []), values.get("at")
    return Shard(
        page=int(str(values.get("page", 0))),
        after=str(values.get("after", "")),
        tokens=tuple(str(token) for token in tokens) if isinstance(tokens, Sequence) else (),
        done=bool(values.get("done")),
        cut=bool(values.get("cut")),
        at=from_ms(at) if isinstance(at, int) else None,
        planned=_read_counts(values.get("planned")),
        unread=Unread(_read_counts(values.get("unread")), bool(values.get("unread_exact", True))),
    )


def _counts(counts: Mapping[Channel, int]) -> Values:
    return {str(channel): count for channel, count in counts.items()}


def _read_counts(value: Value) -> dict[Channel, int]:
    return {Channel(name): int(str(count)) for name, count in value.items()} if isinstance(value, Mapping) else {}
