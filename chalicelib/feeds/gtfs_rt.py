"""Format `gtfs-rt`: a GTFS-realtime feed of service alerts, protobuf or JSON → notices. Entities that are no alerts are skipped.

The feed is pushed to us, so an alert that is not in it is no evidence of an end; a DIFFERENTIAL feed is read like a full one.
Effect NO_EFFECT is no end either: publishers use it for news as well as for "it is over", and their text says which.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.city import Source
from chalicelib.domain.locale import canonical
from chalicelib.domain.notice import Notice, Severity, Text, Urgency
from chalicelib.domain.times import to_ms
from chalicelib.feeds.gtfs_about import Span, about, activities
from chalicelib.feeds.gtfs_shapes import EFFECTS, LEVELS, Entity, Fields, fields, from_json, from_protobuf, name_of, rows, second, text, translations, whole
from chalicelib.feeds.links import safe_link
from chalicelib.feeds.plain import MOST_BODY, MOST_TITLE, first_sentence, one_line, shortened, whole_title

PROTOBUF_TYPES = ("application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf", "application/octet-stream")
JSON_TYPES = ("application/json",)

MOST_LANGUAGES = 20
_LEVELS = {"SEVERE": Severity.SEVERE, "WARNING": Severity.MODERATE, "INFO": Severity.MINOR}
# MBTA's severity of 0 to 10, in steps of "at least".
_SCALE = ((9, Severity.EXTREME), (7, Severity.SEVERE), (5, Severity.MODERATE), (0, Severity.MINOR))
_HIGH_PRIORITY = 10
"""On that scale: told at any hour. Source: T-Alerts."""


def read_feed(body: bytes, *, media_type: str, source: Source, now: datetime) -> list[Notice]:
    """The alerts of a feed, each id once. Text without a language is in the source's. Raises Malformed."""
    entities = from_json(body) if media_type in JSON_TYPES else from_protobuf(body)
    first = {entity.id: entity for entity in reversed(entities)}
    return [_notice(entity, source, now) for entity in entities if first[entity.id] is entity]


