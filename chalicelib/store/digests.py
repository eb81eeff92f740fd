"""What digests need beside their roster: `SENT` / `<ms>#<broadcast>`, broadcasts in the order in which they were launched; and `DIGEST#<slot>` /
`<ms>`, the times at which a slot came round and was seen to. What a digest tells of, by when it was launched, is kept beside it: `B#<digest>` / `PERIOD`.

A broadcast is listed before it is launched: whoever reads the list reads the broadcast too, and believes that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.digests import KEPT, MARGIN
from chalicelib.domain.rhythms import Period
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Absent, Key, Put, Row, Table, Write

SLACK = timedelta(minutes=2)
"""A broadcast is launched within so much of being listed, or it is listed again."""


@dataclass(frozen=True)
class Digests:
    """Keeps what digests tell of, and which went."""

    table: Table

    def list_sent(self, broadcast: str, now: datetime) -> None:
        """Put a broadcast on the list, before it is launched."""
        self.table.put(Row(Key("SENT", f"{to_ms(now):014d}#{broadcast}"), {"ttl": round((now + KEPT).timestamp())}))

    def sent(self, start: datetime, end: datetime) -> list[str]:
        """Broadcasts that may have been launched after `start` and up to `end`, oldest first, each once."""
        found: dict[str, None] = {}
        after: str | None = f"{to_ms(max(start - SLACK, from_ms(0))):014d}#~"
        while after is not None:
            page = self.table.query("SENT", after=after)
            found |= {row.key.sort.split("#", 1)[1]: None for row in page.rows if int(row.key.sort.split("#", 1)[0]) <= to_ms(end)}
            after = page.after
        return list(found)

    def next_period(self, slot: str, due: datetime) -> Period | None:
        """What the digest of a slot tells of that falls due then: it begins where the last one that was seen to ended. None for a new slot."""
        rows = self.table.query(f"DIGEST#{slot}", limit=1, backward=True).rows
        return Period(from_ms(int(rows[0].key.sort)) - MARGIN, due - MARGIN, rows[0].values.get("first") is True) if rows else None

    def begin(self, slot: str, due: datetime) -> None:
        """A new slot, whose first digest is the next."""
        self.table.put(Row(_key(slot, due), {"done": True, "first": True, "ttl": round((due + KEPT).timestamp())}))

    def period_write(self, digest: str, period: Period, due: datetime) -> Write:
        """The write that keeps what a digest tells of, for a transaction."""
        values = {"after": to_ms(period.after), "until": to_ms(period.until), "first": period.first, "ttl": round((due + KEPT).timestamp())}
        return Put(Row(Key(f"B#{digest}", "PERIOD"), values))

    def period(self, digest: str) -> Period | None:
        """What a digest tells of."""
        found = self.table.get(Key(f"B#{digest}", "PERIOD"))
        return Period(from_ms(int(str(found["after"]))), from_ms(int(str(found["until"]))), found["first"] is True) if found else None

    def done_write(self, slot: str, due: datetime) -> Write:
        """The write that says so, for a transaction: refused the second time."""
        return Put(Row(_key(slot, due), {"done": True, "ttl": round((due + KEPT).timestamp())}), expect=Absent())


def _key(slot: str, due: datetime) -> Key:
    return Key(f"DIGEST#{slot}", f"{to_ms(due):014d}")
