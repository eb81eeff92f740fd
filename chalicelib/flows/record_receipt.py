"""Receipts: what providers say later. A delivery only moves forward, whatever the order and the number of receipts.

A receipt that says "failed" is final: the provider took the message, and nothing tells a message that got lost on the way from one that was
read and not reported. It is handed over once. What a receipt says of the address is heeded before it counts, and by the address's own row
only once.
"""

import logging
from collections import Counter
from collections.abc import Sequence

from chalicelib.domain.batch import BatchKey
from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.domain.message import Advice
from chalicelib.flows.filtering import note_filtered
from chalicelib.flows.heeding import Word, heed
from chalicelib.flows.services import Services
from chalicelib.flows.waking import wake_if_proven
from chalicelib.store.batch_rows import read_what, what_key

_log = logging.getLogger("belfry")


def record_receipt(jobs: Sequence[ReceiptJob], *, services: Services) -> None:
    """Add receipts to their batches, one write per batch. A token that is not ours, or of a batch that is gone, is ignored."""
    grouped: dict[BatchKey, dict[State, set[int]]] = {}
    filtered: Counter[str] = Counter()
    for job in jobs:
        named = _named(job, services)
        if named is None:
            continue
        key, entry = named
        _heed(job, key, entry, services)
        filtered[key.broadcast] += job.advice == Advice.OUR_WORDS
        grouped.setdefault(key, {}).setdefault(State(job.status), set()).add(entry)
    for key, entries in grouped.items():
        far = services.store.batches.add_receipts(key, entries)
        if far is not None:
            wake_if_proven(key, far, None, services=services)
    for broadcast, texts in (+filtered).items():
        note_filtered(broadcast, texts, services=services)
    refusals = sorted({job.code for job in jobs if job.advice == Advice.OUR_ACCOUNT})
    if refusals:
        _log.error("provider refuses our account", extra={"fields": {"codes": refusals}})


def _named(job: ReceiptJob, services: Services) -> tuple[BatchKey, int] | None:
    parts = services.tokens.read("delivery", job.token)
    if parts is None:
        return None
    broadcast, shard, name, entry, _ = parts
    return BatchKey(broadcast, int(shard), name), int(entry)


def _heed(job: ReceiptJob, key: BatchKey, entry: int, services: Services) -> None:
    """A word about the address is heeded by its own name, not by whether the receipt counts already: SES calls an email delivered, and
    then spam, and both mean delivered."""
    advice = Advice(job.advice)
    what = read_what(key, services.store.table.get_many([what_key(key)])) if advice.is_about_address else None
    if what is not None:
        heed(Word(key.broadcast, job.code, advice), what.entries[entry].address, what.channel, services=services)
