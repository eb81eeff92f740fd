"""Screening what is about to be said: the same words to the same people within the hour wait for a person, who may let them go all the same."""

from dataclasses import dataclass, replace

from chalicelib.domain.broadcast import Broadcast, BroadcastState, Content, Review, ReviewReason
from chalicelib.domain.doubles import doubled, saying_of, words_hash
from chalicelib.flows.services import Services
from chalicelib.state.table import Write
from chalicelib.store.broadcasts import Broadcasts


@dataclass(frozen=True)
class Screened:
    """A broadcast as it is to be kept, and the writes that remember what it says; none where it waits. The first of them loses where the
    same words were said since."""

    broadcast: Broadcast
    writes: list[Write]


def screen(broadcast: Broadcast, content: Content, *, services: Services) -> Screened:
    """Keep back a double, naming the broadcast that it doubles."""
    words, saying = words_hash(content), saying_of(broadcast, content.notice, broadcast.send_at.instant)
    heard = services.store.sayings.near(words, saying.at)
    first = next((one.broadcast for one in doubled(saying, heard.sayings) if _counts(one.broadcast, services.store.broadcasts)), None)
    if first is None:
        return Screened(broadcast, services.store.sayings.say_writes(words, saying, heard, turn=services.new_id()))
    review = Review(ReviewReason.DUPLICATE, services.now(), {"of": first})
    return Screened(replace(broadcast, state=BroadcastState.NEEDS_REVIEW, approval=None, review=review), [])


def say_again(broadcast: Broadcast, content: Content, *, services: Services) -> list[Write]:
    """The writes that remember what a broadcast says now that a person lets it go."""
    words, saying = words_hash(content), saying_of(broadcast, content.notice, max(broadcast.send_at.instant, services.now()))
    return services.store.sayings.say_writes(words, saying, services.store.sayings.near(words, saying.at), turn=services.new_id())


def _counts(name: str, broadcasts: Broadcasts) -> bool:
    """What was stopped before anybody got it was not said."""
    found = broadcasts.get(name)
    return found is not None and not (found.state is BroadcastState.STOPPED and found.counts is None)
