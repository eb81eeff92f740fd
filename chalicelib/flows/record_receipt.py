"""Receipts: what providers say later. A delivery only moves forward, whatever the order and the number of receipts."""

from collections.abc import Sequence

from chalicelib.domain.batch import BatchKey
from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.domain.message import Advice
from chalicelib.flows.heeding import heed_opt_out
from chalicelib.flows.services import Services
from chalicelib.flows.waking import wake_if_proven
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
            _opt_out(key, entry, State(job.status), services)
        grouped.setdefault(key, {}).setdefault(State(job.status), set()).add(entry)
    for key, entries in grouped.items():
        far = services.store.batches.add_receipts(key, entries)
        if far is not None:
            wake_if_proven(key, far, None, services=services)


def _named(job: ReceiptJob, services: Services) -> tuple[BatchKey, int] | None:
    parts = services.tokens.read("delivery", job.token)
    if parts is None:
        return None
    broadcast, shard, name, entry, _ = parts
    return BatchKey(broadcast, int(shard), name), int(entry)


def _opt_out(key: BatchKey, entry: int, state: State, services: Services) -> None:
    """The address wants no more: that is said on its row before the receipt counts. A receipt that counts already was heeded, and
    its owner may have come back since."""
    far = services.store.batches.read([key]).get(key)
    what = read_what(key, services.store.table.get_many([what_key(key)]))
    if far is not None and what is not None and state not in far.receipts_of(entry):
        heed_opt_out(what.entries[entry].address, what.channel, source=key.broadcast, services=services)
