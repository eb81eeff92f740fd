"""Subscription rows, twice: for the audience `T#<topic>#<shard>` / `<subscriber>#<channel>`, and for the person
`S#<subscriber>` / `SUB#<topic>#<channel>`. The first holds all that planning needs; the second answers LIST.

Of those whose notices come in a digest there is a roster beside them, `D#<slot>#<shard>` / `<subscriber>#<channel>#<topic>`, and a list of slots,
`SLOTS` / `<slot>`, which counts who came. `CARRIED` / `<slot>` says when somebody last came to a slot from another. A row stays in the roster of a slot
that somebody left until a digest finds that it owes them nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chalicelib.domain.address import Channel
from chalicelib.domain.digests import KEPT, Slot
from chalicelib.domain.filters import EVERYTHING, Filters, filter_values, read_filters
from chalicelib.domain.ids import SHARDS, shard_of
from chalicelib.domain.preferences import UNCHOSEN, Preferences, preference_values, read_preferences
from chalicelib.domain.rhythms import Rhythm, as_of, begun, carries, owes, present, read_rhythm, rhythm_values, slots_of, turned
from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.errors import TransactionRefused, WriteRefused
from chalicelib.state.table import (
    MOST_GET,
    Absent,
    Change,
    Check,
    Condition,
    Delete,
    Exists,
    Key,
    Lacks,
    Page,
    Put,
    Row,
    Table,
    Update,
    Value,
    Values,
    Write,
    equals,
)

_SLOTS = "SLOTS"
_CARRIED = "CARRIED"


@dataclass(frozen=True)
class Subscription:
    """Subscriber × topic × channel, with what planning needs: which part of the topic, and when and how. `rhythm` is since when they wanted it one by
    one or in which digest; empty where that never changed."""

    subscriber: str
    topic: str
    channel: Channel
    address: str
    locale: str
    preferences: Preferences = UNCHOSEN
    filters: Filters = EVERYTHING
    rhythm: Rhythm = ()

    def from_now(self, now: datetime, *, before: "Subscription | None") -> "Subscription":
        """This subscription, joined now, or changed now from what it was before."""
        rhythm = turned(before.rhythm, before.preferences, self.preferences, now) if before else begun(self.preferences, now)
        return replace(self, rhythm=rhythm)

    def as_of(self, moment: datetime | None) -> Preferences:
        """The preferences that hold for what was launched at a moment; for what was not launched, those of now."""
        return as_of(self.preferences, self.rhythm, moment) if moment and self.rhythm else self.preferences

    @property
    def whole_rhythm(self) -> Rhythm:
        """The rhythm, also of somebody who never changed it."""
        return present(self.rhythm, self.preferences)


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
        """The writes that give a subscription the filters, preferences and rhythm that it has here; refused where it has ended meanwhile. `before` is the
        subscription as it was read, to leave the roster of an old digest that owes it nothing, and to have the new one look back."""
        chosen, gone = _choice_values(subscription), ("quiet", "zone", "chosen")
        change = Change(set=chosen, remove=tuple(name for name in gone if name not in chosen))
        keys = _keys(subscription.subscriber, subscription.topic, subscription.channel)
        stays = roster_keys(subscription)
        left = [Delete(key) for key in roster_keys(before) if key not in stays] if before else []
        looks_back = before is not None and before.rhythm != subscription.rhythm and carries(subscription.rhythm)
        carried = [_carried_write(subscription)] if looks_back else []
        return [*(Update(key, change, expect=Exists()) for key in keys), *_roster_writes(subscription), *left, *carried]

    def roster_page(self, slot: str, shard: int, *, after: str | None, limit: int) -> Page:
        """Who is to have a digest at this time, by subscriber id, a row for each of their subscriptions. It finds keys: the subscriptions say whether
        they still want it."""
        return self.table.query(_roster(slot, shard), after=after, limit=limit)

    def as_rostered(self, rows: Sequence[Row], slot: Slot, after: datetime, zone: ZoneInfo) -> list[Subscription]:
        """The subscriptions behind roster rows, those that the slot owes something of what was launched after a moment. Rows of those that ended, and
        of those it will owe nothing any more, are taken away. `zone` is the city's."""
        found: dict[Key, Values] = {}
        keys = [_audience_of(row) for row in rows]
        for start in range(0, len(keys), MOST_GET):
            found |= self.table.get_many(keys[start : start + MOST_GET])
        there: list[Subscription] = []
        for row, key in zip(rows, keys, strict=True):
            one = read_subscription(found[key]) if key in found else None
            if one and owes(one.whole_rhythm, slot, after, zone):
                there.append(one)
            else:
                with suppress(TransactionRefused):  # joined again, or changed, meanwhile
                    self.table.transact([Check(key, _unchanged(found.get(key))), Delete(row.key)])
        return there

    def carried(self, slot: str) -> datetime | None:
        """When somebody last came to a slot from another, where that was lately."""
        found = self.table.get(Key(_CARRIED, slot))
        return from_ms(int(str(found["at"]))) if found else None

    def drop_empty(self, slot: str) -> bool:
        """Take a slot off the list if nobody stands in its roster. Whoever comes meanwhile is counted on its row, and it stays."""
        key = Key(_SLOTS, slot)
        seen = (self.table.get(key) or {}).get("came")
        if any(self.table.query(_roster(slot, shard), limit=1).rows for shard in range(SHARDS)):
            return False
        try:
            self.table.delete(key, expect=equals("came", seen) if isinstance(seen, int) else Lacks("came"))
        except WriteRefused:
            return False
        return True

    def slots(self) -> list[str]:
        """The slots that anybody is in, or was until lately."""
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
        rows = _keys(subscription.subscriber, subscription.topic, subscription.channel)
        writes = self.choice_writes(subscription, before=before)
        return [_with(one, {"locale": subscription.locale}) if isinstance(one, Update) and one.key in rows else one for one in writes]

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
    chosen: dict[str, Json] = json.loads(str(values["chosen"])) if "chosen" in values else {}
    return Subscription(
        subscriber=str(values["subscriber"]),
        topic=str(values["topic"]),
        channel=Channel(str(values["channel"])),
        address=str(values["address"]),
        locale=str(values["locale"]),
        preferences=_preferences(values, chosen) if chosen or "quiet" in values or "zone" in values else UNCHOSEN,
        filters=read_filters(_part(chosen, "filters")) if chosen else EVERYTHING,
        rhythm=read_rhythm(chosen.get("rhythm")),
    )


