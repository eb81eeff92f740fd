"""Pace: how fast a sender may go now. Pure: a sender's standing and news of it in, its new standing out.

asked too often  → half the speed; clean again → half as fast again every few seconds, up to the pace
no answers       → shut: one probe now and then; enough good probes → open again, at half speed
"""

from dataclasses import dataclass, replace
from datetime import timedelta

FIDELITY = 0.98
"""The share of the contract that we use: evenly spaced and a little below, no second ever sees more than the contract."""
SLOWEST = 0.05
"""The share of the pace below which throttling takes nobody; never less than one a second."""
CLIMB = 1.5
STEADY = timedelta(seconds=5)
"""One halving, and one climb, within this time: what many workers hear at once is one piece of news."""

WINDOW = timedelta(seconds=120)
TROUBLED = 10
"""Calls without an answer within the window, at least half of those that were told of, shut a tempo."""
PROBE_EVERY = timedelta(seconds=50)
GOOD_PROBES = 5
SLOW = timedelta(seconds=8)
"""A chunk that ends this much later than its last slot tells of a sender that hardly answers."""


@dataclass(frozen=True)
class Tempo:
    """How far a sender's slots are given away, and how well it is. Times are in milliseconds. `speed` is in thousandths a second, None at
    full pace; `version` counts changes of health, so that whoever reserves by an old view of it loses."""

    next: int = 0
    urgent_until: int = 0
    version: int = 0
    speed: int | None = None
    changed_at: int = 0
    shut_until: int | None = None
    good: int = 0
    bad: int = 0
    told: int = 0
    since: int = 0

    @property
    def is_well(self) -> bool:
        """Whether good news of it would change nothing."""
        return self.speed is None and self.shut_until is None


@dataclass(frozen=True)
class News:
    """What a chunk's hand-over told of the sender: calls that were answered, throttled, and left without an answer."""

    answered: int = 0
    throttled: int = 0
    unanswered: int = 0


def per_second(tempo: Tempo, pace: int) -> float:
    """Slots a second now."""
    return pace * FIDELITY if tempo.speed is None else tempo.speed / 1000


def after(tempo: Tempo, news: News, *, pace: int, now: int) -> Tempo:
    """The sender after this news; itself where nothing changes."""
    if tempo.shut_until is not None:
        return _after_probe(tempo, news, pace, now)
    counted = _troubled(tempo, news, now) if news.unanswered else tempo
    return counted if counted.shut_until is not None else _at_speed(counted, news, pace, now)


def _at_speed(tempo: Tempo, news: News, pace: int, now: int) -> Tempo:
    """Slower or faster by what was answered. A lost answer among others says nothing of speed: where some always are lost, it would
    never climb again."""
    if now - tempo.changed_at < _ms(STEADY):
        return tempo
    if news.throttled:
        return replace(tempo, speed=_half(tempo, pace), changed_at=now)
    if news.answered and tempo.speed is not None:
        faster = round(tempo.speed * CLIMB)
        return replace(tempo, speed=faster if faster < pace * FIDELITY * 1000 else None, changed_at=now)
    return tempo


def _troubled(tempo: Tempo, news: News, now: int) -> Tempo:
    fresh = now - tempo.since > _ms(WINDOW)
    bad = news.unanswered + (0 if fresh else tempo.bad)
    told = news.unanswered + news.answered + news.throttled + (0 if fresh else tempo.told)
    counted = replace(tempo, bad=bad, told=told, since=now if fresh else tempo.since)
    if bad < TROUBLED or bad * 2 < told:
        return counted
    return replace(counted, shut_until=now + _ms(PROBE_EVERY), good=0, changed_at=now)


def _after_probe(tempo: Tempo, news: News, pace: int, now: int) -> Tempo:
    if news.unanswered or not news.answered:
        return replace(tempo, shut_until=now + _ms(PROBE_EVERY), good=0)
    if tempo.good + 1 < GOOD_PROBES:
        return replace(tempo, shut_until=now, good=tempo.good + 1)
    return replace(tempo, shut_until=None, good=0, bad=0, told=0, since=0, speed=_half(tempo, pace), changed_at=now)


def _half(tempo: Tempo, pace: int) -> int:
    least = max(1000, round(pace * SLOWEST * 1000))
    return min(round(pace * FIDELITY * 1000), max(least, round(per_second(tempo, pace) * 500)))


def _ms(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)
