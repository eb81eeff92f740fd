"""Guards against what nobody meant: whether a broadcast that is due and approved may really go, or waits for a person to look.

Each rule says what it finds wrong; the first finding that nobody has waived is why the broadcast waits. What cannot be counted waits too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Broadcast, Review, ReviewReason
from chalicelib.domain.city import Limits, Source

MOST_OFF_PERCENT = 10
MOST_OFF_PEOPLE = 50
"""A count may be off by either from the one that was approved; by more than both it waits."""

LATE_ROUTINE = timedelta(minutes=30)
LATE_URGENT = timedelta(minutes=5)

BREACHES = 3
BREACHES_WITHIN = timedelta(hours=1)
"""So many broadcasts over a source's caps within so long, and the source is paused."""

WARN_PERCENT = 80
MICROS = 1_000_000

WAIVED = frozenset({ReviewReason.SOURCE_PAUSED, ReviewReason.SOURCE_BROADCASTS, ReviewReason.SOURCE_RECIPIENTS, ReviewReason.SPEND})
"""What an approver waives by letting a broadcast go. A changed audience or a late launch is not waived: the new count and the new time
are what was approved, and both may be off again."""


@dataclass(frozen=True)
class SourceUse:
    """What a source has used of its caps, with the broadcast at hand. `source` is None where the city no longer lists it."""

    source: Source | None
    paused: bool
    broadcasts: int = 0
    recipients: int = 0


@dataclass(frozen=True)
class Spending:
    """What was spent on texts today and this month, in millionths, with the broadcast at hand. `cost` is None where nobody could reckon it."""

    cost: int | None
    day: int
    month: int
    limits: Limits

    def periods(self) -> Iterator[tuple[str, int, int]]:
        """Each period that has a cap: its name, what was spent and the cap, in millionths."""
        for name, spent, cap in (("day", self.day, self.limits.spend_per_day), ("month", self.month, self.limits.spend_per_month)):
            if cap is not None:
                yield name, spent, cap * MICROS


@dataclass(frozen=True)
class Weighed:
    """All that a launch is judged by. `source` is None for what a communicator wrote; `spending` where no cap binds."""

    broadcast: Broadcast
    counted: Mapping[Channel, int]
    now: datetime
    source: SourceUse | None = None
    spending: Spending | None = None


Rule = Callable[[Weighed], Iterator[Review]]


def judge(one: Weighed) -> Review | None:
    """Why this broadcast waits for a person; None for one that may go."""
    found = (review for rule in RULES for review in rule(one))
    return next((review for review in found if review.reason not in one.broadcast.waived), None)


def is_breach(review: Review) -> bool:
    """Whether a source went over its caps."""
    return review.reason in {ReviewReason.SOURCE_BROADCASTS, ReviewReason.SOURCE_RECIPIENTS}


def nearly_spent(spending: Spending) -> list[str]:
    """The periods whose budget this broadcast brings to 80 % or more."""
    cost = spending.cost or 0
    return [name for name, spent, cap in spending.periods() if (spent - cost) * 100 < cap * WARN_PERCENT <= spent * 100]


# --- the rules -------------------------------------------------------------------------------------------------------


def _source_paused(one: Weighed) -> Iterator[Review]:
    if one.source and one.source.paused:
        yield Review(ReviewReason.SOURCE_PAUSED, one.now, {"source": one.broadcast.author})


def _audience_changed(one: Weighed) -> Iterator[Review]:
    """A source is approved once, without a number; whatever a person approves has one. A digest is for whoever chose it."""
    planned = one.broadcast.planned
    if one.broadcast.audience.digest:
        return
    if planned is None:
        if one.source is None:
            yield Review(ReviewReason.AUDIENCE_CHANGED, one.now, {"counted": sum(one.counted.values())})
        return
    for channel, counted in one.counted.items():
        before = planned.get(channel, 0)
        if abs(counted - before) > MOST_OFF_PEOPLE and abs(counted - before) * 100 > before * MOST_OFF_PERCENT:
            yield Review(ReviewReason.AUDIENCE_CHANGED, one.now, {"channel": str(channel), "planned": before, "counted": counted})


def _source_caps(one: Weighed) -> Iterator[Review]:
    use = one.source
    if use is None or use.source is None:
        return
    for reason, used, limit in (
        (ReviewReason.SOURCE_BROADCASTS, use.broadcasts, use.source.broadcasts_per_hour),
        (ReviewReason.SOURCE_RECIPIENTS, use.recipients, use.source.recipients_per_day),
    ):
        if used > limit:
            yield Review(reason, one.now, {"source": one.broadcast.author, "used": used, "limit": limit})


def _spend(one: Weighed) -> Iterator[Review]:
    if one.spending is None or one.spending.cost == 0:
        return
    if one.spending.cost is None:
        yield Review(ReviewReason.SPEND, one.now, {"cost": "unknown"})
    else:
        for period, spent, limit in one.spending.periods():
            if spent > limit:
                yield Review(ReviewReason.SPEND, one.now, {"period": period, "spent_micros": spent, "limit_micros": limit, "cost_micros": one.spending.cost})


def _late(one: Weighed) -> Iterator[Review]:
    """Late by what was scheduled or approved last; when it was to be sent at first does not count any more."""
    limit = LATE_URGENT if one.broadcast.urgent else LATE_ROUTINE
    late = one.now - (one.broadcast.due or one.now)
    if late > limit:
        yield Review(ReviewReason.LATE, one.now, {"late_seconds": round(late.total_seconds()), "limit_seconds": round(limit.total_seconds())})


RULES: Sequence[Rule] = (_source_paused, _audience_changed, _source_caps, _spend, _late)
