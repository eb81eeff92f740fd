"""What sources used of their caps: `SOURCE#<source>` / `SENT#<due ms>#<broadcast>` (to how many), and `BREACH#<ms>#<broadcast>`.

One row for each broadcast, named after it: writing it again changes nothing. It is written before the sum is read, so that of two
broadcasts at the edge of a cap at least one sees both; and taken back where the broadcast waits instead.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.guards import BREACHES_WITHIN
from chalicelib.domain.times import to_ms
from chalicelib.state.table import Delete, Key, Put, Row, Table, Write

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
_KEPT = timedelta(days=2)


@dataclass(frozen=True)
class Used:
    """What a source sent: broadcasts in an hour, recipients in a day."""

    broadcasts: int
    recipients: int


@dataclass(frozen=True)
class Sources:
    """Counts what sources send."""

    table: Table

    def reserve(self, source: str, broadcast: Broadcast, recipients: int, now: datetime) -> Used:
        """Count a broadcast, and say what the source has used with it."""
        due = broadcast.due or now
        self.table.put(Row(_sent_key(source, broadcast.id, due), {"due": to_ms(due), "recipients": recipients, "ttl": _ttl(due)}))
        rows = self._rows(source, "SENT", now - DAY)
        within_an_hour = [row for row in rows if int(str(row.values["due"])) > to_ms(now - HOUR)]
        return Used(len(within_an_hour), sum(int(str(row.values["recipients"])) for row in rows))

    def release_write(self, source: str, broadcast: Broadcast, now: datetime) -> Write:
        """The write that counts a broadcast no longer, for a transaction."""
        return Delete(_sent_key(source, broadcast.id, broadcast.due or now))

    def breach_write(self, source: str, broadcast: Broadcast, now: datetime) -> Write:
        """The write that remembers a broadcast over a cap, for a transaction."""
        return Put(Row(Key(f"SOURCE#{source}", f"BREACH#{to_ms(now):014d}#{broadcast.id}"), {"broadcast": broadcast.id, "ttl": _ttl(now)}))

    def breaches(self, source: str, now: datetime) -> int:
        """How many broadcasts of this source were over a cap within the hour."""
        return len(self._rows(source, "BREACH", now - BREACHES_WITHIN))

    def _rows(self, source: str, kind: str, since: datetime) -> list[Row]:
        found: list[Row] = []
        after: str | None = f"{kind}#{to_ms(since):014d}"
        while after is not None:
            page = self.table.query(f"SOURCE#{source}", prefix=f"{kind}#", after=after)
            found += page.rows
            after = page.after
        return found


def _sent_key(source: str, broadcast: str, due: datetime) -> Key:
    return Key(f"SOURCE#{source}", f"SENT#{to_ms(due):014d}#{broadcast}")


def _ttl(at: datetime) -> int:
    return int((at + _KEPT).timestamp())
