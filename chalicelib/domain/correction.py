"""Corrections: a notice to exactly those who got a wrong one, or may have. Decided from the wrong one's rows, never chosen anew."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchState, HowFar, What
from chalicelib.domain.delivery import State
from chalicelib.domain.preview import Headcount

MAY_HAVE = frozenset({State.ATTEMPTING, State.UNKNOWN, State.UNCONFIRMED, State.ACCEPTED, State.DELIVERED})
"""Where a delivery stands that was made, or may have been."""


def who_may_have(batch: HowFar) -> list[int]:
    """Entries that got the message, or may have."""
    return [entry for entry in range(len(batch.cells)) if batch.standing(entry).state in MAY_HAVE]


def is_going(batch: HowFar, now: datetime) -> bool:
    """Whether somebody may be at it, so that its entries do not stand still yet, although its broadcast was stopped.

    That is a worker who looked before the stop. Whoever claims after it marks first and looks then, and hands nothing over: a batch that
    is queued, held or waiting needs no waiting for."""
    return batch.state is BatchState.CLAIMED and (batch.lease_until is None or batch.lease_until >= now)


def headcount(reached: Iterable[What], channels: Collection[Channel]) -> Headcount:
    """Who these are: recipients per channel, texts per locale, and people on a phone or in an inbox, each once."""
    counts: Counter[Channel] = Counter(dict.fromkeys(channels, 0))
    texts: Counter[str] = Counter()
    people: set[str] = set()
    for what in reached:
        counts[what.channel] += len(what.entries)
        if what.channel is Channel.SMS:
            texts[what.locale] += len(what.entries)
        if what.channel is not Channel.KIOSK:
            people.update(entry.subscriber for entry in what.entries)
    return Headcount(len(people), dict(counts), dict(sorted(texts.items())), exact=True)
