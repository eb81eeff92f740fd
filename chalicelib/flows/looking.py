"""The look: what is true of a chunk's recipients right after its mark. One consistent read, then judged.

Everybody's address, the broadcast and the switches are read each time; where a batch was planned a while ago, also whether
its people still follow, in which language, and when they want quiet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import Entry
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.reception import Hold, Verdict, Wish, best, own_quiet, receive
from chalicelib.domain.verdict import Looked, ends, verdict
from chalicelib.flows.occasions import occasion_of
from chalicelib.flows.task import Task
from chalicelib.state.table import MOST_GET, Key, Values
from chalicelib.store.addresses import address_key, read_addresses
from chalicelib.store.broadcast_rows import broadcast_key, read_broadcast
from chalicelib.store.subscriptions import Subscription, audience_key, read_subscription
from chalicelib.store.switches import SWITCHES, read_switches, stops


@dataclass(frozen=True)
class Reader:
    """One recipient as the look found them: the entry as it holds now, their sealed address, and the language they read. `wish` is what they want
    by now, of those asked again."""

    entry: Entry
    address: Looked | None
    locale: str
    wish: Verdict = None


@dataclass(frozen=True)
class Look:
    """What a look found, judged for everybody: why not, until when not, or None: hand over."""

    readers: Mapping[int, Reader]
    verdicts: Mapping[int, Mark | Hold | None]
    ended: Mark | None
    paused: bool


def look(task: Task, chunk: Sequence[int]) -> Look:
    """Read and judge. Never before the mark: whoever opts out after this read does so after the attempt began."""
    rows = _read(task, chunk)
    found = rows.get(broadcast_key(task.key.broadcast))
    broadcast = read_broadcast(found) if found else None
    now, readers = task.services.now(), _readers(task, chunk, rows)
    verdicts = {entry: _judge(task, one, broadcast, now) for entry, one in readers.items()}
    return Look(readers, verdicts, ends(broadcast, now), stops(read_switches(rows), task.what.channel, task.key.broadcast))


def _judge(task: Task, reader: Reader, broadcast: Broadcast | None, now: datetime) -> Mark | Hold | None:
    city = task.services.city
    quiet = city.quiet if task.what.channel is Channel.SMS and task.broadcast.audience.digest is None else None
    found = verdict(reader.entry, reader.address, broadcast, zone=city.zone, now=now, quiet=quiet)
    return reader.wish if reader.wish is not None and not isinstance(found, Mark) else found


def _read(task: Task, chunk: Sequence[int]) -> dict[Key, Values]:
    entries = [task.what.entries[number] for number in chunk]
    keys = [broadcast_key(task.key.broadcast), SWITCHES, *(address_key(one.address) for one in entries)]
    if task.stale:
        keys += [audience_key(one.subscriber, one.topic, task.what.channel) for one in entries if one.subscriber]
    return _get_all(task, keys)


def _readers(task: Task, chunk: Sequence[int], rows: Mapping[Key, Values]) -> dict[int, Reader]:
    hashes = [task.what.entries[number].address for number in chunk]
    readers: dict[int, Reader] = {}
    for number, known in zip(chunk, read_addresses(hashes, rows), strict=True):
        address = Looked(known.sealed, known.verified, known.opted_out is not None, known.bad is not None, known.subscriber) if known else None
        readers[number] = Reader(task.what.entries[number], address, task.what.locale)
    return _as_they_are_now(task, readers, rows) if task.stale else readers


def _as_they_are_now(task: Task, readers: dict[int, Reader], rows: Mapping[Key, Values]) -> dict[int, Reader]:
    """People may have left, paused, or changed what they want, when and in which language, since the batch was planned. Whoever does not want it
    by one topic may by another, which is read only then."""
    asked = {number: _as_now(task, reader, rows) if reader.entry.subscriber else reader for number, reader in readers.items()}
    gone = [readers[number].entry for number, one in asked.items() if isinstance(one.wish, Mark)]
    others = _get_all(task, [_key(task, entry, topic) for entry in gone for topic in task.broadcast.audience.reached if topic != entry.topic])
    return {number: _as_now(task, readers[number], {**rows, **others}) if isinstance(one.wish, Mark) else one for number, one in asked.items()}


def _as_now(task: Task, reader: Reader, rows: Mapping[Key, Values]) -> Reader:
    topics = dict.fromkeys([reader.entry.topic, *task.broadcast.audience.reached])
    found = [read_subscription(rows[key]) for key in (_key(task, reader.entry, topic) for topic in topics) if key in rows]
    if not found:
        return replace(reader, wish=Mark(State.SKIPPED, SkipReason.OPTED_OUT))
    wishes = [(one, _wish(task, one)) for one in found]
    wanted = best(wish for _, wish in wishes)
    now = next(one for one, wish in wishes if wish == wanted)
    entry = replace(reader.entry, quiet=own_quiet(now.preferences, now.filters), zone=now.preferences.zone)
    return replace(reader, entry=entry, locale=now.locale, wish=wanted)


def _wish(task: Task, one: Subscription) -> Verdict:
    """A correction is for whoever got the wrong one."""
    if task.broadcast.audience.corrects:
        return None
    occasion = occasion_of(task.broadcast, task.content, services=task.services)
    return receive(Wish(one.channel, one.as_of(task.broadcast.launched_at), one.filters), occasion, task.services.now())


def _key(task: Task, entry: Entry, topic: str) -> Key:
    return audience_key(entry.subscriber, topic, task.what.channel)


def _get_all(task: Task, keys: Sequence[Key]) -> dict[Key, Values]:
    distinct, rows = list(dict.fromkeys(keys)), dict[Key, Values]()
    for start in range(0, len(distinct), MOST_GET):
        rows |= task.services.store.table.get_many(distinct[start : start + MOST_GET])
    return rows
