"""A move of the clock goes through what falls due on the way: each thing happens at its time, and a move past nothing is one jump."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chalicelib import wiring
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.preferences import Preferences
from chalicelib.domain.times import spoken, to_ms
from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from chalicelib.state.sqlite_table import SqliteTable
from chalicelib.state.table import Key, Row
from chalicelib.store.broadcast_rows import OPEN
from chalicelib.store.subscriptions import Subscription, audience_row
from local.clock import CityClock
from local.moves import BUDGET_SECONDS, Moments, Mover
from local.options import Options
from tests.local.worlds import NOON
from tests.world import RunningCity, running_city

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SOON = timedelta(seconds=20)


@dataclass
class Heard:
    """An app's handlers that only listen. `works` is how many messages they take at each stop; `slow` is how long a stop lasts."""

    clock: CityClock
    there: bool = True
    works: list[int] = field(default_factory=list)
    slow: timedelta = timedelta(0)
    seconds: float = 0.0
    stops: list[datetime] = field(default_factory=list)
    held: bool = False
    holds: int = 0

    def hold(self) -> bool:
        self.held = True
        self.holds += 1
        return self.there

    def settle(self) -> int:
        assert self.held
        self.stops.append(self.clock.now())
        self.clock.advance(self.slow)
        self.seconds += self.slow.total_seconds()
        return self.works.pop(0) if self.works else 0

    def release(self) -> None:
        self.held = False


@dataclass
class Town:
    clock: CityClock
    table: SqliteTable
    queues: SqliteQueues
    handlers: Heard
    move: Mover

    def row(self, due: datetime, name: str = "bc_1") -> None:
        self.table.put(Row(Key(f"row-{to_ms(due)}", "x"), {"open": name, "due": to_ms(due)}))

    def stops(self) -> list[timedelta]:
        """When handlers were let work, to the minute, after the start."""
        return [timedelta(minutes=round((stop - NOON) / MINUTE)) for stop in self.handlers.stops]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    file = SqliteFile(tmp_path / "city.db", synced=False)
    clock, table = CityClock(file), SqliteTable(file)
    clock.begin(NOON)
    queues, handlers = SqliteQueues(file, clock.now), Heard(clock)
    queues.make("launch")
    return Town(clock, table, queues, handlers, Mover(clock, Moments(table, queues), handlers, seconds=lambda: handlers.seconds))


def test_a_move_past_nothing_is_one_jump(town: Town) -> None:
    town.row(NOON - HOUR)
    town.row(NOON + 800 * HOUR)
    town.queues.named("launch").send([Outgoing("visible now")])
    assert NOON + 720 * HOUR <= town.move(720 * HOUR) < NOON + 720 * HOUR + SOON
    assert (town.stops(), town.handlers.holds, town.handlers.held) == ([], 1, False)


def test_a_move_stops_at_each_row_and_each_message_that_falls_due(town: Town) -> None:
    town.row(NOON + HOUR, OPEN)
    town.row(NOON + 2 * HOUR)
    town.row(NOON + 4 * HOUR)
    town.row(NOON + 5 * HOUR)
    town.queues.named("launch").send([Outgoing("later", 900)])
    assert NOON + 4 * HOUR <= town.move(4 * HOUR) < NOON + 4 * HOUR + SOON
    assert town.stops() == [15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR]
    assert not town.handlers.held


def test_a_move_ends_before_what_falls_due_later(town: Town) -> None:
    town.row(NOON + 11 * MINUTE)
    town.queues.named("launch").send([Outgoing("later", 900)])
    assert town.move(10 * MINUTE) < NOON + 10 * MINUTE + SOON
    assert town.stops() == []


def test_where_something_happened_the_schedule_looks_again_a_minute_later(town: Town) -> None:
    town.row(NOON + HOUR)
    town.row(NOON + 2 * HOUR)
    town.handlers.works = [3, 1, 0, 1]
    town.move(2 * HOUR + MINUTE / 2)
    assert town.stops() == [HOUR, HOUR + MINUTE, HOUR + 2 * MINUTE, 2 * HOUR]
    assert town.clock.now() < NOON + 2 * HOUR + MINUTE


