"""What a resident's text means. Pure: the words, the city's topics and what we asked last decide.

Rules are tried in order and the first that knows the text answers; whatever equals a stop word has stopped before any
other rule looks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.city import City
from chalicelib.domain.locale import ENGLISH, best, fallbacks
from chalicelib.domain.topic import Topic
from chalicelib.domain.words import Vocabulary, Words, fold, squash

LONGEST = 1600
"""What a provider passes on of one text; anything after it is not read."""


class Verb(StrEnum):
    """What a text asks of us."""

    STOP = "stop"
    UNCLEAR_STOP = "unclear_stop"
    HELP = "help"
    START = "start"
    JOIN = "join"
    LEAVE = "leave"
    LIST = "list"
    LANGUAGE = "language"
    UNKNOWN = "unknown"


class Asked(StrEnum):
    """What our last reply asked, so that a bare answer can be read."""

    NOTHING = ""
    LANGUAGE = "language"
    STOP = "stop"


@dataclass(frozen=True)
class Meaning:
    """A text, understood. `word` is ours, never the resident's: it may be stored.

    `topic` is what to join or leave, None where none or an unknown one was named. `locale` is the language the text is
    written in; `sets_locale` says that the word itself chooses it (ALERTAS). `language` is the one asked for by LANG.
    `blocks`, `unblocks`: the provider itself blocks, or frees, the number on this very text."""

    verb: Verb
    word: str = ""
    topic: str | None = None
    locale: str | None = None
    sets_locale: bool = False
    language: str | None = None
    blocks: bool = False
    unblocks: bool = False


@dataclass(frozen=True)
class _Text:
    """A text with all that the rules look at."""

    key: str
    tokens: tuple[str, ...]
    raw: str
    words: Words
    topics: Mapping[str, Meaning]
    languages: tuple[str, ...]
    asked: Asked


def understand(body: str, *, words: Words, city: City, asked: Asked = Asked.NOTHING) -> Meaning:
    """What a text means. Every text means something: UNKNOWN where it is none of our words."""
    body = body[:LONGEST]
    text = _Text(squash(body), tuple(fold(body).split()), body, words, _topics(city), city.languages, asked)
    for rule in (_stops, _is_one_word, _answers_language, _names_language, _names_topic, _leaves, _joins, _sets_language, _mentions_stop):
        meaning = rule(text)
        if meaning:
            return meaning
    return Meaning(Verb.UNKNOWN)


def as_provider_heard(meaning: Meaning, opt_out_type: str) -> Meaning:
    """The meaning where the provider itself read the text as STOP, START or HELP, by words of its own."""
    verb = {"STOP": Verb.STOP, "START": Verb.START, "HELP": Verb.HELP}.get(opt_out_type)
    if verb is None:
        return meaning
    word = meaning.word if meaning.verb is verb else opt_out_type.lower()
    return Meaning(verb, word, locale=meaning.locale, blocks=verb is Verb.STOP, unblocks=verb is Verb.START)


def locale_for(meaning: Meaning, known: str | None, languages: tuple[str, ...]) -> str:
    """The language to answer in: the one the word chooses, the reader's own, the one the text is written in, English."""
    wanted = (meaning.locale if meaning.sets_locale else None) or known or meaning.locale or ENGLISH
    return best(wanted, languages) or ENGLISH


def spoken(language: str | None, languages: tuple[str, ...]) -> str | None:
    """The locale we write in for somebody who asks for `language`; None where we have none."""
    return next((tag for tag in fallbacks(language, last=()) if tag in languages), None) if language else None


def known(topics: Iterable[str], city: City) -> list[str]:
    """Those of the topics that the city still has, each once, in their order."""
    return [topic for topic in dict.fromkeys(topics) if topic in city.topics]


# --- rules, in order --------------------------------------------------------------------------------------------------


def _stops(text: _Text) -> Meaning | None:
    words = text.words
    if text.key in words.stop:
        return Meaning(Verb.STOP, text.key, locale=words.stop[text.key], blocks=text.raw.strip().casefold() in words.blocking)
    ending = words.plainly_stops(text.raw)
    return Meaning(Verb.STOP, ending, locale=words.endings[tuple(ending.split())]) if ending else None


def _is_one_word(text: _Text) -> Meaning | None:
    words, key = text.words, text.key
    if key in words.help:
        return Meaning(Verb.HELP, key, locale=words.help[key])
    if key in words.start:
        return Meaning(Verb.START, key, locale=words.start[key], unblocks=text.raw.strip().casefold() in words.unblocking)
    return Meaning(Verb.LIST, key, locale=words.list[key]) if key in words.list else None


