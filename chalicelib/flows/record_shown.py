"""Record what a kiosk showed: each item's token becomes a receipt, queued like any provider's."""

from collections.abc import Sequence

from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all


def record_shown(shown: Sequence[tuple[str, str]], *, services: Services) -> int:
    """Queue a receipt for each (broadcast, token) whose token is ours and names that broadcast; how many those were."""
    ours = dict.fromkeys(token for broadcast, token in shown if (services.tokens.read("delivery", token) or ("",))[0] == broadcast)
    if ours:
        messages = [Outgoing(ReceiptJob(token, str(State.DELIVERED)).body) for token in ours]
        send_all(services.queues.named("receipts"), messages, sleep=services.sleep)
    return len(ours)
