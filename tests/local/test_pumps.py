"""The pumps: what a handler says of its messages decides what becomes of them, and time is the city's."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from chalice.app import Chalice, Rate, ScheduledEventConfig, SNSEvent, SQSEvent

from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from local.hold import Hold
from local.pumps import Pumps, read_rate, retry_after

PATIENCE = 10.0


@dataclass
class Clock:
    """A clock that only tests move."""

    at: datetime = datetime(2026, 12, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Toy:
    """An app with one queue of each kind; `work` is what its handlers do with a body."""

    clock: Clock
    queues: SqliteQueues
    hold: Hold
    pumps: Pumps
    work: Callable[[str], None]
    seen: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    ticks: list[datetime] = field(default_factory=list)

    def send(self, *bodies: str, queue: str = "jobs", delay: int = 0) -> None:
        self.queues.named(queue).send([Outgoing(body, delay) for body in bodies])

    def settle(self) -> None:
        """Run what shows now, until every worker is done with it."""
        while self.pumps.run_visible():
            assert self.hold.hold(PATIENCE)
            self.hold.release()

    def rounds(self, count: int) -> None:
        for _ in range(count):
            self.settle()
            self.clock.pass_by(100)


def a_toy(directory: Path) -> Toy:
    clock, hold = Clock(), Hold()
    queues = SqliteQueues(SqliteFile(directory / "city.db"), clock.now)
    app = Chalice(app_name="toy")
    toy = Toy(clock, queues, hold, Pumps(app, queues, hold=hold, now=clock.now), lambda _: None)
    declare_handlers(app, toy)
    toy.pumps = Pumps(app, queues, hold=hold, now=clock.now)
    return toy


def declare_handlers(app: Chalice, toy: Toy) -> None:
    def each(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
        toy.events.append(event.to_dict())
        failed = []
        for record in event:
            try:
                toy.work(record.body)
                toy.seen.append(record.body)
            except ValueError:
                failed.append({"itemIdentifier": record.to_dict()["messageId"]})
        return {"batchItemFailures": failed}

    def news(event: SNSEvent) -> None:
        toy.work(event.message)
        toy.seen.append(event.message)

    def tick(_event: object) -> None:
        toy.ticks.append(toy.clock.now())
        toy.work("tick")

    app.on_sqs_message(queue="jobs", batch_size=10, name="jobs")(each)
    app.on_sqs_message(queue="sms-routine", batch_size=1, name="routine")(each)
    app.on_sqs_message(queue="sms-urgent", batch_size=1, name="urgent")(each)
    app.on_sns_message(topic="news")(news)
    app.schedule(Rate(1, unit=Rate.MINUTES))(tick)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return a_toy(tmp_path)


@pytest.fixture
def running(toy: Toy) -> Iterator[Toy]:
    toy.pumps.start()
    yield toy
    toy.pumps.stop(PATIENCE)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


# --- queues ----------------------------------------------------------------------------------------------------------


def test_messages_reach_their_handler_once_and_leave_the_queue(toy: Toy) -> None:
    toy.send("a", "b")
    toy.rounds(2)
    assert (sorted(toy.seen), toy.queues.depth("jobs")) == (["a", "b"], 0)


def test_an_event_is_shaped_as_lambda_shapes_it(toy: Toy) -> None:
    toy.send("a", "b")
    toy.settle()
    records = toy.events[0]["Records"]
    assert [(one["body"], one["eventSource"], one["eventSourceARN"].split(":")[-1], one["attributes"]["ApproximateReceiveCount"]) for one in records] == [
        ("a", "aws:sqs", "jobs", "1"),
        ("b", "aws:sqs", "jobs", "1"),
    ]
    assert len({one["messageId"] for one in records}) == 2


def test_only_the_failures_of_a_batch_come_again(toy: Toy) -> None:
    toy.work = fails_first_for("b")
    toy.send("a", "b", "c")
    toy.rounds(3)
    assert Counter(toy.seen) == Counter("abc")
    assert [one["attributes"]["ApproximateReceiveCount"] for event in toy.events for one in event["Records"] if one["body"] == "b"] == ["1", "2"]


def test_an_exception_lets_the_whole_batch_come_again(toy: Toy) -> None:
    toy.work = fails_first_for("b", RuntimeError)
    toy.send("a", "b")
    toy.rounds(2)
    assert Counter(toy.seen) == Counter({"a": 2, "b": 1})


def test_a_failed_message_waits_longer_each_time(toy: Toy) -> None:
    toy.work = always_fails
    toy.send("a")
    toy.settle()
    toy.clock.pass_by(retry_after(1) - 0.1)
    assert toy.pumps.run_visible() == 0
    toy.clock.pass_by(0.1)
    toy.settle()
    toy.clock.pass_by(retry_after(1))
    assert toy.pumps.run_visible() == 0


def test_a_message_that_fails_five_times_is_dead_and_the_others_went_on(toy: Toy) -> None:
    toy.work = lambda body: always_fails(body) if body == "poison" else None
    toy.send("poison", "fine")
    toy.rounds(7)
    assert (toy.seen, toy.queues.depth("jobs"), toy.queues.depth("jobs-dead")) == (["fine"], 0, 1)
    assert sum("poison" in str(event) for event in toy.events) == 5


def test_a_delay_is_of_the_citys_time(toy: Toy) -> None:
    toy.send("later", delay=600)
    toy.settle()
    assert toy.seen == []
    toy.clock.pass_by(600)
    toy.settle()
    assert toy.seen == ["later"]


def test_a_busy_queue_does_not_keep_another_waiting(running: Toy) -> None:
    free = threading.Event()
    running.work = lambda body: None if body == "urgent" else wait_until(free)
    running.send(*(f"routine {number}" for number in range(10)), queue="sms-routine")
    running.pumps.notify()
    running.send("urgent", queue="sms-urgent")
    running.pumps.notify()
    wait_for(lambda: running.seen == ["urgent"])
    free.set()
    wait_for(lambda: len(running.seen) == 11)


# --- topics ----------------------------------------------------------------------------------------------------------


def test_what_is_published_to_a_topic_reaches_its_handler_and_comes_again_if_that_fails(toy: Toy) -> None:
    toy.work = fails_first_for("two", RuntimeError)
    toy.send('{"Message": "one"}', '{"Message": "two"}', queue="sns-news")
    toy.rounds(2)
    assert (Counter(toy.seen), toy.queues.depth("sns-news")) == (Counter(["one", "two"]), 0)


# --- schedules and the clock -----------------------------------------------------------------------------------------


def test_the_schedule_runs_at_the_start_then_each_minute_and_once_after_a_move(running: Toy) -> None:
    wait_for(lambda: len(running.ticks) == 1)
    running.clock.pass_by(59)
    time.sleep(0.3)
    assert len(running.ticks) == 1
    running.clock.pass_by(1)
    wait_for(lambda: len(running.ticks) == 2)
    running.clock.pass_by(7200)
    wait_for(lambda: len(running.ticks) == 3)
    time.sleep(0.3)
    assert len(running.ticks) == 3


def test_settling_runs_the_schedule_and_returns_once_all_that_shows_is_done(running: Toy) -> None:
    wait_for(lambda: running.ticks)
    assert running.hold.hold(PATIENCE)
    running.work = lambda body: running.send("b", "c") if body == "a" else None
    running.send("a")
    running.send("later", delay=60)
    running.queues.make("screen-1")
    running.send("for a screen", queue="screen-1")
    assert running.pumps.settle(PATIENCE) == 3
    assert (sorted(running.seen), len(running.ticks), running.queues.depth("jobs")) == (["a", "b", "c"], 2, 1)


def test_settling_gives_up_on_handlers_that_take_too_long(running: Toy) -> None:
    free = threading.Event()
    running.work = lambda body: None if body == "tick" else wait_until(free)
    wait_for(lambda: running.ticks)
    assert running.hold.hold(PATIENCE)
    running.send("a")
    assert running.pumps.settle(0.2) == 1
    assert running.seen == []
    free.set()
    wait_for(lambda: running.seen == ["a"])


def test_a_schedule_that_fails_runs_again_next_time(running: Toy) -> None:
    running.work = always_fails
    wait_for(lambda: running.ticks)
    running.clock.pass_by(60)
    wait_for(lambda: len(running.ticks) == 2)


def test_a_hold_waits_for_running_handlers_and_lets_none_begin(running: Toy) -> None:
    begun, free = threading.Event(), threading.Event()
    wait_for(lambda: running.ticks)

    def work(_body: str) -> None:
        begun.set()
        wait_until(free)

    running.work = work
    running.send("first")
    wait_for(begun.is_set)
    assert not running.hold.hold(0.05)
    running.send("second")
    free.set()
    assert running.hold.hold(PATIENCE)
    time.sleep(0.2)
    assert running.seen == ["first"]
    running.hold.release()
    wait_for(lambda: running.seen == ["first", "second"])


@pytest.mark.parametrize(
    ("expression", "period"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(2 hours)", timedelta(hours=2)),
        (Rate(1, unit=Rate.DAYS), timedelta(days=1)),
    ],
)
def test_a_rate_is_read(expression: object, period: timedelta) -> None:
    assert read_rate(ScheduledEventConfig("tick", "app.tick", expression, "")) == period


def test_a_schedule_we_cannot_run_is_said_at_the_start() -> None:
    with pytest.raises(ValueError, match="rate"):
        read_rate(ScheduledEventConfig("tick", "app.tick", "cron(0 1 * * ? *)", ""))


# --- what handlers do ------------------------------------------------------------------------------------------------


def fails_first_for(body: str, error: type[Exception] = ValueError) -> Callable[[str], None]:
    failed: list[str] = []

    def work(given: str) -> None:
        if given == body and not failed:
            failed.append(given)
            raise error(given)

    return work


def always_fails(body: str) -> None:
    raise ValueError(body)


def wait_until(event: threading.Event) -> None:
    assert event.wait(PATIENCE)
