"""One SQLite file under threads and processes: a pool of connections, and one writer at a time.

WAL with `synchronous=NORMAL`: what was committed outlasts `kill -9` of the process, and readers never wait for a writer.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chalicelib.errors import StateLater

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

_turns: dict[Path, threading.Lock] = {}
"""By file: the writers of this process take turns here, since SQLite's own waiting sleeps in steps. Other processes meet in SQLite."""


class SqliteFile:
    """Connections to one file. A connection serves one thread at a time; threads may come and go.

    `patience` is how many seconds to wait for a lock. Without `synced` nothing waits for the disk: what was committed still outlasts the
    process, and a crash of the whole machine may harm the file (for tests).
    """

    def __init__(self, path: Path, *, patience: float = 20.0, synced: bool = True) -> None:
        self.path = path
        self._patience = patience
        self._synchronous = "NORMAL" if synced else "OFF"
        self._idle: deque[sqlite3.Connection] = deque()
        self._turn = _turns.setdefault(path.resolve(), threading.Lock())

    def prepare(self, schema: str) -> None:
        """Run statements that make tables where they are missing."""
        with self.writing() as connection:
            for statement in schema.split(";"):
                connection.execute(statement)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with; each statement sees the file at one moment. Raises StateLater if the file stays locked."""
        connection = self._take()
        try:
            yield connection
        except sqlite3.OperationalError as error:
            _raise_later(error)
            raise
        finally:
            self._idle.append(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that alone may write: committed at the end, undone by any error. Raises StateLater if the file stays locked.
        Within it, call nothing else that writes to this file: it would wait for you."""
        if not self._turn.acquire(timeout=self._patience):
            raise StateLater("another thread keeps the state file")
        try:
            with self.reading() as connection, _transaction(connection):
                yield connection
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close the connections not in use. The next call opens new ones."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> sqlite3.Connection:
        with suppress(IndexError):
            return self._idle.pop()
        return self._open()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        connection.execute("PRAGMA journal_mode=WAL")
        return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _raise_later(error: sqlite3.OperationalError) -> None:
    if error.sqlite_errorcode & 0xFF in _BUSY:
        raise StateLater("the state file stays locked") from error
