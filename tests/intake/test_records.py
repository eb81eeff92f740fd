"""Messages that cannot be worked off fail alone, say so, and say when they are given up."""

import json
from pathlib import Path
from typing import Any

import pytest
from chalice.app import SQSEvent

from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.intake import jobs, letters, posts, receipts, records
from chalicelib.state import sqlite_queue
from local.pumps import sqs_record
from tests.engine.town import Town
from tests.tables import NOON

UNREADABLE = {
    "no JSON": "{",
    "nothing": "",
    "another shape": "[]",
    "a word": '"x"',
    "of an unknown version": '{"version": 9}',
    "10 KB": json.dumps({"broadcast": "x" * 10_000, "shard": "many"}),
    "nested without end": "[" * 10_000,
    "half a job": '{"broadcast": "bc_1"}',
}


def event(*bodies: str, receive_count: int = 1) -> SQSEvent:
    found = [sqs_record(sqlite_queue.Received(number, "q", body, receive_count), NOON) for number, body in enumerate(bodies, 1)]
    return SQSEvent({"Records": found}, {})


def failed(answer: records.Failures) -> list[str]:
    return [one["itemIdentifier"][-1] for one in answer["batchItemFailures"]]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


DOORS = (jobs.launch, jobs.fan_out, jobs.send, posts.publish, letters.send, receipts.record)
CASES = [
    pytest.param(door, body, id=f"{name} at {door.__module__.rpartition('.')[2]}.{door.__name__}")
    for door in DOORS
    for name, body in UNREADABLE.items()
    if (door, name) != (jobs.launch, "half a job")  # all that a launch needs
]


@pytest.mark.parametrize(("door", "body"), CASES)
def test_a_message_that_nobody_can_read_fails_and_harms_nothing_else(town: Town, door: Any, body: str) -> None:
    with town.state.file.reading() as connection:
        before = connection.execute("SELECT count(*) FROM state_rows").fetchone()
        assert failed(door(event(body), services=town.services)) == ["1"]
        assert connection.execute("SELECT count(*) FROM state_rows").fetchone() == before


def test_one_receipt_that_nobody_can_read_does_not_hold_up_the_others(town: Town) -> None:
    town.follower("transit")
    name = town.broadcast("transit")
    town.settle(name)
    good = ReceiptJob(town.providers[next(iter(town.providers))].truth[0].token, str(State.DELIVERED)).body
    assert failed(receipts.record(event("{", good), services=town.services)) == ["1"]
    assert {mark.state for _, _, mark in town.standings(name)} == {State.DELIVERED}


@pytest.mark.parametrize(("receive_count", "said"), [(1, ["job failed"]), (4, ["job failed"]), (5, ["job failed", "job given up"])])
def test_the_log_says_when_a_job_was_handed_out_for_the_last_time(town: Town, caplog: pytest.LogCaptureFixture, receive_count: int, said: list[str]) -> None:
    jobs.send(event("{", receive_count=receive_count), services=town.services)
    assert [line.getMessage() for line in caplog.records] == said
    assert caplog.records[0].fields["receives"] == receive_count  # type: ignore[attr-defined]
