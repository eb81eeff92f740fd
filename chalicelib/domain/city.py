"""The city, as `city.toml` says it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.locale import canonical
from chalicelib.domain.notice import Kind
from chalicelib.domain.quiet import Window
from chalicelib.domain.times import parse_zone
from chalicelib.domain.topic import Topic, is_topic_id, lineage
from chalicelib.errors import Invalid, Misconfigured

FORMATS = ("notice", "gtfs-rt")
QUIET: Window = (21 * 60, 8 * 60)
"""No routine text between these, in minutes of the local day, unless the city or the resident says otherwise. Source: 47 CFR 64.1200(c)(1)."""

BROADCASTS_PER_HOUR = 300
RECIPIENTS_PER_DAY = 1_000_000
"""What a source may send by itself unless the city says otherwise."""


@dataclass(frozen=True)
class EntryWord:
    """A word that joins a topic and sets the language: ALERTAS → Spanish, `transit`."""

    word: str
    language: str
    topic: str


@dataclass(frozen=True)
class Source:
    """A system that posts webhooks: its format, the language of untagged text, and how its routes become topics.

    `secret` names the secrets in the secret store; up to two are active at once."""

    id: str
    format: str
    secret: str
    language: str
    kind: Kind
    routes: Mapping[str, str]
    default_topic: str | None
    urgent: bool
    broadcasts_per_hour: int = BROADCASTS_PER_HOUR
    recipients_per_day: int = RECIPIENTS_PER_DAY


@dataclass(frozen=True)
class Limits:
    """What the city spends on texts at most, in whole units of its currency, and how many routine messages one person gets on a channel in a
    day of the city. None: no cap."""

    spend_per_day: int | None = None
    spend_per_month: int | None = None
    per_person_per_day: int | None = None


@dataclass(frozen=True)
class Area:
    """A part of the city that residents name: its names per locale, its ZIP codes, and other words for it."""

    id: str
    names: Mapping[str, str]
    zips: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class KioskPlan:
    """A kiosk that the city file names: what it shows, in which languages, in this order."""

    id: str
    name: str
    topics: tuple[str, ...]
    languages: tuple[str, ...]


@dataclass(frozen=True)
class City:
    """One city: who speaks, about what, in which zone, and who may post. `quiet`: when no routine text goes to whoever chose no other hours.
    `revoke_all`: ending one topic by a stop word or an email's link ends everything on that address."""

    name: str
    programme: str
    zone: ZoneInfo
    languages: tuple[str, ...]
    help_contact: str
    frequency: Mapping[str, str]
    topics: Mapping[str, Topic]
    entry_words: tuple[EntryWord, ...]
    sources: Mapping[str, Source]
    kiosks: tuple[KioskPlan, ...]
    postal_address: str = ""
    limits: Limits = Limits()
    areas: Mapping[str, Area] = field(default_factory=dict)
    quiet: Window = QUIET
    revoke_all: bool = False


def parse_city(text: str) -> City:
    """Read a city file. Raises Misconfigured naming the key that is missing or wrong."""
    try:
        return _city(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"city.toml is not TOML: {error}") from error
    except KeyError as error:
        raise Misconfigured(f"city.toml lacks {error}") from error
    except Invalid as error:
        raise Misconfigured(f"city.toml: {error.detail}") from error


