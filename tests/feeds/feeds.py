"""Feeds of service alerts for tests, as JSON values and as protobuf."""

import json
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import ParseDict
from google.transit import gtfs_realtime_pb2

from chalicelib.domain.city import Source
from chalicelib.domain.notice import Kind, Notice
from chalicelib.feeds.gtfs_rt import read_feed

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
NOON = int(NOW.timestamp())


def a_source(**changes: Any) -> Source:
    """A transit source whose untagged text is in English."""
    usual: dict[str, Any] = {"language": "en", "routes": {"Red": "transit/red-line", "1": "transit"}, "default_topic": None, "urgent": False}
    return Source(id="metro", format="gtfs-rt", secret="metro", kind=Kind.TRANSIT, **(usual | changes))


def an_alert(id: str = "a1", **changes: Any) -> dict[str, Any]:
    """An entity with an alert, in the spec's own spelling. A change to None leaves the field out."""
    alert = {
        "active_period": [{"start": NOON - 3600, "end": NOON + 3600}],
        "informed_entity": [{"route_id": "Red"}],
        "effect": "DETOUR",
        "header_text": {"translation": [{"text": "Detour", "language": "en"}]},
        "description_text": {"translation": [{"text": "Buses go around.", "language": "en"}]},
    } | changes
    return {"id": id, "alert": {name: value for name, value in alert.items() if value is not None}}


def a_feed(*entities: dict[str, Any]) -> dict[str, Any]:
    """A feed with these entities, or one plain alert."""
    return {"header": {"gtfs_realtime_version": "2.0", "timestamp": NOON}, "entity": list(entities) or [an_alert()]}


def as_protobuf(feed: dict[str, Any]) -> bytes:
    """The same feed as protobuf."""
    made: bytes = ParseDict(feed, gtfs_realtime_pb2.FeedMessage()).SerializeToString()
    return made


def read(feed: Any, *, source: Source | None = None, now: datetime = NOW) -> list[Notice]:
    """The notices in a feed: bytes are protobuf, anything else goes as JSON."""
    if isinstance(feed, bytes):
        return read_feed(feed, media_type="application/x-protobuf", source=source or a_source(), now=now)
    return read_feed(json.dumps(feed).encode(), media_type="application/json", source=source or a_source(), now=now)


def read_one(feed: Any, *, source: Source | None = None, now: datetime = NOW) -> Notice:
    """The only notice in a feed."""
    (notice,) = read(feed, source=source, now=now)
    return notice
