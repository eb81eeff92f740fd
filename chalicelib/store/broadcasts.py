"""How a broadcast moves on: each write under the condition that the protocol names. `broadcast_rows` says how rows look; a list of all is in
`BROADCASTS` / `<created>#<id>`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.broadcast import Broadcast, BroadcastState, Content, Review
from chalicelib.domain.times import to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import MOST_GET, Absent, All, Change, Compare, Exists, Key, Lacks, Put, Row, Table, Update, Value, Values, Write, equals, every
from chalicelib.store.broadcast_rows import (
    OPEN,
    approval_values,
    broadcast_key,
    broadcast_values,
    content_key,
    content_values,
    leaves_at,
    read_broadcast,
    read_content,
    review_values,
)


@dataclass(frozen=True)
class Broadcasts:
    """Reads and writes broadcasts."""

    table: Table

    def create_writes(self, broadcast: Broadcast, content: Content) -> list[Write]:
        """The writes that make a broadcast, for a transaction. They lose where it exists."""
        listed: Values = {"broadcast": broadcast.id, "ttl": leaves_at(broadcast)}
        return [
            Put(Row(broadcast_key(broadcast.id), broadcast_values(broadcast)), expect=Absent()),
            Put(Row(content_key(broadcast.id), content_values(content) | {"ttl": leaves_at(broadcast)})),
            Put(Row(Key("BROADCASTS", f"{to_ms(broadcast.created_at):014d}#{broadcast.id}"), listed)),
        ]

    def get(self, broadcast: str) -> Broadcast | None:
        """A broadcast, read consistently."""
        found = self.table.get(broadcast_key(broadcast))
        return read_broadcast(found) if found else None

    def content(self, broadcast: str) -> Content | None:
        """What a broadcast says."""
        found = self.table.get(content_key(broadcast))
        return read_content(found) if found else None

    def get_many(self, names: Collection[str]) -> dict[str, Broadcast]:
        """Those of these broadcasts that exist."""
        wanted, found = list(dict.fromkeys(names)), dict[str, Broadcast]()
        for start in range(0, len(wanted), MOST_GET):
            rows = self.table.get_many([broadcast_key(name) for name in wanted[start : start + MOST_GET]])
            found |= {one.id: one for one in map(read_broadcast, rows.values())}
        return found

    def page(self, *, limit: int, after: str | None = None) -> tuple[list[Broadcast], str | None]:
        """Broadcasts, newest first, and the cursor of the next page."""
        page = self.table.query("BROADCASTS", after=after, limit=limit, backward=True)
        keys = [broadcast_key(str(row.values["broadcast"])) for row in page.rows]
        found = self.table.get_many(keys) if keys else {}
        return [read_broadcast(found[key]) for key in keys if key in found], page.after

    def due(self, now: datetime) -> list[str]:
        """Ids of broadcasts that the sweep should look at. May lag; whoever acts writes conditionally."""
        found: list[str] = []
        after: str | None = None
        while True:
            page = self.table.query_open(OPEN, due=to_ms(now), after=after)
            found += [row.key.partition.removeprefix("B#") for row in page.rows]
            if page.after is None:
                return found
            after = page.after

    def approve_write(self, approved: Broadcast, now: datetime) -> Write:
        """The write by which a second person lets a broadcast go: `approved` is as it was read, but for the new approval, what was counted for it
        and what it waives. It loses where the broadcast was changed, stopped or approved meanwhile."""
        assert approved.approval is not None  # noqa: S101 - that is what the write is for
        values: dict[str, Value] = {
            "state": str(BroadcastState.SCHEDULED),
            "approved_hash": approved.approval.hash,
            "approval": approval_values(approved.approval),
            "planned": dict(approved.planned or {}),
            "open": OPEN,
            "due": max(to_ms(approved.send_at.instant), to_ms(now)),
        }
        waived = {"waived": approved.waived} if approved.waived else {}
        expect = every(equals("state", str(approved.state)), equals("content_hash", approved.approval.hash), Lacks("stop_at"))
        return Update(broadcast_key(approved.id), Change(set=values | waived, remove=("review",)), expect=expect)

    def launch(self, broadcast: Broadcast, *, launch: str, now: datetime) -> bool:
        """Make this call the one that sends the broadcast, to as many as it is planned for. True for the call that did, also when it is
        repeated with the same `launch`."""
        planned: Values = {"planned": dict(broadcast.planned)} if broadcast.planned else {}
        try:
            self.table.update(
                broadcast_key(broadcast.id),
                Change(set={"state": str(BroadcastState.SENDING), "launch": launch, "launched": to_ms(now), "due": to_ms(now), **planned}),
                expect=every(
                    equals("state", str(BroadcastState.SCHEDULED)),
                    Compare("due", "<=", to_ms(now)),
                    equals("content_hash", broadcast.content_hash),
                    equals("approved_hash", broadcast.content_hash),
                    Lacks("stop_at"),
                ),
            )
            return True
        except WriteRefused as refused:
            return refused.old is not None and refused.old.get("launch") == launch

    def review_write(self, broadcast: Broadcast, review: Review) -> Write:
        """The write that keeps a due broadcast from going until a person has looked; it loses where it was launched, stopped or put off meanwhile."""
        change = Change(set={"state": str(BroadcastState.NEEDS_REVIEW), "review": review_values(review)}, remove=("open", "due"))
        return Update(broadcast_key(broadcast.id), change, expect=every(_standing(broadcast), equals("due", to_ms(broadcast.due or review.at))))

    def put_aside_write(self, broadcast: Broadcast, review: Review) -> Write:
        """The write by which a broadcast, wherever it stands, waits for a person and is sent no further; it loses where it was moved on meanwhile."""
        change = Change(set={"state": str(BroadcastState.NEEDS_REVIEW), "review": review_values(review)}, remove=("open", "due"))
        return Update(broadcast_key(broadcast.id), change, expect=_standing(broadcast))

    def stop_write(self, broadcast: Broadcast, now: datetime) -> Write:
        """The write that stops a broadcast: at once where it was not launched, else its workers see it before their next chunk."""
        change: dict[str, Value] = {"stop_at": to_ms(now)}
        if broadcast.state is BroadcastState.SENDING:
            return Update(broadcast_key(broadcast.id), Change(set=change | {"due": to_ms(now)}), expect=_standing(broadcast))
        change |= {"state": str(BroadcastState.STOPPED), "ended_at": to_ms(now)}
        return Update(broadcast_key(broadcast.id), Change(set=change, remove=("open", "due")), expect=_standing(broadcast))

    def complete(self, broadcast: Broadcast, counts: Mapping[str, Value], now: datetime) -> None:
        """Everybody is settled: keep the counts, leave the index."""
        state = BroadcastState.STOPPED if broadcast.stop_at else BroadcastState.COMPLETED
        change = Change(set={"state": str(state), "counts": dict(counts), "counted_at": to_ms(now), "ended_at": to_ms(now)}, remove=("open", "due"))
        try:
            self.table.update(broadcast_key(broadcast.id), change, expect=_standing(broadcast))
        except WriteRefused:
            return

    def keep_counts(self, broadcast: Broadcast, counts: Mapping[str, Value], now: datetime) -> None:
        """Keep a sum, so that the next reader need not make it again."""
        try:
            self.table.update(broadcast_key(broadcast.id), Change(set={"counts": dict(counts), "counted_at": to_ms(now)}), expect=_standing(broadcast))
        except WriteRefused:
            return

    def corrected_write(self, broadcast: Broadcast, correction: str) -> Write:
        """The write that names the correction of a broadcast. That only one of two is named is for their notice to see to: each is its next revision."""
        return Update(broadcast_key(broadcast.id), Change(set={"corrected_by": correction}), expect=Exists())


def _standing(broadcast: Broadcast) -> All:
    """As it was read: in the same state, and stopped or not stopped as then."""
    return every(equals("state", str(broadcast.state)), equals("stop_at", to_ms(broadcast.stop_at)) if broadcast.stop_at else Lacks("stop_at"))
