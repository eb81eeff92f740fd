"""What is said with courtesies beside it: `yes please`, `no, gracias`, `네 감사합니다`; and what is refused: `no quiero eventos`, `행사는 안 받을래요`."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from chalicelib.domain.folding import UNSPACED, fold
from chalicelib.domain.words import Phrases, Vocabulary, Words

_MOST = 4
_SKIN_TONES = "".join(map(chr, range(0x1F3FB, 0x1F400)))
_HANGUL = ("가", "힣")
_PARTICLES = ("은", "는", "을", "를", "이", "가", "도", "만")


@dataclass(frozen=True)
class Plain:
    """A word of ours that stands alone among courtesies; `thankful`: a thank-you is one of them."""

    word: str
    thankful: bool


def plainly(text: str, table: Vocabulary, aside: Collection[str], thanks: Vocabulary) -> Plain | None:
    """The first word of a table that a text says, where all else is set aside; None where there is anything else."""
    rest, word, thankful = fold(text).split(), "", False
    while rest:
        said = _taken(rest, table)
        word = word or said
        beside = "" if said else _taken(rest, thanks)
        thankful = thankful or bool(beside)
        if not said and not beside and not _taken(rest, aside):
            return None
    return Plain(word, thankful) if word else None


def nods(text: str, words: Words) -> bool:
    """Whether a text is a sign for yes, and nothing but that."""
    signs = [letter for letter in text if not letter.isspace() and letter not in _SKIN_TONES and letter != "\ufe0f"]
    return bool(signs) and words.nods.issuperset(signs)


def refused(text: str, words: Words) -> tuple[tuple[str, ...], str] | None:
    """What stands beside the words of a refusal, and their language; None where nothing is refused."""
    tokens = words.tokens(text)
    for at in range(len(tokens)):
        found = _longest(tokens, at, (words.refusals, words.refusals_beside))
        if found:
            beside = (*tokens[:at], *tokens[at + len(found[0]) :])
            return tuple(_bare(one) for one in beside if one not in words.join), found[1]
    return None


def _longest(tokens: tuple[str, ...], at: int, tables: Iterable[Phrases]) -> tuple[tuple[str, ...], str] | None:
    found = [one for table in tables if (one := table.at(tokens, at))]
    return max(found, key=lambda one: len(one[0]), default=None)


def _taken(rest: list[str], keys: Collection[str]) -> str:
    """Take the longest of these off the front, or off the front of a script that runs on; empty where none is there."""
    for count in range(min(len(rest), _MOST), 0, -1):
        if "".join(rest[:count]) in keys:
            word = "".join(rest[:count])
            del rest[:count]
            return word
    first = rest[0]
    for end in range(len(first) - 1, 0, -1):
        if first[:end] in keys and _runs_on(first):
            rest[0] = first[end:]
            return first[:end]
    return ""


def _runs_on(word: str) -> bool:
    return bool(UNSPACED.match(word)) or _HANGUL[0] <= word[0] <= _HANGUL[1]


def _bare(token: str) -> str:
    """A Korean word without the particle that marks what is refused."""
    if len(token) > 2 and _HANGUL[0] <= token[-1] <= _HANGUL[1]:
        return next((token.removesuffix(particle) for particle in _PARTICLES if token.endswith(particle)), token)
    return token
