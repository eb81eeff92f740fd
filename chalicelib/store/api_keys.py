"""API keys: `KEY#<sha256 of the key>` / `KEY` → name and scopes. The key itself is nowhere."""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Key, Row, Table, Value, Values

SCOPES = (
    "topics:read",
    "broadcasts:read",
    "broadcasts:write",
    "broadcasts:approve",
    "kiosks:read",
    "kiosks:write",
    "subscribers:read",
    "subscribers:write",
    "subscribers:import",
    "subscribers:erase",
    "switches:read",
    "switches:write",
)


@dataclass(frozen=True)
class ApiKey:
    """Who a key belongs to, and what it may do."""

    name: str
    scopes: frozenset[str]
    created: datetime


@dataclass(frozen=True)
class ApiKeys:
    """Reads and writes API keys."""

    table: Table

    def put(self, key: str, *, name: str, scopes: Collection[str], now: datetime) -> None:
        """Let a key in. The same key again changes its scopes."""
        digest = _digest(key)
        values: Values = {"hash": digest, "name": name, "scopes": list[Value](sorted(scopes)), "created": to_ms(now)}
        self.table.put(Row(_row_key(digest), values))

    def find(self, key: str) -> ApiKey | None:
        """Who this key belongs to. The lookup is by hash, and the hash is compared in constant time."""
        digest = _digest(key)
        found = self.table.get(_row_key(digest))
        if not found or not hmac.compare_digest(str(found["hash"]), digest):
            return None
        scopes = found["scopes"]
        return ApiKey(
            str(found["name"]), frozenset(str(one) for one in scopes) if isinstance(scopes, list) else frozenset(), from_ms(int(str(found["created"])))
        )

    def drop(self, key: str) -> None:
        """Let a key in no more."""
        self.table.delete(_row_key(_digest(key)))


def _row_key(digest: str) -> Key:
    return Key(f"KEY#{digest}", "KEY")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
