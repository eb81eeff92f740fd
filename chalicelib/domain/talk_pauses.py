"""Pauses: nothing but emergencies until a day's morning, at most a year away."""

from datetime import UTC, date, datetime, time, timedelta

from chalicelib.domain.conversation import Asked
from chalicelib.domain.talk_changes import Pause, Said, Taken
from chalicelib.domain.talk_dates import in_months
from chalicelib.domain.talk_joins import restored
from chalicelib.domain.talk_lists import listed
from chalicelib.domain.talk_turn import Turn


def pausing(turn: Turn) -> Taken:
    """Until when, or the question; whoever follows nothing is told what there is."""
    if not turn.follows:
        return listed(turn)
    until = _morning(turn.meaning.until, turn) if turn.meaning.until else None
    if until is None or until <= turn.now:
        days = [turn.today + timedelta(days=1), turn.today + timedelta(days=7), in_months(turn.today, 1)]
        said = Said("which_pause", {"moments": [_morning(day, turn) for day in days], "zone": turn.zone})
        return turn.asks(said, asked=Asked.PAUSE, options=tuple(day.isoformat() for day in days))
    return turn.taken(Said("paused", {"until": until, "zone": turn.zone}), changes=(Pause(until),))


def resuming(turn: Turn) -> Taken:
    """What goes on from now. To whoever said stop, it is a word for START; to whoever did not pause, a word for LIST."""
    if turn.talk.opted_out:
        return restored(turn) if not turn.talk.blocked else turn.taken(Said("start_first", {"topics": []}))
    if not turn.talk.paused_until or not turn.follows:
        return listed(turn)
    return turn.taken(Said("resumed", {"follows": turn.follows}), changes=(Pause(None),))


def _morning(day: date, turn: Turn) -> datetime:
    """When the city's quiet hours end that day."""
    minutes = turn.city.quiet[1] % (24 * 60)
    return datetime.combine(day, time(minutes // 60, minutes % 60), turn.zone).astimezone(UTC)
