"""Broadcasts: the act of sending one notice to one audience."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.about import NOTHING_SAID, About, about_values
from chalicelib.domain.address import Channel
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency, is_urgent
from chalicelib.domain.times import to_ms

APPROVAL_ABOVE = 5000
"""More recipients than this need a second person."""


class BroadcastState(StrEnum):
    """Where a broadcast stands."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    COMPLETED = "completed"
    STOPPED = "stopped"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True)
class Content:
    """What a broadcast says. Never changes once the broadcast exists. `worst` is the worst that was said of its notice before: whoever was told of
    that is told how it goes on. `items` are the broadcasts that a digest tells of, newest first."""

    notice: str
    revision: int
    act: Act
    kind: Kind
    severity: Severity
    urgency: Urgency
    texts: Mapping[str, Text]
    language: str
    link: str | None
    starts_at: datetime | None
    expires_at: datetime
    about: About = NOTHING_SAID
    worst: Severity | None = None
    items: tuple[str, ...] = ()

    @property
    def urgent(self) -> bool:
        """Whether it may wake people."""
        return is_urgent(self.kind, self.severity, self.urgency)


@dataclass(frozen=True)
class Audience:
    """Whom a broadcast is for: the topics named, and those whose followers that reaches. With `corrects`, the name of another broadcast:
    exactly those who got that one, or may have; the topics are its topics, and nobody is chosen by them. With `digest`, the name of a slot: those
    who take these topics' notices together then."""

    topics: tuple[str, ...]
    reached: tuple[str, ...]
    channels: tuple[Channel, ...]
    include_below: bool = False
    corrects: str | None = None
    digest: str | None = None


@dataclass(frozen=True)
class Approval:
    """Who approved what: the rule `routine` needs no second person."""

    by: str
    rule: str
    hash: str
    at: datetime


class ReviewReason(StrEnum):
    """Why a broadcast waits for a person to look."""

    AUDIENCE_CHANGED = "audience_changed"
    LATE = "late"
    DUPLICATE = "duplicate"
    SOURCE_PAUSED = "source_paused"
    SOURCE_BROADCASTS = "source_broadcasts"
    SOURCE_RECIPIENTS = "source_recipients"
    SPEND = "spend"
    RESTORED = "restored"


@dataclass(frozen=True)
class Review:
    """Why a broadcast waits, since when, and the numbers and names that say so."""

    reason: ReviewReason
    at: datetime
    numbers: Mapping[str, int | str]


@dataclass(frozen=True)
class SendAt:
    """When, as typed (wall time and zone) and as the instant it means."""

    instant: datetime
    local: str | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Broadcast:
    """The act of sending: who, when, to whom, and where it stands. While it is scheduled, `due` is when it is to be launched, `launched_at` when it
    was; `review` says why it waits for a person, and `waived` what persons let it go in spite of."""

    id: str
    state: BroadcastState
    author: str
    created_at: datetime
    send_at: SendAt
    audience: Audience
    urgent: bool
    expires_at: datetime
    content_hash: str
    approval: Approval | None = None
    stop_at: datetime | None = None
    counts: Mapping[str, object] | None = None
    counted_at: datetime | None = None
    ended_at: datetime | None = None
    planned: Mapping[str, int] | None = None
    corrected_by: str | None = None
    due: datetime | None = None
    review: Review | None = None
    waived: frozenset[str] = frozenset()
    launched_at: datetime | None = None

    @property
    def said_at(self) -> datetime:
        """When it was launched; of one that was not, when it was to be."""
        return self.launched_at or self.send_at.instant

    @property
    def lane(self) -> str:
        """The lane its jobs and batches use."""
        return "urgent" if self.urgent else "routine"


def hash_of(content: Content, audience: Audience) -> str:
    """What an approval vouches for: every word, link and date (as they are kept, to the millisecond), and everybody it is for."""
    corrects, about = [audience.corrects] if audience.corrects else [], about_values(content.about)
    said = {
        "notice": [content.notice, content.revision, content.act, content.kind, content.severity, content.urgency, content.language, content.link],
        "texts": {tag: [text.title, text.body, text.link] for tag, text in content.texts.items()},
        "times": [to_ms(content.starts_at) if content.starts_at else None, to_ms(content.expires_at)],
        "audience": [sorted(audience.topics), sorted(audience.reached), sorted(audience.channels), audience.include_below, *corrects],
        **({"about": about} if about else {}),
        **({"worst": content.worst} if content.worst else {}),
        **({"digest": [audience.digest, *content.items]} if audience.digest else {}),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def needs_second_person(*, urgent: bool, people: int) -> bool:
    """Whether somebody other than the author must approve."""
    return urgent or people > APPROVAL_ABOVE
