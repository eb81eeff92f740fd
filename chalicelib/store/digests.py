"""What digests need beside their roster: `SENT` / `<ms>#<broadcast>`, broadcasts in the order in which they were launched; and `DIGEST#<slot>` /
`<ms>`, the times at which a slot came round and was seen to.

A broadcast is listed before it is launched: whoever reads the list reads the broadcast too, and believes that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Absent, Key, Put, Row, Table, Write

KEPT = timedelta(days=10)
"""Longer than a week's digest looks back."""


@dataclass(frozen=True)
class Digests:
    """Keeps what digests tell of, and which went."""

    table: Table

    def list_sent(self, broadcast: str, now: datetime) -> None:
        """Put a broadcast on the list, before it is launched."""
        self.table.put(Row(Key("SENT", f"{to_ms(now):014d}#{broadcast}"), {"ttl": round((now + KEPT).timestamp())}))

    def sent(self, start: datetime, end: datetime) -> list[str]:
        """Broadcasts that were launched, or were about to be, after `start` and up to `end`, oldest first, each once."""
        found: dict[str, None] = {}
        after: str | None = f"{to_ms(start):014d}#~"
        while after is not None:
            page = self.table.query("SENT", after=after)
            found |= {row.key.sort.split("#", 1)[1]: None for row in page.rows if int(row.key.sort.split("#", 1)[0]) <= to_ms(end)}
            after = page.after
        return list(found)

    def last_done(self, slot: str) -> datetime | None:
        """When this slot last came round and was seen to; None for a new one."""
        rows = self.table.query(f"DIGEST#{slot}", limit=1, backward=True).rows
        return from_ms(int(rows[0].key.sort)) if rows else None

    def begin(self, slot: str, due: datetime) -> None:
        """A new slot: what was before is not its business."""
        self.table.put(Row(_key(slot, due), {"done": True, "ttl": round((due + KEPT).timestamp())}))

    def done_write(self, slot: str, due: datetime) -> Write:
        """The write that says so, for a transaction: refused the second time."""
        return Put(Row(_key(slot, due), {"done": True, "ttl": round((due + KEPT).timestamp())}), expect=Absent())


def _key(slot: str, due: datetime) -> Key:
    return Key(f"DIGEST#{slot}", f"{to_ms(due):014d}")
