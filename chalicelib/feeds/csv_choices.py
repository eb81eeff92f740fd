"""What a row of a subscribers' CSV asks for, and the proof that they did: topics, language, hours, areas, consent."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from chalicelib.domain.city import City
from chalicelib.domain.filters import EVERYTHING, Filters, filter_values, read_filters
from chalicelib.domain.importing import MOST_TOPICS, Proof, masked
from chalicelib.domain.locale import fallbacks
from chalicelib.domain.preferences import UNCHOSEN, Preferences, preference_values, read_preferences
from chalicelib.domain.quiet import Window
from chalicelib.domain.strict_json import Json, parse_object
from chalicelib.domain.times import parse_moment, parse_zone
from chalicelib.errors import Invalid, Malformed
from chalicelib.feeds.csv_cells import Bad

WAYS = ("web", "paper", "phone", "text", "email", "event", "counter", "other")
"""How somebody may have agreed elsewhere."""

_LIST = re.compile(r"[;,|\n]")
_HOUR = re.compile(r"(\d{1,2}):(\d\d)(?::00)?\s*(?:([ap])\.?m\.?)?", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_UNCLEAR = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}(\s.*)?")
_FIRST_YEAR = 1990
_LEAST_LETTERS = 5

Cells = Mapping[str, str]
Kind = TypeVar("Kind", Filters, Preferences)


@dataclass(frozen=True)
class Names:
    """What rows may call the city's topics and areas: by id, by name in any language, by keyword or ZIP code; compared without case."""

    topics: Mapping[str, str]
    areas: Mapping[str, str]

    @classmethod
    def of(cls, city: City) -> "Names":
        """Those of a city. Where two things share a word, the first has it."""
        topics = [(word, one.id) for one in city.topics.values() for word in (one.id, *one.names.values(), *one.keywords)]
        areas = [(word, one.id) for one in city.areas.values() for word in (one.id, *one.names.values(), *one.zips, *one.keywords)]
        return cls(*({_plain(word): id for word, id in reversed(words)} for words in (topics, areas)))


def read_topics(text: str, names: Names, city: City) -> tuple[str, ...]:
    """The topics of a cell. Raises Bad."""
    parts = _parts(text)
    for part in parts:
        if _plain(part) not in names.topics:
            raise Bad("topics", "unknown_topic", shown=masked(part), known=", ".join(city.topics))
    if len(parts) > MOST_TOPICS:
        raise Bad("topics", "too_many_topics", most=str(MOST_TOPICS))
    return tuple(dict.fromkeys(names.topics[_plain(part)] for part in parts))


def read_language(text: str, city: City) -> str:
    """The language of ours that a tag means. Raises Bad."""
    found = next((tag for tag in fallbacks(text, last=()) if tag in city.languages), None) if re.match("[A-Za-z]{2,3}([-_]|$)", text) else None
    if found is None:
        raise Bad("language", "unknown_language", shown=masked(text), known=", ".join(city.languages))
    return found


def read_filters_of(cells: Cells, names: Names, city: City) -> Filters:
    """Which part of its topics a row asks for. Raises Bad."""
    if not cells["filters"]:
        return replace(EVERYTHING, areas=_areas(cells["areas"], names, city)) if cells["areas"] else EVERYTHING
    if cells["areas"]:
        raise Bad("areas", "said_twice", other="filters")
    return _chosen("filters", cells["filters"], read_filters, filter_values)


def read_preferences_of(cells: Cells) -> Preferences:
    """When and how a row wants to be told. Raises Bad."""
    named = [name for name in ("zone", "quiet_from", "quiet_until") if cells[name]]
    if not cells["preferences"]:
        return replace(UNCHOSEN, zone=_zone(cells["zone"], "zone"), quiet=_window(cells)) if named else UNCHOSEN
    if named:
        raise Bad(named[0], "said_twice", other="preferences")
    found = _chosen("preferences", cells["preferences"], read_preferences, preference_values)
    _zone(found.zone or "", "preferences")
    return found


def read_proof(cells: Cells, zone: ZoneInfo, now: datetime) -> Proof:
    """The evidence of a row's consent. Raises Bad."""
    at, how, words = _moment(cells["consent_at"], zone), cells["consent_how"].casefold(), cells["consent_words"]
    if at > now:
        raise Bad("consent_at", "in_the_future")
    if how not in WAYS:
        raise Bad("consent_how", "unknown_way", known=", ".join(WAYS))
    if sum(char.isalpha() for char in words) < _LEAST_LETTERS:
        raise Bad("consent_words", "no_sentence")
    return Proof(at, how, words, cells["consent_proof"])


def _areas(text: str, names: Names, city: City) -> frozenset[str]:
    for part in _parts(text):
        if _plain(part) not in names.areas:
            code = "zero_lost" if part.isdecimal() and part.zfill(5) in names.areas else "unknown_area"
            raise Bad("areas", code, shown=masked(part), known=", ".join(city.areas))
    return frozenset(names.areas[_plain(part)] for part in _parts(text))


def _chosen(column: str, text: str, read: Callable[[Mapping[str, Json]], Kind], values: Callable[[Kind], dict[str, Json]]) -> Kind:
    """What an export wrote, and nothing else."""
    try:
        said = parse_object(text.encode())
    except (Malformed, Invalid):
        raise Bad(column, "not_json") from None
    try:
        found = read(said)
        if values(found) == said:
            return found
    except (ValueError, TypeError, OverflowError, OSError):
        pass
    raise Bad(column, "unknown_choice")


def _zone(text: str, column: str) -> str | None:
    try:
        return parse_zone(text, "").key if text else None
    except Invalid:
        raise Bad(column, "unknown_zone", shown=masked(text)) from None


def _window(cells: Cells) -> Window | None:
    start, end = (_minutes(name, cells[name]) for name in ("quiet_from", "quiet_until"))
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise Bad("quiet_from" if start is None else "quiet_until", "half_a_window")
    return start, end


def _minutes(column: str, text: str) -> int | None:
    """Minutes of the day."""
    if not text:
        return None
    found = _HOUR.fullmatch(text)
    hour, minute, half = (int(found[1]), int(found[2]), (found[3] or "").casefold()) if found else (99, 99, "")
    if half:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 99
    if hour > 23 or minute > 59:
        raise Bad(column, "invalid_hour")
    return hour * 60 + minute


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """A moment, or the beginning of a day in the city. One of a year before any of ours is left to who asks how early is too early."""
    if _UNCLEAR.fullmatch(text):
        raise Bad("consent_at", "unclear_date")
    if re.match(r"\d{4}-", text) and int(text[:4]) < _FIRST_YEAR:
        raise Bad("consent_at", "too_early")
    try:
        if _DAY.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
        return parse_moment(text, "")
    except (ValueError, OverflowError, Invalid):
        raise Bad("consent_at", "invalid_time") from None


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _LIST.split(text) if part.strip()]


def _plain(word: str) -> str:
    return " ".join(word.casefold().split())
