"""Subscription rows, twice: for the audience `T#<topic>#<shard>` / `<subscriber>#<channel>`, and for the person
`S#<subscriber>` / `SUB#<topic>#<channel>`. The first holds all that planning needs; the second answers LIST.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chalicelib.domain.address import Channel
from chalicelib.domain.filters import EVERYTHING, Filters, filter_values, read_filters
from chalicelib.domain.ids import shard_of
from chalicelib.domain.preferences import UNCHOSEN, Preferences, preference_values, read_preferences
from chalicelib.domain.strict_json import Json
from chalicelib.state.table import Change, Delete, Exists, Key, Page, Put, Row, Table, Update, Value, Values, Write


@dataclass(frozen=True)
class Subscription:
    """Subscriber × topic × channel, with what planning needs: which part of the topic, and when and how."""

    subscriber: str
    topic: str
    channel: Channel
    address: str
    locale: str
    preferences: Preferences = UNCHOSEN
    filters: Filters = EVERYTHING


@dataclass(frozen=True)
class Subscriptions:
    """Reads and writes subscriptions."""

    table: Table

    def join_writes(self, subscription: Subscription) -> list[Write]:
        """The writes that make or change a subscription, for a transaction."""
        values = _values(subscription)
        return [Put(Row(key, values)) for key in _keys(subscription.subscriber, subscription.topic, subscription.channel)]

    def leave_writes(self, subscriber: str, topic: str, channel: Channel) -> list[Write]:
        """The writes that end a subscription, for a transaction. Ending what is not there is no error."""
        return [Delete(key) for key in _keys(subscriber, topic, channel)]

    def locale_writes(self, subscriptions: Sequence[Subscription], locale: str) -> list[Write]:
        """The writes that change the language of subscriptions; refused where one has ended meanwhile."""
        return [Update(key, Change(set={"locale": locale}), expect=Exists()) for one in subscriptions for key in _keys(one.subscriber, one.topic, one.channel)]

    def choice_writes(self, subscription: Subscription) -> list[Write]:
        """The writes that give a subscription the filters and preferences that it has here; refused where it has ended meanwhile."""
        chosen, gone = _choice_values(subscription), ("quiet", "zone", "chosen")
        change = Change(set=chosen, remove=tuple(name for name in gone if name not in chosen))
        return [Update(key, change, expect=Exists()) for key in _keys(subscription.subscriber, subscription.topic, subscription.channel)]

    def of(self, subscriber: str, channel: Channel | None = None) -> list[Subscription]:
        """A person's subscriptions, by topic."""
        found: list[Subscription] = []
        after: str | None = None
        while True:
            page = self.table.query(f"S#{subscriber}", prefix="SUB#", after=after)
            found += [read_subscription(row.values) for row in page.rows]
            if page.after is None:
                return [one for one in found if channel in (None, one.channel)]
            after = page.after

    def audience_page(self, topic: str, shard: int, *, after: str | None, limit: int) -> Page:
        """Followers of a topic in a shard, by subscriber id. Sort keys start with the subscriber id."""
        return self.table.query(f"T#{topic}#{shard:x}", after=after, limit=limit)

    def followers(self, topic: str, *, shards: Sequence[int], after: str | None = None) -> Iterator[Subscription]:
        """Every follower of a topic in these shards, of the first of them those after a sort key."""
        for shard in shards:
            while True:
                page = self.audience_page(topic, shard, after=after, limit=1000)
                yield from (read_subscription(row.values) for row in page.rows)
                after = page.after
                if after is None:
                    break


def audience_key(subscriber: str, topic: str, channel: Channel) -> Key:
    """Where the audience's row of a subscription is kept, as long as it lasts."""
    return _keys(subscriber, topic, channel)[0]


def audience_row(subscription: Subscription) -> Row:
    """The audience's row of a subscription: what bulk loading writes, beside `person_row`."""
    return Row(_keys(subscription.subscriber, subscription.topic, subscription.channel)[0], _values(subscription))


def person_row(subscription: Subscription) -> Row:
    """The person's row of a subscription."""
    return Row(_keys(subscription.subscriber, subscription.topic, subscription.channel)[1], _values(subscription))


def read_subscription(values: Values) -> Subscription:
    """The subscription a row holds."""
    return Subscription(
        subscriber=str(values["subscriber"]),
        topic=str(values["topic"]),
        channel=Channel(str(values["channel"])),
        address=str(values["address"]),
        locale=str(values["locale"]),
        preferences=_preferences(values) if "chosen" in values or "quiet" in values or "zone" in values else UNCHOSEN,
        filters=read_filters(json.loads(str(values["chosen"])).get("filters", {})) if "chosen" in values else EVERYTHING,
    )


def _preferences(values: Values) -> Preferences:
    kept: dict[str, Json] = json.loads(str(values["chosen"])).get("preferences", {}) if "chosen" in values else {}
    quiet = values.get("quiet")
    window = (int(str(quiet[0])), int(str(quiet[1]))) if isinstance(quiet, list) else None
    return replace(read_preferences(kept), zone=_known_zone(values.get("zone")), quiet=window)


def _known_zone(value: Value) -> str | None:
    """A zone that no clock knows (any more) costs nobody their message: it is read as the city's."""
    try:
        return ZoneInfo(str(value)).key if value else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _keys(subscriber: str, topic: str, channel: Channel) -> tuple[Key, Key]:
    return (
        Key(f"T#{topic}#{shard_of(subscriber):x}", f"{subscriber}#{channel}"),
        Key(f"S#{subscriber}", f"SUB#{topic}#{channel}"),
    )


def _values(one: Subscription) -> dict[str, Value]:
    return {
        "subscriber": one.subscriber,
        "topic": one.topic,
        "channel": str(one.channel),
        "address": one.address,
        "locale": one.locale,
        **_choice_values(one),
    }


def _choice_values(one: Subscription) -> dict[str, Value]:
    """What was chosen, where anything was: most rows stay short, and are read without a second parse."""
    values: dict[str, Value] = {}
    if one.preferences.zone:
        values["zone"] = one.preferences.zone
    if one.preferences.quiet is not None:
        values["quiet"] = list(one.preferences.quiet)
    rest = preference_values(replace(one.preferences, zone=None, quiet=None))
    chosen = {name: part for name, part in (("filters", filter_values(one.filters)), ("preferences", rest)) if part}
    if chosen:
        values["chosen"] = json.dumps(chosen, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return values
