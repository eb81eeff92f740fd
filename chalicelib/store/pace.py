"""The pace of a sender, shared by all workers: `PACE#<channel>` / `SLOTS` holds the moment up to which slots are given away."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Change, Compare, Key, Lacks, Table, either, every


@dataclass(frozen=True)
class Slots:
    """Slots that are ours: the first at `start`, the next each `apart` later. Or none, and how long until asking again makes sense."""

    start: datetime
    apart: timedelta
    wait: timedelta | None = None


@dataclass(frozen=True)
class Pace:
    """Gives away slots at a sender's pace, evenly spaced."""

    table: Table

    def reserve(self, channel: Channel, count: int, *, per_second: int, now: datetime, horizon: timedelta) -> Slots:
        """Reserve slots that start before `now + horizon`; where all of those are gone, none is taken and `wait` is set."""
        apart = timedelta(seconds=1 / (per_second * 0.98))
        span = max(1, round(count * apart.total_seconds() * 1000))
        key, start = Key(f"PACE#{channel}", "SLOTS"), to_ms(now)
        while True:
            try:
                busy = every(Compare("next", ">=", start), Compare("next", "<=", to_ms(now + horizon)))
                after = self.table.update(key, Change(add={"next": span}), expect=busy)
                return Slots(from_ms(int(str(after["next"])) - span), apart)
            except WriteRefused as refused:
                taken = int(str((refused.old or {}).get("next", 0)))
                if taken > to_ms(now + horizon):
                    return Slots(now, apart, wait=from_ms(taken) - now)
            try:
                self.table.update(key, Change(set={"next": start + span}), expect=either(Lacks("next"), Compare("next", "<", start)))
                return Slots(now, apart)
            except WriteRefused:
                continue  # another worker took the first slot between our two tries
