"""Broadcast rows: `B#<id>` / `BROADCAST` (who, when, to whom, where it stands), `B#<id>` / `CONTENT` (what it says;
never changes), and a list of all in `BROADCASTS` / `<created>#<id>`.

While a broadcast has work to come it is in the index: `open` = BROADCAST, `due` = when the sweep should look.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.about import NOTHING_SAID, about_values, read_about
from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Approval, Audience, Broadcast, BroadcastState, Content, Review, ReviewReason, SendAt
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import MOST_GET, Absent, All, Change, Compare, Exists, Key, Lacks, Put, Row, Table, Update, Value, Values, Write, equals, every

OPEN = "BROADCAST"
KEPT = timedelta(days=731)
"""Notices a city sent are public record for two years."""


@dataclass(frozen=True)
class Broadcasts:
    """Reads and writes broadcasts."""

    table: Table

    def create_writes(self, broadcast: Broadcast, content: Content) -> list[Write]:
        """The writes that make a broadcast, for a transaction. They lose where it exists."""
        listed: Values = {"broadcast": broadcast.id, "ttl": _ttl(broadcast)}
        return [
            Put(Row(broadcast_key(broadcast.id), _broadcast_values(broadcast)), expect=Absent()),
            Put(Row(content_key(broadcast.id), _content_values(content) | {"ttl": _ttl(broadcast)})),
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
            "approval": _approval_values(approved.approval),
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
        change = Change(set={"state": str(BroadcastState.NEEDS_REVIEW), "review": _review_values(review)}, remove=("open", "due"))
        return Update(broadcast_key(broadcast.id), change, expect=every(_standing(broadcast), equals("due", to_ms(broadcast.due or review.at))))

    def put_aside_write(self, broadcast: Broadcast, review: Review) -> Write:
        """The write by which a broadcast, wherever it stands, waits for a person and is sent no further; it loses where it was moved on meanwhile."""
        change = Change(set={"state": str(BroadcastState.NEEDS_REVIEW), "review": _review_values(review)}, remove=("open", "due"))
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


def broadcast_key(broadcast: str) -> Key:
    """Where a broadcast is kept."""
    return Key(f"B#{broadcast}", "BROADCAST")


def content_key(broadcast: str) -> Key:
    """Where its content is kept."""
    return Key(f"B#{broadcast}", "CONTENT")


def read_broadcast(values: Values) -> Broadcast:
    """The broadcast a row holds."""
    approval, stop_at, ended_at, counts, planned = (values.get(name) for name in ("approval", "stop_at", "ended_at", "counts", "planned"))
    review, waived = values.get("review"), values.get("waived")
    return Broadcast(
        id=_text(values, "id"),
        state=BroadcastState(_text(values, "state")),
        author=_text(values, "author"),
        created_at=_moment(values, "created_at"),
        send_at=SendAt(_moment(values, "send_at"), _maybe(values, "send_local"), _maybe(values, "send_zone")),
        audience=Audience(
            topics=_texts(values, "topics"),
            reached=_texts(values, "reached"),
            channels=tuple(Channel(name) for name in _texts(values, "channels")),
            include_below=bool(values["include_below"]),
            corrects=_maybe(values, "corrects"),
            digest=_maybe(values, "digest"),
        ),
        urgent=bool(values["urgent"]),
        expires_at=_moment(values, "expires_at"),
        content_hash=_text(values, "content_hash"),
        approval=_read_approval(approval) if isinstance(approval, Mapping) else None,
        stop_at=from_ms(stop_at) if isinstance(stop_at, int) else None,
        ended_at=from_ms(ended_at) if isinstance(ended_at, int) else None,
        counts=counts if isinstance(counts, Mapping) else None,
        counted_at=_moment(values, "counted_at") if "counted_at" in values else None,
        planned={str(name): int(str(count)) for name, count in planned.items()} if isinstance(planned, Mapping) else None,
        corrected_by=_maybe(values, "corrected_by"),
        due=_moment(values, "due") if "due" in values else None,
        review=_read_review(review) if isinstance(review, Mapping) else None,
        waived=frozenset(str(one) for one in waived) if isinstance(waived, frozenset) else frozenset(),
        launched_at=_moment(values, "launched") if "launched" in values else None,
    )


def read_content(values: Values) -> Content:
    """The content a row holds."""
    texts = values["texts"]
    assert isinstance(texts, Mapping)  # noqa: S101 - written by _content_values only
    return Content(
        notice=_text(values, "notice"),
        revision=int(_text(values, "revision")),
        act=Act(_text(values, "act")),
        kind=Kind(_text(values, "kind")),
        severity=Severity(_text(values, "severity")),
        urgency=Urgency(_text(values, "urgency")),
        texts={tag: Text(_text(text, "title"), _text(text, "body"), _maybe(text, "link")) for tag, text in texts.items() if isinstance(text, Mapping)},
        language=_text(values, "language"),
        link=_maybe(values, "link"),
        starts_at=_moment(values, "starts_at") if "starts_at" in values else None,
        expires_at=_moment(values, "expires_at"),
        about=read_about(json.loads(_text(values, "about"))) if "about" in values else NOTHING_SAID,
        worst=Severity(_text(values, "worst")) if "worst" in values else None,
        items=_texts(values, "items") if "items" in values else (),
    )


def _standing(broadcast: Broadcast) -> All:
    """As it was read: in the same state, and stopped or not stopped as then."""
    return every(equals("state", str(broadcast.state)), equals("stop_at", to_ms(broadcast.stop_at)) if broadcast.stop_at else Lacks("stop_at"))


def _broadcast_values(one: Broadcast) -> Values:
    values: dict[str, Value] = {
        "id": one.id,
        "state": str(one.state),
        "author": one.author,
        "created_at": to_ms(one.created_at),
        "send_at": to_ms(one.send_at.instant),
        "topics": list(one.audience.topics),
        "reached": list(one.audience.reached),
        "channels": [str(channel) for channel in one.audience.channels],
        "include_below": one.audience.include_below,
        "urgent": one.urgent,
        "expires_at": to_ms(one.expires_at),
        "content_hash": one.content_hash,
        "ttl": _ttl(one),
    }
    if one.send_at.local and one.send_at.zone:
        values |= {"send_local": one.send_at.local, "send_zone": one.send_at.zone}
    if one.planned:
        values["planned"] = dict(one.planned)
    if one.audience.corrects:
        values["corrects"] = one.audience.corrects
    if one.audience.digest:
        values["digest"] = one.audience.digest
    if one.approval:
        values |= {"approved_hash": one.approval.hash, "approval": _approval_values(one.approval)}
    if one.review:
        values["review"] = _review_values(one.review)
    if one.state is BroadcastState.SCHEDULED:
        values |= {"open": OPEN, "due": to_ms(one.send_at.instant)}
    return values


def _content_values(one: Content) -> dict[str, Value]:
    values: dict[str, Value] = {
        "notice": one.notice,
        "revision": one.revision,
        "act": str(one.act),
        "kind": str(one.kind),
        "severity": str(one.severity),
        "urgency": str(one.urgency),
        "texts": {tag: _text_values(text) for tag, text in one.texts.items()},
        "language": one.language,
        "expires_at": to_ms(one.expires_at),
    }
    if one.link:
        values["link"] = one.link
    if one.starts_at:
        values["starts_at"] = to_ms(one.starts_at)
    if one.items:
        values["items"] = list(one.items)
    if one.worst:
        values["worst"] = str(one.worst)
    about = about_values(one.about)
    if about:
        values["about"] = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    return values


def _text_values(text: Text) -> Values:
    return {"title": text.title, "body": text.body} | ({"link": text.link} if text.link else {})


def _approval_values(approval: Approval) -> Values:
    return {"by": approval.by, "rule": approval.rule, "hash": approval.hash, "at": to_ms(approval.at)}


def _read_approval(values: Values) -> Approval:
    return Approval(_text(values, "by"), _text(values, "rule"), _text(values, "hash"), _moment(values, "at"))


def _review_values(review: Review) -> Values:
    return {"reason": str(review.reason), "at": to_ms(review.at), "numbers": dict(review.numbers)}


def _read_review(values: Values) -> Review:
    numbers = values["numbers"]
    found = {name: one for name, one in numbers.items() if isinstance(one, int | str)} if isinstance(numbers, Mapping) else {}
    return Review(ReviewReason(_text(values, "reason")), _moment(values, "at"), found)


def _ttl(broadcast: Broadcast) -> int:
    return int((broadcast.created_at + KEPT).timestamp())


def _text(values: Values, name: str) -> str:
    return str(values[name])


def _maybe(values: Values, name: str) -> str | None:
    return str(values[name]) if values.get(name) else None


def _texts(values: Values, name: str) -> tuple[str, ...]:
    found = values[name]
    return tuple(str(one) for one in found) if isinstance(found, Sequence) and not isinstance(found, str | bytes) else ()


def _moment(values: Values, name: str) -> datetime:
    return from_ms(int(_text(values, name)))
