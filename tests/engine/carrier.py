"""A provider in a mode: it takes or refuses, answers or not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.address import Address
from chalicelib.domain.message import Answer, Message, Outcome, Parcel
from local.proof.truth import Attempt, HandOver
from tests.engine.town import Provider

MODES = {
    "takes": (True, Outcome(Answer.ACCEPTED, provider_id="p")),
    "answer lost": (True, Outcome(Answer.UNKNOWN, "timeout")),
    "hangs": (False, Outcome(Answer.UNKNOWN, "timeout")),
    "later": (False, Outcome(Answer.LATER, "20429")),
    "refuses": (False, Outcome(Answer.REFUSED, "30005")),
}
"""Whether the provider takes the message, and what we hear of it."""


@dataclass
class Carrier(Provider):
    """A provider in a mode, which remembers what each message said. A call counts from when its worker was let through."""

    mode: str = "takes"
    plans: dict[str, list[str]] = field(default_factory=dict)
    judge: Callable[[Parcel], None] = lambda _parcel: None
    said: list[tuple[Address, Message, datetime]] = field(default_factory=list)

    let_through: Callable[[], datetime] = datetime.now

    def _one(self, parcel: Parcel) -> Outcome:
        def call() -> Outcome:
            plan, began = self.plans.get(parcel.to.value), self.let_through()
            takes, outcome = MODES[plan.pop(0) if plan else self.mode]
            self.attempts.append(Attempt(parcel.to, parcel.token, began, self.marked(parcel.token)))
            if takes:
                self.judge(parcel)
                self.truth.append(HandOver(parcel.to, parcel.token, began))
                self.said.append((parcel.to, parcel.message, self.now()))
            return outcome

        outcome: Outcome = self.killer(f"provider.{self.channel}", call)
        return outcome

    def find(self, to: Address, *messages: Message, since: datetime) -> bool | None:
        if not self.can_find:
            return None
        return any(one == to and said in messages and at >= since for one, said, at in self.said)
