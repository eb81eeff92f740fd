"""The watchdog over sign-ups by page: whether those who were asked to confirm are people. Pure: who was asked when, and whether they confirmed, in.

people     some of them confirm, most within minutes, some within hours
robots     hardly anybody does, for the numbers and addresses are not theirs

Where it barks, a page asks a question before it sends anything; nobody who is a person is kept out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SAMPLE = 50
"""How many sign-ups tell people from robots."""
LEAST = 0.1
"""The share of them that confirms where people sign up."""
PATIENCE = timedelta(minutes=30)
"""How long somebody may take before not having confirmed tells anything. Texts are answered in minutes; for a letter one has to go and look."""
BURST, BURST_PATIENCE = timedelta(minutes=10), timedelta(minutes=3)
"""So many at once are judged sooner: of a crowd, some confirm within this."""

REST = timedelta(minutes=10)
"""A watchdog that barked does so for no less than this."""
CALM = 20
"""Questions shown within two windows of ten minutes, beyond which the storm goes on."""
QUIET = timedelta(hours=1)
"""After so long without a storm it lies down, though nobody has signed up."""
RECOVERED = 10
"""Sign-ups since it barked that tell that people are back."""


@dataclass(frozen=True)
class Asked:
    """Somebody was asked to confirm then, and did or did not."""

    at: datetime
    confirmed: bool


def sample(asked: Sequence[datetime], now: datetime) -> list[int]:
    """Which sign-ups to look up, of all since it was last still, oldest first: the last that had time, and those of a burst."""
    had_time = [number for number, at in enumerate(asked) if now - at >= PATIENCE][-SAMPLE:]
    burst = [number for number, at in enumerate(asked) if BURST_PATIENCE <= now - at < BURST][-SAMPLE:]
    return sorted({*had_time, *burst})


def suspicion(asked: Sequence[Asked], now: datetime) -> str:
    """Why to bark: `few_confirm`, `burst`, or empty."""
    if _are_robots([one for one in asked if now - one.at >= PATIENCE][-SAMPLE:]):
        return "few_confirm"
    return "burst" if _are_robots([one for one in asked if BURST_PATIENCE <= now - one.at < BURST][-SAMPLE:]) else ""


def is_over(since: Sequence[Asked], *, shown: int, barked: datetime, now: datetime) -> bool:
    """Whether it is over: no storm any more, and whoever was asked since confirms; or nobody was, for an hour. `shown`: questions of late."""
    if now - barked < REST or shown > CALM:
        return False
    told = [one for one in since if one.confirmed or now - one.at >= PATIENCE]
    if len(told) >= RECOVERED:
        return _share(told) >= LEAST
    return now - barked >= QUIET


def _are_robots(asked: Sequence[Asked]) -> bool:
    return len(asked) >= SAMPLE and _share(asked) < LEAST


def _share(asked: Sequence[Asked]) -> float:
    return sum(one.confirmed for one in asked) / len(asked)
