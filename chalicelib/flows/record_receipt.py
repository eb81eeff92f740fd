"""Receipts: what providers say later. A delivery only moves forward, whatever the order and the number of receipts."""

from collections.abc import Sequence

from chalicelib.domain.batch import BatchKey, BatchState, HowFar, unknown
from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob, SendJob, send_queue
from chalicelib.domain.message import Advice
from chalicelib.flows.heeding import heed_opt_out
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all
from chalicelib.store.batches import read_what, what_key


def record_receipt(jobs: Sequence[ReceiptJob], *, services: Services) -> None:
    """Add receipts to their batches, one write per batch. A token that is not ours, or of a batch that is gone, is ignored."""
    grouped: dict[BatchKey, dict[State, set[int]]] = {}
    for job in jobs:
        named = _named(job, services)
        if named is None:
            continue
        key, entry = named
        if job.advice == Advice.OPTED_OUT:
            _opt_out(key, entry, services)
        grouped.setdefault(key, {}).setdefault(State(job.status), set()).add(entry)
    for key, entries in grouped.items():
        far = services.store.batches.add_receipts(key, entries)
        if far is not None:
            _wake(key, far, services)


def _named(job: ReceiptJob, services: Services) -> tuple[BatchKey, int] | None:
    parts = services.tokens.read("delivery", job.token)
    if parts is None:
        return None
    broadcast, shard, name, entry, _ = parts
    return BatchKey(broadcast, int(shard), name), int(entry)


def _opt_out(key: BatchKey, entry: int, services: Services) -> None:
    """The address wants no more: that is said on its row before the receipt counts."""
    what = read_what(key, services.store.table.get_many([what_key(key)]))
    if what is not None:
        heed_opt_out(what.entries[entry].address, what.channel, source=key.broadcast, services=services)


def _wake(key: BatchKey, far: HowFar, services: Services) -> None:
    """A batch that waits for evidence need not wait for the clock once it has all of it."""
    if far.state is not BatchState.WAITING or not all(far.receipts_of(entry) for entry in unknown(far.cells)):
        return
    broadcast = services.store.broadcasts.get(key.broadcast)
    if broadcast and far.channel and services.store.batches.wake(key, far, now=services.now()):
        send_all(services.queues.named(send_queue(far.channel, broadcast.lane)), [Outgoing(SendJob(key).body)], sleep=services.sleep)