def _answers_language(text: _Text) -> Meaning | None:
    """`2`, after we asked. `02` may be a bus."""
    numbers = {str(number): tag for number, tag in enumerate(text.languages, start=1)}
    language = numbers.get(text.key) if text.asked is Asked.LANGUAGE else None
    return Meaning(Verb.LANGUAGE, text.key, language=language) if language else None


def _names_language(text: _Text) -> Meaning | None:
    """`Español`."""
    language = text.words.languages.get(text.key)
    return Meaning(Verb.LANGUAGE, text.key, language=language) if language else None


def _names_topic(text: _Text) -> Meaning | None:
    """`ALERTAS`, `RED LINE`, `红线`."""
    return text.topics.get(text.key)


def _leaves(text: _Text) -> Meaning | None:
    """`LEAVE red line`, `STOP red line`. A stop word before anything but a topic is not ours to guess at."""
    word, rest = _command(text, text.words.leave)
    if not word:
        return None
    topic = _topic_in(rest, text)
    if not topic and word in text.words.stop:
        return None
    return Meaning(Verb.LEAVE, word, topic=topic.topic if topic else None, locale=text.words.leave[word])


def _joins(text: _Text) -> Meaning | None:
    """`JOIN red line`. The command says the language, unless it is English: then the topic's word does."""
    word, rest = _command(text, text.words.join)
    if not word:
        return None
    topic, spoken = _topic_in(rest, text), text.words.join[word]
    if not topic:
        return Meaning(Verb.JOIN, word, locale=spoken)
    locale = topic.locale if spoken == ENGLISH or topic.sets_locale else spoken
    return Meaning(Verb.JOIN, topic.word, topic=topic.topic, locale=locale or spoken, sets_locale=topic.sets_locale)


def _sets_language(text: _Text) -> Meaning | None:
    """`LANG es`; alone, or with what is no language, it asks which there are."""
    word, rest = _command(text, text.words.language)
    if not word:
        return None
    return Meaning(Verb.LANGUAGE, word, locale=text.words.language[word], language=text.words.languages.get("".join(rest)))


def _mentions_stop(text: _Text) -> Meaning | None:
    """A stop word among others: we ask once, and whoever says it again means it."""
    if not text.words.mentions_stop(text.raw):
        return None
    return Meaning(Verb.STOP if text.asked is Asked.STOP else Verb.UNCLEAR_STOP, "stop")


# --- words and topics -------------------------------------------------------------------------------------------------


def _command(text: _Text, vocabulary: Vocabulary) -> tuple[str, tuple[str, ...]]:
    """The longest command that a text begins with, and the words after it; scripts without spaces may run on."""
    tokens = text.tokens
    for count in range(min(len(tokens), 4), 0, -1):
        if "".join(tokens[:count]) in vocabulary:
            return "".join(tokens[:count]), tokens[count:]
    first = tokens[0] if tokens else ""
    for end in range(len(first) - 1, 0, -1):
        if first[:end] in vocabulary and not first[:end].isascii() and first[0] > "\u3000":
            return first[:end], (first[end:], *tokens[1:])
    return "", ()


def _topic_in(rest: tuple[str, ...], text: _Text) -> Meaning | None:
    """The topic that these words name, as they stand or without the courtesies around them."""
    found = text.topics.get("".join(rest))
    while not found and rest and (rest[0] in text.words.fillers or rest[-1] in text.words.fillers):
        rest = rest[1:] if rest[0] in text.words.fillers else rest[:-1]
        found = text.topics.get("".join(rest))
    return found


def _topics(city: City) -> Mapping[str, Meaning]:
    """Every word that names a topic, and what it means alone. Entry words come before keywords, those before names and ids."""
    found: dict[str, Meaning] = {}
    for entry in city.entry_words:
        key = squash(entry.word)
        found.setdefault(key, Meaning(Verb.JOIN, key, topic=entry.topic, locale=entry.language, sets_locale=True))
    for topic in city.topics.values():
        for keyword in topic.keywords:
            key = squash(keyword)
            found.setdefault(key, Meaning(Verb.JOIN, key, topic=topic.id, locale=_language_of(keyword, topic)))
    for topic in city.topics.values():
        for locale, name in [*topic.names.items(), (None, topic.id)]:
            key = squash(name)
            found.setdefault(key, Meaning(Verb.JOIN, key, topic=topic.id, locale=locale))
    return found


def _language_of(keyword: str, topic: Topic) -> str | None:
    """The one language in whose name of the topic the keyword stands; None where it is in several or none."""
    wanted = set(fold(keyword).split())
    spoken = [locale for locale, name in topic.names.items() if wanted <= set(fold(name).split())]
    return spoken[0] if len(spoken) == 1 else None
