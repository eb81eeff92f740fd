"""Audit rows: `AUDIT#<broadcast>` / `<ms>#<id>`. One for each change of state that a person or a source made; never changed, never deleted by us."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Key, Put, Row, Table, Values, Write

KEPT = timedelta(days=731)


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, when. `who` is a key's or a source's name, never a person's address."""

    who: str
    what: str
    at: datetime


@dataclass(frozen=True)
class Audit:
    """Reads and writes audit entries."""

    table: Table

    def write(self, broadcast: str, entry: AuditEntry, *, id: str) -> Write:
        """The write of an entry, for the transaction that makes the change."""
        values: Values = {"who": entry.who, "what": entry.what, "at": to_ms(entry.at), "ttl": int((entry.at + KEPT).timestamp())}
        return Put(Row(Key(f"AUDIT#{broadcast}", f"{to_ms(entry.at):014d}#{id}"), values))

    def of(self, broadcast: str) -> list[AuditEntry]:
        """The entries of a broadcast, oldest first."""
        found: list[AuditEntry] = []
        after: str | None = None
        while True:
            page = self.table.query(f"AUDIT#{broadcast}", after=after)
            found += [_entry(row.values) for row in page.rows]
            if page.after is None:
                return found
            after = page.after


def _entry(values: Values) -> AuditEntry:
    return AuditEntry(str(values["who"]), str(values["what"]), from_ms(int(str(values["at"]))))
