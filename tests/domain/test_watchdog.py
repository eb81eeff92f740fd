"""The watchdog over sign-ups: it tells robots from slow people, and lies down again."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.watchdog import Asked, is_over, sample, suspicion

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def asked(count: int, *, minutes: float, confirmed: int = 0, apart: float = 0.0) -> list[Asked]:
    """So many were asked, the last so many minutes ago, each `apart` minutes from the next; the last of them confirmed."""
    return [Asked(NOW - timedelta(minutes=minutes + apart * (count - 1 - number)), number >= count - confirmed) for number in range(count)]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        pytest.param([], "", id="nobody"),
        pytest.param(asked(50, minutes=30, apart=5), "few_confirm", id="nobody of fifty confirms"),
        pytest.param(asked(50, minutes=30, apart=5, confirmed=4), "few_confirm", id="four of fifty"),
        pytest.param(asked(50, minutes=30, apart=5, confirmed=5), "", id="a tenth is enough"),
        pytest.param(asked(49, minutes=30, apart=5), "", id="too few to tell"),
        pytest.param(asked(50, minutes=29), "", id="they may still come"),
        pytest.param(asked(60, minutes=90, confirmed=60) + asked(50, minutes=30), "few_confirm", id="only the last fifty count"),
        pytest.param(asked(60, minutes=90) + asked(50, minutes=30, confirmed=50), "", id="people came back"),
        pytest.param(asked(50, minutes=3.0), "burst", id="fifty within minutes and nobody confirms"),
        pytest.param(asked(50, minutes=3.0, confirmed=5), "", id="a crowd of people"),
        pytest.param(asked(50, minutes=2.9), "", id="a crowd that has had no time"),
        pytest.param(asked(50, minutes=3.0, apart=0.2), "", id="no crowd"),
    ],
)
def test_it_barks_at_robots_and_not_at_slow_people(found: list[Asked], why: str) -> None:
    assert suspicion(found, NOW) == why


@pytest.mark.parametrize(
    ("since", "shown", "minutes", "over"),
    [
        pytest.param([], 0, 9, False, id="not so soon"),
        pytest.param([], 0, 59, False, id="nobody came yet"),
        pytest.param([], 0, 60, True, id="nobody came for an hour"),
        pytest.param([], 21, 600, False, id="the storm goes on"),
        pytest.param([], 20, 60, True, id="a few questions are no storm"),
        pytest.param(asked(10, minutes=1, confirmed=10), 0, 10, True, id="people are back"),
        pytest.param(asked(9, minutes=1, confirmed=9), 0, 10, False, id="a few people are back"),
        pytest.param(asked(20, minutes=30, confirmed=1), 0, 90, False, id="robots answer questions"),
        pytest.param(asked(20, minutes=30, confirmed=2), 0, 90, True, id="a tenth of them are people"),
        pytest.param(asked(20, minutes=1), 0, 90, True, id="who may still confirm says nothing"),
    ],
)
def test_it_lies_down_when_the_storm_is_over_and_people_confirm(since: list[Asked], shown: int, minutes: int, over: bool) -> None:
    assert is_over(since, shown=shown, barked=NOW - timedelta(minutes=minutes), now=NOW) is over


def test_only_those_who_tell_anything_are_looked_up() -> None:
    times = [one.at for one in asked(200, minutes=0, apart=0.5)]
    looked_up = sample(times, NOW)
    ages = [NOW - times[number] for number in looked_up]
    assert len([age for age in ages if age >= timedelta(minutes=30)]) == 50
    assert all(timedelta(minutes=3) <= age < timedelta(minutes=10) or age >= timedelta(minutes=30) for age in ages)
