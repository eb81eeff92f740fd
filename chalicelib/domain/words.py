"""The words residents text us: stop, help, start and the commands, of every language at once, compared by one folding."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.folding import UNSPACED, fold, squash
from chalicelib.domain.locale import canonical
from chalicelib.domain.talk_dates import Dates
from chalicelib.errors import Misconfigured

Vocabulary = Mapping[str, str]
"""A folded word without its spaces, and the language it belongs to."""

Tokens = tuple[str, ...]

_VERB_LAST = "ko"
_DENIED_WITHIN = 3
"""So many words before a sentence may turn it round (`do not ever take me off`)."""


@dataclass(frozen=True)
class Phrases:
    """Words and sentences, each with its language, found by their first word."""

    by_first: Mapping[str, tuple[tuple[Tokens, str], ...]]

    @classmethod
    def of(cls, *tables: Mapping[str, Any]) -> "Phrases":
        """Those of tables of languages; of two languages that share one, the first one listed."""
        found: dict[Tokens, str] = {}
        for table in tables:
            for tag, phrases in table.items():
                for phrase in phrases:
                    found.setdefault(tuple(fold(phrase).split()), canonical(tag))
        by_first: dict[str, list[tuple[Tokens, str]]] = {}
        for tokens, tag in found.items():
            by_first.setdefault(tokens[0], []).append((tokens, tag))
        return cls({first: tuple(sorted(some, key=lambda one: -len(one[0]))) for first, some in by_first.items()})

    def at(self, tokens: Tokens, at: int) -> tuple[Tokens, str] | None:
        """The longest that stands at a place, with its language."""
        return next((one for one in self.by_first.get(tokens[at], ()) if tokens[at : at + len(one[0])] == one[0]), None)

    def keys(self) -> dict[str, str]:
        """Each without its spaces, with its language."""
        return {"".join(tokens): tag for some in self.by_first.values() for tokens, tag in some}


@dataclass(frozen=True)
class Words:
    """Every word we know, by what it does. Made by `parse`. `stop_keys` are stop words and sentences without their spaces; `insistent` are
    sentences that mean stop wherever they stand, unless one of `denials` comes before; `pause_near` are words for a pause that hold a stop word:
    they count only with a date; those of `wish` only beside a topic or a command. `courtesies` change nothing beside a yes or a no, `nods` are signs
    for yes; `refusals` are stop phrases that beside a topic leave that alone, and `refusals_beside` no stop phrases but there; those of
    `wrong_number` say that a number is somebody else's."""

    stop: Vocabulary
    help: Vocabulary
    start: Vocabulary
    join: Vocabulary
    leave: Vocabulary
    list: Vocabulary
    language: Vocabulary
    languages: Vocabulary
    pause: Vocabulary
    pause_near: Vocabulary
    resume: Vocabulary
    everywhere: Vocabulary
    living: Vocabulary
    wish: Vocabulary
    thanks: Vocabulary
    yes: Vocabulary
    no: Vocabulary
    stop_keys: Vocabulary
    courtesies: frozenset[str]
    nods: frozenset[str]
    endings: Phrases
    wrong_number: Phrases
    refusals: Phrases
    refusals_beside: Phrases
    insistent: Phrases
    denials: frozenset[str]
    angry: frozenset[str]
    fillers: frozenset[str]
    joiners: frozenset[str]
    blocking: frozenset[str]
    unblocking: frozenset[str]
    dates: Mapping[str, Dates]

    def __hash__(self) -> int:
        """Of one table; the others are not hashable, and equal words have it equal."""
        return hash(self.fillers)

    @classmethod
    def parse(cls, toml_text: str) -> "Words":
        """Read a word file. Raises Misconfigured naming the table that is missing."""
        try:
            return _words(tomllib.loads(toml_text))
        except tomllib.TOMLDecodeError as error:
            raise Misconfigured(f"words.toml is not TOML: {error}") from error
        except KeyError as error:
            raise Misconfigured(f"words.toml lacks {error}") from error

    def commands(self) -> Iterable[Vocabulary]:
        """Every table of words that alone ask something of us."""
        return (self.stop, self.help, self.start, self.join, self.leave, self.list, self.language, self.languages, self.pause, self.resume, self.yes, self.no)

    def tokens(self, text: str) -> Tokens:
        """The folded words of a text; a run of unspaced script is cut at the longest words we know."""
        return tuple(piece for word in fold(text).split() for piece in self._cut(word))

    def plainly_stops(self, text: str) -> tuple[str, str] | None:
        """The stop word or phrase of a text that says nothing else but courtesies, and its language; None for any other text, and for one that
        does not want to stop."""
        tokens, at = self.tokens(text), 0
        found: tuple[Tokens, str] | None = None
        if self._turns_round(tokens):
            return None
        while at < len(tokens):
            ending = self.endings.at(tokens, at)
            if not ending and tokens[at] not in self.fillers:
                return None
            found = found or ending
            at += len(ending[0]) if ending else 1
        return (" ".join(found[0]), found[1]) if found else None

    def mentions_stop(self, text: str) -> bool:
        """Whether a stop word or phrase stands anywhere in a text."""
        tokens = self.tokens(text)
        return any(self.endings.at(tokens, at) for at in range(len(tokens)))

    def insists(self, text: str) -> tuple[str, str] | None:
        """The sentence that means stop wherever it stands, and its language; None where it is denied."""
        tokens = self.tokens(text)
        for at in range(len(tokens)):
            found = self.insistent.at(tokens, at)
            if found and not self.denials & set(tokens[max(0, at - _DENIED_WITHIN) : at]):
                return " ".join(found[0]), found[1]
        return None

    def names_wrong_number(self, text: str) -> bool:
        """Whether a text, which stops, says that the number is somebody else's."""
        tokens, whole = self.tokens(text), self.wrong_number.keys()
        return "".join(tokens) in whole or any(self.wrong_number.at(tokens, at) for at in range(len(tokens)))

    def _turns_round(self, tokens: Tokens) -> bool:
        """Whether what is refused is to stop (`I don't want to stop`); in Korean that comes first."""
        for at in range(len(tokens)):
            refusal = self.refusals.at(tokens, at)
            after = at + len(refusal[0]) if refusal else len(tokens)
            if after < len(tokens) and self.endings.at(tokens, after) and not self.refusals.at(tokens, after):
                return True
            if refusal and refusal[1] == _VERB_LAST and at and self.endings.at(tokens, at - 1):
                return True
        return False

    def is_angry(self, text: str) -> bool:
        """Whether a text swears or threatens."""
        return bool(self.angry & set(self.tokens(text)))

    def _cut(self, word: str) -> Iterable[str]:
        for run in filter(None, UNSPACED.split(word)):
            while UNSPACED.fullmatch(run):
                piece = next((run[:end] for end in range(len(run), 0, -1) if self._knows(run[:end])), run[:1])
                yield piece
                run = run[len(piece) :]
            if run:
                yield run

    def _knows(self, piece: str) -> bool:
        return piece in self.fillers or piece in self.endings.by_first or piece in self.refusals_beside.by_first or piece in self.pause_near


