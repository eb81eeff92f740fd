"""Menus: what is followed, what there is beside, and which topic may have been meant."""

from chalicelib.domain.conversation import Asked
from chalicelib.domain.talk_changes import Change, Said, Taken
from chalicelib.domain.talk_state import Memory
from chalicelib.domain.talk_turn import Turn

LONGEST_MENU = 12
"""Lines of a menu: a reply stays a reply."""


def options_of(topics: list[str]) -> tuple[str, ...]:
    """What the numbers of a menu of topics mean."""
    return tuple(topics[:LONGEST_MENU])


def listed(turn: Turn, *, changes: tuple[Change, ...] = (), memory: Memory | None = None) -> Taken:
    """What is followed, with places and pause, and a menu of the rest."""
    follows, others = turn.follows, turn.others
    said = Said("topics", {"follows": follows, "others": others, "places": _places(turn)})
    pause = turn.paused if follows else ()
    if not others:
        return turn.taken(said, *pause, changes=changes, memory=memory)
    return turn.asks(*pause, said, asked=Asked.TOPIC, options=options_of(others), changes=changes, memory=memory)


def _places(turn: Turn) -> dict[str, list[str]]:
    """The areas of each topic that is followed for some only."""
    areas = {one.topic: [area for area in turn.city.areas if area in one.filters.areas] for one in turn.talk.follows}
    return {topic: some for topic, some in areas.items() if some}


def guess(turn: Turn, asked: Asked, topics: tuple[str, ...]) -> Taken:
    """A topic was mistyped: one of these?"""
    return turn.asks(guess_said(topics), asked=asked, options=topics)


def guess_said(topics: tuple[str, ...]) -> Said:
    """The question which of these was meant."""
    return Said("guess", {"topics": list(topics)})
