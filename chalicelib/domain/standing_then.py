"""Standing then: what somebody followed and wanted at a moment, replayed from the ledger of consent, which is only ever added to.

Whatever changes a subscription writes an entry with what was chosen (`consent.detail_of`), so the whole ledger replayed is what the rows say now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import EVERYTHING, Consent, Step, read_detail
from chalicelib.domain.filters import Filters
from chalicelib.domain.preferences import Preferences
from chalicelib.domain.rhythms import Rhythm, as_of, turned

_COMES = frozenset({Step.JOINED, Step.RESTORED})
_GOES = frozenset({Step.LEFT, Step.STOPPED})


@dataclass(frozen=True)
class Followed:
    """A topic as somebody followed it. `rhythm`: since when they wanted it one by one or in which digest, as their subscription has it."""

    since: datetime
    locale: str
    filters: Filters
    preferences: Preferences
    rhythm: Rhythm = ()

    def as_of(self, launched_at: datetime | None) -> Preferences:
        """The preferences that held for what was launched at a moment; for what was not, those that they had chosen."""
        return as_of(self.preferences, self.rhythm, launched_at) if launched_at else self.preferences

    def changed(self, entry: Consent, filters: Filters, preferences: Preferences) -> "Followed":
        """With what an entry says of it. When a change of rhythm counts is the rule's business."""
        return replace(self, filters=filters, preferences=preferences, rhythm=turned(self.rhythm, self.preferences, preferences, entry.at))


@dataclass(frozen=True)
class Standing:
    """What somebody followed on one channel at a moment, which of it they had left by then and when, and when they stopped everything, where that
    is what they did last."""

    follows: Mapping[str, Followed] = field(default_factory=dict)
    left: Mapping[str, datetime] = field(default_factory=dict)
    stopped: datetime | None = None


def standing_at(ledger: Iterable[Consent], channel: Channel, moment: datetime | None = None) -> Standing:
    """Replay a person's ledger, oldest first, up to a moment; all of it where none is given."""
    standing = Standing()
    for entry in ledger:
        if moment is None or entry.at <= moment:
            standing = _after(standing, entry, channel)
    return standing


def _after(standing: Standing, entry: Consent, channel: Channel) -> Standing:
    """What somebody chose for all they follow holds on every channel; all else is said of one."""
    if entry.step is Step.PREFERENCES and entry.topic == EVERYTHING:
        preferences = read_detail(entry.detail)[1]
        return replace(standing, follows={topic: one.changed(entry, one.filters, preferences) for topic, one in standing.follows.items()})
    if entry.channel is not channel:
        return standing
    if entry.step in _COMES:
        return _come(standing, entry)
    if entry.step in _GOES:
        return _gone(standing, entry)
    if entry.step is Step.LANGUAGE:
        return replace(standing, follows={topic: replace(one, locale=entry.locale) for topic, one in standing.follows.items()})
    return _chosen(standing, entry)


def _come(standing: Standing, entry: Consent) -> Standing:
    filters, preferences = read_detail(entry.detail)
    before = standing.follows.get(entry.topic)
    new = Followed(entry.at, entry.locale, filters, preferences)
    followed = replace(before, locale=entry.locale).changed(entry, filters, preferences) if before else new
    return Standing({**standing.follows, entry.topic: followed}, {topic: at for topic, at in standing.left.items() if topic != entry.topic})


def _gone(standing: Standing, entry: Consent) -> Standing:
    ended = list(standing.follows) if entry.topic == EVERYTHING else [entry.topic]
    follows = {topic: one for topic, one in standing.follows.items() if topic not in ended}
    stopped = entry.at if entry.step is Step.STOPPED else standing.stopped
    return Standing(follows, {**standing.left, **dict.fromkeys(ended, entry.at)}, stopped)


def _chosen(standing: Standing, entry: Consent) -> Standing:
    before = standing.follows.get(entry.topic)
    if before is None:
        return standing
    filters, preferences = read_detail(entry.detail)
    return replace(standing, follows={**standing.follows, entry.topic: before.changed(entry, filters, preferences)})
