"""Posts by other systems: `I#<post>` / `POST` (whose, the hash of its body, our answer) and `I#<post>` / `WORK#<n>` (the notices
still to be published, packed). While work is open the post is in the index: `open` = INTAKE, `due` = when to look after it.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.notice import Notice
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Absent, Change, Key, Put, Row, Table, Value, Values, Write, equals
from chalicelib.store.notice_text import read_notice, write_notice

OPEN = "INTAKE"
KEPT = timedelta(days=30)
FIRST_LOOK = timedelta(seconds=60)
"""The queue has the first try; whoever looks for forgotten posts comes after it."""

_MOST_WAIT = timedelta(hours=6)
_PART_BYTES = 350 * 1024


@dataclass(frozen=True)
class Post:
    """A signed post that was taken, with the answer it got."""

    id: str
    source: str
    body_hash: str
    answer: Mapping[str, object]
    at: datetime
    parts: int = 0
    looks: int = 0


@dataclass(frozen=True)
class Posts:
    """Reads and writes posts."""

    table: Table

    def get(self, post: str) -> Post | None:
        """A post, read consistently."""
        found = self.table.get(post_key(post))
        return read_post(found) if found else None

    def create_writes(self, post: Post, notices: Sequence[Notice]) -> list[Write]:
        """The writes that take a post and its work, for a transaction. The first of them loses where the post was taken before."""
        ttl = int((post.at + KEPT).timestamp())
        packed = zlib.compress(json.dumps([write_notice(one) for one in notices], ensure_ascii=False).encode()) if notices else b""
        parts = [packed[start : start + _PART_BYTES] for start in range(0, len(packed), _PART_BYTES)]
        values: dict[str, Value] = {
            "id": post.id,
            "source": post.source,
            "body_hash": post.body_hash,
            "answer": json.dumps(post.answer, ensure_ascii=False),
            "at": to_ms(post.at),
            "parts": len(parts),
            "ttl": ttl,
        }
        if parts:
            values |= {"open": OPEN, "due": to_ms(post.at + FIRST_LOOK), "looks": 0}
        work = [Put(Row(_work_key(post.id, number), {"packed": part, "ttl": ttl})) for number, part in enumerate(parts)]
        return [Put(Row(post_key(post.id), values), expect=Absent()), *work]

    def work(self, post: Post) -> list[Notice]:
        """The notices of a post whose work is still open; none once it is done."""
        keys = [_work_key(post.id, number) for number in range(post.parts)]
        found = self.table.get_many(keys)
        if len(found) < len(keys):
            return []
        packed = b"".join(part for key in keys if isinstance(part := found[key]["packed"], bytes))
        return [read_notice(one) for one in json.loads(zlib.decompress(packed))]

    def finish(self, post: Post) -> None:
        """All notices of a post are published: it leaves the index, and its work leaves the table."""
        self.table.update(post_key(post.id), Change(remove=("open", "due")), expect=equals("id", post.id))
        for number in range(post.parts):
            self.table.delete(_work_key(post.id, number))

    def put_aside(self, post: str) -> None:
        """Nobody works on a post any more. What of it was not published stays readable as long as the post."""
        with suppress(WriteRefused):
            self.table.update(post_key(post), Change(remove=("open", "due")), expect=equals("id", post))

    def due(self, now: datetime) -> list[str]:
        """Posts whose work should be done by now. May lag; publishing a post twice is harmless."""
        found: list[str] = []
        after: str | None = None
        while True:
            page = self.table.query_open(OPEN, due=to_ms(now), after=after)
            found += [row.key.partition.removeprefix("I#") for row in page.rows]
            if page.after is None:
                return found
            after = page.after

    def begin(self, post: Post, now: datetime) -> bool:
        """Work on a post begins; whoever looks for forgotten posts waits twice as long after each time. False where the work is done."""
        wait = min(FIRST_LOOK * 2 ** min(post.looks, 20), _MOST_WAIT)
        change = Change(set={"due": to_ms(now + wait)}, add={"looks": 1})
        try:
            self.table.update(post_key(post.id), change, expect=equals("open", OPEN))
            return True
        except WriteRefused:
            return False


def post_id(source: str, webhook: str) -> str:
    """Our name for what a source calls `webhook`: the same for ever, so that a repeated post is found."""
    return "in_" + hashlib.sha256(f"{source}\n{webhook}".encode()).hexdigest()[:32]


def post_key(post: str) -> Key:
    """Where a post is kept."""
    return Key(f"I#{post}", "POST")


def read_post(values: Values) -> Post:
    """The post a row holds."""
    return Post(
        id=str(values["id"]),
        source=str(values["source"]),
        body_hash=str(values["body_hash"]),
        answer=json.loads(str(values["answer"])),
        at=from_ms(_number(values, "at")),
        parts=_number(values, "parts"),
        looks=_number(values, "looks") if "looks" in values else 0,
    )


def _work_key(post: str, number: int) -> Key:
    return Key(f"I#{post}", f"WORK#{number:02d}")


def _number(values: Values, name: str) -> int:
    return int(str(values[name]))
