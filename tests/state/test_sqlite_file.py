"""What the file alone promises: threads, processes, a killed process, rows whose time is up."""

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.errors import StateLater, WriteRefused
from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_table import SqliteTable
from chalicelib.state.table import Absent, Change, Key, Row
from tests.tables import NOON, SqliteCity, sqlite_city

KEY = Key("p", "s")
ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from chalicelib.errors import WriteRefused
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_table import SqliteTable
from chalicelib.state.table import Absent, Change, Key, Row

table, name, count = SqliteTable(SqliteFile(Path(sys.argv[1]))), sys.argv[2], int(sys.argv[3])
for n in range(count):
    try:
        table.put(Row(Key("won", f"{n:06}"), {"by": name}), expect=Absent())
    except WriteRefused:
        pass
    table.update(Key("p", "s"), Change(add={"count": 1}))
    print(n, flush=True)
"""


def _writer(file: Path, name: str, count: int) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", WRITER, str(file), name, str(count)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_of_many_threads_one_wins_each_conditional_put_and_no_count_is_lost(sqlite: SqliteCity) -> None:
    def run(name: int) -> int:
        won = 0
        for n in range(25):
            try:
                sqlite.table.put(Row(Key("won", f"{n}"), {"by": name}), expect=Absent())
                won += 1
            except WriteRefused:
                pass
            sqlite.table.update(KEY, Change(add={"count": 1}))
        return won

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(run, range(8))) == 25
    assert sqlite.table.get(KEY) == {"count": 200}


def test_of_many_threads_each_message_reaches_one(sqlite: SqliteCity) -> None:
    for _ in range(10):
        sqlite.queues.named("launch").send([Outgoing("{}")] * 10)
    with ThreadPoolExecutor(8) as pool:
        found = [message.id for messages in pool.map(lambda _: sqlite.queues.receive(["launch"], 7, 60), range(30)) for message in messages]
    assert len(found) == len(set(found)) == 100


def test_processes_share_a_file_from_its_first_moment(tmp_path: Path) -> None:
    writers = [_writer(tmp_path / "city.db", f"{n}", 50) for n in range(3)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    file = SqliteFile(tmp_path / "city.db")
    assert SqliteTable(file).get(KEY) == {"count": 150}
    assert len(SqliteTable(file).query("won").rows) == 50
    file.close()


def test_what_was_written_outlasts_a_killed_process(tmp_path: Path) -> None:
    writer = _writer(tmp_path / "city.db", "doomed", 1_000_000)
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(200)]
    os.kill(writer.pid, signal.SIGKILL)
    rest, _ = writer.communicate()
    said += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    file = SqliteFile(tmp_path / "city.db")
    found = SqliteTable(file).get(KEY)
    assert found is not None
    assert found["count"] in (len(said), len(said) + 1)
    assert SqliteTable(file).get(Key("won", f"{said[-1]:06}")) == {"by": "doomed"}
    file.close()


def test_a_reopened_file_holds_rows_and_messages(tmp_path: Path) -> None:
    first = sqlite_city(tmp_path)
    first.table.put(Row(KEY, {"n": 1}))
    first.queues.named("launch").send([Outgoing("{}")])
    first.file.close()
    again = sqlite_city(tmp_path)
    assert again.table.get(KEY) == {"n": 1}
    assert again.queues.depth("launch") == 1
    again.file.close()


def test_a_closed_file_opens_itself_again(sqlite: SqliteCity) -> None:
    sqlite.table.put(Row(KEY, {"n": 1}))
    sqlite.file.close()
    assert sqlite.table.get(KEY) == {"n": 1}


def test_an_error_within_a_write_undoes_it_and_frees_the_file(sqlite: SqliteCity) -> None:
    with pytest.raises(KeyError), sqlite.file.writing() as connection:
        connection.execute("DELETE FROM queues")
        raise KeyError
    assert "launch" in sqlite.queues.names()
    sqlite.table.put(Row(KEY, {"n": 1}))


def test_a_file_that_another_process_keeps_locked_is_for_later(sqlite: SqliteCity) -> None:
    other = sqlite3.connect(sqlite.file.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    impatient = SqliteFile(sqlite.file.path, patience=0.01)
    with pytest.raises(StateLater), impatient.writing():
        pass
    assert sqlite.table.get(KEY) is None
    other.execute("ROLLBACK")
    with impatient.writing():
        pass
    other.close()
    impatient.close()


def test_a_write_within_a_write_is_refused_and_does_not_wait_for_ever(sqlite: SqliteCity) -> None:
    impatient = SqliteFile(sqlite.file.path, patience=0.01)
    with sqlite.file.writing(), pytest.raises(StateLater), impatient.writing():
        pass
    with impatient.writing():
        pass
    impatient.close()


def test_an_error_that_no_waiting_mends_is_raised_as_it_came(sqlite: SqliteCity) -> None:
    with pytest.raises(sqlite3.OperationalError), sqlite.file.reading() as connection:
        connection.execute("SELECT nothing FROM nowhere")
    assert sqlite.table.get(KEY) is None


@pytest.mark.parametrize(
    ("after", "until", "name", "found"),
    [
        pytest.param(0, 99, None, 10, id="the earliest of any"),
        pytest.param(10, 99, None, 20, id="later than"),
        pytest.param(10, 19, None, None, id="none in between"),
        pytest.param(10, 20, None, 20, id="the end belongs to it"),
        pytest.param(0, 99, "b", 20, id="of one name"),
        pytest.param(20, 99, "b", None, id="no more of one name"),
    ],
)
def test_the_next_due_moment_is_found_for_whoever_moves_a_clock(sqlite: SqliteCity, after: int, until: int, name: str | None, found: int | None) -> None:
    for number, values in enumerate(({"open": "a", "due": 10}, {"open": "b", "due": 20}, {"open": "a", "due": 30}, {"due": 5})):
        sqlite.table.put(Row(Key("p", f"{number}"), dict(values)))
    assert sqlite.table.next_due(after=after, until=until, name=name) == found


def test_rows_whose_time_is_up_are_forgotten_when_asked(sqlite: SqliteCity) -> None:
    now = int(NOON.timestamp())
    for name, ttl in (("past", now - 1), ("now", now), ("ahead", now + 1)):
        sqlite.table.put(Row(Key("p", name), {"ttl": ttl}))
    sqlite.table.put(Row(Key("p", "for ever"), {"n": 1}))
    sqlite.table.put(Row(Key("p", "no time at all"), {"ttl": "soon"}))
    assert len(sqlite.table.query("p").rows) == 5
    assert sqlite.table.forget_expired(NOON) == 2
    assert [row.key.sort for row in sqlite.table.query("p").rows] == ["ahead", "for ever", "no time at all"]
    assert sqlite.table.forget_expired(NOON + timedelta(seconds=1)) == 1


def test_an_update_that_takes_the_ttl_away_keeps_the_row(sqlite: SqliteCity) -> None:
    sqlite.table.put(Row(KEY, {"ttl": 1}))
    sqlite.table.update(KEY, Change(remove=("ttl",)))
    assert sqlite.table.forget_expired(NOON) == 0
    assert sqlite.table.get(KEY) == {}