def _words(data: Mapping[str, Any]) -> Words:
    stop = _vocabulary(data["stop"])
    endings = Phrases.of(data["stop"], data["stop_phrases"], data["wrong_number"], data["stop_anywhere"], data["refusals"])

    def vocabulary(table: str) -> Vocabulary:
        """A word that means two things stops."""
        return {word: tag for word, tag in _vocabulary(data[table]).items() if word not in stop}

    return Words(
        stop=stop,
        help=vocabulary("help"),
        start=vocabulary("start"),
        join=vocabulary("join"),
        leave={**vocabulary("leave"), **stop},
        list=vocabulary("list"),
        language=vocabulary("language"),
        languages=vocabulary("language_names"),
        pause=vocabulary("pause"),
        pause_near=vocabulary("pause_near_stop"),
        resume=vocabulary("resume"),
        everywhere=vocabulary("everywhere"),
        living=_vocabulary(data["living"]),
        wish=vocabulary("wish"),
        thanks=vocabulary("thanks"),
        yes=vocabulary("yes"),
        no=vocabulary("no"),
        stop_keys={**endings.keys(), **stop},
        courtesies=_set(data["courtesies"]),
        nods=frozenset(sign for signs in data["nods"].values() for sign in signs),
        endings=endings,
        wrong_number=Phrases.of(data["wrong_number"]),
        refusals=Phrases.of(data["refusals"]),
        refusals_beside=Phrases.of(data["refusals_beside_topic"]),
        insistent=Phrases.of(data["stop_anywhere"]),
        denials=_set(data["denials"]),
        angry=_set(data["angry"]),
        fillers=_set(data["fillers"]),
        joiners=_set(data["joiners"]),
        blocking=frozenset(word.casefold() for word in data["twilio"]["stop"]),
        unblocking=frozenset(word.casefold() for word in data["twilio"]["start"]),
        dates={canonical(tag): Dates.parse(row) for tag, row in data["dates"].items()},
    )


def _vocabulary(table: Mapping[str, Any]) -> Vocabulary:
    """Word → language; of two languages that share a word, the first one listed."""
    found: dict[str, str] = {}
    for tag, words in table.items():
        for word in words:
            found.setdefault(squash(word), canonical(tag))
    return found


def _set(table: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(squash(word) for words in table.values() for word in words)
