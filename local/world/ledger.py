"""What the world remembers, in tables of its own in the city's state file: messages, errands, kiosks'
tokens and numbers that said STOP.

Messages are numbered as they are committed, so whoever reads on from the last number misses none.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.sqlite_file import SqliteFile

ACCEPTED = "accepted"
NO_RECEIPTS = "no-receipts"
"""The code of a message that was accepted and of which nothing more will be told."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS world_messages (
    channel TEXT, via TEXT, sender TEXT, recipient TEXT, body TEXT, at INTEGER, subject TEXT, html TEXT, headers TEXT,
    provider_id TEXT, token TEXT, status TEXT, outcome TEXT, code TEXT, parts INTEGER, seq INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE INDEX IF NOT EXISTS world_messages_recipient ON world_messages (channel, recipient);
CREATE INDEX IF NOT EXISTS world_messages_sender ON world_messages (channel, sender);
CREATE INDEX IF NOT EXISTS world_messages_provider_id ON world_messages (provider_id);
CREATE TABLE IF NOT EXISTS world_errands (
    due REAL, kind TEXT, status TEXT, target TEXT, payload TEXT, seq INTEGER, tries INTEGER DEFAULT 0, id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE INDEX IF NOT EXISTS world_errands_due ON world_errands (due);
CREATE TABLE IF NOT EXISTS world_blocked (number TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS world_kiosks (id TEXT PRIMARY KEY, name TEXT, token TEXT);
CREATE TABLE IF NOT EXISTS world_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
"""

_RANKS = ("", "received", "queued", "sent", "delivered")
"""Statuses in the order a message moves through them, only forward; any other status (bounced, complained) is an end."""


@dataclass(frozen=True)
class Message:
    """One message that reached a provider, a phone or a screen, or was turned away. `via`: text, reply, api, email or kiosk."""

    channel: str
    via: str
    sender: str
    recipient: str
    body: str
    at: datetime
    subject: str = ""
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    provider_id: str = ""
    token: str = ""
    status: str = ""
    outcome: str = ACCEPTED
    code: str = ""
    parts: int = 0
    seq: int = 0


@dataclass(frozen=True)
class Errand:
    """What the world still has to tell the app: a status callback (`callback`), a mail event (`event`), or nothing but a change here (`quiet`)."""

    due: float
    kind: str
    status: str
    target: str = ""
    payload: str = ""
    seq: int = 0
    tries: int = 0
    id: int = 0


@dataclass(frozen=True)
class Kiosk:
    """A kiosk and the token its page needs."""

    id: str
    name: str
    token: str


@dataclass(frozen=True)
class Talk:
    """A phone or an inbox, how many messages it holds, and the last."""

    who: str
    count: int
    last: Message


Plan = Callable[[Message], Sequence[Errand]]
"""Given a message with its number: what will be told of it, and when."""

_COLUMNS = ", ".join(one.name for one in fields(Message))
_INSERT = f"INSERT INTO world_messages ({_COLUMNS}) VALUES ({', '.join('?' * len(fields(Message)))})"  # noqa: S608 - our own names
_DUE = "SELECT due, kind, status, target, payload, seq, tries, id FROM world_errands WHERE due <= ? ORDER BY due LIMIT ?"
_SELECT = f"SELECT {_COLUMNS} FROM world_messages"  # noqa: S608


class Ledger:
    """The world's memory. Threads and processes may share its file."""

    def __init__(self, file: SqliteFile) -> None:
        self.file = file
        file.prepare(_SCHEMA)

    # --- messages ----------------------------------------------------------------------------------------------------

    def record(self, messages: Sequence[Message], plan: Plan | None = None) -> list[Message]:
        """Keep messages, with the errands that `plan` makes of each, in one transaction. They come back numbered."""
        with self.file.writing() as connection:
            kept = [replace(message, seq=connection.execute(_INSERT, _record(message)).lastrowid or 0) for message in messages]
            errands = [replace(errand, seq=message.seq) for message in kept for errand in (plan(message) if plan else ())]
            connection.executemany(
                "INSERT INTO world_errands (due, kind, status, target, payload, seq) VALUES (?, ?, ?, ?, ?, ?)",
                [(one.due, one.kind, one.status, one.target, one.payload, one.seq) for one in errands],
            )
        return kept

    def find(self, where: str, *values: object) -> list[Message]:
        """Messages, oldest first, that a condition of SQL names."""
        with self.file.reading() as connection:
            return [_message(record) for record in connection.execute(f"{_SELECT} WHERE {where} ORDER BY seq", values)]

    def handed_over(self, *, channel: str | None = None, since: int = 0, refused_too: bool = False) -> list[Message]:
        """What came in at a provider's door or a screen's queue, oldest first."""
        providers = "via IN ('api', 'email', 'kiosk') AND seq > ? AND (? IS NULL OR channel = ?) AND (? OR outcome = 'accepted')"
        return self.find(providers, since, channel, channel, refused_too)

    def texts_of(self, number: str) -> list[Message]:
        """All that a phone sent and got."""
        mine = "SELECT seq FROM world_messages WHERE channel = 'sms' AND outcome = 'accepted' AND"
        return self.find(f"seq IN ({mine} recipient = ? UNION {mine} sender = ?)", number, number)

    def emails_to(self, address: str) -> list[Message]:
        """All that an inbox got."""
        return self.find("channel = 'email' AND outcome = 'accepted' AND recipient = ?", address)

    def talks(self, channel: str, most: int) -> list[Talk]:
        """With whom the city is in touch: those first who wrote themselves, then the latest."""
        who = "CASE via WHEN 'text' THEN sender ELSE recipient END"
        talks = f"SELECT {who}, count(*), max(seq) FROM world_messages WHERE channel = ? AND outcome = 'accepted'"  # noqa: S608 - our own names
        with self.file.reading() as connection:
            found = connection.execute(f"{talks} GROUP BY 1 ORDER BY max(via = 'text') DESC, 3 DESC LIMIT ?", (channel, most)).fetchall()
        return [Talk(name, count, self.find("seq = ?", seq)[0]) for name, count, seq in found]

    # --- errands -----------------------------------------------------------------------------------------------------

    def due_errands(self, now: float, most: int) -> list[Errand]:
        """What is to be told by now, in due order."""
        with self.file.reading() as connection:
            return [Errand(*record) for record in connection.execute(_DUE, (now, most))]

    def end_errands(self, done: Sequence[Errand], later: Sequence[tuple[Errand, float]] = ()) -> None:
        """Those told are forgotten, and their messages' statuses move forward; those to try again get a new time."""
        with self.file.writing() as connection:
            for errand in done:
                _move(connection, errand.seq, errand.status)
            connection.executemany("DELETE FROM world_errands WHERE id = ?", [(errand.id,) for errand in done])
            connection.executemany("UPDATE world_errands SET due = ?, tries = tries + 1 WHERE id = ?", [(due, errand.id) for errand, due in later])

    # --- numbers -----------------------------------------------------------------------------------------------------

    def block(self, number: str, *, blocked: bool) -> None:
        """Put a number on the provider's list of those who said STOP, or take it off."""
        change = "INSERT OR IGNORE INTO world_blocked VALUES (?)" if blocked else "DELETE FROM world_blocked WHERE number = ?"
        with self.file.writing() as connection:
            connection.execute(change, (number,))

    def is_blocked(self, number: str) -> bool:
        """Whether the provider refuses to text this number."""
        with self.file.reading() as connection:
            return connection.execute("SELECT 1 FROM world_blocked WHERE number = ?", (number,)).fetchone() is not None

    def keep_kiosk(self, kiosk: Kiosk) -> None:
        """Remember a kiosk with its token, which the app itself does not know."""
        with self.file.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO world_kiosks VALUES (?, ?, ?)", (kiosk.id, kiosk.name, kiosk.token))

    def kiosks(self) -> list[Kiosk]:
        """The kiosks there are."""
        with self.file.reading() as connection:
            return [Kiosk(*record) for record in connection.execute("SELECT id, name, token FROM world_kiosks ORDER BY rowid")]

    def take_numbers(self, name: str, count: int) -> range:
        """The next `count` numbers of a row that never repeats."""
        upsert = "INSERT INTO world_counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value RETURNING value"
        with self.file.writing() as connection:
            end: int = connection.execute(upsert, (name, count)).fetchone()[0]
        return range(end - count, end)


def _record(one: Message) -> tuple[object, ...]:
    values = {column.name: getattr(one, column.name) for column in fields(one)}
    return tuple({**values, "at": to_ms(one.at), "headers": json.dumps(dict(one.headers)), "seq": one.seq or None}.values())


def _message(record: tuple[object, ...]) -> Message:
    values = dict(zip((one.name for one in fields(Message)), record, strict=True))
    values["at"], values["headers"] = from_ms(int(str(values["at"]))), json.loads(str(values["headers"]))
    return Message(**values)  # type: ignore[arg-type]


def _move(connection: sqlite3.Connection, seq: int, status: str) -> None:
    found = connection.execute("SELECT status FROM world_messages WHERE seq = ?", (seq,)).fetchone()
    if found and _rank(status) > _rank(found[0]):
        connection.execute("UPDATE world_messages SET status = ? WHERE seq = ?", (status, seq))


def _rank(status: str) -> int:
    return _RANKS.index(status) if status in _RANKS else len(_RANKS)
