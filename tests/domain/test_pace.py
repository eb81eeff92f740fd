"""How fast a sender may go: halved by throttling, climbing back, shut and probed when nobody answers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chalicelib.domain.pace import GOOD_PROBES, News, Tempo, after, per_second

NOW, PACE = 1_000_000_000, 100
WELL = Tempo()
SLOWED = Tempo(speed=20_000, changed_at=NOW - 5000)
SHUT = Tempo(shut_until=NOW, changed_at=NOW - 120_000)


@pytest.mark.parametrize(
    ("tempo", "news", "expected"),
    [
        pytest.param(WELL, News(answered=25), WELL, id="good news of a sender that is well changes nothing"),
        pytest.param(WELL, News(answered=3, throttled=1), Tempo(speed=49_000, changed_at=NOW), id="a throttle halves"),
        pytest.param(SLOWED, News(throttled=2), replace(SLOWED, speed=10_000, changed_at=NOW), id="and halves again"),
        pytest.param(replace(SLOWED, speed=6000), News(throttled=2), replace(SLOWED, speed=5000, changed_at=NOW), id="down to a twentieth of the pace"),
        pytest.param(replace(SLOWED, changed_at=NOW - 4999), News(throttled=2), replace(SLOWED, changed_at=NOW - 4999), id="once for news of one moment"),
        pytest.param(SLOWED, News(answered=25), replace(SLOWED, speed=30_000, changed_at=NOW), id="a clean chunk climbs by half"),
        pytest.param(replace(SLOWED, changed_at=NOW - 4999), News(answered=25), replace(SLOWED, changed_at=NOW - 4999), id="but not at once"),
        pytest.param(replace(SLOWED, speed=90_000), News(answered=1), replace(SLOWED, speed=None, changed_at=NOW), id="up to the pace"),
        pytest.param(replace(SLOWED, speed=65_333), News(answered=1), replace(SLOWED, speed=None, changed_at=NOW), id="which it reaches exactly"),
        pytest.param(replace(SLOWED, speed=65_332), News(answered=1), replace(SLOWED, speed=97_998, changed_at=NOW), id="and not before"),
        pytest.param(SLOWED, News(), SLOWED, id="no call, no news"),
        pytest.param(WELL, News(answered=9, unanswered=9), Tempo(bad=9, told=18, since=NOW), id="nine lost answers are counted"),
        pytest.param(
            Tempo(bad=9, told=18, since=NOW - 120_000),
            News(unanswered=1),
            Tempo(bad=10, told=19, since=NOW - 120_000, shut_until=NOW + 50_000, changed_at=NOW),
            id="the tenth within two minutes shuts it",
        ),
        pytest.param(
            Tempo(bad=9, told=18, since=NOW - 120_001), News(unanswered=1), Tempo(bad=1, told=1, since=NOW), id="what is older than two minutes is forgotten"
        ),
        pytest.param(WELL, News(answered=11, unanswered=10), Tempo(bad=10, told=21, since=NOW), id="where most are answered it stays open"),
        pytest.param(
            WELL, News(answered=5, throttled=5, unanswered=10), Tempo(bad=10, told=20, since=NOW, shut_until=NOW + 50_000, changed_at=NOW), id="half is enough"
        ),
        pytest.param(
            SLOWED,
            News(answered=24, unanswered=1),
            replace(SLOWED, speed=30_000, changed_at=NOW, bad=1, told=25, since=NOW),
            id="one lost answer among many is counted and keeps nobody from climbing",
        ),
        pytest.param(SLOWED, News(unanswered=1), replace(SLOWED, bad=1, told=1, since=NOW), id="one alone is no reason to"),
        pytest.param(
            SLOWED,
            News(answered=4, throttled=4, unanswered=1),
            replace(SLOWED, speed=10_000, changed_at=NOW, bad=1, told=9, since=NOW),
            id="nor hides a throttle",
        ),
        pytest.param(SHUT, News(unanswered=1), replace(SHUT, shut_until=NOW + 50_000), id="a probe without an answer keeps it shut"),
        pytest.param(SHUT, News(throttled=1), replace(SHUT, shut_until=NOW + 50_000), id="so does one that is put off"),
        pytest.param(replace(SHUT, good=3), News(unanswered=1), replace(SHUT, shut_until=NOW + 50_000), id="which takes back the good ones"),
        pytest.param(replace(SHUT, shut_until=NOW + 50_000), News(answered=1), replace(SHUT, good=1), id="a good probe lets the next go at once"),
        pytest.param(replace(SHUT, good=GOOD_PROBES - 2), News(answered=1), replace(SHUT, good=GOOD_PROBES - 1), id="all but one are not enough"),
        pytest.param(
            Tempo(good=2, bad=9, told=18, since=NOW),
            News(unanswered=1),
            Tempo(bad=10, told=19, since=NOW, shut_until=NOW + 50_000, changed_at=NOW),
            id="shut again, probes count from the first",
        ),
        pytest.param(
            replace(SHUT, good=GOOD_PROBES - 1, bad=10, told=20, since=5), News(answered=1), Tempo(speed=49_000, changed_at=NOW), id="enough of them open it"
        ),
    ],
)
def test_news_moves_a_sender(tempo: Tempo, news: News, expected: Tempo) -> None:
    assert after(tempo, news, pace=PACE, now=NOW) == expected


@pytest.mark.parametrize(("tempo", "speed"), [(WELL, 98.0), (Tempo(speed=5000), 5.0)], ids=["well", "slowed"])
def test_a_sender_gets_slots_a_little_below_its_pace(tempo: Tempo, speed: float) -> None:
    assert per_second(tempo, PACE) == speed


def test_the_slowest_sender_is_not_halved_below_its_own_pace() -> None:
    assert per_second(after(WELL, News(throttled=1), pace=1, now=NOW), 1) <= 0.98
    assert per_second(after(Tempo(speed=1500), News(throttled=1), pace=10, now=NOW), 10) == 1.0


@given(some.lists(some.builds(News, some.integers(0, 25), some.integers(0, 25), some.integers(0, 25)), max_size=60), some.integers(1, 500))
def test_whatever_it_hears_a_sender_is_never_above_its_pace_and_never_still(heard: list[News], pace: int) -> None:
    tempo, now = WELL, NOW
    for news in heard:
        now += 7000
        tempo = after(tempo, news, pace=pace, now=now)
        assert 0 < per_second(tempo, pace) <= pace * 0.98
        assert tempo.shut_until is None or tempo.shut_until <= now + 50_000
