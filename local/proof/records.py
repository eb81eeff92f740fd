"""The table read back: broadcasts, their shards and batches, addresses, history and audit. The rows are taken at their word."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, HowFar
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.delivery import Mark
from chalicelib.domain.ids import SHARDS
from chalicelib.domain.times import from_ms
from chalicelib.state.table import Key, Row, Values
from chalicelib.store.addresses import KnownAddress, read_addresses
from chalicelib.store.audit import AuditEntry
from chalicelib.store.batch_rows import read_far, read_what
from chalicelib.store.broadcast_rows import read_broadcast, read_content
from chalicelib.store.progress import is_counted
from chalicelib.store.shards import Shard, read_shard

Place = tuple[BatchKey, int]
"""A batch and the number of an entry in it."""


@dataclass(frozen=True)
class Delivery:
    """One broadcast × one recipient × one channel, as its batch has it. `cell` is the worker's column alone, `mark` is where it stands."""

    place: Place
    subscriber: str
    channel: Channel
    address: str
    cell: str
    mark: Mark
    far: HowFar

    @property
    def broadcast(self) -> str:
        """Its broadcast."""
        return self.place[0].broadcast

    @property
    def erased(self) -> bool:
        """Whether nobody knows any more who it was."""
        return not self.subscriber

    @property
    def resent(self) -> bool:
        """Whether the row says that it was sent again."""
        return self.place[1] in self.far.resent

    def __str__(self) -> str:
        return f"…{self.subscriber[-4:]} on {self.channel} of {short(self.broadcast)}"


@dataclass(frozen=True)
class Records:
    """All rows, and what they come to. `deliveries` are those of batches that count, `orphans` the batches that do not."""

    rows: Mapping[Key, Values]
    broadcasts: Mapping[str, Broadcast]
    contents: Mapping[str, Content]
    shards: Mapping[str, list[Shard]]
    batches: Mapping[BatchKey, HowFar]
    orphans: frozenset[BatchKey]
    deliveries: Mapping[Place, Delivery]
    addresses: Mapping[str, KnownAddress]
    history: Mapping[tuple[str, str, Channel], Place]
    audit: Mapping[str, list[AuditEntry]]


def short(broadcast: str) -> str:
    """A broadcast's name, as far as one needs it to tell it from others."""
    return broadcast[:11]


def read_records(rows: Iterable[Row]) -> Records:
    """Every row of a table, read back."""
    found = {row.key: row.values for row in rows}
    broadcasts = {one.id: one for key, values in found.items() if key.sort == "BROADCAST" for one in [read_broadcast(values)]}
    shards = {name: [read_shard(name, number, found) for number in range(SHARDS)] for name in broadcasts}
    batches = {key: far for row in found if (key := _batch(row)) for far in [read_far(key, found)] if far}
    orphans = frozenset(key for key in batches if not _counts(key, shards))
    deliveries = {one.place: one for key, far in batches.items() if key not in orphans for one in _deliveries(key, far, found)}
    return Records(
        rows=found,
        broadcasts=broadcasts,
        contents={key.partition.removeprefix("B#"): read_content(values) for key, values in found.items() if key.sort == "CONTENT"},
        shards=shards,
        batches=batches,
        orphans=orphans,
        deliveries=deliveries,
        addresses=_addresses(found),
        history={name: place for key, values in found.items() if key.sort.startswith("H#") for name, place in [_pointer(key, values)]},
        audit=_audit(found),
    )


def _batch(key: Key) -> BatchKey | None:
    """The batch whose progress this row is; None for any other row."""
    parts = key.partition.split("#")
    if parts[0] != "B" or len(parts) != 3 or not key.sort.startswith("P"):
        return None
    return BatchKey(parts[1], int(parts[2], 16), key.sort)


def _counts(key: BatchKey, shards: Mapping[str, list[Shard]]) -> bool:
    return key.broadcast in shards and is_counted(key, shards[key.broadcast][key.shard])


def _deliveries(key: BatchKey, far: HowFar, rows: Mapping[Key, Values]) -> list[Delivery]:
    what = read_what(key, rows)
    return [
        Delivery((key, entry), one.subscriber, what.channel, one.address, far.cells[entry], far.standing(entry), far)
        for entry, one in enumerate(what.entries if what else ())
        if what
    ]


def _addresses(rows: Mapping[Key, Values]) -> dict[str, KnownAddress]:
    hashes = [key.partition.removeprefix("A#") for key in rows if key.sort == "ADDRESS"]
    return {one.hash: one for one in read_addresses(hashes, rows) if one}


def _pointer(key: Key, values: Values) -> tuple[tuple[str, str, Channel], Place]:
    _, broadcast, channel = key.sort.split("#")
    name = (key.partition.removeprefix("S#"), broadcast, Channel(channel))
    return name, (BatchKey(broadcast, int(str(values["shard"])), str(values["batch"])), int(str(values["entry"])))


def _audit(rows: Mapping[Key, Values]) -> dict[str, list[AuditEntry]]:
    found: dict[str, list[AuditEntry]] = {}
    for key in sorted(one for one in rows if one.partition.startswith("AUDIT#")):
        values = rows[key]
        entry = AuditEntry(str(values["who"]), str(values["what"]), from_ms(int(str(values["at"]))))
        found.setdefault(key.partition.removeprefix("AUDIT#"), []).append(entry)
    return found
