"""The pace of a sender, shared by all workers: `PACE#<channel>` / `TEMPO` holds the moment up to which slots are given away, until when
urgent ones go first, and how well the sender is.

A reservation is one conditional write. It loses, and learns why from the row, where the slots are too far ahead, where urgent ones go
first, or where the sender's health is not what the caller took it for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.pace import PROBE_EVERY, News, Tempo, after, per_second
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Change, Compare, Condition, Key, Lacks, Table, Value, Values, either, equals, every

MOST_TRIES = 8
UNSEEN = Tempo()
URGENT_FIRST = timedelta(seconds=3)
"""After the last urgent slot, routine waits this long for another urgent reservation."""
_HEALTH = ("speed", "shut_until")


@dataclass(frozen=True)
class Slots:
    """Slots that are ours: the first at `start`, the next each `apart` later, `count` in all (None: no pace binds). Or none, and how long
    until asking again makes sense. `tempo` is as the row says since."""

    start: datetime
    apart: timedelta
    count: int | None = None
    wait: timedelta | None = None
    tempo: Tempo = UNSEEN


@dataclass(frozen=True)
class Wanted:
    """What a worker asks for: one chunk of slots, or up to `burst` where nobody else uses the sender; beginning within `horizon`. Urgent ones
    wait for nobody's turn, and keep routine back behind them unless what they are for stands `alone`: then nothing more comes after it."""

    chunk: int
    burst: int
    horizon: timedelta
    urgent: bool
    alone: bool = False


@dataclass(frozen=True)
class Pace:
    """Gives away slots at a sender's pace, evenly spaced."""

    table: Table

    def reserve(self, channel: Channel, wanted: Wanted, *, pace: int, seen: Tempo, now: datetime) -> Slots:
        """Reserve slots. Where none may be had now, none is taken and `wait` is set. `seen` is the sender as last read."""
        for _ in range(MOST_TRIES):
            wait = _wait(seen, wanted, now)
            if wait is not None:
                return Slots(now, timedelta(0), wait=wait, tempo=seen)
            try:
                return self._try(channel, wanted, pace, seen, now)
            except WriteRefused as refused:
                seen = read_tempo(refused.old or {})
        return Slots(now, timedelta(0), wait=timedelta(seconds=1), tempo=seen)

    def tell(self, channel: Channel, news: News, *, pace: int, seen: Tempo, now: datetime) -> Tempo:
        """Take news of a sender into account. News that changes nothing costs nothing; what others change meanwhile is looked at anew."""
        for _ in range(MOST_TRIES):
            told = after(seen, news, pace=pace, now=to_ms(now))
            if told == seen:
                return seen
            try:
                return read_tempo(self.table.update(tempo_key(channel), _health_change(told, seen.version + 1), expect=_version(seen)))
            except WriteRefused as refused:
                seen = read_tempo(refused.old or {})
        return seen

    def _try(self, channel: Channel, wanted: Wanted, pace: int, seen: Tempo, now: datetime) -> Slots:
        key, start, apart = tempo_key(channel), to_ms(now), 1 / per_second(seen, pace)
        if seen.shut_until is not None:
            probing = Change(set={"shut_until": start + to_ms_length(PROBE_EVERY), "version": seen.version + 1})
            after_it = self.table.update(key, probing, expect=every(_version(seen), equals("shut_until", seen.shut_until)))
            return Slots(now, timedelta(seconds=apart), 1, tempo=read_tempo(after_it))
        idle = seen.next < start
        count = wanted.burst if idle else wanted.chunk
        span = max(1, round(count * apart * 1000))
        first: dict[str, Value] = {"urgent_until": start + span + to_ms_length(URGENT_FIRST)} if wanted.urgent and not wanted.alone else {}
        if idle:
            change = Change(set=first | {"next": start + span})
            expect: Condition = either(Lacks("next"), Compare("next", "<", start))
        else:
            change = Change(set=first, add={"next": span})
            expect = every(Compare("next", ">=", start), Compare("next", "<=", start + to_ms_length(wanted.horizon)))
        turn = [] if wanted.urgent else [either(Lacks("urgent_until"), Compare("urgent_until", "<=", start))]
        tempo = read_tempo(self.table.update(key, change, expect=every(expect, _version(seen), *turn)))
        return Slots(from_ms(tempo.next - span), timedelta(seconds=apart), count, tempo=tempo)


def tempo_key(channel: Channel) -> Key:
    """Where a sender is kept."""
    return Key(f"PACE#{channel}", "TEMPO")


def find_tempo(channel: Channel, rows: Mapping[Key, Values]) -> Tempo:
    """A sender among rows already read; a fresh one where it has no row."""
    return read_tempo(rows.get(tempo_key(channel), {}))


def read_tempo(values: Values) -> Tempo:
    """The sender a row holds."""
    numbers = {name: int(str(values[name])) for name in Tempo.__dataclass_fields__ if isinstance(values.get(name), int)}
    return Tempo(**numbers)


def to_ms_length(length: timedelta) -> int:
    """Milliseconds of a length of time."""
    return round(length.total_seconds() * 1000)


def _wait(seen: Tempo, wanted: Wanted, now: datetime) -> timedelta | None:
    """How long to leave the sender alone, as far as its row says; None: slots may be had."""
    start, far = to_ms(now), to_ms(now + wanted.horizon)
    if seen.shut_until is not None:
        return from_ms(seen.shut_until) - now if seen.shut_until > start else None
    if not wanted.urgent and seen.urgent_until > start:
        return from_ms(seen.urgent_until) - now
    return from_ms(seen.next) - now - wanted.horizon / 2 if seen.next > far else None


def _version(seen: Tempo) -> Condition:
    return equals("version", seen.version) if seen.version else Lacks("version")


def _health_change(told: Tempo, version: int) -> Change:
    values: dict[str, Value] = {name: getattr(told, name) for name in ("changed_at", "good", "bad", "told", "since")}
    kept = {name: getattr(told, name) for name in _HEALTH if getattr(told, name) is not None}
    gone = tuple(name for name in _HEALTH if getattr(told, name) is None)
    return Change(set=values | kept | {"version": version}, remove=gone)
