"""The training stage's only channel: everything but the hand-over. It knows no provider, so no mistake can reach one."""

from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.domain.address import Address
from chalicelib.domain.message import NOT_TRIED, Answer, Message, Outcome, Parcel


class Rehearsal:
    """Accepts every parcel and hands it to nobody."""

    most = 25

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Callable[[], bool]) -> Sequence[Outcome]:
        """Accepted, at the pace a real sender would keep."""
        return [Outcome(Answer.ACCEPTED, provider_id="rehearsal") if gate() else Outcome(Answer.NOT_SENT, NOT_TRIED) for _ in parcels]

    def find(self, to: Address, *messages: Message, since: datetime) -> bool | None:  # noqa: ARG002 - the Sender's signature
        """Nothing was ever handed over."""
        return False
