"""Robots: ten thousand sign-ups within a minute, each from a line of its own and for a number of its own, through the page.

Guards taken out to see it fail: in `caps.caps`, the hour (everything is sent); in `hourly`, the reserve (nobody who answers the question gets
through); in `watching.is_guarded`, the bark (nobody is told); in `answer_question`, the word, and that a token counts once (robots eat the reserve).
"""

import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from chalicelib.store.switches import SIGN_UPS
from tests.conversation.booth import Answered
from tests.experiments.sizes import SIZES
from tests.flows.counter import Counter

FULL = 10_000
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AREAS = (202, 206, 212, 213, 305, 312, 404, 415, 503, 617, 702, 713)
PERSON = "(202) 555-0101"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
WORD = re.compile(r'<strong class="[^"]*">([^<]+)</strong>')


class Alarms(logging.Handler):
    """What is logged as an error, and when by the city's clock."""

    def __init__(self, counter: Counter) -> None:
        super().__init__(logging.ERROR)
        self.counter = counter
        self.heard: list[tuple[str, datetime]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append((record.getMessage(), self.counter.clock()))


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    made = Counter(tmp_path)
    made.services.store.api_keys.put("key", name="admin", scopes=["switches:read"], now=made.clock())
    return made


@pytest.fixture
def alarms(counter: Counter) -> Iterator[Alarms]:
    heard = Alarms(counter)
    logging.getLogger("belfry").addHandler(heard)
    yield heard
    logging.getLogger("belfry").removeHandler(heard)


def number(of: int) -> str:
    return f"+1{AREAS[of % len(AREAS)]}{220 + of % 89}{of % 10_000:04d}"


def network(of: int) -> str:
    return f"{11 + of % 80}.{of // 80 % 250}.{of // 20_000}.7"


def hidden(page: Answered) -> list[tuple[str, str]]:
    return [(name, unescape(value)) for name, value in HIDDEN.findall(page.text)]


def robot(counter: Counter, of: int, form: list[tuple[str, str]]) -> Answered:
    """Fills in the form that it has kept, and leaves empty what people do not see."""
    counter.come_from(network(of))
    return counter.submit("/join", [*form, ("topic", "transit"), ("phone", number(of)), ("email", ""), ("language", "en")])


def storm(counter: Counter, count: int, *, answers: bool = False) -> None:
    """So many robots within a minute; some write the word that they read, the others do not care."""
    form = hidden(counter.get("/join"))
    counter.clock.advance(timedelta(seconds=5))
    for of in range(count):
        page = robot(counter, of, form)
        if answers and "answer" in page.text:
            [word, *_] = WORD.findall(page.text)
            counter.clock.advance(timedelta(seconds=3))
            counter.submit("/join", [*hidden(page), ("answer", word)])
        else:
            counter.clock.advance(MINUTE / count)
        if of % 50 == 0:
            counter.work()
    counter.work()


@SIZES
def test_ten_thousand_robots_send_the_cap_raise_the_alarm_and_keep_nobody_out(counter: Counter, alarms: Alarms, share: float) -> None:
    limits, began = counter.services.city.limits.sign_ups, counter.clock()
    storm(counter, round(FULL * share))
    assert len(counter.got) == limits.per_hour - limits.reserve
    assert [said for said, _ in alarms.heard] == ["robots sign up"]
    assert alarms.heard[0][1] - began <= MINUTE
    [shown] = [one for one in switches(counter) if one["name"] == SIGN_UPS]
    assert (shown["stopped"], shown["by"], shown["why"]) == (True, "watchdog", "used_up")
    assert counter.text("JOIN transit", phone="+12025550102")
    assert counter.follows("+12025550102") == {"transit": "en"}
    a_person_signs_up(counter)


def a_person_signs_up(counter: Counter) -> None:
    """On the page, from their own line, with the question; and says yes."""
    counter.come_from("203.0.113.7")
    form = hidden(counter.get("/join?lang=es"))
    counter.clock.advance(timedelta(seconds=20))
    page = counter.submit("/join?lang=es", [*form, ("topic", "transit"), ("phone", PERSON), ("email", ""), ("language", "es")])
    assert counter.work() == 0
    [word, *_] = WORD.findall(page.text)
    assert "+1 500 555 0006" in page.text, "the number to text is on the page too"
    counter.clock.advance(timedelta(seconds=10))
    done = counter.submit("/join?lang=es", [*hidden(page), ("answer", f" {word.upper()} ")])
    assert (done.status, counter.work()) == (200, 1)
    assert counter.got[-1][0] == "+12025550101"
    assert "Larkhaven Alerts: mande YES" in counter.got[-1][1]
    assert counter.text("YES", phone="+12025550101")
    assert counter.follows("+12025550101") == {"transit": "es"}


@SIZES
def test_robots_that_answer_questions_send_the_hours_cap_and_a_text_still_joins(counter: Counter, share: float) -> None:
    storm(counter, round(1000 * share) + 300, answers=True)
    assert len(counter.got) == counter.services.city.limits.sign_ups.per_hour
    assert counter.text("JOIN transit", phone="+12025550102")
    assert counter.follows("+12025550102") == {"transit": "en"}


def test_once_the_storm_is_over_the_page_asks_nothing(counter: Counter) -> None:
    storm(counter, 300)
    counter.clock.advance(HOUR)
    counter.come_from("203.0.113.7")
    page = counter.submit("/join", [("topic", "transit"), ("phone", PERSON), ("language", "en")])
    assert "answer" not in page.text
    assert counter.work() == 1
    assert not [one for one in switches(counter) if one["name"] == SIGN_UPS and one["stopped"]]


@pytest.mark.parametrize("guess", ["", "word", "bell bridge river"])
def test_a_wrong_word_asks_again_and_an_answer_counts_once(counter: Counter, guess: str) -> None:
    storm(counter, 250)
    sent = len(counter.got)
    page = robot(counter, 9000, hidden(counter.get("/join")))
    counter.clock.advance(timedelta(seconds=5))
    again = counter.submit("/join", [*hidden(page), ("answer", guess)])
    assert 'role="alert"' in again.text
    [word, *_] = WORD.findall(again.text)
    too_quick = counter.submit("/join", [*hidden(again), ("answer", word)])
    assert 'role="alert"' in too_quick.text
    counter.clock.advance(timedelta(seconds=5))
    fields = hidden(again)
    for of in range(5):
        counter.submit("/join", [*((name, number(8000 + of) if name == "phone" else value) for name, value in fields), ("answer", word)])
    counter.work()
    assert len(counter.got) == sent + 1


def switches(counter: Counter) -> list[dict[str, object]]:
    answer = counter.get("/v1/switches", Authorization="Bearer key")
    found: list[dict[str, object]] = json.loads(answer.text)["data"]
    return found
