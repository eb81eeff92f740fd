"""People as a conversation needs them: their address row, their subscriptions, and `A#<hash>` / `TALK`, what we remember
of the talk itself: language, what we asked last, what STOP ended, what waits for START.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.address import Address
from chalicelib.domain.conversation import Asked
from chalicelib.domain.filters import Filters, filter_values, read_filters
from chalicelib.domain.talk_state import Follow, Memory, Talk
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Key, Lacks, Put, Row, Table, Value, Values, Write, equals
from chalicelib.store.addresses import Addresses, KnownAddress
from chalicelib.store.subscriptions import Subscription, Subscriptions


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
    def locale(self) -> str | None:
        """Their language, where they have told it."""
        return self.memory.locale or next((one.locale for one in self.subscriptions), None)

    @property
    def topics(self) -> list[str]:
        """What they follow on this channel."""
        return [one.topic for one in self.subscriptions]

    @property
    def talk(self) -> Talk:
        """The state of the talk with them, as far as their rows say it."""
        follows = tuple(Follow(one.topic, one.locale, one.filters) for one in self.subscriptions)
        return Talk(self.memory, follows, self.opted_out, held_back=bool(self.known and self.known.blocked))


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
        "asked_at": _ms(memory.asked_at),
        "options": list(memory.options) or None,
        "tries": memory.tries or None,
        "helped_at": _ms(memory.helped_at),
        "ended": list(memory.ended),
        "parts": _parts_text(memory.parts),
        "wanted": list(memory.wanted),
        "blocked": memory.blocked,
        "places": list(memory.places) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _memory(values: Values) -> Memory:
    locale, blocked = values.get("locale"), values.get("blocked")
    return Memory(
        locale=str(locale) if locale else None,
        asked=Asked(str(values.get("asked", ""))),
        asked_at=_moment(values.get("asked_at")),
        options=_names(values.get("options")),
        tries=int(str(values.get("tries", 0))),
        helped_at=_moment(values.get("helped_at")),
        ended=_names(values.get("ended")),
        parts={topic: read_filters(part) for topic, part in json.loads(str(values.get("parts", "{}"))).items()},
        wanted=_names(values.get("wanted")),
        blocked=blocked if isinstance(blocked, bool) else None,
        places=_names(values.get("places")),
        turn=int(str(values.get("turn", 0))),
    )


def _parts_text(parts: Mapping[str, Filters]) -> str | None:
    """Which part of each topic, where it is not all of it."""
    kept = {topic: values for topic, part in parts.items() if (values := filter_values(part))}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else None


def _ms(moment: datetime | None) -> int | None:
    return to_ms(moment) if moment else None


def _moment(value: Value) -> datetime | None:
    return from_ms(value) if isinstance(value, int) else None


def _names(value: Value) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
