"""What a resident's text means. Pure: the words, the city's topics and places, and what we asked last decide.

Rules are tried in order and the first that knows the text answers; whatever equals a stop word has stopped before any
other rule looks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from chalicelib.domain.city import City
from chalicelib.domain.conversation import NOTHING_ASKED, Asked, Meaning, Question, Verb
from chalicelib.domain.folding import UNSPACED, fold, squash
from chalicelib.domain.locale import ENGLISH
from chalicelib.domain.talk_names import WHOLE_CITY, Named, Names
from chalicelib.domain.talk_plain import nods, plainly, refused
from chalicelib.domain.words import Vocabulary, Words

LONGEST = 1600
"""What a provider passes on of one text; anything after it is not read."""

LOOKS_LIKE = "near"
"""The word of a text that only looks like a topic, and asks for none."""

REFUSED = "refused"
"""The word of a text that turns a wish for a topic round."""

NOD = "nod"
"""The word of a sign that says yes."""

_QUESTION_MARKS = "?？؟"
_VERB_LAST = "ko"
_WISHED = frozenset({Verb.HELP, Verb.LEAVE, Verb.LIST, Verb.LANGUAGE, Verb.PAUSE, Verb.RESUME})


@dataclass(frozen=True)
class _Text:
    """A text with all that the rules look at."""

    key: str
    tokens: tuple[str, ...]
    raw: str
    words: Words
    names: Names
    city: City
    question: Question
    today: date | None

    @property
    def asked(self) -> Asked:
        return self.question.asked


def understand(body: str, *, words: Words, city: City, question: Question = NOTHING_ASKED, today: date | None = None) -> Meaning:
    """What a text means, on a day. Every text means something: UNKNOWN where it is none of our words."""
    body = body[:LONGEST]
    text = _Text(squash(body), tuple(fold(body).split()), body, words, Names.of(city, words), city, question, today)
    for rule in _RULES:
        meaning = rule(text)
        if meaning:
            return replace(meaning, wrong_number=True) if meaning.verb is Verb.STOP and words.names_wrong_number(body) else meaning
    return Meaning(Verb.UNKNOWN)


# --- rules, in order --------------------------------------------------------------------------------------------------


def _stops(text: _Text) -> Meaning | None:
    words = text.words
    if text.key in words.stop:
        return Meaning(Verb.STOP, text.key, locale=words.stop[text.key], blocks=text.raw.strip().casefold() in words.blocking)
    if text.key in words.stop_keys:
        return Meaning(Verb.STOP, text.key, locale=words.stop_keys[text.key])
    ending = words.plainly_stops(text.raw)
    return Meaning(Verb.STOP, ending[0], locale=ending[1]) if ending else None


def _insists(text: _Text) -> Meaning | None:
    """`I told you, wrong number!`. Denied, or as a question, it is only a mention."""
    insisted = text.words.insists(text.raw) if text.raw.rstrip()[-1:] not in _QUESTION_MARKS else None
    return Meaning(Verb.STOP, insisted[0], locale=insisted[1]) if insisted else None


def _answers_by_number(text: _Text) -> Meaning | None:
    """`2`, or `1 and 3` of topics, after a menu. `02` may be a bus, and so may what the menu does not have."""
    numbers = {str(number): option for number, option in enumerate(text.question.options, start=1)}
    chosen = [numbers.get(token) for token in text.tokens if token not in text.words.joiners]
    options = tuple(dict.fromkeys(option for option in chosen if option))
    if not options or None in chosen or (len(options) > 1 and text.asked not in {Asked.TOPIC, Asked.LEAVE}):
        return None
    word = " ".join(text.tokens)
    meanings = {
        Asked.LANGUAGE: lambda: Meaning(Verb.LANGUAGE, word, language=options[0]),
        Asked.TOPIC: lambda: Meaning(Verb.JOIN, word, topics=options),
        Asked.LEAVE: lambda: Meaning(Verb.LEAVE, word, topics=options),
        Asked.PAUSE: lambda: Meaning(Verb.PAUSE, word, until=date.fromisoformat(options[0])),
    }
    return meanings[text.asked]() if text.asked in meanings else None


def _answers_place(text: _Text) -> Meaning | None:
    """`02101`, `Harbor and Mill Hill`, `I live in Harbor`, `ALL`, after we asked. Five digits that are no ZIP code of ours are a place that we do
    not know. In Haitian Creole `mwen rete` is "I live", and RETE alone is stop: with a place after it, it is the former."""
    if text.asked is not Asked.PLACE:
        return None
    for rest in (*(rest for _, rest in _splits(text, text.words.living)), " ".join(text.tokens)):
        named = text.names.read(rest.split(), places_first=True, everywhere=True)
        if named.places and not named.topics and not named.unknown:
            return Meaning(Verb.PLACE, "place", places=named.places)
    if named.topics or text.words.mentions_stop(text.raw):
        return None
    return Meaning(Verb.PLACE, "place", places=named.places) if named.places or _has_zip(text) else None


def _answers_leave(text: _Text) -> Meaning | None:
    """`events`, `the jobs`, `all`, after we asked which to leave. A topic that was not in the question is asked for, as ever."""
    named = text.names.read(text.tokens, everywhere=True) if text.asked is Asked.LEAVE else Named()
    topics = named.ids or (text.question.options if WHOLE_CITY in named.places else ())
    if not topics or named.unknown or not set(topics) <= set(text.question.options):
        return None
    return Meaning(Verb.LEAVE, "leave", topics=topics)


def _is_one_word(text: _Text) -> Meaning | None:
    words, key = text.words, text.key
    if key in words.help:
        return Meaning(Verb.HELP, key, locale=words.help[key])
    if key in words.start:
        return Meaning(Verb.START, key, locale=words.start[key], unblocks=text.raw.strip().casefold() in words.unblocking)
    tables = ((Verb.LIST, words.list), (Verb.RESUME, words.resume), (Verb.YES, words.yes), (Verb.NO, words.no))
    return next((Meaning(verb, key, locale=table[key]) for verb, table in tables if key in table), None)


def _names_language(text: _Text) -> Meaning | None:
    """`Español`."""
    language = text.words.languages.get(text.key)
    return Meaning(Verb.LANGUAGE, text.key, language=language) if language else None


def _names_topics(text: _Text) -> Meaning | None:
    """`ALERTAS`, `RED LINE`, `红线`, `RED and EVENTS`, `EVENTS 02101`. In a sentence with other words it is none of our business."""
    exact = text.names.topics.get(text.key)
    named = Named((exact,)) if exact else text.names.read(text.tokens, everywhere=True)
    return None if named.unknown or named.courtesies or not named.topics else _joining(named, None)


def _is_said_kindly(text: _Text) -> Meaning | None:
    """`yes please`, `no, gracias`, `HELP me`, `list please`, 👍. A yes with thanks may be no more than thanks."""
    words, raw = text.words, text.raw
    said = plainly(raw, {**words.start, **words.yes}, words.courtesies, words.thanks)
    if said:
        verb, table = (Verb.START, words.start) if said.word in words.start else (Verb.YES, words.yes)
        return Meaning(verb, said.word, locale=table[said.word], thankful=said.thankful)
    if nods(raw, words):
        return Meaning(Verb.YES, NOD, thankful=True)
    for verb, table, aside in (
        (Verb.NO, words.no, words.courtesies),
        (Verb.THANKS, words.thanks, words.courtesies),
        *((verb, table, words.courtesies | words.fillers) for verb, table in ((Verb.HELP, words.help), (Verb.LIST, words.list), (Verb.RESUME, words.resume))),
    ):
        said = plainly(raw, table, aside, words.thanks)
        if said:
            return Meaning(verb, said.word, locale=table[said.word])
    return None


def _refuses(text: _Text) -> Meaning | None:
    """`no quiero eventos`, `행사는 안 받을래요`: the topic is to be left, and nothing else."""
    found = refused(text.raw, text.words)
    named = text.names.read(found[0]) if found else Named()
    if not found or not named.topics or named.unknown:
        return None
    return Meaning(Verb.LEAVE, REFUSED, topics=named.ids, locale=found[1])


def _leaves(text: _Text) -> Meaning | None:
    """`LEAVE red line`, `STOP red line`. Where the city has it so, a stop word ends everything."""
    word, rest = _command(text, text.words.leave)
    named = text.names.read(rest) if word else Named()
    if not named.topics or named.unknown:
        return None
    verb = Verb.STOP if word in text.words.stop and text.city.revoke_all else Verb.LEAVE
    return Meaning(verb, word, topics=named.ids, locale=text.words.leave[word])


def _leaves_unknown(text: _Text) -> Meaning | None:
    """`LEAVE evnts`. A stop word before anything but topics is not ours to guess at."""
    word, rest = _command(text, text.words.leave)
    if not word or word in text.words.stop:
        return None
    return Meaning(Verb.LEAVE, word, near=_near(text.names.read(rest), text), locale=text.words.leave[word])


def _joins(text: _Text) -> Meaning | None:
    """`JOIN red line, jobs`. What is known is joined where the rest is but mistyped; with words that say we know not what, nothing is. A stop word
    among those is asked about."""
    word, rest = _command(text, text.words.join)
    if not word:
        return None
    named, spoken_in = text.names.read(rest, everywhere=True), text.words.join[word]
    if text.words.mentions_stop(" ".join(named.unknown)):
        return None
    near = _near(named, text)
    if not named.topics or (named.unknown and not near):
        return Meaning(Verb.JOIN, word, near=near, locale=spoken_in)
    return _joining(named, spoken_in, near)


def _pauses(text: _Text) -> Meaning | None:
    """`PAUSE`, `PAUSE 2 weeks`, `PAUSA hasta 1 diciembre`. Some words for it hold a stop word: those count with a date alone."""
    for table, needs_day in ((text.words.pause, False), (text.words.pause_near, True)):
        for word, rest in _splits(text, table):
            until = _until(rest, table[word], text)
            if until or (not needs_day and not text.words.mentions_stop(rest)):
                return Meaning(Verb.PAUSE, word, until=until, locale=table[word])
    return None


def _sets_language(text: _Text) -> Meaning | None:
    """`LANG es`; alone, or with what is no language, it asks which there are."""
    word, rest = _command(text, text.words.language)
    if not word:
        return None
    return Meaning(Verb.LANGUAGE, word, locale=text.words.language[word], language=text.words.languages.get("".join(rest)))


def _names_place(text: _Text) -> Meaning | None:
    """`Mill Hill`, `02103`, though we did not ask."""
    named = text.names.read(text.tokens)
    return Meaning(Verb.PLACE, "place", places=named.places) if named.places and not named.topics and not named.unknown else None


def _answers_pause(text: _Text) -> Meaning | None:
    """`Dec 1`, `10 days`, after we asked until when, or whether all is to stop."""
    until = _until(text.raw, None, text) if text.asked in {Asked.PAUSE, Asked.STOP} else None
    return Meaning(Verb.PAUSE, "until", until=until) if until else None


def _mentions_stop(text: _Text) -> Meaning | None:
    """A stop word among others: we ask once; whoever says it again, or is angry, means it."""
    if text.key not in text.words.pause_near and not text.words.mentions_stop(text.raw):
        return None
    meant = text.asked is Asked.STOP or text.words.is_angry(text.raw)
    return Meaning(Verb.STOP if meant else Verb.UNCLEAR_STOP, "stop")


def _is_angry(text: _Text) -> Meaning | None:
    """Whoever swears at us may want no more: we ask, and believe whoever swears again."""
    if not text.words.is_angry(text.raw):
        return None
    return Meaning(Verb.STOP if text.asked is Asked.STOP else Verb.UNCLEAR_STOP, "stop")


def _wishes(text: _Text) -> Meaning | None:
    """`I want events`, `quiero cambiar idioma`, `행사 알려주세요`: what is wished for, where that is a topic or a command and nothing else."""
    for word, rest in _splits(text, text.words.wish):
        named = text.names.read(rest.split(), everywhere=True)
        if named.topics and not named.unknown:
            return _joining(named, text.words.wish[word])
        wished = understand(rest, words=text.words, city=text.city, today=text.today)
        if wished.verb in _WISHED:
            return wished
    return None


def _is_near(text: _Text) -> Meaning | None:
    """`EVNTS`. A word of ours was taken by the rules before. With a no beside it, it is asked for by nobody (`no events`)."""
    words = text.words
    near = text.names.near("".join(token for token in text.tokens if token not in words.fillers and token not in words.no), text.city.topics)
    if near and any(token in words.no or token in words.denials for token in text.tokens if token not in words.yes):
        return Meaning(Verb.UNCLEAR_STOP, "stop")
    return Meaning(Verb.JOIN, LOOKS_LIKE, near=near) if near else None


_RULES = (
    _stops,
    _answers_by_number,
    _answers_place,
    _answers_leave,
    _is_one_word,
    _names_language,
    _names_topics,
    _is_said_kindly,
    _leaves,
    _refuses,
    _insists,
    _leaves_unknown,
    _joins,
    _pauses,
    _sets_language,
    _names_place,
    _answers_pause,
    _mentions_stop,
    _is_angry,
    _wishes,
    _is_near,
)

# --- how ---------------------------------------------------------------------------------------------------------------


def _joining(named: Named, spoken_in: str | None, near: tuple[str, ...] = ()) -> Meaning:
    """The command says the language, unless it is English or there is none: then the topic's word does."""
    chooses = next((one for one in named.topics if one.sets_locale), None)
    first = chooses or named.topics[0]
    locale = first.locale if spoken_in in {None, ENGLISH} or chooses else spoken_in
    return Meaning(Verb.JOIN, first.word, named.ids, near, named.places, locale=locale or spoken_in, sets_locale=bool(chooses))


