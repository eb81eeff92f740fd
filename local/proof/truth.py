"""The ground truth: what really happened outside, as those outside noted it. No row of ours is believed here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain.address import Address, Channel
from chalicelib.settings import Stage


@dataclass(frozen=True)
class HandOver:
    """One message that a provider really took. `timed` is False where `at` is only the latest it can have been."""

    to: Address
    token: str
    at: datetime
    timed: bool = True


@dataclass(frozen=True)
class Attempt:
    """One call that began, whatever came of it. `marked_at` is when its mark was written, where somebody watched."""

    to: Address
    token: str
    at: datetime
    marked_at: datetime | None = None


@dataclass(frozen=True)
class OptOut:
    """An address (its keyed hash) that wanted no more: when that was written, when its owner had our answer, when they came back."""

    address: str
    written: datetime
    answered: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class Truth:
    """All that happened outside until `at`. `pace` is what each sender may be handed in a second; `late` is how much later than the
    call began a provider may note it (nothing, where both are one process)."""

    at: datetime
    hand_overs: Sequence[HandOver] = ()
    attempts: Sequence[Attempt] = ()
    opt_outs: Sequence[OptOut] = ()
    pace: Mapping[Channel, int] = field(default_factory=dict)
    stage: Stage = Stage.LOCAL
    late: timedelta = timedelta(0)
