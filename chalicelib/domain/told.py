"""Told: what became of a message, for the person it was for, in the few kinds that a page has a sentence for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Content
from chalicelib.domain.delivery import Mark, SkipReason, State


class Fate(StrEnum):
    """What became of it."""

    DELIVERED = "delivered"
    HANDED_OVER = "handed_over"
    ON_ITS_WAY = "on_its_way"
    WAITS = "waits"
    UNSURE = "unsure"
    REFUSED = "refused"
    BAD_ADDRESS = "bad_address"
    OUR_MISTAKE = "our_mistake"
    TOO_LATE = "too_late"
    STOPPED = "stopped"
    PAUSED = "paused"
    NOT_CHOSEN = "not_chosen"
    BY_EMAIL = "by_email"
    DIGEST = "digest"
    ENOUGH = "enough"
    WITHDRAWN = "withdrawn"
    NOT_SENT = "not_sent"


_FATES: Mapping[State, Fate] = {
    State.DELIVERED: Fate.DELIVERED,
    State.ACCEPTED: Fate.HANDED_OVER,
    State.QUEUED: Fate.ON_ITS_WAY,
    State.ATTEMPTING: Fate.ON_ITS_WAY,
    State.HELD: Fate.WAITS,
    State.UNKNOWN: Fate.UNSURE,
    State.UNCONFIRMED: Fate.UNSURE,
    State.EXPIRED: Fate.TOO_LATE,
    State.FAILED: Fate.REFUSED,
    State.SKIPPED: Fate.NOT_SENT,
}
_SKIPS: Mapping[str, Fate] = {
    SkipReason.OPTED_OUT: Fate.STOPPED,
    SkipReason.PAUSED: Fate.PAUSED,
    SkipReason.FILTERED: Fate.NOT_CHOSEN,
    SkipReason.BY_EMAIL: Fate.BY_EMAIL,
    SkipReason.DIGEST: Fate.DIGEST,
    SkipReason.CAP: Fate.ENOUGH,
    SkipReason.BROADCAST_STOPPED: Fate.WITHDRAWN,
}
_FAILURES: Mapping[str, Fate] = {
    "our_fault": Fate.OUR_MISTAKE,
    "not_a_text": Fate.OUR_MISTAKE,
    "not_an_email": Fate.OUR_MISTAKE,
    # what Twilio says of a number that is none, or takes no texts
    "21211": Fate.BAD_ADDRESS,
    "21612": Fate.BAD_ADDRESS,
    "21614": Fate.BAD_ADDRESS,
    "30005": Fate.BAD_ADDRESS,
    "30006": Fate.BAD_ADDRESS,
}


@dataclass(frozen=True)
class Told:
    """A message to somebody: what it said, in which language, on which channel, when it was sent, and what became of it. `until`: when one that waits
    is to go."""

    broadcast: str
    content: Content
    channel: Channel
    locale: str
    at: datetime
    fate: Fate
    until: datetime | None = None


def fate_of(mark: Mark) -> Fate:
    """What became of a delivery. What nobody has a sentence for is told by its state alone."""
    special = {State.SKIPPED: _SKIPS, State.FAILED: _FAILURES}.get(mark.state, {})
    return special.get(mark.reason, _FATES[mark.state])