def _near(named: Named, text: _Text) -> tuple[str, ...]:
    """The topics that the unknown words may have meant."""
    unknown = "".join(named.unknown)
    if any(unknown in table for table in text.words.commands()):
        return ()
    return text.names.near(unknown, [topic for topic in text.city.topics if topic not in named.ids])


def _has_zip(text: _Text) -> bool:
    return any(token.isdigit() and len(token) == 5 for token in text.tokens)


def _command(text: _Text, vocabulary: Vocabulary) -> tuple[str, tuple[str, ...]]:
    """The longest command that a text begins with, and the words after it; scripts without spaces may run on."""
    word, rest = next(_splits(text, vocabulary), ("", ""))
    return word, tuple(rest.split())


def _splits(text: _Text, vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """Every way to read the beginning of a text as a command, the longest first; in Korean, where the verb comes last, its end too."""
    tokens = text.tokens
    for count in range(min(len(tokens), 4), 0, -1):
        if "".join(tokens[:count]) in vocabulary:
            yield "".join(tokens[:count]), " ".join(tokens[count:])
    first = tokens[0] if tokens else ""
    for end in range(len(first) - 1, 0, -1):
        if first[:end] in vocabulary and UNSPACED.match(first):
            yield first[:end], " ".join((first[end:], *tokens[1:]))
    for count in range(min(len(tokens) - 1, 3), 0, -1):
        last = "".join(tokens[-count:])
        if vocabulary.get(last) == _VERB_LAST:
            yield last, " ".join(tokens[:-count])


def _until(rest: str, language: str | None, text: _Text) -> date | None:
    """The day that these words name, in the language of the command before any other."""
    if not rest or text.today is None:
        return None
    dates = text.words.dates
    for tag in dict.fromkeys([*([language] if language in dates else []), *dates]):
        found = dates[str(tag)].until(rest, text.today)
        if found:
            return found
    return None
