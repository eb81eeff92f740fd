"""What a text may mean, and in which language it is answered. `talk_hearing.py` says what it does mean."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from chalicelib.domain.city import City
from chalicelib.domain.locale import ENGLISH, best, fallbacks


class Verb(StrEnum):
    """What a text asks of us."""

    STOP = "stop"
    UNCLEAR_STOP = "unclear_stop"
    HELP = "help"
    START = "start"
    YES = "yes"
    NO = "no"
    JOIN = "join"
    LEAVE = "leave"
    LIST = "list"
    LANGUAGE = "language"
    PLACE = "place"
    PAUSE = "pause"
    RESUME = "resume"
    THANKS = "thanks"
    UNKNOWN = "unknown"


class Asked(StrEnum):
    """What our last reply asked, so that a bare answer can be read."""

    NOTHING = ""
    LANGUAGE = "language"
    STOP = "stop"
    TOPIC = "topic"
    LEAVE = "leave"
    PLACE = "place"
    PAUSE = "pause"


@dataclass(frozen=True)
class Question:
    """What we asked last, and what the numbers of its menu mean, from 1. A question of a place keeps the topics that it is for."""

    asked: Asked = Asked.NOTHING
    options: tuple[str, ...] = ()


NOTHING_ASKED = Question()


@dataclass(frozen=True)
class Meaning:
    """A text, understood. `word` is ours, never the resident's: it may be stored.

    `topics` are those to join or leave, none where none or an unknown one was named; `near` those that an unknown one may have meant. `places` are
    ids of areas, or WHOLE_CITY; of a PLACE that has none, an unknown one was named. `locale` is the language the text is written in; `sets_locale`
    says that the word itself chooses it (ALERTAS). `language` is the one asked for by LANG. `until` is the first day after a pause. `blocks`,
    `unblocks`: the provider itself blocks, or frees, the number on this very text. `thankful`: a yes with a thank-you, which may be no more than that.
    `wrong_number`: a stop that says the number is somebody else's by now."""

    verb: Verb
    word: str = ""
    topics: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    locale: str | None = None
    sets_locale: bool = False
    language: str | None = None
    until: date | None = None
    blocks: bool = False
    unblocks: bool = False
    thankful: bool = False
    wrong_number: bool = False


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
