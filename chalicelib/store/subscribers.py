"""People as a conversation needs them: their address row, their subscriptions, and `A#<hash>` / `TALK`, what we remember
of the talk itself: language, what we asked last, what STOP ended, what waits for START.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.address import Address
from chalicelib.domain.conversation import Asked
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Key, Lacks, Put, Row, Table, Value, Values, Write, equals
from chalicelib.store.addresses import Addresses, KnownAddress
from chalicelib.store.subscriptions import Subscription, Subscriptions

_ANSWER_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Memory:
    """What we remember of a talk. `blocked` says whether the provider itself acts on the word that stopped us; None where
    no such word was texted to us. `ended` is what START brings back; `wanted` was asked for while only START could help. `turn` counts
    how often the talk went on."""

    locale: str | None = None
    asked: Asked = Asked.NOTHING
    asked_at: datetime | None = None
    puzzled: int = 0
    ended: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    blocked: bool | None = None
    turn: int = 0

    def understood(self) -> "Memory":
        """The same after a text that we understood: nothing is asked any more."""
        return replace(self, asked=Asked.NOTHING, asked_at=None, puzzled=0)

    def asking(self, now: datetime) -> Asked:
        """What we asked, while an answer still counts as one."""
        return self.asked if self.is_fresh(now) else Asked.NOTHING

    def is_fresh(self, now: datetime) -> bool:
        """Whether we asked something, or did not understand, within a day."""
        return self.asked_at is not None and now - self.asked_at < _ANSWER_WITHIN


@dataclass(frozen=True)
class Person:
    """Whoever is behind an address; `known` is None for a stranger."""

    address: Address
    hash: str
    known: KnownAddress | None
    subscriptions: Sequence[Subscription]
    memory: Memory

    @property
    def opted_out(self) -> bool:
        """Whether nothing may be sent to them."""
        return bool(self.known and self.known.opted_out)

    @property
    def blocked(self) -> bool:
        """Whether the provider blocks them too. Not knowing how they opted out, we take it that it does: it told us so."""
        return self.opted_out and self.memory.blocked is not False

    @property
    def locale(self) -> str | None:
        """Their language, where they have told it."""
        return self.memory.locale or next((one.locale for one in self.subscriptions), None)

    @property
    def topics(self) -> list[str]:
        """What they follow on this channel."""
        return [one.topic for one in self.subscriptions]


def judged(person: Person, found: KnownAddress) -> KnownAddress:
    """An address as it was when we judged what its owner texted: a STOP that came since then is not to be undone."""
    return replace(found, opted_out=person.known.opted_out if person.known else None)


@dataclass(frozen=True)
class Subscribers:
    """Finds people, and remembers talks."""

    table: Table
    addresses: Addresses
    subscriptions: Subscriptions

    def find(self, address: Address) -> Person:
        """Whoever is behind an address, with what they follow on its channel."""
        known, name = self.addresses.find(address), self.addresses.vault.hash(address)
        follows = self.subscriptions.of(known.subscriber, address.channel) if known and known.subscriber else []
        return Person(address, name, known, follows, _memory(self.table.get(talk_key(name)) or {}))

    def remember_write(self, hash: str, memory: Memory, *, since: int | None = None) -> Write:
        """The write that replaces what we remember, for a transaction. Given the turn at which the talk was read, it loses where the talk
        went on since."""
        turn = memory.turn if since is None else since
        expect = None if since is None else equals("turn", since) if since else Lacks("turn")
        return Put(Row(talk_key(hash), {**_values(memory), "turn": turn + 1}), expect=expect)


def talk_key(hash: str) -> Key:
    """Where a talk is remembered."""
    return Key(f"A#{hash}", "TALK")


def read_turn(hash: str, rows: Mapping[Key, Values]) -> int:
    """How often a talk went on, as rows already read say: more than before where its person has texted us since."""
    return int(str(rows.get(talk_key(hash), {}).get("turn", 0)))


def _values(memory: Memory) -> Values:
    values: dict[str, Value] = {
        "locale": memory.locale,
        "asked": str(memory.asked),
        "asked_at": to_ms(memory.asked_at) if memory.asked_at else None,
        "puzzled": memory.puzzled,
        "ended": list(memory.ended),
        "wanted": list(memory.wanted),
        "blocked": memory.blocked,
    }
    return {name: value for name, value in values.items() if value is not None}


def _memory(values: Values) -> Memory:
    locale, asked_at, blocked = values.get("locale"), values.get("asked_at"), values.get("blocked")
    return Memory(
        locale=str(locale) if locale else None,
        asked=Asked(str(values.get("asked", ""))),
        asked_at=from_ms(asked_at) if isinstance(asked_at, int) else None,
        puzzled=int(str(values.get("puzzled", 0))),
        ended=_names(values.get("ended")),
        wanted=_names(values.get("wanted")),
        blocked=blocked if isinstance(blocked, bool) else None,
        turn=int(str(values.get("turn", 0))),
    )


def _names(value: Value) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
