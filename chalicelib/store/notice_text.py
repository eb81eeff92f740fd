"""Notices as JSON, while they wait to be published."""

from collections.abc import Mapping
from datetime import datetime

from chalicelib.domain.about import NOTHING_SAID, About, about_values, read_about
from chalicelib.domain.address import Channel
from chalicelib.domain.notice import Act, Kind, Notice, Severity, Text, Urgency
from chalicelib.domain.times import from_ms, to_ms


def write_notice(one: Notice) -> dict[str, object]:
    """A notice as JSON values."""
    return {
        "ref": one.ref,
        "kind": one.kind,
        "severity": one.severity,
        "content": {tag: [text.title, text.body, text.link] for tag, text in one.content.items()},
        "language": one.language,
        "urgency": one.urgency,
        "act": one.act,
        "revision": one.revision,
        "topics": list(one.topics),
        "routes": list(one.routes),
        "include_below": one.include_below,
        "link": one.link,
        "starts_at": _ms(one.starts_at),
        "expires_at": _ms(one.expires_at),
        "not_before": _ms(one.not_before),
        "ended": one.ended,
        "fingerprint": one.fingerprint,
        "periods": [list(period) for period in one.periods],
        "channels": list(one.channels),
        "about": about_values(one.about),
    }


def read_notice(values: Mapping[str, object]) -> Notice:
    """The notice that `write_notice` wrote. A test is never written."""
    content = values["content"]
    assert isinstance(content, Mapping)  # noqa: S101 - written above only
    return Notice(
        ref=_text(values, "ref"),
        kind=Kind(_text(values, "kind")),
        severity=Severity(_text(values, "severity")),
        content={tag: Text(text[0], text[1], text[2]) for tag, text in content.items()},
        language=_text(values, "language"),
        urgency=Urgency(_text(values, "urgency")),
        act=Act(_text(values, "act")),
        revision=_whole(values["revision"]),
        topics=_texts(values, "topics"),
        routes=_texts(values, "routes"),
        include_below=bool(values["include_below"]),
        link=_text(values, "link") if values["link"] else None,
        starts_at=_moment(values["starts_at"]),
        expires_at=_moment(values["expires_at"]),
        not_before=_moment(values["not_before"]),
        ended=bool(values["ended"]),
        fingerprint=_text(values, "fingerprint"),
        periods=tuple((_whole(start), _whole(end)) for start, end in _list(values, "periods")),
        channels=tuple(Channel(name) for name in _texts(values, "channels")),
        about=_about(values.get("about")),
    )


def _about(value: object) -> About:
    return read_about(value) if isinstance(value, dict) else NOTHING_SAID


def _ms(moment: datetime | None) -> int | None:
    return to_ms(moment) if moment else None


def _moment(value: object) -> datetime | None:
    return from_ms(value) if isinstance(value, int) else None


def _text(values: Mapping[str, object], name: str) -> str:
    return str(values[name])


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _list(values: Mapping[str, object], name: str) -> list[tuple[object, object]]:
    found = values[name]
    return [(one[0], one[1]) for one in found] if isinstance(found, list) else []


def _texts(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    found = values[name]
    return tuple(str(one) for one in found) if isinstance(found, list) else ()
