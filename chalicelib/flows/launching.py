"""Queueing a launch, in time but never early. The row is the schedule: what the queue cannot take or reach, the sweep launches."""

import math

from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.domain.jobs import LaunchJob
from chalicelib.errors import StateLater
from chalicelib.flows.services import Services
from chalicelib.state.queue import MOST_DELAY, Outgoing
from chalicelib.state.sending import send_all


def queue_launch(broadcast: Broadcast, *, services: Services) -> None:
    """Queue the launch of a broadcast that is scheduled within the next fifteen minutes. Does nothing for any other."""
    delay = max(0, math.ceil((broadcast.send_at.instant - services.now()).total_seconds()))
    if broadcast.state is not BroadcastState.SCHEDULED or delay > MOST_DELAY:
        return
    try:
        send_all(services.queues.named("launch"), [Outgoing(LaunchJob(broadcast.id).body, delay)], sleep=services.sleep)
    except StateLater:
        return
