"""The sign-up form as programs fill it in, and as people do: nobody is refused for being quick, and nobody's word counts for where they come from."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.times import to_ms
from chalicelib.flows.turn_switch import turn_switch
from chalicelib.store.switches import SIGN_UPS
from tests.flows.counter import Counter

WISH = [("topic", "transit"), ("phone", "(202) 555-0101"), ("email", ""), ("language", "en")]
XHEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP")


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


def shown(counter: Counter, ago: timedelta, purpose: str = "join") -> tuple[str, str]:
    """The hidden field of a form that was shown so long ago."""
    return "form", counter.services.tokens.sign(purpose, str(to_ms(counter.clock() - ago)))


def asks(counter: Counter, *fields: tuple[str, str]) -> bool:
    """Whether a form is answered with a question, and nothing is sent."""
    page = counter.submit("/join", [*WISH, *fields])
    assert page.status == 200
    question = 'name="answer"' in page.text
    assert counter.work() == (0 if question else 1)
    return question


@pytest.mark.parametrize(
    ("seconds", "question"),
    [pytest.param(0, True, id="at once"), pytest.param(1.9, True, id="too quick"), pytest.param(2, False, id="quick"), pytest.param(90_000, False, id="a day")],
)
def test_a_form_that_is_filled_in_faster_than_a_person_can_is_asked_a_question(counter: Counter, seconds: float, question: bool) -> None:
    assert asks(counter, shown(counter, timedelta(seconds=seconds))) is question


@pytest.mark.parametrize("made", ["", "forged", "of another purpose", "yet to come"])
def test_so_is_a_form_that_was_never_shown(counter: Counter, made: str) -> None:
    field = {
        "": ("form", ""),
        "forged": ("form", shown(counter, timedelta(hours=1))[1][:-1] + "x"),
        "of another purpose": shown(counter, timedelta(hours=1), "confirm"),
        "yet to come": shown(counter, -timedelta(hours=1)),
    }[made]
    assert asks(counter, field)


def test_whoever_mends_a_mistake_is_not_too_quick(counter: Counter) -> None:
    token = shown(counter, timedelta(seconds=30))
    wrong = counter.submit("/join", [("topic", "transit"), ("phone", "911"), ("email", ""), token])
    assert wrong.status == 422
    assert f'value="{token[1]}"' in wrong.text
    assert 'href="#phone"' in wrong.text
    assert 'value="911"' in wrong.text


def test_a_field_that_people_do_not_see_ends_it_without_a_word(counter: Counter) -> None:
    program = counter.submit("/join", [*WISH, ("website", "x")])
    assert counter.work() == 0
    person = counter.submit("/join", WISH)
    assert (program.status, program.text) == (person.status, person.text)
    assert counter.work() == 1


@pytest.mark.parametrize("guarded", [False, True], ids=["at peace", "while robots sign up"])
def test_the_page_is_the_same_for_a_stranger_somebody_known_somebody_who_stopped_and_over_a_cap(counter: Counter, guarded: bool) -> None:
    counter.text("JOIN transit", phone="+12025550102")
    counter.text("JOIN transit", phone="+12025550103")
    counter.text("STOP", phone="+12025550103")
    if guarded:
        turn_switch(SIGN_UPS, stopped=True, why="test", by="ana", services=counter.services)
    answers = []
    for number in ("2025550101", "2025550102", "2025550103", "2025550101"):
        page = counter.submit("/join", [("topic", "transit"), ("phone", number), ("language", "en")])
        answers.append((page.status, re.sub(r'value="[^"]*"|<strong.*?</strong>', "", page.text)))
    assert len(set(answers)) == 1
    assert counter.work() == (0 if guarded else 3)
    assert [to for to, _ in counter.got] == ([] if guarded else ["+12025550101", "+12025550102"])


def test_a_number_and_an_email_address_are_both_asked(counter: Counter) -> None:
    counter.submit("/join", [("topic", "transit"), ("phone", "2025550101"), ("email", "ana@example.org")])
    assert counter.work() == 2
    assert (len(counter.got), len(counter.postbox.took)) == (1, 1)


def test_where_a_request_comes_from_is_what_the_gateway_saw_and_no_header(counter: Counter) -> None:
    counter.come_from("203.0.113.7")
    for of in range(8):
        fields = [("topic", "transit"), ("phone", f"202555{of + 200:04d}"), shown(counter, timedelta(minutes=1))]
        counter.submit_with(dict.fromkeys(XHEADERS, f"198.51.100.{of}"), "/join", fields)
    assert counter.work() == 5


@pytest.mark.parametrize("network", ["", "not an address"])
def test_where_nobody_knows_it_they_count_together(counter: Counter, network: str) -> None:
    counter.come_from(network)
    for of in range(30):
        counter.submit("/join", [("topic", "transit"), ("phone", f"202{of + 220}0101")])
    assert counter.work() == counter.services.city.limits.sign_ups.neighbours_per_ten_minutes
