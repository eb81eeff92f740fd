"""Screening what is about to be said: the same words to the same people within the hour wait for a person, who may let them go all the same."""

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.broadcast import Audience, Broadcast, BroadcastState, Content, Review, ReviewReason
from chalicelib.domain.doubles import Saying, doubled, saying_of, words_hash
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.broadcasts import Broadcasts
from chalicelib.store.sayings import Heard


@dataclass(frozen=True)
class Screened:
    """A broadcast as it is to be kept, and the writes that remember what it says; none where it waits. The first of them loses where the
    same words were said since."""

    broadcast: Broadcast
    writes: list[Write]


def screen(broadcast: Broadcast, content: Content, *, services: Services) -> Screened:
    """Keep back a double, naming the broadcast that it doubles."""
    words, saying = words_hash(content), saying_of(broadcast.id, content.notice, broadcast.audience, broadcast.send_at.instant)
    heard = services.store.sayings.near(words, saying.at)
    review = _review(saying, heard, services)
    if review is None:
        return Screened(broadcast, services.store.sayings.say_writes(words, saying, heard, turn=services.new_id()))
    return Screened(replace(broadcast, state=BroadcastState.NEEDS_REVIEW, approval=None, review=review), [])


def foresee(content: Content, audience: Audience, at: datetime, *, services: Services) -> Review | None:
    """Why a broadcast would be kept back if it were posted now; None where it would not. Keeps nothing."""
    saying = saying_of("", content.notice, audience, at)
    return _review(saying, services.store.sayings.near(words_hash(content), at), services)


def say_again(broadcast: Broadcast, content: Content, *, services: Services) -> list[Write]:
    """The writes that remember what a broadcast says now that a person lets it go."""
    at = max(broadcast.send_at.instant, services.now())
    words, saying = words_hash(content), saying_of(broadcast.id, content.notice, broadcast.audience, at)
    return services.store.sayings.say_writes(words, saying, services.store.sayings.near(words, saying.at), turn=services.new_id())


def _review(saying: Saying, heard: Heard, services: Services) -> Review | None:
    first = next((one.broadcast for one in doubled(saying, heard.sayings) if _counts(one.broadcast, services.store.broadcasts)), None)
    return Review(ReviewReason.DUPLICATE, services.now(), {"of": first}) if first else None


def _counts(name: str, broadcasts: Broadcasts) -> bool:
    """What was stopped before anybody got it was not said."""
    found = broadcasts.get(name)
    return found is not None and not (found.state is BroadcastState.STOPPED and found.counts is None)
