"""Erasures: `E#<id>` / `ERASURE`, open=ERASURE until nothing is left of a person. It names them by their random id alone, and goes with the rest.

Beside a sign-up stands `A#<hash>` / `ASK#<sign-up>`, the letters that went out for it, so that all of it is found from the address.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.batch import BatchKey
from chalicelib.domain.times import to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Absent, Change, Key, Put, Row, Table, Values, Write, equals
from chalicelib.store.batch_rows import what_key

_OPEN = "ERASURE"
_KEPT = timedelta(days=8)
"""As long as a sign-up and its letters."""


@dataclass(frozen=True)
class Erasure:
    """A person to be forgotten. `again`: their rows are gone, and what a worker may have written meanwhile is looked for. `address`: the hash of an
    address of theirs that may stand in none of their own rows."""

    id: str
    subscriber: str
    again: bool = False
    address: str = ""


@dataclass(frozen=True)
class Erasures:
    """Keeps who is to be forgotten, and finds their rows."""

    table: Table

    def put_write(self, erasure: Erasure, now: datetime) -> Write:
        """The write that keeps it until it is done, for a transaction."""
        known: Values = {"address": erasure.address} if erasure.address else {}
        values: Values = {"subscriber": erasure.subscriber, "again": erasure.again, "open": _OPEN, "due": to_ms(now), **known}
        return Put(Row(_key(erasure.id), values), expect=Absent())

    def due(self, now: datetime) -> list[Erasure]:
        """Erasures that somebody should go on with by now."""
        names = [row.key.partition.removeprefix("E#") for row in self.table.query_open(_OPEN, due=to_ms(now), limit=100).rows]
        found = {name: self.table.get(_key(name)) for name in names}
        return [
            Erasure(name, str(values["subscriber"]), values.get("again") is True, str(values.get("address", ""))) for name, values in found.items() if values
        ]

    def once_more(self, erasure: Erasure, at: datetime) -> None:
        """All is gone; look again then."""
        self.table.update(_key(erasure.id), Change(set={"again": True, "due": to_ms(at)}), expect=equals("subscriber", erasure.subscriber))

    def finish(self, erasure: Erasure) -> None:
        """Nothing is left, and this goes too."""
        self.table.delete(_key(erasure.id))

    def ask_write(self, address: str, sign_up: str, letters: Sequence[str], now: datetime) -> Write:
        """The write that notes what went out for a sign-up, for a transaction."""
        values: Values = {"letters": " ".join(letters), "ttl": round((now + _KEPT).timestamp())}
        return Put(Row(Key(f"A#{address}", f"ASK#{sign_up}"), values))

    def rows(self, partition: str) -> Iterator[Row]:
        """Every row of a partition."""
        after: str | None = None
        while True:
            page = self.table.query(partition, after=after)
            yield from page.rows
            if page.after is None:
                return
            after = page.after

    def forget_entry(self, key: BatchKey, subscriber: str) -> None:
        """Empty a person's place in a batch; the others keep theirs."""
        while True:
            found = self.table.get(what_key(key))
            before = str(found["entries"]) if found else ""
            if subscriber not in before:
                return
            entries = [["", "", one[2]] if one[0] == subscriber else one for one in json.loads(before)]
            after = json.dumps(entries, separators=(",", ":"))
            try:
                self.table.update(what_key(key), Change(set={"entries": after}), expect=equals("entries", before))
                return
            except WriteRefused:
                continue  # somebody else was forgotten at the same moment


def _key(name: str) -> Key:
    return Key(f"E#{name}", "ERASURE")
