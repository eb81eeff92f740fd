"""Notice rows: `N#<notice>` / `NOTICE` (what its source last said, and what of it was published) and `N#<notice>` / `R#<n>`
(each revision: the broadcast that holds its words and its audience).

`said` is written when a post is taken, so that the next post is answered rightly while the first still waits in a queue;
`published` when it becomes a broadcast. Only the second decides what is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.alerts import Said
from chalicelib.domain.notice import Act
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import MOST_GET, Absent, Change, Key, Lacks, Put, Row, Table, Update, Value, Values, Write, either, equals

KEPT = timedelta(days=400)
"""How long a name stays known after it was last heard of, so that an old alert read again is not sent again."""


@dataclass(frozen=True)
class KnownNotice:
    """What is known under a source's name. `number` counts its published revisions; `post` and `broadcast` made the last."""

    id: str
    said: Said | None = None
    published: Said | None = None
    number: int = 0
    post: str | None = None
    broadcast: str | None = None
    over: bool = False


@dataclass(frozen=True)
class Revision:
    """One revision of a notice, as published."""

    notice: str
    number: int
    act: Act
    broadcast: str
    said: Said
    expires_at: datetime


@dataclass(frozen=True)
class Notices:
    """Reads and writes notices."""

    table: Table

    def get(self, notice: str) -> KnownNotice:
        """What is known of a notice; of a new one, nothing."""
        return _known(notice, self.table.get(notice_key(notice)) or {})

    def get_many(self, notices: Sequence[str]) -> dict[str, KnownNotice]:
        """What is known of each of these."""
        names = list(dict.fromkeys(notices))
        found: dict[Key, Values] = {}
        for start in range(0, len(names), MOST_GET):
            found |= self.table.get_many([notice_key(name) for name in names[start : start + MOST_GET]])
        return {name: _known(name, found.get(notice_key(name), {})) for name in names}

    def broadcasts(self, notice: str) -> list[str]:
        """The broadcasts of a notice's last revisions, newest first."""
        page = self.table.query(f"N#{notice}", prefix="R#", limit=10, backward=True)
        return [str(row.values["broadcast"]) for row in page.rows]

    def said_write(self, notice: str, said: Said, *, source: str, ref: str) -> Write:
        """The write that remembers what a source said, for a transaction."""
        change: Values = {"said": _said_values(said), "source": source, "ref": ref, "ttl": _ttl(said.at)}
        return Update(notice_key(notice), Change(set=change))

    def end_write(self, known: KnownNotice) -> Write:
        """The write that remembers that a notice is over, for a transaction; its words stay known, so that they are not told anew."""
        return Update(notice_key(known.id), Change(set={"state": "over"}), expect=equals("number", known.number))

    def withdraw_write(self, known: KnownNotice, said: Said, *, post: str) -> Write:
        """The write that remembers a notice as over before anybody was told: should it come back, it is news."""
        change: Values = {"state": "over", "said": _said_values(said), "published": _said_values(said), "post": post}
        return Update(notice_key(known.id), Change(set=change), expect=equals("number", known.number))

    def publish_writes(self, known: KnownNotice, revision: Revision, *, post: str) -> list[Write]:
        """The writes that publish a revision, for a transaction. They lose where another was published since `known` was read."""
        change: Values = {
            "number": revision.number,
            "published": _said_values(revision.said),
            "post": post,
            "broadcast": revision.broadcast,
            "state": "over" if revision.act is Act.CANCELLED else "live",
            "expires": to_ms(revision.expires_at),
            "ttl": _ttl(max(revision.said.at, revision.expires_at)),
        }
        expect = equals("number", known.number) if known.number else either(Absent(), Lacks("number"))
        row: Values = {"act": str(revision.act), "broadcast": revision.broadcast, "at": to_ms(revision.said.at), "ttl": change["ttl"]}
        return [
            Update(notice_key(revision.notice), Change(set=change), expect=expect),
            Put(Row(revision_key(revision.notice, revision.number), row)),
        ]


def notice_key(notice: str) -> Key:
    """Where a notice is kept."""
    return Key(f"N#{notice}", "NOTICE")


def revision_key(notice: str, number: int) -> Key:
    """Where a revision is kept."""
    return Key(f"N#{notice}", f"R#{number:06d}")


def _known(notice: str, values: Values) -> KnownNotice:
    number = values.get("number")
    return KnownNotice(
        id=notice,
        said=_read_said(values.get("said")),
        published=_read_said(values.get("published")),
        number=number if isinstance(number, int) else 0,
        post=str(values["post"]) if "post" in values else None,
        broadcast=str(values["broadcast"]) if "broadcast" in values else None,
        over=values.get("state") == "over",
    )


def _said_values(said: Said) -> dict[str, Value]:
    values: dict[str, Value] = {"hash": said.fingerprint, "periods": [[start, end] for start, end in said.periods], "at": to_ms(said.at)}
    return values | ({"revision": said.revision} if said.revision is not None else {})


def _read_said(value: Value) -> Said | None:
    if not isinstance(value, Mapping):
        return None
    periods, revision = value["periods"], value.get("revision")
    assert isinstance(periods, list)  # noqa: S101 - written by _said_values only
    pairs = [(_maybe(one[0]), _maybe(one[1])) for one in periods if isinstance(one, list)]
    return Said(str(value["hash"]), tuple(pairs), _maybe(revision), from_ms(int(str(value["at"]))))


def _maybe(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _ttl(last: datetime) -> int:
    return int((last + KEPT).timestamp())
