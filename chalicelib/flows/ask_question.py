"""Ask a question: a word to type, in the reader's language, before a page sends anything."""

from dataclasses import dataclass

from chalicelib.domain.question import words_of
from chalicelib.domain.times import to_ms
from chalicelib.flows.services import Services
from chalicelib.flows.watching import SHOWN


@dataclass(frozen=True)
class Question:
    """A word to type, and the signed token that comes back with it."""

    word: str
    token: str


def ask_question(locale: str, *, services: Services) -> Question:
    """A new question, which counts among those shown."""
    now, name = services.now(), services.new_id()
    services.store.caps.take(SHOWN, now)
    words = words_of(services.renderer().page("question_words", locale))
    word = words[round(services.random() * 1_000_000) % len(words)]
    return Question(word, services.tokens.sign("question", name, str(to_ms(now)), word))
