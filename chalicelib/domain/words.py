"""The words residents text us: stop, help, start and the commands, of every language at once, compared by one folding.

Matching is exact after folding; there is no edit distance, because one letter parts ALTO (stop) from ALTA (join).
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.locale import canonical
from chalicelib.errors import Misconfigured

Vocabulary = Mapping[str, str]
"""A folded word without its spaces, and the language it belongs to."""

Tokens = tuple[str, ...]

_MARKED_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARABIC")
_SAME_LETTER = str.maketrans({"ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ٱ": "ا", "ں": "ن", "ہ": "ه", "đ": "d", "ł": "l", "ı": "i", "ø": "o", "ـ": ""})
_APOSTROPHES = "'’ʼ`"
_UNSPACED = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)")


@dataclass(frozen=True)
class Words:
    """Every word we know, by what it does. Made by `parse`."""

    stop: Vocabulary
    help: Vocabulary
    start: Vocabulary
    join: Vocabulary
    leave: Vocabulary
    list: Vocabulary
    language: Vocabulary
    languages: Vocabulary
    endings: Mapping[Tokens, str]
    fillers: frozenset[str]
    blocking: frozenset[str]
    unblocking: frozenset[str]

    @classmethod
    def parse(cls, toml_text: str) -> "Words":
        """Read a word file. Raises Misconfigured naming the table that is missing."""
        try:
            data = tomllib.loads(toml_text)
            stop = _vocabulary(data["stop"])
            return cls(
                stop=stop,
                help=_vocabulary(data["help"]),
                start=_vocabulary(data["start"]),
                join=_vocabulary(data["join"]),
                leave={**_vocabulary(data["leave"]), **stop},
                list=_vocabulary(data["list"]),
                language=_vocabulary(data["language"]),
                languages=_vocabulary(data["language_names"]),
                endings=_endings(data["stop"], data["stop_phrases"]),
                fillers=frozenset(squash(word) for words in data["fillers"].values() for word in words),
                blocking=frozenset(word.casefold() for word in data["twilio"]["stop"]),
                unblocking=frozenset(word.casefold() for word in data["twilio"]["start"]),
            )
        except tomllib.TOMLDecodeError as error:
            raise Misconfigured(f"words.toml is not TOML: {error}") from error
        except KeyError as error:
            raise Misconfigured(f"words.toml lacks {error}") from error

    def tokens(self, text: str) -> Tokens:
        """The folded words of a text; a run of unspaced script is cut at the longest words we know."""
        return tuple(piece for word in fold(text).split() for piece in self._cut(word))

    def plainly_stops(self, text: str) -> str | None:
        """The stop word or phrase of a text that says nothing else but courtesies; None for any other text."""
        tokens, found, at = self.tokens(text), None, 0
        while at < len(tokens):
            ending = self._ending_at(tokens, at)
            if not ending and tokens[at] not in self.fillers:
                return None
            found = found or (" ".join(ending) if ending else None)
            at += len(ending) or 1
        return found

    def mentions_stop(self, text: str) -> bool:
        """Whether a stop word or phrase stands anywhere in a text."""
        tokens = self.tokens(text)
        return any(self._ending_at(tokens, at) for at in range(len(tokens)))

    def _ending_at(self, tokens: Tokens, at: int) -> Tokens:
        matches = (ending for ending in self.endings if tokens[at : at + len(ending)] == ending)
        return max(matches, key=len, default=())

    def _cut(self, word: str) -> Iterable[str]:
        for run in filter(None, _UNSPACED.split(word)):
            while _UNSPACED.fullmatch(run):
                piece = next((run[:end] for end in range(len(run), 0, -1) if self._knows(run[:end])), run[:1])
                yield piece
                run = run[len(piece) :]
            if run:
                yield run

    def _knows(self, piece: str) -> bool:
        return piece in self.fillers or (piece,) in self.endings


def fold(text: str) -> str:
    """A text with case, width, marks, invisible characters, emoji and punctuation folded away, single spaces between words."""
    letters: list[str] = []
    script = ""
    for letter in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()):
        kind = unicodedata.category(letter)
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


def _plain(letter: str, kind: str) -> str:
    if kind[0] == "N":
        return str(unicodedata.digit(letter)) if kind == "Nd" else letter
    if letter in _APOSTROPHES or kind in {"Cf", "Cs", "Co"}:
        return ""
    if kind[0] == "L":
        return letter.translate(_SAME_LETTER)
    return " "


def _vocabulary(table: Mapping[str, Any]) -> Vocabulary:
    """Word → language; of two languages that share a word, the first one listed."""
    found: dict[str, str] = {}
    for tag, words in table.items():
        for word in words:
            found.setdefault(squash(word), canonical(tag))
    return found


def _endings(stop: Mapping[str, Any], phrases: Mapping[str, Any]) -> Mapping[Tokens, str]:
    found: dict[Tokens, str] = {}
    for table in (stop, phrases):
        for tag, words in table.items():
            for word in words:
                found.setdefault(tuple(fold(word).split()), canonical(tag))
    return found
