"""What was said lately: `SAID#<hash of the words>` / `AT#<ms>#<broadcast>` (to whom), and `SAID#<hash>` / `LAST`, whose `turn` changes with each.

Whoever says the same words writes the turn over the one read, in the transaction that makes the broadcast: of two at once, one looks again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.doubles import WITHIN, Saying
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Change, Key, Lacks, Put, Row, Table, Update, Value, Values, Write, equals

_KEPT = timedelta(hours=1)
"""How much longer than it matters a saying is kept."""
_LAST = "LAST"


@dataclass(frozen=True)
class Heard:
    """What is said in the same words about the same time, and whose turn it was."""

    turn: str | None
    sayings: Sequence[Saying]


@dataclass(frozen=True)
class Sayings:
    """Reads and writes what was said."""

    table: Table

    def near(self, words: str, at: datetime) -> Heard:
        """Everything said in these words within an hour of `at`, before or after. The turn is read first: what is said since then changes it."""
        turn = (self.table.get(Key(f"SAID#{words}", _LAST)) or {}).get("turn")
        found: list[Saying] = []
        after: str | None = f"AT#{to_ms(at - WITHIN):014d}"
        while after is not None and after < f"AT#{to_ms(at + WITHIN):014d}":
            page = self.table.query(f"SAID#{words}", prefix="AT#", after=after)
            found += [_saying(row.values) for row in page.rows]
            after = page.after
        return Heard(str(turn) if turn else None, found)

    def say_writes(self, words: str, saying: Saying, heard: Heard, *, turn: str) -> list[Write]:
        """The writes that remember a saying, for a transaction. The first of them loses where the same was said since `heard`."""
        ttl = int((saying.at + WITHIN + _KEPT).timestamp())
        expect = equals("turn", heard.turn) if heard.turn else Lacks("turn")
        return [
            Update(Key(f"SAID#{words}", _LAST), Change(set={"turn": turn, "ttl": ttl}), expect=expect),
            Put(Row(Key(f"SAID#{words}", f"AT#{to_ms(saying.at):014d}#{saying.broadcast}"), {**_values(saying), "ttl": ttl})),
        ]


def _values(one: Saying) -> dict[str, Value]:
    return {
        "broadcast": one.broadcast,
        "notice": one.notice,
        "at": to_ms(one.at),
        "topics": list[Value](sorted(one.topics)),
        "reached": list[Value](sorted(one.reached)),
        "channels": list[Value](sorted(one.channels)),
    }


def _saying(values: Values) -> Saying:
    return Saying(
        broadcast=str(values["broadcast"]),
        notice=str(values["notice"]),
        at=from_ms(int(str(values["at"]))),
        topics=_names(values, "topics"),
        reached=_names(values, "reached"),
        channels=frozenset(Channel(name) for name in _names(values, "channels")),
    )


def _names(values: Values, name: str) -> frozenset[str]:
    found = values[name]
    return frozenset(str(one) for one in found) if isinstance(found, list) else frozenset()
