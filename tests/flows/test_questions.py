"""The question before a sign-up: it is in the reader's language, counts for an hour and once, and takes a person's time."""

from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.locale import SPOKEN
from chalicelib.domain.question import words_of
from chalicelib.flows.answer_question import answer_question
from chalicelib.flows.ask_question import ask_question
from tests.flows.counter import Counter


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


@pytest.mark.parametrize("locale", SPOKEN)
def test_every_language_has_words_enough_that_are_no_sentences(counter: Counter, locale: str) -> None:
    words = words_of(counter.services.renderer().page("question_words", locale))
    assert len(set(words)) == len(words) >= 8
    assert all(2 <= len(word) <= 12 or (len(word) == 1 and locale.startswith("zh")) for word in words)
    question = ask_question(locale, services=counter.services)
    assert question.word in words


@pytest.mark.parametrize(
    ("seconds", "right"),
    [
        pytest.param(1.9, False, id="too quick"),
        pytest.param(2, True, id="quick"),
        pytest.param(3600, True, id="slow"),
        pytest.param(3601, False, id="too late"),
    ],
)
def test_an_answer_takes_a_persons_time(counter: Counter, seconds: float, right: bool) -> None:
    question = ask_question("en", services=counter.services)
    counter.clock.advance(timedelta(seconds=seconds))
    assert answer_question(question.token, question.word, services=counter.services) is right


def test_an_answer_counts_once(counter: Counter) -> None:
    question = ask_question("es", services=counter.services)
    counter.clock.advance(timedelta(seconds=10))
    assert not answer_question(question.token, "otra cosa", services=counter.services)
    assert [answer_question(question.token, question.word, services=counter.services) for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize("made", ["", "x", "forged", "of another purpose", "cut short"])
def test_a_token_that_is_none_of_ours_answers_nothing(counter: Counter, made: str) -> None:
    question, tokens = ask_question("en", services=counter.services), counter.services.tokens
    counter.clock.advance(timedelta(seconds=10))
    token = {
        "forged": question.token[:-1] + ("a" if question.token[-1] != "a" else "b"),
        "of another purpose": tokens.sign("join", "x", "1", question.word),
        "cut short": tokens.sign("question", "x", "1"),
    }.get(made, made)
    assert not answer_question(token, question.word, services=counter.services)
