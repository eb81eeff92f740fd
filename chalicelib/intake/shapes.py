"""Our values in the API's shapes."""

import re
from collections.abc import Mapping
from datetime import datetime

from chalicelib.domain.about import About, about_values
from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Approval, Broadcast, BroadcastState, Content
from chalicelib.domain.counts import Unread
from chalicelib.domain.message import EmailMessage, SmsMessage
from chalicelib.domain.preview import Preview
from chalicelib.domain.times import spoken
from chalicelib.flows.posting import review_told
from chalicelib.flows.progress import counts_of
from chalicelib.flows.services import Services

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def broadcast_line(one: Broadcast) -> dict[str, object]:
    """A broadcast in a list."""
    return {
        "id": one.id,
        "state": str(one.state),
        "author": one.author,
        "created_at": spoken(one.created_at),
        "send_at": {"instant": spoken(one.send_at.instant), "local": one.send_at.local, "zone": one.send_at.zone},
        "topics": list(one.audience.topics),
        "include_below": one.audience.include_below,
        "channels": [str(channel) for channel in one.audience.channels],
        "urgent": one.urgent,
        "expires_at": spoken(one.expires_at),
        "content_hash": one.content_hash,
        "audience": dict(one.planned or {}),
        "approval": _approval(one.approval) if one.approval else None,
        "review": review_told(one.review) if one.review and one.state is BroadcastState.NEEDS_REVIEW else None,
        "stop_at": _maybe(one.stop_at),
        "ended_at": _maybe(one.ended_at),
        "corrects": one.audience.corrects,
        "corrected_by": one.corrected_by,
    }


def broadcast_whole(one: Broadcast, content: Content, unread: Unread | None) -> dict[str, object]:
    """A broadcast with what it says, where its deliveries stand, and whom a stop left unread."""
    return broadcast_line(one) | {
        "notice": content.notice,
        "revision": content.revision,
        "act": str(content.act),
        "kind": str(content.kind),
        "severity": str(content.severity),
        "urgency": str(content.urgency),
        "content": {tag: {"title": text.title, "body": text.body, "link": text.link} for tag, text in content.texts.items()},
        "link": content.link,
        "about": _about(content.about),
        "counts": counts_of(one),
        "not_read": {str(channel): count for channel, count in unread.channels.items()} if unread else None,
        "not_read_exact": unread.exact if unread else None,
    }


def messages(preview: Preview, services: Services) -> dict[str, object]:
    """Every message of a preview, by channel and language: the languages of the content, then the city's others."""
    renderer, content, channels = services.renderer(), preview.content, preview.audience.channels
    languages = list(dict.fromkeys([*content.texts, *services.city.languages]))
    made: dict[str, object] = {}
    if Channel.SMS in channels:
        made["sms"] = {language: _text(renderer.sms(content, language)) for language in languages}
    if Channel.EMAIL in channels:
        topic = preview.audience.topics[0]
        made["email"] = {language: _email(renderer.email(content, language, topic)) for language in languages}
    if Channel.KIOSK in channels:
        made["kiosk"] = dict(renderer.kiosk(content, "").envelope)
    return made


def _text(message: SmsMessage) -> Mapping[str, object]:
    return {"body": message.body, "parts": message.parts, "encoding": message.encoding}


def _email(message: EmailMessage) -> Mapping[str, object]:
    """With its placeholders filled; the personal links are left empty."""
    return {name: _PLACEHOLDER.sub(lambda gap: message.values.get(gap[1], ""), text) for name, text in _parts(message).items()}


def _parts(message: EmailMessage) -> dict[str, str]:
    return {"subject": message.subject, "text": message.text, "html": message.html}


def _approval(one: Approval) -> Mapping[str, object]:
    return {"by": one.by, "rule": one.rule, "hash": one.hash, "at": spoken(one.at)}


def _about(one: About) -> Mapping[str, object] | None:
    """As it is posted, and `estimated` where a feed guesses when it ends."""
    values: dict[str, object] = dict(about_values(one))
    if one.periods:
        values["periods"] = [{"start": _maybe(period.start), "end": _maybe(period.end)} for period in one.periods]
    return values or None


def _maybe(moment: datetime | None) -> str | None:
    return spoken(moment) if moment else None
