"""Posting: what a caller is told of a broadcast it asked for, now or again, and what that comes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Audience, BroadcastState, Content, Review, needs_second_person
from chalicelib.domain.preview import Headcount, Preview, cost, finish
from chalicelib.domain.times import spoken
from chalicelib.errors import Conflict, Invalid, StateContended
from chalicelib.flows.services import Services
from chalicelib.flows.weighing import parts_of
from chalicelib.store.requests import Answered

CURRENCY = "USD"


@dataclass(frozen=True)
class Posted:
    """The answer, and whether it is the first one again."""

    answer: Mapping[str, object]
    replayed: bool = False


def replay(before: Answered, body_hash: str) -> Posted:
    """The first answer again. Raises Invalid where the body was another."""
    if before.body_hash != body_hash:
        raise Invalid("This Idempotency-Key came before with another body.", code="key_reused")
    return Posted(before.answer, replayed=True)


def refuse_in_flight(contended: StateContended) -> None:
    """Raise Conflict where others are writing the row of this very request, which leads its transaction."""
    if 0 in contended.at:
        raise Conflict("A request with this Idempotency-Key is being worked on.", code="in_flight") from None


def estimate(preview: Preview) -> dict[str, object]:
    """What sending comes to, as the API says it."""
    finishes_at = (preview.finishes_at + timedelta(microseconds=999_999)).replace(microsecond=0)
    return {
        "audience": {str(channel): count for channel, count in preview.headcount.channels.items()},
        "audience_exact": preview.headcount.exact,
        "parts": dict(preview.parts),
        "cost": {"micros": preview.cost_micros, "currency": CURRENCY},
        "finishes_at": spoken(finishes_at),
    }


def review_told(review: Review) -> dict[str, object]:
    """Why a broadcast waits for a person, as the API says it."""
    return {"reason": str(review.reason), "at": spoken(review.at), **review.numbers}


def state_of(preview: Preview) -> BroadcastState:
    """Whether a second person has to look first."""
    waits = needs_second_person(urgent=preview.content.urgent, people=preview.headcount.people)
    return BroadcastState.AWAITING_APPROVAL if waits else BroadcastState.SCHEDULED


def weigh(content: Content, audience: Audience, headcount: Headcount, starts_at: datetime, *, services: Services) -> Preview:
    """What telling these people comes to. Every language of the content, and of its readers, is rendered: what cannot be raises RenderFailed."""
    parts = parts_of(content, headcount, services=services) if Channel.SMS in audience.channels else {}
    return Preview(
        content=content,
        audience=audience,
        headcount=headcount,
        parts={language: parts[language] for language in content.texts if language in parts},
        cost_micros=cost(headcount, parts, services.sms_price_micros),
        starts_at=starts_at,
        finishes_at=finish(headcount, services.pace, starts_at),
    )
