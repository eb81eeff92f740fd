"""What to do with a notice from a source, given what that source said before under the same name."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.broadcast import Broadcast, BroadcastState, ReviewReason
from chalicelib.domain.city import Source
from chalicelib.domain.notice import Act, Notice

SILENT_SECONDS = 600
"""An end that moves by less is not worth a message."""

_UNBEGUN = frozenset({BroadcastState.AWAITING_APPROVAL, BroadcastState.NEEDS_REVIEW, BroadcastState.SCHEDULED})


class Ignored(StrEnum):
    """Why a notice goes no further."""

    TEST = "test"
    ENDED = "ended"
    EXPIRED = "expired"
    NO_TEXT = "no_text"
    NO_TOPIC = "no_topic"
    UNKNOWN = "unknown"
    OLDER_REVISION = "older_revision"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Said:
    """What a source said under a name, and when its post came in."""

    fingerprint: str
    periods: tuple[tuple[int | None, int | None], ...]
    revision: int | None
    at: datetime


@dataclass(frozen=True)
class Aim:
    """The topics that a notice is for."""

    topics: tuple[str, ...]
    include_below: bool


def notice_id(source: str, ref: str) -> str:
    """Our name for what a source calls `ref`: the same for ever."""
    return "nt_" + hashlib.sha256(f"{source}\n{ref}".encode()).hexdigest()[:32]


def judge(notice: Notice, said: Said | None, *, source: Source, known: Collection[str], now: datetime) -> Ignored | None:
    """Why this notice goes no further; None for one to be published."""
    if notice.test:
        return Ignored.TEST
    if notice.ended:
        return Ignored.ENDED
    if notice.expires_at and notice.expires_at <= now:
        return Ignored.EXPIRED
    return (_repeats(notice, said) if said else None) or _lacks(notice, said, aim(notice, source, known))


def _lacks(notice: Notice, said: Said | None, aim: Aim) -> Ignored | None:
    if notice.act is Act.CANCELLED:
        return None if said else Ignored.UNKNOWN
    if not notice.content:
        return Ignored.NO_TEXT
    return None if aim.topics else Ignored.NO_TOPIC


def _repeats(notice: Notice, said: Said) -> Ignored | None:
    if notice.revision is not None and said.revision is not None and notice.revision <= said.revision:
        return Ignored.UNCHANGED if notice.revision == said.revision else Ignored.OLDER_REVISION
    if notice.fingerprint == said.fingerprint and _same_periods(notice, said):
        return Ignored.UNCHANGED
    return None


def _same_periods(notice: Notice, said: Said) -> bool:
    """The same, but for ends that moved by less than ten minutes from what people were told."""
    if len(notice.periods) != len(said.periods):
        return False
    return all(start == before and _near(end, until) for (start, end), (before, until) in zip(notice.periods, said.periods, strict=True))


def _near(end: int | None, before: int | None) -> bool:
    if end is None or before is None:
        return end is before
    return abs(end - before) < SILENT_SECONDS


def aim(notice: Notice, source: Source, known: Collection[str]) -> Aim:
    """The topics a notice is for: those it names, those of its routes, or else the source's default.

    A notice that names no route is for everybody below the default too; one whose routes we do not know is not."""
    if notice.topics:
        return Aim(notice.topics, notice.include_below)
    mapped = tuple(dict.fromkeys(source.routes[route] for route in notice.routes if route in source.routes))
    if mapped:
        return Aim(mapped, include_below=False)
    default = source.default_topic
    return Aim((default,) if default and default in known else (), notice.include_below)


def act_of(notice: Notice, last: Broadcast | None, last_act: Act | None) -> Act:
    """First word, change or withdrawal: by what people were told, not by what the source calls it."""
    if notice.act is Act.CANCELLED:
        return Act.CANCELLED
    first = last is None or (untold(last) and last_act is Act.PUBLISHED)
    return Act.PUBLISHED if first else Act.UPDATED


def untold(last: Broadcast) -> bool:
    """Whether nobody heard of this broadcast: it waits, or was stopped before it began. After a restore nobody can say so."""
    waits = last.state in {BroadcastState.DRAFT, *_UNBEGUN} and not (last.review and last.review.reason is ReviewReason.RESTORED)
    return waits or (last.state is BroadcastState.STOPPED and last.counts is None)


def overtaken(last: Broadcast) -> bool:
    """Whether somebody could still get this broadcast, and so a newer word must stop it. Not what a person sets right: whoever got the wrong one is to
    know, and may follow no longer."""
    return last.stop_at is None and last.audience.corrects is None and last.state in {*_UNBEGUN, BroadcastState.SENDING}


def remembered(notice: Notice, at: datetime) -> Said:
    """What to compare the next post with."""
    return Said(notice.fingerprint, notice.periods, notice.revision, at)
