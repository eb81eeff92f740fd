"""The question that a page asks where robots sign up: a word, to be typed. Pure."""

import re
import unicodedata
from datetime import timedelta

TOO_QUICK = timedelta(seconds=2)
"""Nobody reads a page and fills it in within this."""
ANSWER_WITHIN = timedelta(hours=1)

_BETWEEN = re.compile(r"[,،、，]")


def words_of(said: str) -> list[str]:
    """The words of a list as translators write it, whatever the script's comma is."""
    return [word.strip() for word in _BETWEEN.split(said) if word.strip()]


def is_answer(word: str, given: str) -> bool:
    """Whether this is the word: case, accents, width, quotes and spaces do not count."""
    return _bare(given[:200]) == _bare(word)


def _bare(text: str) -> str:
    """Its letters alone, in their plainest form."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if unicodedata.category(char)[0] == "L")
