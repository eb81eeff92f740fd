"""How far a broadcast is, summed from its rows. Only batches that their shard's row names are counted."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, BatchState, HowFar
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.counts import Unread, as_answer, count, unread_sum
from chalicelib.domain.delivery import Mark
from chalicelib.domain.ids import SHARDS
from chalicelib.state.table import Table, Value
from chalicelib.store.batches import Batches
from chalicelib.store.shards import Shard, read_shard, shard_keys


@dataclass(frozen=True)
class Reading:
    """One reading of a broadcast's rows. `ended`: every shard is read to its end and every batch there is is settled."""

    counts: dict[Channel, Counter[Mark]]
    ended: bool

    def values(self) -> dict[str, Value]:
        """The counts, to be kept on the broadcast row."""
        return {channel: dict(states) for channel, states in as_answer(self.counts).items()}


@dataclass(frozen=True)
class ProgressReader:
    """Sums rows."""

    table: Table
    batches: Batches

    def shards(self, broadcast: str) -> list[Shard]:
        """All sixteen shard rows, read consistently."""
        rows = self.table.get_many(shard_keys(broadcast))
        return [read_shard(broadcast, shard, rows) for shard in range(SHARDS)]

    def unread(self, broadcast: Broadcast) -> Unread:
        """Whom a stop left unread, as far as its shards are closed."""
        return unread_sum((shard.unread for shard in self.shards(broadcast.id)), broadcast.audience.channels)

    def read(self, broadcast: Broadcast, now: datetime) -> Reading:
        """Shards first, batches after: a batch written in between belongs to a shard that was not done, so `ended` cannot come early.
        Nor before the batches of planning attempts that never counted are gone: later nobody would look after them."""
        shards = self.shards(broadcast.id)
        done = all(shard.done for shard in shards)
        found = [(key, far, shard) for number, shard in enumerate(shards) if done or shard.tokens for key, far in self.batches.of_shard(broadcast.id, number)]
        return Reading(
            counts=count([far for key, far, shard in found if is_counted(key, shard)], broadcast.audience.channels, now=now),
            ended=done and all(far.state is BatchState.SETTLED for _, far, _ in found),
        )


def counted(batches: Batches, broadcast: str, number: int, shard: Shard) -> list[tuple[BatchKey, HowFar]]:
    """The batches of a shard that count: those of the tokens its row names."""
    if not shard.tokens:
        return []
    return [(key, far) for key, far in batches.of_shard(broadcast, number) if is_counted(key, shard)]


def is_counted(key: BatchKey, shard: Shard) -> bool:
    """Whether the shard's row names the planning attempt that this batch belongs to."""
    return key.page < len(shard.tokens) and shard.tokens[key.page] == key.token
