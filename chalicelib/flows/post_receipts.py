"""Receipts are queued before anybody works on them: a provider is answered at once, and nothing it said is lost."""

from collections.abc import Sequence

from chalicelib.domain.jobs import ReceiptJob
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all


def post_receipts(jobs: Sequence[ReceiptJob], *, services: Services) -> None:
    """Queue receipts, all of them."""
    if jobs:
        send_all(services.queues.named("receipts"), [Outgoing(job.body) for job in jobs], sleep=services.sleep)
