"""Topics: what one can subscribe to. An id is a path, such as `transit/red-line`."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from chalicelib.domain.notice import Kind

_ID = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*){0,4}")


@dataclass(frozen=True)
class Topic:
    """Something to subscribe to: its path, its name per locale, and the words that join it by text. `asks_place`: its notices are about places, so
    whoever joins is asked for theirs. `kind`: what its notices are, where they are all of one kind; that says which part of it one can choose."""

    id: str
    names: Mapping[str, str]
    keywords: tuple[str, ...] = ()
    asks_place: bool = False
    kind: Kind | None = None


def is_topic_id(text: str) -> bool:
    """Whether this could be a topic id."""
    return len(text) <= 200 and bool(_ID.fullmatch(text))


def in_url(topic_id: str) -> str:
    """The id as one path segment: `transit~red-line`."""
    return topic_id.replace("/", "~")


def from_url(segment: str) -> str:
    """The id that `in_url` wrote."""
    return segment.replace("~", "/")


def lineage(topic_id: str) -> list[str]:
    """The topic and every topic above it, nearest first."""
    parts = topic_id.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def reached(topics: Collection[str], known: Collection[str], *, include_below: bool) -> list[str]:
    """The topics whose followers a broadcast to `topics` reaches: those named, those above, and with `include_below` those below."""
    names = {above for topic in topics for above in lineage(topic) if above in known}
    if include_below:
        names |= {other for other in known for topic in topics if other.startswith(topic + "/")}
    return sorted(names)