def test_a_long_move_passes_by_what_repeats_itself_and_still_stops_at_broadcasts(town: Town) -> None:
    for minute in range(1, 100):
        town.row(NOON + minute * MINUTE)
    town.row(NOON + 10 * HOUR + MINUTE, OPEN)
    town.handlers.slow = timedelta(seconds=BUDGET_SECONDS / 2 + 0.1)
    town.move(12 * HOUR)
    assert town.stops() == [MINUTE, 2 * MINUTE, 10 * HOUR + MINUTE]


def test_a_stop_that_takes_longer_than_the_move_never_turns_the_clock_back(town: Town) -> None:
    town.row(NOON + MINUTE)
    town.handlers.slow, town.handlers.works = 3 * MINUTE, [1]
    assert town.move(2 * MINUTE) >= NOON + 4 * MINUTE
    assert town.stops() == [MINUTE]


def test_nothing_is_waited_for_while_the_app_is_away(town: Town) -> None:
    town.row(NOON + HOUR)
    town.handlers.there = False
    assert town.move(2 * HOUR) >= NOON + 2 * HOUR
    assert town.stops() == []


def test_handlers_go_on_where_a_move_fails(town: Town) -> None:
    town.row(NOON + HOUR)
    town.handlers.held = True

    def fails() -> int:
        raise RuntimeError

    town.handlers.settle = fails  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        town.move(2 * HOUR)
    assert not town.handlers.held


# --- a whole city ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCity]:
    with running_city(tmp_path_factory.mktemp("city")) as found:
        yield found


def posted(city: RunningCity, topic: str, **more: object) -> str:
    text = {"en": {"title": "Concert", "body": "At seven."}}
    answer = city.app("POST", "/v1/broadcasts", {"topics": [topic], "kind": "event", "severity": "minor", "channels": ["sms"], "content": text, **more})
    assert answer.status == 202
    return str(answer.json["id"])


def handed_over(city: RunningCity, phone: str) -> list[datetime]:
    return [datetime.fromisoformat(one["at"].replace("Z", "+00:00")) for one in city.outbox("sms") if one["to"] == phone]


@pytest.mark.xdist_group("city")
def test_a_broadcast_within_a_move_is_sent_at_its_time(city: RunningCity) -> None:
    [one] = city.world("POST", "/seed", {"subscribers": 1, "topics": ["events"], "channels": ["sms"]}).json["subscribers"]
    due = city.now() + HOUR
    name = posted(city, "events", send_at=spoken(due))
    city.advance("PT3H")
    [at] = handed_over(city, one["phone"])
    assert due <= at < due + 2 * MINUTE
    assert city.broadcast(name)["state"] == "completed"
    assert city.now() >= due + 2 * HOUR


@pytest.mark.xdist_group("city")
def test_what_quiet_hours_hold_is_released_within_a_move_at_its_time(city: RunningCity) -> None:
    [one] = city.world("POST", "/seed", {"subscribers": 1, "topics": ["jobs"], "channels": ["sms"]}).json["subscribers"]
    release = (city.now() + 2 * HOUR).replace(second=0, microsecond=0)
    keep_quiet_until(city, one["phone"], "jobs", release)
    name = posted(city, "jobs")
    city.until(lambda: city.broadcast(name).get("counts", {}).get("sms", {}).get("held") == 1)
    city.advance("PT8H")
    [at] = handed_over(city, one["phone"])
    assert release <= at < release + 2 * MINUTE


def keep_quiet_until(city: RunningCity, phone: str, topic: str, release: datetime) -> None:
    """As if the subscriber had set quiet hours that began an hour ago."""
    options = Options(0, 1, None, None, city.directory)
    services = wiring.build(options.settings(), now=city.now)
    known = services.store.addresses.find(Address(Channel.SMS, phone))
    assert known
    local = release.astimezone(services.city.zone)
    until = local.hour * 60 + local.minute
    quiet = ((until - 180) % 1440, until)
    [old] = services.store.subscriptions.of(known.subscriber)
    assert old.topic == topic
    services.store.table.put(audience_row(Subscription(old.subscriber, topic, old.channel, old.address, old.locale, Preferences(quiet=quiet))))
