"""Rhythms: since when somebody's notices come one by one, or in the digest of which slot; and from that, which digest tells them of what.

A notice belongs to the rhythm that its holder had when it was launched, whoever asks and whenever: planning asks, and each digest asks. So nothing is
told twice, and nothing is lost, whatever somebody changes meanwhile; docs/decisions/0026-digests-are-broadcasts.md says why that holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chalicelib.domain.digests import KEPT, MARGIN, Slot, last_due, slot_of
from chalicelib.domain.preferences import Digest, Preferences
from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import from_ms, to_ms

SOON = MARGIN
"""A change counts so much after it was made: by then it is written, so that all who plan what is launched later read it."""
SKEW = timedelta(seconds=10)
"""Our clocks may be so far apart."""
MOST = 12
"""Stretches that one subscription remembers; whoever changes more often in ten days loses what waited in the first of them."""
EVER = from_ms(0)
_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Stretch:
    """From `since` on, notices came in the digest of this slot; without one, one by one."""

    slot: Slot | None
    since: datetime


Rhythm = tuple[Stretch, ...]
"""Stretches, oldest first; the last is the present one. Empty: as the preferences say, since ever."""


@dataclass(frozen=True)
class Period:
    """What one digest tells of: what was launched after `after` and up to `until`. `first`: its slot had none before, so nobody in it was told."""

    after: datetime
    until: datetime
    first: bool = False


Span = tuple[datetime, datetime]
"""After the one, up to the other."""


def present(rhythm: Rhythm, preferences: Preferences) -> Rhythm:
    """The rhythm, complete. One that does not end with what the preferences say is believed in nothing."""
    slot = slot_of(preferences)
    return rhythm if rhythm and rhythm[-1].slot == slot else (Stretch(slot, EVER),)


def begun(preferences: Preferences, now: datetime) -> Rhythm:
    """That of whoever joins: what was said before is not their business."""
    slot = slot_of(preferences)
    return (Stretch(slot, now),) if slot else ()


def turned(rhythm: Rhythm, before: Preferences, after: Preferences, now: datetime) -> Rhythm:
    """The rhythm of somebody who had these preferences before and has those after. What they chose a moment ago and has not begun was never."""
    first, *rest = present(rhythm, before)
    slot, kept = slot_of(after), [first, *(one for one in rest if one.since <= now + SKEW)]
    if kept[-1].slot != slot:
        kept.append(Stretch(slot, now + SOON))
    lasting = lately(tuple(kept), now)[-MOST:]
    plain = len(lasting) == 1 and lasting[0].slot is None
    return () if plain else lasting


def lately(rhythm: Rhythm, now: datetime) -> Rhythm:
    """The stretches that lasted until lately, of which something may still wait; the present one always."""
    ends = [*(one.since for one in rhythm[1:]), _FOREVER]
    return tuple(one for one, end in zip(rhythm, ends, strict=True) if end > now - KEPT)


def carries(rhythm: Rhythm) -> bool:
    """Whether the present slot is to tell of what waited in another."""
    return len(rhythm) > 1 and rhythm[-1].slot is not None and rhythm[-2].slot is not None


def as_of(preferences: Preferences, rhythm: Rhythm, moment: datetime) -> Preferences:
    """The preferences, with the rhythm that was theirs for what was launched at a moment."""
    if len(rhythm) < 2:
        return preferences
    slot = slot_at(present(rhythm, preferences), moment)
    return replace(preferences, digest=slot.digest if slot else Digest.NOW)


def slot_at(rhythm: Rhythm, moment: datetime) -> Slot | None:
    """The slot for what was launched at a moment; None: one by one."""
    return next((one for one in reversed(rhythm) if one.since < moment), rhythm[0]).slot


def spans(rhythm: Rhythm, slot: Slot, period: Period, zone: ZoneInfo) -> list[Span]:
    """What a digest of this slot and period tells somebody of, by when it was launched. Whoever came within the period is told of what waited for
    them, all others of what was said in it. `zone` is the city's."""
    found: list[Span] = []
    for one, start, end in _shares(rhythm, zone):
        if one.slot == slot and one.since <= period.until:
            came = one.since > period.after or (period.first and one.since != EVER)
            lower, upper = start if came else period.after, min(period.until, end)
            found += [(lower, upper)] if lower < upper else []
    return found


def owes(rhythm: Rhythm, slot: Slot, after: datetime, zone: ZoneInfo) -> bool:
    """Whether digests of this slot have to tell them of anything that was launched after a moment."""
    return any(one.slot == slot and start < end and end > after for one, start, end in _shares(rhythm, zone))


def slots_of(rhythm: Rhythm) -> list[Slot]:
    """Every slot in whose roster they may have to stand, the present one last."""
    return list(dict.fromkeys(one.slot for one in reversed(rhythm) if one.slot))[::-1]


def _shares(rhythm: Rhythm, zone: ZoneInfo) -> Iterator[tuple[Stretch, datetime, datetime]]:
    """Each stretch in a digest, and what its own slot tells of: from when, up to when.

    Whoever goes on to another slot is told there of all that came after the old one last went; where it did not come round since they came, of what
    they had brought along too. Whoever goes back to one by one is told of the rest when the old slot comes round next. When a slot last went is
    reckoned by the calendar alone, with what falls due before the change counts as gone: so each reader finds the same, before and after."""
    waiting: datetime | None = None
    for number, one in enumerate(rhythm):
        then = rhythm[number + 1] if number + 1 < len(rhythm) else None
        start, waiting = waiting or one.since, None
        if one.slot is None:
            continue
        if then is None or then.slot is None:
            end = then.since if then else _FOREVER
        else:
            went = last_due(one.slot, zone, then.since) - MARGIN
            end = waiting = went if went >= one.since else start
        yield one, start, end


def rhythm_values(rhythm: Rhythm) -> list[Json]:
    """What `read_rhythm` reads."""
    return [[one.slot.name if one.slot else "", to_ms(one.since)] for one in rhythm]


def read_rhythm(values: object) -> Rhythm:
    """The rhythm that `rhythm_values` wrote. One with a zone that no clock knows (any more) is believed in nothing."""
    found = values if isinstance(values, list) else []
    try:
        return tuple(_read(one) for one in found)
    except (ZoneInfoNotFoundError, ValueError):
        return ()


def _read(values: Sequence[object]) -> Stretch:
    name, since = str(values[0]), int(str(values[1]))
    slot = Slot.read(name) if name else None
    if slot and slot.zone:
        ZoneInfo(slot.zone)
    return Stretch(slot, from_ms(since))