def _part(chosen: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = chosen.get(name)
    return found if isinstance(found, dict) else {}


def _preferences(values: Values, chosen: Mapping[str, Json]) -> Preferences:
    quiet = values.get("quiet")
    window = (int(str(quiet[0])), int(str(quiet[1]))) if isinstance(quiet, list) else None
    return replace(read_preferences(_part(chosen, "preferences")), zone=_known_zone(values.get("zone")), quiet=window)


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
    """It stands in each roster that it has to, and whoever finds one of them empty at this moment learns of it."""
    rows = [Put(Row(key, {"subscriber": one.subscriber})) for key in roster_keys(one)]
    return [*rows, *(Update(Key(_SLOTS, slot.name), Change(add={"came": 1})) for slot in slots_of(one.whole_rhythm))]


def _carried_write(one: Subscription) -> Write:
    """The next digest of its slot looks back further than to the last."""
    slot, since = slots_of(one.rhythm)[-1], one.rhythm[-1].since
    return Put(Row(Key(_CARRIED, slot.name), {"at": to_ms(since), "ttl": round((since + KEPT).timestamp())}))


def roster_keys(one: Subscription) -> list[Key]:
    """Where a subscription stands in the rosters of digests, the present one last; nowhere where its notices always came one by one."""
    sort = f"{one.subscriber}#{one.channel}#{one.topic}"
    return [Key(_roster(slot.name, shard_of(one.subscriber)), sort) for slot in slots_of(one.whole_rhythm)]


def _unchanged(seen: Values | None) -> Condition:
    """The subscription as it was read: not there, or with the same choices."""
    if seen is None:
        return Absent()
    return equals("chosen", str(seen["chosen"])) if "chosen" in seen else Lacks("chosen")


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
    parts = (("filters", filter_values(one.filters)), ("preferences", rest), ("rhythm", rhythm_values(one.rhythm)))
    chosen = {name: part for name, part in parts if part}
    if chosen:
        values["chosen"] = json.dumps(chosen, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return values
