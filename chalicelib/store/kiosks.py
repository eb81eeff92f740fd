"""Kiosk rows: `K#<id>` / `KIOSK` (name, topics, languages, subscriber, hash of its token), `KIOSKS` / `<id>` to list them, and
`KT#<sha256 of the token>` / `KIOSK`, which says whose a token is. The token itself is nowhere.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Delete, Key, Put, Row, Table, Value, Values, Write

MOST_LIST = 100


@dataclass(frozen=True)
class Kiosk:
    """A public screen. `gen` counts its tokens: each new one ends the one before."""

    id: str
    name: str
    topics: tuple[str, ...]
    languages: tuple[str, ...]
    subscriber: str
    token_hash: str
    gen: int
    registered_at: datetime


@dataclass(frozen=True)
class Kiosks:
    """Reads and writes kiosks."""

    table: Table

    def get(self, kiosk: str) -> Kiosk | None:
        """A kiosk by its id."""
        found = self.table.get(_key(kiosk))
        return _kiosk(found) if found else None

    def of_token(self, token: str) -> Kiosk | None:
        """The kiosk whose token this is; None for any other text, and for a token that a newer one ended."""
        digest = token_hash(token)
        owner = self.table.get(_token_key(digest))
        kiosk = self.get(str(owner["kiosk"])) if owner else None
        return kiosk if kiosk and hmac.compare_digest(kiosk.token_hash, digest) else None

    def all(self) -> Iterator[Kiosk]:
        """Every kiosk, by id."""
        after: str | None = None
        while True:
            page = self.table.query("KIOSKS", after=after, limit=MOST_LIST)
            keys = [_key(row.key.sort) for row in page.rows]
            found = self.table.get_many(keys) if keys else {}
            yield from (_kiosk(found[key]) for key in keys if key in found)
            if page.after is None:
                return
            after = page.after

    def put_writes(self, kiosk: Kiosk, old: Kiosk | None) -> list[Write]:
        """The writes that make or change a kiosk, for a transaction."""
        writes: list[Write] = [
            Put(Row(_key(kiosk.id), _values(kiosk))),
            Put(Row(Key("KIOSKS", kiosk.id), {"name": kiosk.name})),
            Put(Row(_token_key(kiosk.token_hash), {"kiosk": kiosk.id})),
        ]
        if old and old.token_hash != kiosk.token_hash:
            writes.append(Delete(_token_key(old.token_hash)))
        return writes


def token_hash(token: str) -> str:
    """What is kept of a token. Tokens are long and random, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _key(kiosk: str) -> Key:
    return Key(f"K#{kiosk}", "KIOSK")


def _token_key(digest: str) -> Key:
    return Key(f"KT#{digest}", "KIOSK")


def _values(one: Kiosk) -> Values:
    return {
        "id": one.id,
        "name": one.name,
        "topics": list[Value](one.topics),
        "languages": list[Value](one.languages),
        "subscriber": one.subscriber,
        "token_hash": one.token_hash,
        "gen": one.gen,
        "registered_at": to_ms(one.registered_at),
    }


def _kiosk(values: Values) -> Kiosk:
    return Kiosk(
        id=str(values["id"]),
        name=str(values["name"]),
        topics=_texts(values["topics"]),
        languages=_texts(values["languages"]),
        subscriber=str(values["subscriber"]),
        token_hash=str(values["token_hash"]),
        gen=int(str(values["gen"])),
        registered_at=from_ms(int(str(values["registered_at"]))),
    )


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
