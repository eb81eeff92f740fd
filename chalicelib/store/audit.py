"""Audit rows: `AUDIT#<subject>` / `<ms>#<id>`. One for each change of state that a person, a source or a guard of the engine made; never
changed, never deleted by us. The subject is a broadcast, or `switch:<name>`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Key, Put, Row, Table, Values, Write

ENGINE = "engine"
"""Who acts where a guard does."""
KEPT = timedelta(days=731)


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, when, and why where they said so. `who` is a key's or a source's name, or `engine`, never a person's address."""

    who: str
    what: str
    at: datetime
    why: str = ""


@dataclass(frozen=True)
class Audit:
    """Reads and writes audit entries."""

    table: Table

    def write(self, subject: str, entry: AuditEntry, *, id: str) -> Write:
        """The write of an entry, for the transaction that makes the change."""
        values: Values = {"who": entry.who, "what": entry.what, "at": to_ms(entry.at), "ttl": int((entry.at + KEPT).timestamp())}
        return Put(Row(Key(f"AUDIT#{subject}", f"{to_ms(entry.at):014d}#{id}"), {**values, **({"why": entry.why} if entry.why else {})}))

    def of(self, subject: str) -> list[AuditEntry]:
        """The entries of a broadcast or a switch, oldest first."""
        found: list[AuditEntry] = []
        after: str | None = None
        while True:
            page = self.table.query(f"AUDIT#{subject}", after=after)
            found += [_entry(row.values) for row in page.rows]
            if page.after is None:
                return found
            after = page.after


def _entry(values: Values) -> AuditEntry:
    return AuditEntry(str(values["who"]), str(values["what"]), from_ms(int(str(values["at"]))), str(values.get("why", "")))
