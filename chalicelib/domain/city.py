"""The city, as `city.toml` says it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.lines import NO_LINES, Lines, read_lines
from chalicelib.domain.locale import canonical
from chalicelib.domain.notice import Kind
from chalicelib.domain.quiet import Window
from chalicelib.domain.times import parse_zone
from chalicelib.domain.topic import Topic, is_topic_id, lineage
from chalicelib.errors import Invalid, Misconfigured

FORMATS = ("notice", "gtfs-rt")
QUIET: Window = (21 * 60, 8 * 60)
"""No routine text between these, in minutes of the local day, unless the city or the resident says otherwise. Source: 47 CFR 64.1200(c)(1)."""

COUNTRIES = ("US", "CA")
"""Whose numbers may be signed up on a page unless the city says otherwise. The first is where a number without a country code is read as from."""

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
class SignUpLimits:
    """How many confirmations sign-ups may cause, by page, by staff and by API: to one number and one email address, from one network address and
    its neighbours (/24, or /48 of IPv6), to numbers that differ in their last four digits alone, and in all, on one channel. The last `reserve` of an
    hour are kept for staff and for whoever answered the page's question. A text from the phone itself counts against none of them."""

    number_per_ten_minutes: int = 1
    number_per_day: int = 3
    email_per_day: int = 1
    network_per_ten_minutes: int = 5
    neighbours_per_ten_minutes: int = 25
    prefix_per_hour: int = 20
    per_hour: int = 300
    reserve: int = 100


@dataclass(frozen=True)
class Limits:
    """What the city spends on texts at most, in whole units of its currency, and how many routine messages one person gets on a channel in a
    day of the city. None: no cap."""

    spend_per_day: int | None = None
    spend_per_month: int | None = None
    per_person_per_day: int | None = None
    sign_ups: SignUpLimits = SignUpLimits()


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
    `revoke_all`: ending one topic by a stop word or an email's link ends everything on that address. `countries`: whose numbers may be signed up
    on a page or by staff; any phone may text us. `gov_banner`: pages say that they are official; only for addresses that end in .gov."""

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
    countries: tuple[str, ...] = COUNTRIES
    gov_banner: bool = False
    lines: Lines = NO_LINES

    def __hash__(self) -> int:
        """Of its name: tables are not hashable, and equal cities have one name."""
        return hash(self.name)


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
    topics = {row["id"]: _topic(row) for row in data["topics"]}
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
        gov_banner=bool(data.get("gov_banner", False)),
        countries=_countries(data.get("countries", COUNTRIES)),
        lines=read_lines(data.get("lines", ())),
    )


def _topic(row: Mapping[str, Any]) -> Topic:
    kind = Kind(row["kind"]) if "kind" in row else None
    return Topic(row["id"], _names(row), tuple(row.get("keywords", ())), asks_place=bool(row.get("asks_place", False)), kind=kind)


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
    caps = _caps({name: value for name, value in row.items() if name != "sign_ups"}, "limits", {"spend_per_day", "spend_per_month", "per_person_per_day"})
    return Limits(**caps, sign_ups=_sign_up_limits(row.get("sign_ups", {})))


def _sign_up_limits(row: object) -> SignUpLimits:
    if not isinstance(row, dict):
        raise Misconfigured("city.toml: limits.sign_ups is a table: [limits.sign_ups]")
    found = SignUpLimits(**_caps(row, "limits.sign_ups", set(SignUpLimits.__dataclass_fields__)))
    if found.reserve >= found.per_hour:
        raise Misconfigured("city.toml: limits.sign_ups.reserve is less than per_hour")
    return found


def _caps(row: Mapping[str, Any], where: str, known: set[str]) -> dict[str, int]:
    unknown = row.keys() - known
    if unknown:
        raise Misconfigured(f"city.toml: {where}.{min(unknown)} is no limit that we know")
    return {name: _cap(value, f"{where}.{name}") for name, value in row.items()}


def _countries(value: object) -> tuple[str, ...]:
    found = tuple(value) if isinstance(value, list | tuple) else ()
    if not found or not all(isinstance(one, str) and re.fullmatch(r"[A-Z]{2}", one) for one in found):
        raise Misconfigured('city.toml: countries is a list of two capital letters each, such as ["US", "CA"]')
    return found


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
