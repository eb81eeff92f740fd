"""History rows: `S#<subscriber>` / `H#<broadcast>#<channel>`: which broadcasts a person was a recipient of. They point to the batch
and entry and hold no state, so that nothing can contradict the batch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, Entry
from chalicelib.state.table import Key, Row, Table, Values
from chalicelib.store.batch_rows import KEPT


@dataclass(frozen=True)
class Pointer:
    """A recipient's place in a broadcast."""

    batch: BatchKey
    entry: int
    channel: Channel


@dataclass(frozen=True)
class History:
    """Reads history; `history_rows` makes it."""

    table: Table

    def of(self, subscriber: str, *, limit: int = 200) -> list[Pointer]:
        """A person's broadcasts, newest name last, up to `limit`."""
        page = self.table.query(f"S#{subscriber}", prefix="H#", limit=limit)
        return [_pointer(row.key, row.values) for row in page.rows]

    def every(self, subscriber: str, channel: Channel) -> Iterator[Pointer]:
        """All broadcasts that went to a recipient on a channel, by name. May lag a moment behind."""
        after: str | None = None
        while True:
            page = self.table.query(f"S#{subscriber}", prefix="H#", after=after, consistent=False)
            yield from (found for row in page.rows if (found := _pointer(row.key, row.values)).channel is channel)
            if page.after is None:
                return
            after = page.after

    def find(self, subscriber: str, broadcast: str, channel: Channel) -> Pointer | None:
        """A person's place in one broadcast."""
        key = _key(subscriber, broadcast, channel)
        found = self.table.get(key)
        return _pointer(key, found) if found else None


def history_rows(batch: BatchKey, channel: Channel, entries: Sequence[Entry], now: datetime) -> list[Row]:
    """One row per entry of a batch, but for those who were erased."""
    ttl = int((now + KEPT).timestamp())
    return [
        Row(_key(entry.subscriber, batch.broadcast, channel), {"shard": batch.shard, "batch": batch.name, "entry": number, "ttl": ttl})
        for number, entry in enumerate(entries)
        if entry.subscriber
    ]


def _key(subscriber: str, broadcast: str, channel: Channel) -> Key:
    return Key(f"S#{subscriber}", f"H#{broadcast}#{channel}")


def _pointer(key: Key, values: Values | Mapping[str, object]) -> Pointer:
    _, broadcast, channel = key.sort.split("#")
    return Pointer(BatchKey(broadcast, int(str(values["shard"])), str(values["batch"])), int(str(values["entry"])), Channel(channel))
