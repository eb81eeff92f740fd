"""The queues in one SQLite file, with the receiving side that Lambda has elsewhere: visibility, receive counts, dead letters."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from chalicelib.errors import NoQueue
from chalicelib.state.limits import check_messages, check_queue_name
from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_file import SqliteFile

MOST_RECEIVES = 5

_SCHEMA = """
CREATE TABLE IF NOT EXISTS queues (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS queue_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL, visible_at INTEGER NOT NULL, received INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS queue_messages_visible ON queue_messages (queue, visible_at, id)
"""
_SEND = "INSERT INTO queue_messages (queue, body, visible_at) VALUES (?, ?, ?)"
_NEXT = "SELECT min((SELECT min(visible_at) FROM queue_messages WHERE queue = name)) FROM queues"
_NEXT_AFTER = "SELECT min((SELECT min(visible_at) FROM queue_messages WHERE queue = name AND visible_at > ?)) FROM queues"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Received(NamedTuple):
    """A message in hand, until its visibility runs out. `receive_count` is 1 the first time."""

    id: int
    queue: str
    body: str
    receive_count: int


class SqliteQueues:
    """The queues of a city in a file, by the clock `now`. A message received five times and still not deleted is dead: it moves to `<name>-dead`."""

    def __init__(self, file: SqliteFile, now: Callable[[], datetime]) -> None:
        self._file = file
        self._now = now
        file.prepare(_SCHEMA)

    def named(self, name: str) -> "SqliteQueue":
        """The queue of this name."""
        check_queue_name(name)
        return SqliteQueue(self._file, name, self._now_ms)

    def make(self, name: str) -> None:
        """Make a queue, if it is not there yet."""
        check_queue_name(name)
        with self._file.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO queues VALUES (?)", (name,))

    def drop(self, name: str) -> None:
        """Remove a queue and its messages, if it is there."""
        check_queue_name(name)
        with self._file.writing() as connection:
            connection.execute("DELETE FROM queues WHERE name = ?", (name,))
            connection.execute("DELETE FROM queue_messages WHERE queue = ?", (name,))

    # --- for whoever runs the handlers ---

    def names(self) -> list[str]:
        """The queues there are, dead letters apart."""
        with self._file.reading() as connection:
            return [name for (name,) in connection.execute("SELECT name FROM queues ORDER BY name")]

    def receive(self, names: Sequence[str], most: int, visibility_seconds: float) -> list[Received]:
        """Up to `most` messages of these queues, longest visible first, hidden from others for a while. Does not wait."""
        now = self._now_ms()
        places = ", ".join("?" * len(names))
        alive = "queue IN (SELECT name FROM queues)"  # dead letters do not die again
        visible = f"queue IN ({places}) AND visible_at <= ?"
        bury = f"UPDATE queue_messages SET queue = queue || '-dead' WHERE {visible} AND received >= {MOST_RECEIVES} AND {alive}"  # noqa: S608 question marks only
        pick = f"SELECT id, queue, body, received + 1 FROM queue_messages WHERE {visible} ORDER BY visible_at, id LIMIT ?"  # noqa: S608
        with self._file.reading() as connection:
            if not connection.execute(pick, (*names, now, 1)).fetchone():
                return []  # without waiting for the writer's turn: pumps ask often
        with self._file.writing() as connection:
            connection.execute(bury, (*names, now))
            found = [Received(*record) for record in connection.execute(pick, (*names, now, most))]
            hidden = now + round(visibility_seconds * 1000)
            connection.executemany(
                "UPDATE queue_messages SET visible_at = ?, received = received + 1 WHERE id = ?", [(hidden, message.id) for message in found]
            )
            return found

    def delete(self, *ids: int) -> None:
        """These messages were dealt with. Deleting one again is no error."""
        with self._file.writing() as connection:
            connection.executemany("DELETE FROM queue_messages WHERE id = ?", [(id,) for id in ids])

    def release(self, id: int, delay: float = 0) -> None:
        """Show a message in hand again, `delay` seconds from now."""
        with self._file.writing() as connection:
            connection.execute("UPDATE queue_messages SET visible_at = ? WHERE id = ?", (self._now_ms() + round(delay * 1000), id))

    def reclaim(self) -> None:
        """Show again what was in hand when the one process that receives here died. For that process, at its start."""
        with self._file.writing() as connection:
            connection.execute("UPDATE queue_messages SET visible_at = ? WHERE received > 0 AND visible_at > ?", (self._now_ms(), self._now_ms()))

    def redrive(self, name: str) -> int:
        """Move the dead letters of a queue back into it, to be tried anew. Returns how many."""
        with self._file.writing() as connection:
            moved = connection.execute(
                "UPDATE queue_messages SET queue = ?, received = 0, visible_at = ? WHERE queue = ?", (name, self._now_ms(), f"{name}-dead")
            )
            return moved.rowcount

    def depth(self, name: str) -> int:
        """Messages in a queue: visible, delayed and in hand. `<name>-dead` counts dead letters."""
        with self._file.reading() as connection:
            (count,) = connection.execute("SELECT count(*) FROM queue_messages WHERE queue = ?", (name,)).fetchone()
            return int(count)

    def next_visible_at(self, *, after: datetime | None = None) -> datetime | None:
        """When the next message shows or shows again, in the past if one is visible now; with `after`, of those that show later than that.
        None where there is none."""
        with self._file.reading() as connection:
            if after is None:
                (moment,) = connection.execute(_NEXT).fetchone()
            else:
                (moment,) = connection.execute(_NEXT_AFTER, ((after - _EPOCH) // _MILLISECOND,)).fetchone()
        return None if moment is None else _EPOCH + moment * _MILLISECOND

    def shows(self, names: Sequence[str]) -> bool:
        """Whether any of these queues shows a message now."""
        visible = f"SELECT 1 FROM queue_messages WHERE queue IN ({', '.join('?' * len(names))}) AND visible_at <= ? LIMIT 1"  # noqa: S608 question marks only
        with self._file.reading() as connection:
            return connection.execute(visible, (*names, self._now_ms())).fetchone() is not None

    def _now_ms(self) -> int:
        return (self._now() - _EPOCH) // _MILLISECOND


class SqliteQueue:
    """One queue in a file."""

    def __init__(self, file: SqliteFile, name: str, now_ms: Callable[[], int]) -> None:
        self._file = file
        self._name = name
        self._now_ms = now_ms

    def send(self, messages: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """Queue up to ten; a file takes them all. Raises NoQueue where the queue was dropped or never made."""
        check_messages(messages)
        now = self._now_ms()
        records = [(self._name, message.body, now + message.delay * 1000) for message in messages]
        with self._file.writing() as connection:
            if not connection.execute("SELECT 1 FROM queues WHERE name = ?", (self._name,)).fetchone():
                raise NoQueue(self._name)
            connection.executemany(_SEND, records)
        return ()
