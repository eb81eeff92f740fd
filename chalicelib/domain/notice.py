"""Notices: what the city says. Content, not an act; sending one is a broadcast."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.about import NOTHING_SAID, About
from chalicelib.domain.address import Channel


class Kind(StrEnum):
    """What a notice is about."""

    TRANSIT = "transit"
    EVENT = "event"
    JOB = "job"
    ANNOUNCEMENT = "announcement"
    EMERGENCY = "emergency"


class Severity(StrEnum):
    """How bad, in CAP's words."""

    EXTREME = "extreme"
    SEVERE = "severe"
    MODERATE = "moderate"
    MINOR = "minor"


class Urgency(StrEnum):
    """How soon to act, in CAP's words."""

    IMMEDIATE = "immediate"
    EXPECTED = "expected"
    FUTURE = "future"


class Act(StrEnum):
    """What a revision does: first word, change, withdrawal, end, or setting right what was wrong."""

    PUBLISHED = "published"
    UPDATED = "updated"
    CANCELLED = "cancelled"
    ENDED = "ended"
    CORRECTED = "corrected"


@dataclass(frozen=True)
class Text:
    """Title and body in one locale. `link` overrides the notice's link for readers of this locale."""

    title: str
    body: str
    link: str | None = None


@dataclass(frozen=True)
class Notice:
    """What a source says, as parsed: not yet checked against what was said before.

    `ref` is the source's own name for it; `content` maps a locale to its text, first the one it was written in;
    `language` is that locale. `routes` are the source's own route names, still to be mapped to topics. `fingerprint` is a
    hash of what readers see, and `periods` the (from, until) in POSIX seconds in which it holds: together they tell whether
    it changed. Nothing is said of it before `not_before`."""

    ref: str
    kind: Kind
    severity: Severity
    content: Mapping[str, Text]
    language: str
    urgency: Urgency = Urgency.EXPECTED
    act: Act = Act.PUBLISHED
    revision: int | None = None
    topics: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    include_below: bool = False
    link: str | None = None
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    ended: bool = False
    test: bool = False
    not_before: datetime | None = None
    fingerprint: str = ""
    periods: tuple[tuple[int | None, int | None], ...] = ()
    channels: tuple[Channel, ...] = field(default=(Channel.SMS, Channel.EMAIL, Channel.KIOSK))
    about: About = NOTHING_SAID


def is_urgent(kind: Kind, severity: Severity, urgency: Urgency) -> bool:
    """Whether a notice may wake people and pass quiet hours."""
    return kind is Kind.EMERGENCY or (severity in {Severity.SEVERE, Severity.EXTREME} and urgency is Urgency.IMMEDIATE)
