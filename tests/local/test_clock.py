"""The city's clock: one time for every process, moved only forward, kept over a restart."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.state.sqlite_file import SqliteFile
from local.clock import CityClock
from local.durations import parse_duration
from tests.local.worlds import NOON, StandIn, a_stand_in, a_world

SOON = timedelta(seconds=20)


@pytest.fixture
def app() -> Iterator[StandIn]:
    with a_stand_in() as found:
        yield found


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT2H", timedelta(hours=2)),
        ("PT30M", timedelta(minutes=30)),
        ("P1D", timedelta(days=1)),
        ("P1DT2H3M4.5S", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("P2W", timedelta(weeks=2)),
        ("PT0S", timedelta()),
    ],
)
def test_a_length_of_time_is_read(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "P", "PT", "2H", "PT2", "P1M", "P1Y", "-PT2H", "PT-2H", "P9999W", "pt2h", "PT2H ", "PT1e9S"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    assert parse_duration(text) is None


def test_a_fresh_city_begins_when_it_is_told_and_ticks_on(tmp_path: Path) -> None:
    clock = CityClock(SqliteFile(tmp_path / "city.db"))
    assert clock.begin(NOON)
    first = clock.now()
    assert NOON <= first < NOON + SOON
    assert clock.now() > first


def test_a_city_that_has_lived_keeps_its_clock(tmp_path: Path) -> None:
    CityClock(SqliteFile(tmp_path / "city.db")).begin(NOON)
    again = CityClock(SqliteFile(tmp_path / "city.db"))
    assert not again.begin(datetime(2030, 1, 1, tzinfo=UTC))
    assert NOON <= again.now() < NOON + SOON


def test_a_city_without_a_time_of_its_own_has_the_machines(tmp_path: Path) -> None:
    clock = CityClock(SqliteFile(tmp_path / "city.db"))
    clock.begin()
    assert abs(clock.now() - datetime.now(UTC)) < SOON


def test_a_move_is_seen_by_whoever_is_told_to_look(tmp_path: Path) -> None:
    mine, other = CityClock(SqliteFile(tmp_path / "city.db")), CityClock(SqliteFile(tmp_path / "city.db"))
    mine.begin(NOON)
    assert other.now() < NOON + SOON
    assert NOON + timedelta(hours=2) <= mine.advance(timedelta(hours=2)) < NOON + timedelta(hours=2) + SOON
    other.refresh()
    assert other.now() >= NOON + timedelta(hours=2)


def test_a_move_holds_the_apps_handlers_before_and_lets_them_go_after(tmp_path: Path, app: StandIn) -> None:
    city = a_world(tmp_path, port=app.port)
    told = []
    app.hear = lambda heard: told.append((heard.path, heard.headers["X-City-Key"] == city.world.keyring.control, city.world.now() > NOON + timedelta(hours=1)))
    answer = city.web.post("/clock", json={"advance": "PT2H"})
    assert told == [("/.city/hold", True, False), ("/.city/release", True, True)]
    assert (answer.status_code, answer.json["now"][:14]) == (200, "2026-12-01T14:")
    assert city.web.get("/clock").json["now"][:14] == "2026-12-01T14:"


def test_the_clock_moves_while_the_app_is_away(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    assert city.web.post("/clock", json={"advance": "P1D"}).json["now"][:11] == "2026-12-02T"


@pytest.mark.parametrize("sent", [{"advance": "tomorrow"}, {"advance": 7200}, {"advance": "-PT2H"}, {}, ["PT2H"]])
def test_a_wrong_move_is_refused_and_the_clock_stands(tmp_path: Path, sent: object) -> None:
    city = a_world(tmp_path)
    assert city.web.post("/clock", json=sent).status_code == 422
    assert city.web.get("/clock").json["now"][:14] == "2026-12-01T12:"
