"""Kiosks: the envelope goes on the kiosk's own queue. Accepted is queued; delivered is what the screen reports as shown.

A screen shows an item once however often it is told, so a queue that was asked twice does no harm.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.domain.address import Address
from chalicelib.domain.message import NOT_TRIED, Answer, KioskMessage, Message, Outcome, Parcel
from chalicelib.errors import NoQueue, StateLater, StateLimit
from chalicelib.state.queue import Outgoing, Queues


def screen_queue(kiosk: str) -> str:
    """The queue of a kiosk."""
    return f"screen-{kiosk}"


class KioskSender:
    """The Sender of kiosks."""

    most = 25

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Callable[[], bool]) -> Sequence[Outcome]:
        """One outcome per parcel, in order."""
        return [self._one(parcel) if gate() else Outcome(Answer.NOT_SENT, NOT_TRIED) for parcel in parcels]

    def find(self, to: Address, *messages: Message, since: datetime) -> bool | None:  # noqa: ARG002 - the Sender's signature
        """A queue cannot be asked what it holds."""
        return None

    def _one(self, parcel: Parcel) -> Outcome:
        if not isinstance(parcel.message, KioskMessage):
            return Outcome(Answer.REFUSED, "not_an_envelope")
        envelope = {**parcel.message.envelope, "kiosk": parcel.to.value, "token": parcel.token}
        try:
            left = self._queues.named(screen_queue(parcel.to.value)).send([Outgoing(json.dumps(envelope, ensure_ascii=False))])
        except NoQueue:
            return Outcome(Answer.REFUSED, "no_queue")  # says nothing against it: whoever registers it again makes its queue anew
        except StateLimit:
            return Outcome(Answer.REFUSED, "too_large")
        except StateLater:
            return Outcome(Answer.LATER, "busy")
        return Outcome(Answer.LATER, "busy") if left else Outcome(Answer.ACCEPTED)
