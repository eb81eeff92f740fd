"""What residents call the city's topics and places, in every language, and which topics come near a word that is none."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from chalicelib.domain.city import City
from chalicelib.domain.folding import UNSPACED, fold, squash
from chalicelib.domain.topic import Topic
from chalicelib.domain.words import Words

WHOLE_CITY = "*"
"""The place of whoever wants all of it."""

_LONGEST_NAME = 7
_ARABIC_AND = "و"
_HANGUL = ("가", "힣")


@dataclass(frozen=True)
class TopicName:
    """A word for a topic. `locale` is the language it is in; `sets_locale`: it chooses that language (ALERTAS)."""

    topic: str
    word: str
    locale: str | None
    sets_locale: bool = False


@dataclass(frozen=True)
class Named:
    """What a row of words names, in order, each once, and what of it names nothing."""

    topics: tuple[TopicName, ...] = ()
    places: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    courtesies: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """The topics."""
        return tuple(dict.fromkeys(one.topic for one in self.topics))


@dataclass(frozen=True)
class Names:
    """Every word for a topic or a place of a city, folded. Made by `of`."""

    topics: Mapping[str, TopicName]
    places: Mapping[str, str]
    words: Words

    @classmethod
    def of(cls, city: City, words: Words) -> "Names":
        """Entry words come before keywords, those before names and ids. Nothing that says stop is a name."""
        return _names(city, words)

    def read(self, tokens: Sequence[str], *, places_first: bool = False, everywhere: bool = False) -> Named:
        """What these words name. `places_first`: a word for both is a place; `everywhere`: ALL means the whole city."""
        return _Reader(self, list(tokens), places_first=places_first, everywhere=everywhere).read()

    def near(self, word: str, among: Iterable[str], *, most: int = 2) -> tuple[str, ...]:
        """The topics nearest to a word, best first, where the best is one slip of a finger away, or two in a long word; else none."""
        wanted, best = set(among), dict[str, int]()
        for key, one in self.topics.items():
            if one.topic in wanted:
                best[one.topic] = min(best.get(one.topic, len(key)), distance(word, key))
        found = sorted(best, key=lambda topic: best[topic])
        return tuple(found[:most]) if found and len(word) >= _SHORTEST and best[found[0]] <= (2 if len(word) >= _LONG else 1) else ()


_SHORTEST, _LONG = 4, 7


@dataclass
class _Reader:
    """Reads words from the left, the longest name first."""

    names: Names
    tokens: list[str]
    places_first: bool
    everywhere: bool
    topics: list[TopicName] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    courtesies: bool = False

    def read(self) -> Named:
        while self.tokens:
            if not (self._takes_names() or self._skips() or self._takes_apart()):
                self.unknown.append(self.tokens.pop(0))
        return Named(tuple(self.topics), tuple(dict.fromkeys(self.places)), tuple(self.unknown), self.courtesies)

    def _takes_names(self) -> bool:
        for count in range(min(len(self.tokens), _LONGEST_NAME), 0, -1):
            if self._take("".join(self.tokens[:count])):
                del self.tokens[:count]
                return True
        return False

    def _take(self, key: str) -> bool:
        kinds = (self._take_place, self._take_topic) if self.places_first else (self._take_topic, self._take_place)
        return any(take(one) for one in (key, *self._without_particle(key)) for take in kinds)

    def _without_particle(self, key: str) -> Iterator[str]:
        """Korean writes its `and` and its like onto the end of a word."""
        if key and _HANGUL[0] <= key[-1] <= _HANGUL[1]:
            yield from (key.removesuffix(particle) for particle in self.names.words.joiners if key.endswith(particle) and key != particle)

    def _take_topic(self, key: str) -> bool:
        found = self.names.topics.get(key)
        if found:
            self.topics.append(found)
        return bool(found)

    def _take_place(self, key: str) -> bool:
        found = self.names.places.get(key)
        if not found and self.everywhere and key in self.names.words.everywhere:
            found = WHOLE_CITY
        if found:
            self.places.append(found)
        return bool(found)

    def _skips(self) -> bool:
        first, words = self.tokens[0], self.names.words
        if first not in words.joiners and first not in words.fillers:
            return False
        self.courtesies = self.courtesies or first not in words.joiners
        del self.tokens[0]
        return True

    def _takes_apart(self) -> bool:
        """Scripts without spaces run on, and Arabic writes its `and` onto the next word."""
        first = self.tokens[0]
        if first.startswith(_ARABIC_AND) and len(first) > 2:
            self.tokens[0] = first[1:]
            return self._takes_names()
        if not UNSPACED.match(first):
            return False
        for end in range(len(first) - 1, 0, -1):
            head = first[:end]
            if self._take(head) or head in self.names.words.joiners or head in self.names.words.fillers:
                self.tokens[0] = first[end:]
                return True
        return False


def distance(left: str, right: str) -> int:
    """How many letters must be put in, left out, changed or swapped with their neighbour to make one word the other."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, one in enumerate(left, start=1):
        two_before, before, row = before, row, [i]
        for j, other in enumerate(right, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (one != other))
            if i > 1 and j > 1 and one == right[j - 2] and left[i - 2] == other:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
    return row[-1]


@lru_cache(maxsize=4)
def _names(city: City, words: Words) -> Names:
    """Made once: a process has one city and one word file, and folding all they say takes longer than reading a hundred texts."""
    return Names(_topics(city, words), _places(city, words), words)


def _topics(city: City, words: Words) -> Mapping[str, TopicName]:
    found: dict[str, TopicName] = {}

    def name(word: str, topic: str, locale: str | None, *, sets_locale: bool = False) -> None:
        key = squash(word)
        if key not in found and not _says_stop(word, key, words):
            found[key] = TopicName(topic, key, locale, sets_locale)

    for entry in city.entry_words:
        name(entry.word, entry.topic, entry.language, sets_locale=True)
    for topic in city.topics.values():
        for keyword in topic.keywords:
            name(keyword, topic.id, _language_of(keyword, topic))
    for topic in city.topics.values():
        for locale, called in topic.names.items():
            name(called, topic.id, locale)
        name(topic.id, topic.id, None)
    return found


def _places(city: City, words: Words) -> Mapping[str, str]:
    """By each of their names, and by it without an article (`puerto`, `waf`)."""
    named = [(word, area.id) for area in city.areas.values() for word in (*area.names.values(), area.id, *area.keywords, *area.zips)]
    short = [(" ".join(token for token in fold(word).split() if token not in words.fillers), area) for word, area in named]
    return {key: area for word, area in (*short, *named) if not _says_stop(word, key := squash(word), words)}


def _says_stop(word: str, key: str, words: Words) -> bool:
    return key in words.stop_keys or bool(words.plainly_stops(word) or words.insists(word))


def _language_of(keyword: str, topic: Topic) -> str | None:
    """The language in whose name of the topic the keyword stands, the first one listed; None where it is in none."""
    wanted = set(fold(keyword).split())
    return next((locale for locale, name in topic.names.items() if wanted <= set(fold(name).split())), None)
