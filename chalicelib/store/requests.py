"""Idempotency keys: `IK#<hash of whose, which route and key>` / `REQUEST` → the hash of the body and the answer it got.

The row is written in the transaction that does the work, so there is a row if and only if the work was done.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.state.table import Absent, Compare, Key, Put, Row, Table, Values, Write, either

KEPT = timedelta(hours=72)


@dataclass(frozen=True)
class RequestName:
    """The caller's name for a request: it counts for one API key and one route."""

    who: str
    route: str
    key: str

    @property
    def row_key(self) -> Key:
        """Where the request is kept."""
        return Key("IK#" + hashlib.sha256(f"{self.who}\n{self.route}\n{self.key}".encode()).hexdigest(), "REQUEST")


@dataclass(frozen=True)
class Answered:
    """A request that was done, and its answer."""

    body_hash: str
    answer: Mapping[str, object]


@dataclass(frozen=True)
class Requests:
    """Reads and writes idempotency keys."""

    table: Table

    def find(self, name: RequestName, now: datetime) -> Answered | None:
        """The answer this request got within 72 hours. Rows are deleted late, so their time is checked here."""
        found = self.table.get(name.row_key)
        return read_answered(found) if found and int(str(found["ttl"])) > now.timestamp() else None

    def write(self, name: RequestName, answered: Answered, now: datetime) -> Write:
        """The write that remembers the answer, for a transaction. It loses where the key is in use."""
        values: Values = {
            "body_hash": answered.body_hash,
            "answer": json.dumps(answered.answer, ensure_ascii=False),
            "ttl": int((now + KEPT).timestamp()),
        }
        return Put(Row(name.row_key, values), expect=either(Absent(), Compare("ttl", "<=", int(now.timestamp()))))


def read_answered(values: Values) -> Answered:
    """The request a row holds."""
    return Answered(str(values["body_hash"]), json.loads(str(values["answer"])))
