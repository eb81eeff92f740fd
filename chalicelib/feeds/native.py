"""Format `notice`, and the body of `POST /v1/broadcasts`, which share their fields. The shape was held to the schema before:
here values become ours, and what a schema cannot say is checked."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import SendAt
from chalicelib.domain.locale import ENGLISH, canonical
from chalicelib.domain.notice import Act, Kind, Notice, Severity, Text, Urgency
from chalicelib.domain.strict_json import Json, pointer
from chalicelib.domain.times import parse_moment, parse_wall, parse_zone, to_ms
from chalicelib.errors import Invalid, Problem
from chalicelib.feeds.links import safe_link
from chalicelib.feeds.native_about import Steps, fingerprint_of, read_about_field, seconds_of

LATE = timedelta(minutes=1)
"""A send time that passed less long ago means now."""
FAR = timedelta(days=366)

_ACTS = {
    "notice.published": Act.PUBLISHED,
    "notice.updated": Act.UPDATED,
    "notice.cancelled": Act.CANCELLED,
    "notice.ended": Act.ENDED,
}

Fields = Mapping[str, Json]


def read_event(event: Fields, *, topics: Collection[str], areas: Collection[str], now: datetime) -> Notice:
    """The notice in an event. Raises Invalid naming the field.

    A cancelled or ended one needs no more than its `ref`; its expiry may have passed."""
    act = _ACTS[str(event["type"])]
    data = event["data"]
    fields = data if isinstance(data, dict) else {}
    if "timestamp" in event:
        parse_moment(str(event["timestamp"]), pointer("timestamp"))
    over = act in {Act.CANCELLED, Act.ENDED}
    send_at = read_send_at(fields.get("send_at"), at=("data", "send_at"), now=now)
    sent = max(now, send_at.instant) if send_at else now
    notice = read_fields(fields, at=("data",), topics=topics, areas=areas, sent=sent, over=over)
    revision = fields.get("revision")
    return replace(
        notice,
        ref=str(fields["ref"]),
        act=act,
        revision=int(revision) if isinstance(revision, int | float) else None,
        not_before=send_at.instant if send_at else None,
        ended=act is Act.ENDED,
        test=fields.get("status") == "test",
        fingerprint=f"{Act.CANCELLED}" if act is Act.CANCELLED else notice.fingerprint,
    )


def read_fields(fields: Fields, *, at: Steps = (), topics: Collection[str], areas: Collection[str] = (), sent: datetime, over: bool = False) -> Notice:
    """What is to be said at the moment `sent`, of what, to whom. Raises Invalid naming each wrong topic or area, or the first other wrong field."""
    named = _texts(fields.get("topics"))
    unknown = [Problem(pointer(*at, "topics", place), "unknown_topic", "There is no such topic.") for place, topic in enumerate(named) if topic not in topics]
    if unknown:
        raise Invalid("A topic is unknown.", problems=unknown)
    expires_at = parse_moment(str(fields["expires_at"]), pointer(*at, "expires_at")) if fields.get("expires_at") else None
    if expires_at and expires_at <= sent and not over:
        raise Invalid.field(pointer(*at, "expires_at"), "expired", "Give a moment that is still to come, after the send time.")
    about = read_about_field(fields.get("about"), at=(*at, "about"), areas=areas)
    notice = Notice(
        ref="",
        kind=Kind(str(fields.get("kind", Kind.ANNOUNCEMENT))),
        severity=Severity(str(fields.get("severity", Severity.MODERATE))),
        content=_content(fields.get("content"), (*at, "content")),
        language=ENGLISH,
        urgency=Urgency(str(fields.get("urgency", Urgency.EXPECTED))),
        topics=tuple(named),
        include_below=fields.get("include_below") is True,
        link=_link(fields.get("link"), pointer(*at, "link")),
        expires_at=expires_at,
        channels=tuple(channel for channel in Channel if channel in (_texts(fields.get("channels")) or list(Channel))),
        periods=seconds_of(about),
        about=about,
    )
    return replace(notice, fingerprint=_fingerprint(notice))


def read_send_at(value: Json, *, at: Steps = ("send_at",), now: datetime) -> SendAt | None:
    """When to send: a moment, or a wall time in a zone; None for now. Raises Invalid for one that passed, or is over a year away."""
    if value is None:
        return None
    if isinstance(value, dict):
        local, zone, offset = str(value["local"]), str(value["zone"]), value.get("offset")
        known, said = parse_zone(zone, pointer(*at, "zone")), str(offset) if offset is not None else None
        found = SendAt(parse_wall(local, known, pointer(*at, "local"), offset=said, offset_pointer=pointer(*at, "offset")), local, zone)
    else:
        found = SendAt(parse_moment(str(value), pointer(*at)))
    if found.instant < now - LATE:
        raise Invalid.field(pointer(*at), "in_the_past", "This moment has passed. Leave it out to send now.")
    if found.instant > now + FAR:
        raise Invalid.field(pointer(*at), "too_far", "This moment is more than a year away.")
    return found


def _content(value: Json, at: Steps) -> dict[str, Text]:
    """Texts by language, English first: that is the one it was written in."""
    found: dict[str, Text] = {}
    for tag, text in value.items() if isinstance(value, dict) else ():
        language = canonical(tag)
        if language in found:
            raise Invalid.field(pointer(*at, tag), "language_twice", "This language is given twice, in two spellings.")
        if isinstance(text, dict):
            found[language] = Text(str(text["title"]).strip(), str(text["body"]).strip())
    return dict(sorted(found.items(), key=lambda pair: pair[0] != ENGLISH))


def _link(value: Json, at: str) -> str | None:
    if value is None:
        return None
    link = safe_link(str(value))
    if link is None:
        raise Invalid.field(at, "bad_link", "Give a web address, such as https://example.org/page.")
    return link


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _fingerprint(notice: Notice) -> str:
    """A hash of all that readers see, and of whom it is for."""
    seen: list[object] = [
        {tag: [text.title, text.body] for tag, text in notice.content.items()},
        [notice.kind, notice.severity, notice.urgency, notice.link, to_ms(notice.expires_at) if notice.expires_at else None],
        [sorted(notice.topics), sorted(notice.channels), notice.include_below],
        *fingerprint_of(notice.about),
    ]
    return hashlib.sha256(json.dumps(seen, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
