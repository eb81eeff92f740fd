"""The conversation as a machine: (state, text, now) → what we say, what changes, what we remember. No I/O, no clock.

    stop ── StopAll ──► silence, but for HELP, START, a topic or a command      (whatever we asked before)
    start, yes          what STOP ended; or the sign-up that waits for this phone
    topic, join ──► joined ──► [where?] ──► narrowed                            pause ──► [until when?] ──► paused ──► resume
    none of our words   which language? a stranger; else help, once a day

A question in brackets is open for a day, and only the last one is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.city import City
from chalicelib.domain.conversation import Asked, Meaning, Verb, as_provider_heard, known, locale_for, spoken
from chalicelib.domain.talk_changes import Decline, Leave, Release, Said, SetLocale, StopAll, Taken
from chalicelib.domain.talk_hearing import LOOKS_LIKE, NOD, REFUSED, understand
from chalicelib.domain.talk_joins import confirmed, joined, restored
from chalicelib.domain.talk_lists import guess, listed, options_of
from chalicelib.domain.talk_pauses import pausing, resuming
from chalicelib.domain.talk_places import placed, unplaced
from chalicelib.domain.talk_state import Memory, Talk, Waiting
from chalicelib.domain.talk_turn import Turn
from chalicelib.domain.topic import lineage
from chalicelib.domain.words import Words


@dataclass(frozen=True)
class Heard:
    """A text as it came. `opt_out_type` is what the provider says it acted on, empty for most texts."""

    body: str
    opt_out_type: str = ""


def step(talk: Talk, heard: Heard, now: datetime, *, words: Words, city: City, zone: ZoneInfo) -> Taken:
    """Take a text. `zone` is the one that the person lives in."""
    question, today = talk.memory.question(now), now.astimezone(zone).date()
    meaning = understand(heard.body, words=words, city=city, question=question, today=today)
    meaning = as_provider_heard(meaning, heard.opt_out_type)
    if not heard.opt_out_type:
        meaning = _in_context(meaning, talk, question.asked, words)
    turn = Turn(talk, meaning, locale_for(meaning, talk.locale, city.languages), now, zone, city, question.asked)
    return _TAKES[meaning.verb](turn)


def _in_context(meaning: Meaning, talk: Talk, asked: Asked, words: Words) -> Meaning:
    """YES to "no more texts?" is a stop, and where a sign-up waits it is for that, else with thanks it is thanks; some words for START end a pause,
    where there is one."""
    agrees = meaning.verb in {Verb.YES, Verb.START} and (meaning.word in words.yes or meaning.word == NOD)
    if agrees and asked is Asked.STOP and not talk.opted_out:
        return Meaning(Verb.STOP, meaning.word, locale=meaning.locale)
    if agrees and talk.waiting and not talk.opted_out:
        return replace(meaning, verb=Verb.YES)
    if agrees and meaning.thankful:
        return replace(meaning, verb=Verb.THANKS)
    if talk.paused_until and not talk.opted_out and meaning.verb is Verb.START and meaning.word in words.resume:
        return replace(meaning, verb=Verb.RESUME)
    return meaning


# --- stop, start ------------------------------------------------------------------------------------------------------


def _stop(turn: Turn) -> Taken:
    """The one confirmation; silence for whoever is stopped already."""
    talk, memory, blocks = turn.talk, turn.memory, turn.meaning.blocks
    if turn.meaning.wrong_number:
        return _parted(turn)
    stopping = talk.opted_out and memory.blocked is not None  # a stop word was taken before, even if its worker died half way
    if stopping and not talk.follows:
        return turn.taken(memory=replace(memory, blocked=memory.blocked or blocks, wanted=()))
    ended = tuple(dict.fromkeys([*(memory.ended if stopping else ()), *talk.topics]))
    parts = {topic: talk.part_of(topic) for topic in ended}
    memory = replace(memory, locale=talk.locale, ended=ended, parts=parts, wanted=(), blocked=blocks)
    return turn.taken(Said("stopped", {}), changes=(StopAll(),), memory=memory)


def _parted(turn: Turn) -> Taken:
    """As a stop, of somebody who never was the one we knew: nothing of what we remember is theirs but whether the provider blocks them."""
    memory = turn.talk.memory
    after = Memory(blocked=memory.blocked or turn.meaning.blocks, turn=memory.turn)
    if turn.talk.opted_out and memory.blocked is not None and not turn.talk.follows:
        return turn.taken(changes=(Release(),), memory=after)
    return turn.taken(Said("stopped", {}), changes=(StopAll(), Release()), memory=after)


def _start(turn: Turn) -> Taken:
    """What goes on from now, or what there is to join."""
    if turn.talk.blocked and not turn.meaning.unblocks:
        return turn.taken(Said("start_first", {"topics": []}))
    return restored(turn)


def _yes(turn: Turn) -> Taken:
    """A sign-up that waits is confirmed. Elsewhere a mere yes means nothing to us."""
    return confirmed(turn, turn.talk.waiting) if turn.talk.waiting and not turn.talk.opted_out else _unknown(turn)


def _no(turn: Turn) -> Taken:
    """A sign-up that waits is declined; a NO to "no more texts?" gets what is followed, and one to our messages is asked about."""
    if turn.talk.waiting and not turn.talk.opted_out:
        return turn.taken(Said("declined", {}), changes=(Decline(turn.talk.waiting.id),))
    if turn.asked is Asked.STOP:
        return listed(turn)
    return _unclear_stop(turn) if turn.asked is Asked.NOTHING and turn.follows else _unknown(turn)


# --- topics -----------------------------------------------------------------------------------------------------------


def _join(turn: Turn) -> Taken:
    """What is named; or which was meant. Whoever said stop, and now writes what only looks like a topic, gets silence."""
    if turn.meaning.topics:
        return joined(turn)
    if turn.talk.opted_out and (turn.talk.blocked or turn.meaning.word == LOOKS_LIKE):
        return turn.silent() if turn.meaning.word == LOOKS_LIKE else turn.taken(Said("start_first", {"topics": []}))
    if turn.meaning.near:
        return guess(turn, Asked.TOPIC, turn.meaning.near)
    topics = [topic for topic in turn.city.topics if topic not in turn.talk.topics] or list(turn.city.topics)
    return turn.asks(Said("which_topic", {"topics": topics}), asked=Asked.TOPIC, options=options_of(topics))


def _leave(turn: Turn) -> Taken:
    """What ended and what goes on; or why there was nothing to end."""
    follows, named = turn.follows, turn.meaning.topics
    if not named:
        near = tuple(topic for topic in turn.meaning.near if topic in follows)
        if near:
            return guess(turn, Asked.LEAVE, near)
        return turn.asks(Said("which_to_leave", {"topics": follows}), asked=Asked.LEAVE, options=options_of(follows))
    ending = [one for one in follows if any(one == topic or one.startswith(topic + "/") for topic in named)]
    if not ending and turn.meaning.word == REFUSED and turn.asked is not Asked.STOP:
        return _unclear_stop(turn)
    if not ending:
        above = next((one for one in lineage(named[0]) if one in follows), None)
        return turn.taken(Said("not_following", {"topic": named[0], "above": above}))
    said = Said("left", {"topics": ending, "follows": [one for one in follows if one not in ending]})
    return turn.taken(said, changes=tuple(Leave(topic) for topic in ending))


def _help(turn: Turn) -> Taken:
    """With the way to their page: nobody who only ever texts finds it elsewhere."""
    page = (Said("page", {"link": turn.talk.page}),) if turn.talk.page else ()
    return turn.taken(Said("help", {}), *page)


# --- language ---------------------------------------------------------------------------------------------------------


def _language(turn: Turn) -> Taken:
    """In the language asked for; where we do not write that one, those that we do."""
    locale = spoken(turn.meaning.language, turn.city.languages)
    if locale is None:
        return turn.asks(Said("which_language", {}), asked=Asked.LANGUAGE, options=turn.city.languages)
    others = [] if turn.talk.follows else list(turn.city.topics)
    memory = replace(turn.memory, locale=locale, helped_at=None if turn.asked is Asked.LANGUAGE else turn.memory.helped_at)
    turned = replace(turn, locale=locale)
    said, changes = Said("language_set", {"others": others}), (SetLocale(locale),)
    if others:
        return turned.asks(said, asked=Asked.TOPIC, options=options_of(others), changes=changes, memory=memory)
    return turned.taken(said, changes=changes, memory=memory)


# --- what we do not understand ----------------------------------------------------------------------------------------


def _unclear_stop(turn: Turn) -> Taken:
    """STOP or LEAVE? Whoever said stop gets silence."""
    if turn.talk.opted_out:
        return turn.silent()
    return turn.asks(Said("stop_or_leave", {"follows": turn.follows}), asked=Asked.STOP, options=())


def _unknown(turn: Turn) -> Taken:
    """Which language? Or what we do understand. Once a day, but what we asked them just now is asked once more; whoever said stop gets silence."""
    if turn.talk.opted_out:
        return turn.silent()
    if turn.asked is Asked.PLACE:
        return unplaced(turn)
    if turn.asked in _ASKED_AGAIN and not turn.talk.memory.tries:
        asking = _ASKED_AGAIN[turn.asked](turn)
        return replace(asking, memory=replace(asking.memory, tries=1))
    if turn.talk.waiting and turn.asked in {Asked.NOTHING, Asked.LANGUAGE}:
        return _asked_again(turn, turn.talk.waiting)
    if turn.talk.memory.was_helped(turn.now):
        return turn.silent()
    helped = replace(turn.talk.memory, helped_at=turn.now)
    if turn.talk.locale is None:
        return turn.asks(Said("which_language", {}), asked=Asked.LANGUAGE, options=turn.city.languages, memory=helped)
    return turn.taken(Said("not_understood", {}), memory=helped)


def _asked_again(turn: Turn, waiting: Waiting) -> Taken:
    """The question that waits for a YES, once more, in its language; whoever was helped since it was asked gets silence."""
    helped_at = turn.talk.memory.helped_at
    if helped_at and not (waiting.at and helped_at < waiting.at):
        return turn.silent()
    said = Said("confirm", {"topics": known(waiting.topics, turn.city), "beside": waiting.beside})
    return replace(turn, locale=waiting.locale).taken(said, memory=replace(turn.talk.memory, helped_at=turn.now))


def _thanks(turn: Turn) -> Taken:
    """Nothing to answer, but for a stranger, whose first word it is."""
    return turn.silent() if turn.talk.locale else _unknown(turn)


_ASKED_AGAIN: Mapping[Asked, Callable[[Turn], Taken]] = {Asked.PAUSE: pausing, Asked.LEAVE: _leave}
"""Direct questions: silence would leave whoever answers in their own words waiting."""

_TAKES: Mapping[Verb, Callable[[Turn], Taken]] = {
    Verb.STOP: _stop,
    Verb.START: _start,
    Verb.YES: _yes,
    Verb.NO: _no,
    Verb.JOIN: _join,
    Verb.LEAVE: _leave,
    Verb.LIST: listed,
    Verb.LANGUAGE: _language,
    Verb.PLACE: placed,
    Verb.PAUSE: pausing,
    Verb.RESUME: resuming,
    Verb.THANKS: _thanks,
    Verb.HELP: _help,
    Verb.UNCLEAR_STOP: _unclear_stop,
    Verb.UNKNOWN: _unknown,
}
