"""GTFS-realtime in the shapes it comes in, brought to one: folded keys, enum names, whole numbers, lists of (language, text).

Shapes seen in real feeds: protobuf; JSON in snake_case, camelCase and PascalCase; enums by name or number; timestamps as
numbers, text or `{low, high}`; a translated string as the spec has it, as a list of `{translation: {…}}`, or as mere text;
and MBTA's older `{timestamp, alerts: […]}`, whose alerts carry their id beside their fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2

from chalicelib.domain.strict_json import Json, parse_object, pointer
from chalicelib.errors import Malformed, Problem
from chalicelib.feeds.plain import plain

MOST_ID = 512
_MILLISECONDS_FROM = 100_000_000_000
_LAST_SECOND = 221_845_392_000
"""Year 9000: beyond it a timestamp means "for ever"."""

EFFECTS = {
    1: "NO_SERVICE",
    2: "REDUCED_SERVICE",
    3: "SIGNIFICANT_DELAYS",
    4: "DETOUR",
    5: "ADDITIONAL_SERVICE",
    6: "MODIFIED_SERVICE",
    7: "OTHER_EFFECT",
    8: "UNKNOWN_EFFECT",
    9: "STOP_MOVED",
    10: "NO_EFFECT",
    11: "ACCESSIBILITY_ISSUE",
}
LEVELS = {1: "UNKNOWN_SEVERITY", 2: "INFO", 3: "WARNING", 4: "SEVERE"}

Fields = Mapping[str, Json]
"""An object with folded keys: `informed_entity`, `informedEntity` and `InformedEntity` are all `informedentity`."""


@dataclass(frozen=True)
class Entity:
    """An entity that is an alert, or the end of one."""

    id: str
    deleted: bool
    alert: Fields


def from_protobuf(body: bytes) -> list[Entity]:
    """The alerts of a protobuf feed. Raises Malformed."""
    if not body:
        raise Malformed("The body is empty.", code="empty_body")
    message = gtfs_realtime_pb2.FeedMessage()
    try:
        message.ParseFromString(body)
        if not message.IsInitialized():
            raise Malformed("This is no GTFS-realtime feed: a field that it must have is missing.", code="not_a_feed")
        found: Json = MessageToDict(message)
    except (DecodeError, ValueError):
        raise Malformed("The body is not GTFS-realtime protobuf, or is cut short.", code="not_protobuf") from None
    return _entities(found)


def from_json(body: bytes) -> list[Entity]:
    """The alerts of a JSON feed. Raises Malformed naming a pointer."""
    return _entities(parse_object(body, controls=True))


def _entities(feed: Json) -> list[Entity]:
    folded = fields(fold(feed))
    name = next((name for name in ("entity", "entities", "alerts") if name in folded), None)
    if name is None and "header" not in folded:
        raise _not_a_feed("#", "A feed has a header and entities.")
    rows = folded.get(name or "entity") or []
    if not isinstance(rows, list):
        raise _not_a_feed(pointer(name or "entity"), "Send a list.")
    found = [_entity(row, pointer(name or "entity", at), bare=name == "alerts") for at, row in enumerate(rows)]
    return [one for one in found if one]


def _entity(row: Json, at: str, *, bare: bool) -> Entity | None:
    """The alert in an entity; None for a trip, a vehicle or anything else. A bare one is the alert itself."""
    if not isinstance(row, dict):
        raise _not_a_feed(at, "Send an object.")
    if bare and "alert" not in row:
        row = {"id": row.get("id", row.get("alertid")), "alert": row}
    alert, deleted = row.get("alert"), row.get("isdeleted") is True
    if not isinstance(alert, dict) and not (deleted and not row.keys() & {"tripupdate", "vehicle", "shape", "stop", "tripmodifications"}):
        return None
    name = text(row.get("id"))
    if not name or len(name) > MOST_ID:
        raise _not_a_feed(f"{at}/id", f"An alert has an id of 1 to {MOST_ID} characters.")
    return Entity(name, deleted, fields(alert))


def _not_a_feed(at: str, detail: str) -> Malformed:
    return Malformed("This is no GTFS-realtime feed.", code="not_a_feed", problems=[Problem(at, "not_a_feed", detail)])


# --- values ----------------------------------------------------------------------------------------------------------


def fold(value: Json) -> Json:
    """The same with every key folded."""
    if isinstance(value, dict):
        return {key.replace("_", "").lower(): fold(inner) for key, inner in value.items()}
    return [fold(inner) for inner in value] if isinstance(value, list) else value


def fields(value: Json) -> dict[str, Json]:
    """An object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: Json) -> list[dict[str, Json]]:
    """The objects of a list; a lone object counts as a list of one."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]


def text(value: Json) -> str:
    """A name: text, or a number written out."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return "".join(char for char in str(value) if char.isprintable()).strip()


def whole(value: Json) -> int | None:
    """A whole number, as number, digits or `{low, high}`."""
    if isinstance(value, dict) and isinstance(low := value.get("low"), int) and isinstance(high := value.get("high", 0), int):
        return (high << 32) | (low & 0xFFFFFFFF)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdecimal() and len(value) <= 20 else None
    return int(value)


def second(value: Json) -> int | None:
    """A POSIX second; milliseconds are seen as such. None for no limit: missing, 0, or beyond all calendars."""
    found = whole(value)
    if found is None or found <= 0:
        return None
    found = found // 1000 if found >= _MILLISECONDS_FROM else found
    return found if found < _LAST_SECOND else None


def name_of(value: Json, names: Mapping[int, str], unknown: str) -> str:
    """The name of an enum's value given as name or number; `unknown` for any other."""
    number = whole(value)
    if number is not None:
        return names.get(number, unknown)
    folded = value.replace("_", "").replace(" ", "").upper() if isinstance(value, str) else ""
    return next((name for name in names.values() if name.replace("_", "") == folded), unknown)


def translations(value: Json) -> list[tuple[str, str]]:
    """The (language tag, plain text) pairs of a translated string, as given; without a tag the first is empty."""
    if isinstance(value, str):
        return [("", plain(value))] if plain(value) else []
    if isinstance(value, list):
        return [pair for inner in value for pair in translations(inner)]
    if not isinstance(value, dict):
        return []
    if "translation" in value:
        return translations(value["translation"])
    language, words = value.get("language"), value.get("text")
    said = plain(words) if isinstance(words, str) else ""
    return [(language if isinstance(language, str) else "", said)] if said else []
