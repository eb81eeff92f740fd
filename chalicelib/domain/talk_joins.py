"""Joining: at once, in the language of the words; then the question where, for topics that are about places."""

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain.consent import Step
from chalicelib.domain.conversation import Asked, known
from chalicelib.domain.filters import Filters
from chalicelib.domain.talk_changes import Change, Confirm, Join, Leave, Said, SetLocale, Taken, Welcome
from chalicelib.domain.talk_lists import guess_said, listed
from chalicelib.domain.talk_places import areas_of, place_asked, place_said
from chalicelib.domain.talk_state import Memory, Waiting
from chalicelib.domain.talk_turn import Turn


def joined(turn: Turn) -> Taken:
    """What a text names is joined; where the provider blocks, START comes first, and what was wanted is remembered."""
    topics, memory = list(turn.meaning.topics), turn.memory
    if turn.talk.blocked:
        memory = replace(memory, wanted=tuple(dict.fromkeys([*memory.wanted, *topics])), places=turn.meaning.places or memory.places)
        return turn.taken(Said("start_first", {"topics": topics}), memory=replace(memory, locale=turn.locale))
    return _join(turn, topics, turn.meaning.places)


def confirmed(turn: Turn, waiting: Waiting) -> Taken:
    """A sign-up that waited is joined, in its language."""
    topics = known(waiting.topics, turn.city)
    memory = replace(turn.memory, parts={**turn.memory.parts, **{topic: waiting.parts[topic] for topic in topics if topic in waiting.parts}})
    turned = replace(turn, locale=waiting.locale, talk=replace(turn.talk, memory=memory))
    taken = _join(turned, topics, (), sign_up=waiting.id) if topics else listed(turned)
    return replace(taken, changes=(Confirm(waiting.id), *taken.changes))


def restored(turn: Turn) -> Taken:
    """What was asked for since STOP, while only START could help: who asked has chosen. Else what STOP ended; else what there is."""
    talk, memory, follows = turn.talk, turn.memory, turn.follows
    wanted = known(memory.wanted, turn.city)
    if wanted:
        return _join(turn, wanted, ())
    missed = [topic for topic in memory.ended if topic not in follows]
    back = known([*(follows if talk.opted_out else ()), *missed], turn.city)
    after = replace(memory, ended=(), wanted=(), parts={}, blocked=None)
    if back:
        joins = tuple(Join(topic, talk.part_of(topic), step=Step.RESTORED) for topic in back)
        said = Said("restored", {"follows": known([*follows, *back], turn.city)})
        return turn.taken(said, *turn.paused, changes=(Welcome(), *joins), memory=after)
    return listed(turn, changes=(Welcome(),), memory=after) if talk.opted_out else listed(turn)


def _join(turn: Turn, topics: list[str], places: tuple[str, ...], *, sign_up: str | None = None) -> Taken:
    """Joined, with the places that were named, or followed, or remembered. Who joins has chosen: what an earlier STOP ended is over."""
    parts = {topic: _part(turn, topic, places) for topic in topics}
    changes: tuple[Change, ...] = (Welcome(), *(Join(topic, parts[topic], sign_up=sign_up) for topic in topics))
    others = [one for one in turn.talk.follows if one.topic not in topics]
    if turn.talk.opted_out:  # of a stop whose worker died
        changes += tuple(Leave(one.topic) for one in others)
    elif turned := tuple(one.topic for one in others if one.locale != turn.locale):
        changes += (SetLocale(turn.locale, turned),)
    memory = turn.memory
    memory = replace(memory, locale=turn.locale, ended=(), parts={}, wanted=(), blocked=None, places=places or memory.places, helped_at=None)
    return _asking(turn, topics, parts, changes, memory)


def _asking(turn: Turn, topics: list[str], parts: Mapping[str, Filters], changes: tuple[Change, ...], memory: Memory) -> Taken:
    """The confirmation; then what was mistyped, or where: one question at most."""
    about_places = [topic for topic in topics if turn.city.topics[topic].asks_place and turn.city.areas]
    placed = [topic for topic in about_places if parts[topic].areas or memory.places]
    open_ones = [topic for topic in about_places if topic not in placed]
    replies = [Said("joined", {"topics": topics})]
    replies += [place_said(turn, [topic], parts[topic].areas) for topic in placed]
    replies += turn.paused
    if turn.meaning.near and turn.meaning.topics:
        return turn.asks(*replies, guess_said(turn.meaning.near), asked=Asked.TOPIC, options=turn.meaning.near, changes=changes, memory=memory)
    if open_ones:
        where = place_asked(turn, open_ones)
        return turn.asks(*replies, where, asked=Asked.PLACE, options=tuple(open_ones), changes=changes, memory=memory)
    if turn.by_number:  # the menu is still on their screen
        return turn.asks(*replies, asked=turn.asked, options=turn.talk.memory.options, changes=changes, memory=memory)
    return turn.taken(*replies, changes=changes, memory=memory)


def _part(turn: Turn, topic: str, places: tuple[str, ...]) -> Filters:
    """The part of a topic that is followed from now: as it was, but in the places named now, or else remembered."""
    part = turn.talk.part_of(topic)
    if not turn.city.topics[topic].asks_place:
        return part
    if places:
        return replace(part, areas=areas_of(places))
    return part if part.areas else replace(part, areas=areas_of(turn.memory.places))
