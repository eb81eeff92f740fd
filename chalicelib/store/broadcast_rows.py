"""How broadcasts are written down: `B#<id>` / `BROADCAST` (who, when, to whom, where it stands) and `B#<id>` / `CONTENT` (what it says; never
changes).

While a broadcast has work to come it is in the index: `open` = BROADCAST, `due` = when the sweep should look.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.about import NOTHING_SAID, about_values, read_about
from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Approval, Audience, Broadcast, BroadcastState, Content, Review, ReviewReason, SendAt
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Key, Value, Values

OPEN = "BROADCAST"
KEPT = timedelta(days=731)
"""Notices a city sent are public record for two years."""


def broadcast_key(broadcast: str) -> Key:
    """Where a broadcast is kept."""
    return Key(f"B#{broadcast}", "BROADCAST")


def content_key(broadcast: str) -> Key:
    """Where its content is kept."""
    return Key(f"B#{broadcast}", "CONTENT")


def read_broadcast(values: Values) -> Broadcast:
    """The broadcast a row holds."""
    approval, stop_at, ended_at, counts, planned = (values.get(name) for name in ("approval", "stop_at", "ended_at", "counts", "planned"))
    review, waived = values.get("review"), values.get("waived")
    return Broadcast(
        id=_text(values, "id"),
        state=BroadcastState(_text(values, "state")),
        author=_text(values, "author"),
        created_at=_moment(values, "created_at"),
        send_at=SendAt(_moment(values, "send_at"), _maybe(values, "send_local"), _maybe(values, "send_zone")),
        audience=Audience(
            topics=_texts(values, "topics"),
            reached=_texts(values, "reached"),
            channels=tuple(Channel(name) for name in _texts(values, "channels")),
            include_below=bool(values["include_below"]),
            corrects=_maybe(values, "corrects"),
            digest=_maybe(values, "digest"),
        ),
        urgent=bool(values["urgent"]),
        expires_at=_moment(values, "expires_at"),
        content_hash=_text(values, "content_hash"),
        approval=_read_approval(approval) if isinstance(approval, Mapping) else None,
        stop_at=from_ms(stop_at) if isinstance(stop_at, int) else None,
        ended_at=from_ms(ended_at) if isinstance(ended_at, int) else None,
        counts=counts if isinstance(counts, Mapping) else None,
        counted_at=_moment(values, "counted_at") if "counted_at" in values else None,
        planned={str(name): int(str(count)) for name, count in planned.items()} if isinstance(planned, Mapping) else None,
        corrected_by=_maybe(values, "corrected_by"),
        due=_moment(values, "due") if "due" in values else None,
        review=_read_review(review) if isinstance(review, Mapping) else None,
        waived=frozenset(str(one) for one in waived) if isinstance(waived, frozenset) else frozenset(),
        launched_at=_moment(values, "launched") if "launched" in values else None,
    )


def read_content(values: Values) -> Content:
    """The content a row holds."""
    texts = values["texts"]
    assert isinstance(texts, Mapping)  # noqa: S101 - written by content_values only
    return Content(
        notice=_text(values, "notice"),
        revision=int(_text(values, "revision")),
        act=Act(_text(values, "act")),
        kind=Kind(_text(values, "kind")),
        severity=Severity(_text(values, "severity")),
        urgency=Urgency(_text(values, "urgency")),
        texts={tag: Text(_text(text, "title"), _text(text, "body"), _maybe(text, "link")) for tag, text in texts.items() if isinstance(text, Mapping)},
        language=_text(values, "language"),
        link=_maybe(values, "link"),
        starts_at=_moment(values, "starts_at") if "starts_at" in values else None,
        expires_at=_moment(values, "expires_at"),
        about=read_about(json.loads(_text(values, "about"))) if "about" in values else NOTHING_SAID,
        worst=Severity(_text(values, "worst")) if "worst" in values else None,
        items=_texts(values, "items") if "items" in values else (),
    )


def broadcast_values(one: Broadcast) -> Values:
    """A broadcast as its row has it."""
    values: dict[str, Value] = {
        "id": one.id,
        "state": str(one.state),
        "author": one.author,
        "created_at": to_ms(one.created_at),
        "send_at": to_ms(one.send_at.instant),
        "topics": list(one.audience.topics),
        "reached": list(one.audience.reached),
        "channels": [str(channel) for channel in one.audience.channels],
        "include_below": one.audience.include_below,
        "urgent": one.urgent,
        "expires_at": to_ms(one.expires_at),
        "content_hash": one.content_hash,
        "ttl": leaves_at(one),
    }
    if one.send_at.local and one.send_at.zone:
        values |= {"send_local": one.send_at.local, "send_zone": one.send_at.zone}
    if one.planned:
        values["planned"] = dict(one.planned)
    if one.audience.corrects:
        values["corrects"] = one.audience.corrects
    if one.audience.digest:
        values["digest"] = one.audience.digest
    if one.approval:
        values |= {"approved_hash": one.approval.hash, "approval": approval_values(one.approval)}
    if one.review:
        values["review"] = review_values(one.review)
    if one.state is BroadcastState.SCHEDULED:
        values |= {"open": OPEN, "due": to_ms(one.send_at.instant)}
    return values


def content_values(one: Content) -> dict[str, Value]:
    """A content as its row has it."""
    values: dict[str, Value] = {
        "notice": one.notice,
        "revision": one.revision,
        "act": str(one.act),
        "kind": str(one.kind),
        "severity": str(one.severity),
        "urgency": str(one.urgency),
        "texts": {tag: _text_values(text) for tag, text in one.texts.items()},
        "language": one.language,
        "expires_at": to_ms(one.expires_at),
    }
    if one.link:
        values["link"] = one.link
    if one.starts_at:
        values["starts_at"] = to_ms(one.starts_at)
    if one.items:
        values["items"] = list(one.items)
    if one.worst:
        values["worst"] = str(one.worst)
    about = about_values(one.about)
    if about:
        values["about"] = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    return values


def approval_values(approval: Approval) -> Values:
    """An approval as a row has it."""
    return {"by": approval.by, "rule": approval.rule, "hash": approval.hash, "at": to_ms(approval.at)}


def review_values(review: Review) -> Values:
    """A review as a row has it."""
    return {"reason": str(review.reason), "at": to_ms(review.at), "numbers": dict(review.numbers)}


def leaves_at(broadcast: Broadcast) -> int:
    """The time-to-live of all its rows."""
    return int((broadcast.created_at + KEPT).timestamp())


def _text_values(text: Text) -> Values:
    return {"title": text.title, "body": text.body} | ({"link": text.link} if text.link else {})


def _read_approval(values: Values) -> Approval:
    return Approval(_text(values, "by"), _text(values, "rule"), _text(values, "hash"), _moment(values, "at"))


def _read_review(values: Values) -> Review:
    numbers = values["numbers"]
    found = {name: one for name, one in numbers.items() if isinstance(one, int | str)} if isinstance(numbers, Mapping) else {}
    return Review(ReviewReason(_text(values, "reason")), _moment(values, "at"), found)


def _text(values: Values, name: str) -> str:
    return str(values[name])


def _maybe(values: Values, name: str) -> str | None:
    return str(values[name]) if values.get(name) else None


def _texts(values: Values, name: str) -> tuple[str, ...]:
    found = values[name]
    return tuple(str(one) for one in found) if isinstance(found, Sequence) and not isinstance(found, str | bytes) else ()


def _moment(values: Values, name: str) -> datetime:
    return from_ms(int(_text(values, name)))
