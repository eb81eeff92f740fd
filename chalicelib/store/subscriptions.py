"""Subscription rows, twice: for the audience `T#<topic>#<shard>` / `<subscriber>#<channel>`, and for the person
`S#<subscriber>` / `SUB#<topic>#<channel>`. The first holds all that planning needs; the second answers LIST.

Of those whose notices come in a digest there is a roster beside them, `D#<slot>#<shard>` / `<subscriber>#<channel>#<topic>`, and a list of slots.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chalicelib.domain.address import Channel
from chalicelib.domain.digests import slot_of
from chalicelib.domain.filters import EVERYTHING, Filters, filter_values, read_filters
from chalicelib.domain.ids import shard_of
from chalicelib.domain.preferences import UNCHOSEN, Preferences, preference_values, read_preferences
from chalicelib.domain.strict_json import Json
from chalicelib.errors import TransactionRefused
from chalicelib.state.table import MOST_GET, Absent, Change, Check, Delete, Exists, Key, Page, Put, Row, Table, Update, Value, Values, Write

_SLOTS = "SLOTS"


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
        keys = _keys(subscription.subscriber, subscription.topic, subscription.channel)
        return [*(Put(Row(key, values)) for key in keys), *_roster_writes(subscription)]

    def leave_writes(self, subscriber: str, topic: str, channel: Channel) -> list[Write]:
        """The writes that end a subscription, for a transaction. Ending what is not there is no error."""
        return [Delete(key) for key in _keys(subscriber, topic, channel)]

    def locale_writes(self, subscriptions: Sequence[Subscription], locale: str) -> list[Write]:
        """The writes that change the language of subscriptions; refused where one has ended meanwhile."""
        return [Update(key, Change(set={"locale": locale}), expect=Exists()) for one in subscriptions for key in _keys(one.subscriber, one.topic, one.channel)]

    def choice_writes(self, subscription: Subscription, *, before: Subscription | None = None) -> list[Write]:
        """The writes that give a subscription the filters and preferences that it has here; refused where it has ended meanwhile. `before` is the
        subscription as it was read, to leave the roster of its old digest."""
        chosen, gone = _choice_values(subscription), ("quiet", "zone", "chosen")
        change = Change(set=chosen, remove=tuple(name for name in gone if name not in chosen))
        keys = _keys(subscription.subscriber, subscription.topic, subscription.channel)
        old = roster_key(before) if before else None
        left: list[Write] = [Delete(old)] if old and old != roster_key(subscription) else []
        return [*(Update(key, change, expect=Exists()) for key in keys), *_roster_writes(subscription), *left]

    def roster_page(self, slot: str, shard: int, *, after: str | None, limit: int) -> Page:
        """Who is to have a digest at this time, by subscriber id, a row for each of their subscriptions. It finds keys: the subscriptions say whether
        they still want it."""
        return self.table.query(_roster(slot, shard), after=after, limit=limit)

    def as_rostered(self, rows: Sequence[Row]) -> list[Subscription]:
        """The subscriptions behind roster rows, those that are still in that slot. Rows of those that ended are taken away."""
        found: dict[Key, Values] = {}
        keys = [_audience_of(row) for row in rows]
        for start in range(0, len(keys), MOST_GET):
            found |= self.table.get_many(keys[start : start + MOST_GET])
        kept = {row.key: read_subscription(found[key]) for row, key in zip(rows, keys, strict=True) if key in found}
        there = {key: one for key, one in kept.items() if roster_key(one) == key}
        for row, key in zip(rows, keys, strict=True):
            if key not in found:
                with suppress(TransactionRefused):  # joined again meanwhile
                    self.table.transact([Check(key, Absent()), Delete(row.key)])
        return list(there.values())

    def slots(self) -> list[str]:
        """The slots that anybody ever chose."""
        found: list[str] = []
        after: str | None = None
        while True:
            page = self.table.query(_SLOTS, after=after)
            found += [row.key.sort for row in page.rows]
            if page.after is None:
                return found
            after = page.after

    def change_writes(self, subscription: Subscription, *, before: Subscription | None = None) -> list[Write]:
        """The same, with its language too."""
        return [_with(one, {"locale": subscription.locale}) if isinstance(one, Update) else one for one in self.choice_writes(subscription, before=before)]

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


def _with(write: Update, values: Values) -> Update:
    return replace(write, change=replace(write.change, set={**write.change.set, **values}))


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


def _roster_writes(one: Subscription) -> list[Write]:
    key, slot = roster_key(one), slot_of(one.preferences)
    return [Put(Row(key, {"subscriber": one.subscriber})), Put(Row(Key(_SLOTS, slot.name), {}))] if key and slot else []


def roster_key(one: Subscription) -> Key | None:
    """Where a subscription stands in the roster of its digest; None where its notices come one by one."""
    slot = slot_of(one.preferences)
    return Key(_roster(slot.name, shard_of(one.subscriber)), f"{one.subscriber}#{one.channel}#{one.topic}") if slot else None


def _roster(slot: str, shard: int) -> str:
    return f"D#{slot}#{shard:x}"


def _audience_of(row: Row) -> Key:
    """The audience's row of the subscription that a roster row is about."""
    subscriber, channel, topic = row.key.sort.split("#", 2)
    return audience_key(subscriber, topic, Channel(channel))


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
