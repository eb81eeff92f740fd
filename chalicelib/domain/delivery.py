"""Deliveries: one broadcast × one recipient × one channel, and the states it moves through, only forward.

A delivery's state is the higher rank of two columns: what the worker wrote and what receipts proved. So no late or
repeated receipt and no second worker can move it back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a delivery stands."""

    HELD = "held"
    QUEUED = "queued"
    ATTEMPTING = "attempting"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    UNCONFIRMED = "unconfirmed"
    ACCEPTED = "accepted"
    FAILED = "failed"
    DELIVERED = "delivered"


class SkipReason(StrEnum):
    """Why a recipient was not attempted."""

    OPTED_OUT = "opted_out"
    UNVERIFIED = "unverified"
    NO_ADDRESS = "no_address"
    FILTERED = "filtered"
    PAUSED = "paused"
    DIGEST = "digest"
    BY_EMAIL = "by_email"
    CAP = "cap"
    DUPLICATE = "duplicate"
    BROADCAST_STOPPED = "broadcast_stopped"
    ERASED = "erased"


SETTLED = frozenset({State.SKIPPED, State.EXPIRED, State.UNCONFIRMED, State.ACCEPTED, State.FAILED, State.DELIVERED})

_RANK = {State.UNKNOWN: 1, State.UNCONFIRMED: 2, State.SKIPPED: 3, State.EXPIRED: 3, State.ACCEPTED: 4, State.FAILED: 5, State.DELIVERED: 6}

UNTRIED = ""
"""What the worker's column holds for an entry that nobody attempted yet."""


@dataclass(frozen=True)
class Mark:
    """A state with its reason, as one cell of the worker's column holds it: `accepted`, `skipped:opted_out`, `failed:21211`."""

    state: State
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state}:{self.reason}" if self.reason else str(self.state)


def read_mark(cell: str) -> Mark | None:
    """The mark in a cell; None for an entry that is untried."""
    if cell == UNTRIED:
        return None
    state, _, reason = cell.partition(":")
    return Mark(State(state), reason)


def standing(cell: str, receipts: Collection[State]) -> Mark | None:
    """Where an entry stands, given the worker's cell and the receipts in any order and number; None while untried."""
    marks = [read_mark(cell), *(Mark(state) for state in receipts)]
    return max((mark for mark in marks if mark), key=lambda mark: _RANK[mark.state], default=None)
