"""A provider that throttles for minutes, and one that is down for a quarter of an hour, in the middle of a broadcast."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.message import NOT_TRIED, Answer, Outcome, Parcel
from chalicelib.domain.pace import per_second
from chalicelib.flows.services import Gate
from chalicelib.store.pace import find_tempo, tempo_key
from tests.engine.town import Provider, Town
from tests.experiments.sizes import SIZES

FULL, PACE = 5000, 20
LATER, LOST = Outcome(Answer.LATER, "20429"), Outcome(Answer.UNKNOWN, "ReadTimeoutError")


@dataclass
class Line(Provider):
    """A provider at the end of a line: keeps the time of every call, and once it is put off, leaves the rest of the chunk as Twilio's
    sender does."""

    calls: list[datetime] = field(default_factory=list)

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for parcel in parcels:
            put_off = any(one.answer is Answer.LATER for one in outcomes)
            if put_off or not gate():
                outcomes.append(Outcome(Answer.NOT_SENT, NOT_TRIED))
                continue
            self.calls.append(self.now())
            outcomes.append(self._one(parcel))
        return outcomes


def a_town(folder: Path, *, people: int, pace: int, channels: Sequence[Channel] = (Channel.SMS,)) -> tuple[Town, Line]:
    town = Town(folder, pace={Channel.SMS: pace})
    town.services = replace(town.services, random=iter_random())
    line = town.providers[Channel.SMS] = Line(Channel.SMS, 25, town.killer, town.clock)
    for _ in range(people):
        town.follower("transit", channels=channels)
    return town, line


def iter_random() -> Callable[[], float]:
    """A fixed sequence that is spread well enough."""
    numbers = iter(range(10**9))
    return lambda: next(numbers) * 0.618 % 1


def live(town: Town, name: str) -> None:
    """Let the city live from moment to moment: each job when it shows, the schedule each minute, until the broadcast ended."""
    minute, end = town.clock(), town.clock() + timedelta(hours=5)
    while town.state_of(name) is not BroadcastState.COMPLETED:
        assert town.clock() < end, "it never ended"
        town.work()
        if town.clock() >= minute:
            town.tick()
            minute = town.clock() + timedelta(minutes=1)
        shows = town.state.queues.next_visible_at()
        town.clock.moment = max(town.clock(), min(shows or minute, minute))


def most_in_a_second(moments: Sequence[datetime]) -> int:
    return max(Counter(int(one.timestamp()) for one in moments).values())


@SIZES
def test_a_throttled_sender_slows_down_fails_nobody_and_comes_back(tmp_path: Path, share: float) -> None:
    """Half of all calls are put off for five minutes, or for one. Seen to fail with the halving in `domain.pace.after` taken out (it never
    slows down), with CLIMB at 1 (never back at the pace), and with a throttled call noted as failed in `chunks._note`."""
    people = round(1500 + 5000 * share)
    town, line = a_town(tmp_path, people=people, pace=PACE)
    end, turn = town.clock() + timedelta(minutes=5) * max(share, 0.2), iter(range(10**9))
    speeds: list[float] = []

    def throttled(_parcel: Parcel) -> Outcome | None:
        speeds.append(per_second(find_tempo(Channel.SMS, town.state.table.get_many([tempo_key(Channel.SMS)])), PACE))
        return LATER if town.clock() < end and next(turn) % 2 else None

    line.fault = throttled
    name = town.broadcast("transit", lasts=timedelta(hours=48))
    live(town, name)
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): people}
    assert most_in_a_second(line.calls) <= PACE
    assert min(speeds) == 1.0, "it never slowed down"
    back = [one for one in line.calls if end + timedelta(seconds=90) <= one < end + timedelta(seconds=100)]
    assert len(back) >= 0.95 * 10 * PACE


@SIZES
@pytest.mark.parametrize("seconds", [0, 10], ids=["fails at once", "hangs"])
def test_a_provider_that_is_down_is_left_alone_and_found_again(tmp_path: Path, share: float, seconds: float) -> None:
    """No call is answered for a quarter of an hour. Seen to fail with `shut_until` never set in `domain.pace._troubled` (hundreds in
    doubt), and with a good probe followed by the usual pause in `_after_probe` (trusted too late)."""
    people = round(FULL * share)
    town, line = a_town(tmp_path, people=people, pace=PACE, channels=(Channel.SMS, Channel.EMAIL))
    name = town.broadcast("transit", lasts=timedelta(hours=48))
    begin = town.clock() + timedelta(seconds=5)
    end = begin + timedelta(minutes=15)

    def down(_parcel: Parcel) -> Outcome | None:
        if not begin <= town.clock() < end:
            return None
        town.clock.advance(timedelta(seconds=seconds))
        return LOST

    line.fault = down
    live(town, name)
    doubtful = [one for one in line.calls if begin <= one < end]
    assert 15 <= len(doubtful) <= 60
    assert [one for one in line.calls if end <= one < end + timedelta(seconds=60)], "it was not found again"
    assert len([one for one in line.calls if end <= one < end + timedelta(seconds=120)]) > 100, "it was not trusted again"
    assert town.counts(name)[Channel.SMS] == {Mark(State.ACCEPTED): people - len(doubtful), Mark(State.UNCONFIRMED): len(doubtful)}
    assert town.counts(name)[Channel.EMAIL] == {Mark(State.ACCEPTED): people}
    emails = [one.at for one in town.providers[Channel.EMAIL].truth]
    assert max(emails) - min(emails) < timedelta(seconds=60 + 10 * seconds), "the other channel waited longer than for one chunk that hung"
