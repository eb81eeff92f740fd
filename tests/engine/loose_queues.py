"""Queues that keep no order, and give out a message again while its first receiver is still at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.state.queue import Outgoing
from tests.engine.town import VISIBILITY
from tests.tables import Clock


@dataclass
class Waiting:
    """A message in a queue."""

    id: int
    queue: str
    body: str
    visible_at: datetime


class LooseQueues:
    """Queues that keep no order and may give out a message again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent = 0
        self.messages: list[Waiting] = []

    def named(self, name: str) -> "LooseQueue":
        return LooseQueue(self, name)

    def add(self, queue: str, message: Outgoing) -> None:
        self._sent += 1
        self.messages.append(Waiting(self._sent, queue, message.body, self._clock() + timedelta(seconds=message.delay)))

    def visible(self) -> list[Waiting]:
        """What may be received now, in the order sent."""
        now = self._clock()
        return [one for one in self.messages if one.visible_at <= now]

    def hide(self, message: Waiting) -> None:
        message.visible_at = self._clock() + timedelta(seconds=VISIBILITY)

    def delete(self, id: int) -> None:
        self.messages = [one for one in self.messages if one.id != id]


@dataclass(frozen=True)
class LooseQueue:
    queues: LooseQueues
    name: str

    def send(self, messages: Sequence[Outgoing]) -> Sequence[Outgoing]:
        for message in messages:
            self.queues.add(self.name, message)
        return ()