def _city(data: Mapping[str, Any]) -> City:
    languages = tuple(canonical(tag) for tag in data["languages"])
    topics = {row["id"]: Topic(row["id"], _names(row), tuple(row.get("keywords", ())), asks_place=bool(row.get("asks_place", False))) for row in data["topics"]}
    _require_known_topics(data, topics)
    for topic in topics:
        if not is_topic_id(topic) or not all(above in topics for above in lineage(topic)):
            raise Misconfigured(f"city.toml: topic {topic!r} is no path of listed topics")
    return City(
        name=data["name"],
        programme=data["programme"],
        zone=parse_zone(data["zone"], "zone"),
        languages=languages,
        help_contact=data["help_contact"],
        frequency={canonical(tag): line for tag, line in data.get("frequency", {}).items()},
        topics=topics,
        entry_words=tuple(EntryWord(row["word"], canonical(row["language"]), row["topic"]) for row in data.get("entry_words", ())),
        sources={name: _source(name, row) for name, row in data.get("sources", {}).items()},
        kiosks=tuple(_kiosk(row, languages) for row in data.get("kiosks", ())),
        postal_address=data.get("postal_address", ""),
        limits=_limits(data.get("limits", {})),
        areas={row["id"]: Area(row["id"], _names(row), tuple(row.get("zips", ())), tuple(row.get("keywords", ()))) for row in data.get("areas", ())},
        quiet=_quiet(data.get("quiet_hours", {})),
        revoke_all=bool(data.get("revoke_all", False)),
    )


def _names(row: Mapping[str, Any]) -> dict[str, str]:
    return {canonical(tag): name for tag, name in row["names"].items()}


def _quiet(row: Mapping[str, Any]) -> Window:
    """`from` and `until` as clocks show them; the same twice means none."""
    return (_minute(row["from"], "quiet_hours.from"), _minute(row["until"], "quiet_hours.until")) if row else QUIET


def _minute(value: object, where: str) -> int:
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", str(value))
    if found is None:
        raise Misconfigured(f"city.toml: {where} is a time of day, such as 21:00")
    return int(found[1]) * 60 + int(found[2])


def _source(name: str, row: Mapping[str, Any]) -> Source:
    if row["format"] not in FORMATS:
        raise Misconfigured(f"city.toml: sources.{name}.format is one of {', '.join(FORMATS)}")
    return Source(
        id=name,
        format=row["format"],
        secret=row.get("secret", name),
        language=canonical(row.get("language", "en")),
        kind=Kind(row.get("kind", "transit" if row["format"] == "gtfs-rt" else "announcement")),
        routes=dict(row.get("routes", {})),
        default_topic=row.get("default_topic"),
        urgent=bool(row.get("urgent", False)),
        broadcasts_per_hour=_cap(row.get("broadcasts_per_hour", BROADCASTS_PER_HOUR), f"sources.{name}.broadcasts_per_hour"),
        recipients_per_day=_cap(row.get("recipients_per_day", RECIPIENTS_PER_DAY), f"sources.{name}.recipients_per_day"),
    )


def _limits(row: Mapping[str, Any]) -> Limits:
    unknown = row.keys() - {"spend_per_day", "spend_per_month", "per_person_per_day"}
    if unknown:
        raise Misconfigured(f"city.toml: limits.{min(unknown)} is no limit that we know")
    return Limits(**{name: _cap(value, f"limits.{name}") for name, value in row.items()})


def _cap(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Misconfigured(f"city.toml: {where} is a whole number of at least 1")
    return value


def _kiosk(row: Mapping[str, Any], languages: tuple[str, ...]) -> KioskPlan:
    return KioskPlan(row["id"], row.get("name", row["id"]), tuple(row["topics"]), tuple(canonical(tag) for tag in row.get("languages", languages)))


def _require_known_topics(data: Mapping[str, Any], topics: Mapping[str, Topic]) -> None:
    named = [(f"entry_words: {row['word']}", row["topic"]) for row in data.get("entry_words", ())]
    named += [(f"kiosks: {row['id']}", topic) for row in data.get("kiosks", ()) for topic in row["topics"]]
    for source, row in data.get("sources", {}).items():
        named += [(f"sources.{source}.routes.{route}", topic) for route, topic in row.get("routes", {}).items()]
        named += [(f"sources.{source}.default_topic", row["default_topic"])] if "default_topic" in row else []
    for where, topic in named:
        if topic not in topics:
            raise Misconfigured(f"city.toml: {where} names the unknown topic {topic!r}")