def _notice(entity: Entity, source: Source, now: datetime) -> Notice:
    alert = entity.alert
    when = _when(alert, to_ms(now) // 1000)
    content = _content(alert, source.language)
    routes = _routes(alert)
    return Notice(
        ref=entity.id,
        kind=source.kind,
        severity=_severity(alert),
        content=content,
        language=source.language if source.language in content else next(iter(content), source.language),
        urgency=Urgency.IMMEDIATE if whole(alert.get("severity")) == _HIGH_PRIORITY else Urgency.EXPECTED,
        routes=routes,
        include_below=not routes,
        link=_link(alert, source.language),
        starts_at=_moment(when.starts),
        expires_at=_moment(when.ends),
        not_before=_moment(when.not_before),
        ended=entity.deleted or when.over,
        fingerprint=_fingerprint(alert, content),
        periods=when.periods,
        about=about(alert, when.affected),
    )


# --- when ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _When:
    """What an alert's periods come to at one moment."""

    over: bool
    not_before: int | None
    starts: int | None
    ends: int | None
    periods: tuple[Span, ...]
    affected: tuple[Span, ...]


def _when(alert: Fields, now: int) -> _When:
    """Communication periods say when to tell, impact periods when service is affected. The deprecated active period counts
    only where neither is given, and as an impact: what is planned is told as soon as it is known."""
    telling, impact = _periods(alert, "communicationperiod"), _periods(alert, "impactperiod")
    if not telling and not impact:
        impact = _periods(alert, "activeperiod")
    closed = second(alert.get("closedtimestamp")) is not None
    return _When(
        over=closed or _past(telling, now) or _past(impact, now),
        not_before=None if not telling or any(_covers(period, now) for period in telling) else _next_start(telling, now),
        starts=_next_start([period for period in impact if not _past([period], now)], None),
        ends=_last_end(telling or impact),
        periods=tuple(sorted({*telling, *impact}, key=_order)),
        affected=tuple(impact),
    )


def _periods(alert: Fields, name: str) -> list[Span]:
    return [(second(row.get("start")), second(row.get("end"))) for row in rows(alert.get(name))]


def _past(periods: Sequence[Span], now: int) -> bool:
    return bool(periods) and all(end is not None and end <= now for _, end in periods)


def _covers(period: Span, now: int) -> bool:
    return (period[0] or 0) <= now and (period[1] is None or now < period[1])


def _next_start(periods: Sequence[Span], now: int | None) -> int | None:
    return min((start for start, _ in periods if start is not None and (now is None or start > now)), default=None)


def _last_end(periods: Sequence[Span]) -> int | None:
    ends = [end for _, end in periods]
    return None if None in ends else max((end for end in ends if end is not None), default=None)


def _order(period: Span) -> tuple[int, int]:
    return (period[0] or 0, period[1] or 0)


def _moment(at: int | None) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at is not None else None


# --- what ------------------------------------------------------------------------------------------------------------


def _content(alert: Fields, source_language: str) -> dict[str, Text]:
    headers, bodies, links = (_by_language(alert, name, source_language) for name in ("headertext", "descriptiontext", "url"))
    languages = list(dict.fromkeys([*headers, *bodies]))[:MOST_LANGUAGES]
    languages.sort(key=lambda tag: tag != source_language)
    return {tag: _text(headers.get(tag, ""), bodies.get(tag, ""), links.get(tag) if len(links) > 1 else None) for tag in languages}


def _text(header: str, body: str, link: str | None) -> Text:
    """Some publishers leave the header empty and put everything into the description."""
    title = shortened(whole_title(one_line(header), one_line(body)), MOST_TITLE) or first_sentence(body)
    return Text(title, "" if one_line(body) == title else shortened(body, MOST_BODY), safe_link(link or ""))


def _by_language(alert: Fields, name: str, source_language: str) -> dict[str, str]:
    """Text per language. Untagged text is in the source's language; `en-html` only stands in where plain `en` is missing."""
    found: dict[str, str] = {}
    pairs = [(*_language(tag, source_language), said) for tag, said in translations(alert.get(name))]
    for tag, _, said in sorted(pairs, key=lambda pair: pair[1]):
        found.setdefault(tag, said)
    return found


def _language(tag: str, source_language: str) -> tuple[str, int]:
    """The language of a tag, and how much we like it: tagged, then untagged, then HTML."""
    base = tag.lower().removesuffix("-html")
    if not canonical(base):
        return source_language, 1
    return canonical(base), 2 if base != tag.lower() else 0


def _link(alert: Fields, source_language: str) -> str | None:
    links = _by_language(alert, "url", source_language)
    return safe_link(links.get(source_language) or next(iter(links.values()), ""))


def _routes(alert: Fields) -> tuple[str, ...]:
    """Route names in the order given, each once; a trip names its route."""
    named = [text(row.get("routeid")) or text(fields(row.get("trip")).get("routeid")) for row in rows(alert.get("informedentity"))]
    return tuple(dict.fromkeys(name for name in named if name))


def _severity(alert: Fields) -> Severity:
    level = name_of(alert.get("severitylevel"), LEVELS, "UNKNOWN_SEVERITY")
    if level in _LEVELS:
        return _LEVELS[level]
    scale = whole(alert.get("severity"))
    if scale is not None:
        return next((severity for least, severity in _SCALE if scale >= least), Severity.MODERATE)
    return Severity.MODERATE


def _fingerprint(alert: Fields, content: Mapping[str, Text]) -> str:
    """A hash of what riders see, whatever the order of translations and selectors. Cause, link and times are left out."""
    selectors = {json.dumps(_selector(row)) for row in rows(alert.get("informedentity"))}
    seen = {
        "texts": sorted((tag, one_line(text.title), one_line(text.body)) for tag, text in content.items()),
        "effect": name_of(alert.get("effect"), EFFECTS, "UNKNOWN_EFFECT"),
        "severity": _severity(alert),
        "entities": sorted(selectors),
    }
    return hashlib.sha256(json.dumps(seen, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _selector(row: Fields) -> list[str]:
    trip = fields(row.get("trip"))
    names = ("agencyid", "routeid", "routetype", "stopid", "directionid")
    named = [*(text(row.get(name)) for name in names), *(text(trip.get(name)) for name in ("tripid", "routeid", "directionid"))]
    return [*named, *sorted(activities(row))]
