"""What Belfry needs of a queue. Receiving, visibility, receive counts and dead letters belong to whoever runs the handlers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MOST_SEND = 10
MOST_DELAY = 900
MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Outgoing:
    """A message to queue: its text (JSON with ids only), and seconds until it shows, at most 900."""

    body: str
    delay: int = 0


class Queue(Protocol):
    """One queue."""

    def send(self, messages: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """Queue up to ten; those that were not taken come back, to be tried again. Raises StateLimit on more, on a long delay or a large body."""


class Queues(Protocol):
    """The queues of a city, by name (`sms-urgent`, `fan-out-routine`, `screen-<id>`)."""

    def named(self, name: str) -> Queue:
        """The queue of this name; it exists."""

    def make(self, name: str) -> None:
        """Make a queue, if it is not there yet."""

    def drop(self, name: str) -> None:
        """Remove a queue, if it is there."""
