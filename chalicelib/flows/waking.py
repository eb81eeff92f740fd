"""Waking a batch that waits for evidence, once it has all of it."""

from chalicelib.domain.batch import BatchKey, BatchState, HowFar, unknown
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.jobs import SendJob, send_queue
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all


def wake_if_proven(key: BatchKey, far: HowFar, broadcast: Broadcast | None, *, services: Services) -> None:
    """Let a batch be claimed at once where receipts spoke of every entry in doubt. `broadcast` is read where it is not at hand."""
    if far.state is not BatchState.WAITING or not (doubts := unknown(far.cells)) or not all(far.receipts_of(entry) for entry in doubts):
        return
    found = broadcast or services.store.broadcasts.get(key.broadcast)
    if found and far.channel and services.store.batches.wake(key, far, now=services.now()):
        send_all(services.queues.named(send_queue(far.channel, found.lane)), [Outgoing(SendJob(key).body)], sleep=services.sleep)
