"""Moves to a new address: beside the old subscriber `S#<old>` / `MOVE#<sign-up>` while the new address is asked; then `S#<new>` / `WAS#<old>` and
`S#<old>` / `NOW#<new>`, so that each is found from the other when somebody is to be forgotten. An address that is asked to share somebody's page is
noted in the same way while it is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.state.table import Delete, Key, Put, Row, Table, Write

_KEPT = timedelta(days=8)
"""As long as a sign-up."""


@dataclass(frozen=True)
class Moves:
    """Keeps who moves, and who they were."""

    table: Table

    def ask_write(self, old: str, sign_up: str, now: datetime) -> Write:
        """The write that notes that an address is asked in place of a subscriber's, or to stand beside it, for a transaction."""
        return Put(Row(_asked_key(old, sign_up), {"ttl": round((now + _KEPT).timestamp())}))

    def asked_write(self, old: str, sign_up: str) -> Write:
        """The write that the address was asked and said yes, for a transaction."""
        return Delete(_asked_key(old, sign_up))

    def done_writes(self, old: str, new: str, sign_up: str) -> list[Write]:
        """The writes that a move is done, for a transaction."""
        return [*(Put(Row(one, {})) for one in (_was_key(new, old), _now_key(old, new))), self.asked_write(old, sign_up)]

    def before(self, subscriber: str) -> list[str]:
        """Who moved here."""
        return [row.key.sort.removeprefix("WAS#") for row in self.table.query(f"S#{subscriber}", prefix="WAS#").rows]

    def after(self, subscriber: str) -> list[str]:
        """Who they are where they moved to."""
        return [row.key.sort.removeprefix("NOW#") for row in self.table.query(f"S#{subscriber}", prefix="NOW#").rows]


def moves_beside(rows: Iterable[Row]) -> tuple[list[str], list[Key]]:
    """Among a subscriber's own rows: the sign-ups that wait in place of them, and the rows beside others that name them."""
    sign_ups: list[str] = []
    keys: list[Key] = []
    for row in rows:
        kind, _, name = row.key.sort.partition("#")
        own = row.key.partition.removeprefix("S#")
        sign_ups += [name] if kind == "MOVE" else []
        keys += [_now_key(name, own)] if kind == "WAS" else [_was_key(name, own)] if kind == "NOW" else []
    return sign_ups, keys


def _asked_key(old: str, sign_up: str) -> Key:
    return Key(f"S#{old}", f"MOVE#{sign_up}")


def _was_key(new: str, old: str) -> Key:
    return Key(f"S#{new}", f"WAS#{old}")


def _now_key(old: str, new: str) -> Key:
    return Key(f"S#{old}", f"NOW#{new}")
