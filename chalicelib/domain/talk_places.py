"""Places: which part of the city notices are for, where a topic's are about places."""

from dataclasses import replace

from chalicelib.domain.conversation import Asked
from chalicelib.domain.talk_changes import Narrow, Said, Taken
from chalicelib.domain.talk_lists import listed
from chalicelib.domain.talk_names import WHOLE_CITY
from chalicelib.domain.talk_turn import Turn

_MOST_TRIES = 2


def areas_of(places: tuple[str, ...]) -> frozenset[str]:
    """The areas that are meant; none for the whole city."""
    return frozenset() if WHOLE_CITY in places else frozenset(places)


def place_asked(turn: Turn, topics: list[str], *, unknown: bool = False) -> Said:
    """The question for a ZIP code or an area."""
    return Said("unknown_place" if unknown else "which_place", {"topics": topics, "areas": list(turn.city.areas)})


def place_said(turn: Turn, topics: list[str], areas: frozenset[str]) -> Said:
    """For which part of the city notices come from now; none is all of it."""
    return Said("place_set", {"topics": topics, "areas": [area for area in turn.city.areas if area in areas]})


def placed(turn: Turn) -> Taken:
    """An answer to where, or a place out of the blue: it narrows what is about places and is remembered for what will be. Whoever said stop gets silence."""
    places, follows = turn.meaning.places, turn.follows
    if turn.talk.opted_out:
        return turn.silent()
    if not places:
        return unplaced(turn)
    asked = turn.talk.memory.options if turn.asked is Asked.PLACE else tuple(turn.city.topics)
    topics = [topic for topic in asked if topic in follows and turn.city.topics[topic].asks_place]
    memory = replace(turn.memory, places=places)
    if not topics:
        return listed(turn, memory=memory)
    changes = tuple(Narrow(topic, areas_of(places)) for topic in topics)
    return turn.taken(place_said(turn, topics, areas_of(places)), changes=changes, memory=memory)


def unplaced(turn: Turn) -> Taken:
    """An answer to where that names no place of ours: asked once more, then it stays the whole city."""
    topics, tries = [topic for topic in turn.talk.memory.options if topic in turn.follows], turn.talk.memory.tries + 1
    if tries < _MOST_TRIES:
        return turn.asks(place_asked(turn, topics, unknown=True), asked=Asked.PLACE, options=tuple(topics), tries=tries)
    return turn.taken(place_said(turn, topics, frozenset()))
