"""What a broadcast would come to: whom it reaches, how many parts, what it costs, when it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.alerts import Aim
from chalicelib.domain.broadcast import Audience, Content
from chalicelib.domain.notice import Act, Notice
from chalicelib.domain.topic import reached

SHOWN_FOR = timedelta(hours=24)
"""How long a notice holds if nobody said."""


@dataclass(frozen=True)
class Headcount:
    """Who follows: recipients per channel, and of texts per locale. `people` are those on a phone or in an inbox, each once."""

    people: int
    channels: Mapping[Channel, int]
    texts: Mapping[str, int]
    exact: bool


@dataclass(frozen=True)
class Preview:
    """What sending comes to. `parts` is per language of the content."""

    content: Content
    audience: Audience
    headcount: Headcount
    parts: Mapping[str, int]
    cost_micros: int
    starts_at: datetime
    finishes_at: datetime


def content_of(notice: Notice, *, id: str, revision: int, act: Act, now: datetime) -> Content:
    """What a broadcast of this notice says. Without an expiry it holds for 24 hours from its sending."""
    sent = max(now, notice.not_before or now)
    return Content(
        notice=id,
        revision=revision,
        act=act,
        kind=notice.kind,
        severity=notice.severity,
        urgency=notice.urgency,
        texts=notice.content,
        language=notice.language,
        link=notice.link,
        starts_at=notice.starts_at,
        expires_at=notice.expires_at or sent + SHOWN_FOR,
        about=notice.about,
    )


def audience_of(notice: Notice, aim: Aim, known: Mapping[str, object]) -> Audience:
    """Whom a broadcast of this notice is for."""
    followers = reached(aim.topics, known, include_below=aim.include_below)
    return Audience(aim.topics, tuple(followers), notice.channels, aim.include_below)


def finish(headcount: Headcount, pace: Mapping[Channel, int], starts_at: datetime) -> datetime:
    """When the slowest channel has handed over its last message. A channel without a pace does not wait."""
    seconds = [count / pace[channel] for channel, count in headcount.channels.items() if pace.get(channel)]
    return starts_at + timedelta(seconds=max(seconds, default=0))


def cost(headcount: Headcount, parts: Mapping[str, int], price_micros: int) -> int:
    """What the texts cost, in millionths: recipients of each locale times its parts."""
    return sum(count * parts[locale] for locale, count in headcount.texts.items()) * price_micros
