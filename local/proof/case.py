"""A case before the checker: the ground truth and the records, each call outside put to the delivery it was for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.domain.batch import BatchKey
from chalicelib.domain.tokens import Tokens
from chalicelib.store.sealed import Vault
from local.proof.records import Delivery, Place, Records
from local.proof.truth import Attempt, HandOver, Truth

Call = TypeVar("Call", HandOver, Attempt)


@dataclass(frozen=True)
class Case:
    """Truth and records. `strays` are hand-overs under a token of ours that belong to no delivery that counts."""

    truth: Truth
    records: Records
    vault: Vault
    hand_overs: Mapping[Place, Sequence[HandOver]]
    attempts: Mapping[Place, Sequence[Attempt]]
    strays: Sequence[HandOver]

    def each(self) -> Iterable[Delivery]:
        """Every delivery that counts."""
        return self.records.deliveries.values()

    def times_handed_over(self, delivery: Delivery) -> int:
        """How often a provider really took it."""
        return len(self.hand_overs.get(delivery.place, ()))


def make_case(truth: Truth, records: Records, *, vault: Vault, tokens: Tokens) -> Case:
    """Put every call to its delivery. Calls under other tokens, such as letters to one person, belong to none."""
    hand_overs, attempts = _by_place(truth.hand_overs, tokens), _by_place(truth.attempts, tokens)
    strays = [one for place, found in hand_overs.items() if place not in records.deliveries for one in found]
    return Case(truth, records, vault, hand_overs, attempts, strays)


def _by_place(calls: Iterable[Call], tokens: Tokens) -> dict[Place, list[Call]]:
    found: dict[Place, list[Call]] = {}
    for one in calls:
        parts = tokens.read("delivery", one.token)
        if parts is not None:
            broadcast, shard, name, entry, _ = parts
            found.setdefault((BatchKey(broadcast, int(shard), name), int(entry)), []).append(one)
    return found
