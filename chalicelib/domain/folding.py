"""How texts are compared: case, width, marks, invisible characters, emoji and punctuation are folded away.

Matching is exact after folding; there is no edit distance, because one letter parts ALTO (stop) from ALTA (join).
"""

import re
import unicodedata

_MARKED_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARABIC")
_SAME_LETTER = str.maketrans({"ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ٱ": "ا", "ں": "ن", "ہ": "ه", "đ": "d", "ł": "l", "ı": "i", "ø": "o", "ـ": ""})
_APOSTROPHES = "'’ʼ`"
_NO_APOSTROPHES = dict.fromkeys(map(ord, _APOSTROPHES))
_NO_LETTERS = re.compile(r"[^a-z0-9]+")
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks that nobody sees, beside those that Unicode calls format characters."""

UNSPACED = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)")
"""A run of a script that is written without spaces."""


def fold(text: str) -> str:
    """A text with case, width, marks, invisible characters, emoji and punctuation folded away, single spaces between words."""
    if text.isascii():
        return " ".join(_NO_LETTERS.sub(" ", text.casefold().translate(_NO_APOSTROPHES)).split())
    letters: list[str] = []
    script = ""
    for letter in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()):
        kind = unicodedata.category(letter)
        if kind == "Cf" or letter in _INVISIBLE:
            continue
        if kind[0] == "M":
            letters.append("" if kind == "Me" or script.startswith(_MARKED_SCRIPTS) or "VARIATION" in unicodedata.name(letter, "") else letter)
            continue
        script = unicodedata.name(letter, "")
        letters.append(_plain(letter, kind))
    folded = unicodedata.normalize("NFC", "".join(letters))
    return " ".join(folded.split())


def squash(text: str) -> str:
    """A folded text without its spaces: how whole words and keywords are compared (`RED LINE`, `redline`)."""
    return fold(text).replace(" ", "")


def atoms(folded: str) -> tuple[str, ...]:
    """A folded text as its letters, and its numbers whole; spaces only part numbers (`12 1`, `12月1日`)."""
    return tuple(re.findall(r"\d+|\S", folded))


def _plain(letter: str, kind: str) -> str:
    if kind[0] == "N":
        return str(unicodedata.digit(letter)) if kind == "Nd" else letter
    if letter in _APOSTROPHES or kind in {"Cs", "Co"}:
        return ""
    if kind[0] == "L":
        return letter.translate(_SAME_LETTER)
    return " "
