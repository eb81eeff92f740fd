"""Answer a question: the word that was shown, typed by a person."""

from chalicelib.domain.caps import DAY, Cap
from chalicelib.domain.question import ANSWER_WITHIN, TOO_QUICK, is_answer
from chalicelib.domain.times import from_ms
from chalicelib.flows.services import Services


def answer_question(token: str, given: str, *, services: Services) -> bool:
    """Whether this is the answer to a question of ours, in a person's time, and the first with this token."""
    parts, now = services.tokens.read("question", token), services.now()
    if parts is None or len(parts) != 3:
        return False
    name, asked, word = parts
    took = now - from_ms(int(asked))
    if not TOO_QUICK <= took <= ANSWER_WITHIN or not is_answer(word, given):
        return False
    return services.store.caps.take(Cap(f"question:{name}", 1, DAY, since_last=True), now)
