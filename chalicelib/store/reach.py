"""Whom a broadcast reached, or may have, read from its rows: what a correction goes to."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, HowFar, What
from chalicelib.domain.correction import who_may_have
from chalicelib.state.table import MOST_GET, Table
from chalicelib.store.batch_rows import read_what, what_key
from chalicelib.store.batches import Batches
from chalicelib.store.progress import ProgressReader, counted
from chalicelib.store.shards import Shard


@dataclass(frozen=True)
class Reach:
    """Reads who got a broadcast, or may have."""

    table: Table
    batches: Batches
    progress: ProgressReader

    def everybody(self, broadcast: str) -> Iterator[What]:
        """All of them, batch by batch."""
        for number, shard in enumerate(self.progress.shards(broadcast)):
            yield from self.of(dict(counted(self.batches, broadcast, number, shard)))

    def of(self, batches: Mapping[BatchKey, HowFar]) -> Iterator[What]:
        """Those of these batches; each batch with them alone, and none where there is nobody. Who was erased is nobody."""
        entries = {key: found for key, far in batches.items() if (found := who_may_have(far))}
        keys = list(entries)
        for start in range(0, len(keys), MOST_GET):
            some = keys[start : start + MOST_GET]
            rows = self.table.get_many([what_key(key) for key in some])
            whats = ((key, read_what(key, rows)) for key in some)
            known = ((what, [one for entry in entries[key] if (one := what.entries[entry]).subscriber]) for key, what in whats if what)
            yield from (replace(what, entries=some) for what, some in known if some)

    def count_from(self, broadcast: str, number: int, shard: Shard, page: int) -> Counter[Channel]:
        """How many there are in a shard, from a page on."""
        counts: Counter[Channel] = Counter()
        for key, far in counted(self.batches, broadcast, number, shard):
            if key.page >= page and far.channel:
                counts[far.channel] += len(who_may_have(far))
        return counts
