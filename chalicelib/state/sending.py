"""Queueing any number of messages, ten at a time, until all are taken."""

from collections.abc import Callable, Sequence

from chalicelib.state.queue import MOST_SEND, Outgoing, Queue


def send_all(queue: Queue, messages: Sequence[Outgoing], *, sleep: Callable[[float], None]) -> None:
    """Queue all messages; what is not taken is tried again after a pause that doubles."""
    left, pause = list(messages), 0.05
    while left:
        taken, left = left[:MOST_SEND], left[MOST_SEND:]
        refused = queue.send(taken)
        if refused:
            left = [*refused, *left]
            sleep(pause)
            pause = min(pause * 2, 2.0)
