"""What workers gave up on is queued again by command: on SQS as moto plays it, and on this machine."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.intake import records
from chalicelib.state import sqlite_queue
from chalicelib.state.queue import Outgoing
from infra.functions import MOST_RECEIVES, WORKERS
from infra.redrive import QUEUES, SqsDeadLetters, look, main, redrive
from local.clock import CityClock
from tests.tables import sqlite_city

REGION = "eu-west-1"


class Broken(Exception):
    """The operator's machine dies."""


class Wire:
    """SQS that never waits, and may refuse part of a call."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.refuses: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def receive_message(self, **asked: Any) -> Any:
        return self.client.receive_message(**{**asked, "WaitTimeSeconds": 0})

    def send_message_batch(self, **asked: Any) -> Any:
        asked["Entries"] = [one for one in asked["Entries"] if one["MessageBody"] not in self.refuses]
        return self.client.send_message_batch(**asked) if asked["Entries"] else {"Failed": []}


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    for name, value in {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("sqs")
        for queue in QUEUES:
            for name in (queue, f"{queue}-dead"):
                client.create_queue(QueueName=f"belfry-prod-{name}")
        yield Wire(client)


def bury(wire: Wire, queue: str, count: int) -> None:
    url = wire.get_queue_url(QueueName=f"belfry-prod-{queue}-dead")["QueueUrl"]
    for number in range(count):
        wire.client.send_message(QueueUrl=url, MessageBody=json.dumps({"n": number}))


def lying(wire: Wire, name: str) -> list[str]:
    """Take all that a queue shows."""
    url, found = wire.get_queue_url(QueueName=f"belfry-prod-{name}")["QueueUrl"], []
    while got := wire.client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60).get("Messages"):
        found += [one["Body"] for one in got]
    return sorted(found, key=lambda body: int(json.loads(body)["n"]))


def bodies(*numbers: int) -> list[str]:
    return [json.dumps({"n": number}) for number in numbers]


def test_all_dead_letters_of_a_queue_go_back_into_it_as_they_were(wire: Wire) -> None:
    bury(wire, "sms-routine", 23)
    bury(wire, "launch", 2)
    assert SqsDeadLetters(wire, "belfry-prod-").redrive("sms-routine") == 23
    assert lying(wire, "sms-routine") == bodies(*range(23))
    assert lying(wire, "sms-routine-dead") == []
    assert (lying(wire, "launch"), lying(wire, "launch-dead")) == ([], bodies(0, 1))


@pytest.mark.parametrize("dies", ["send_message_batch", "delete_message_batch"])
def test_a_command_that_dies_half_way_loses_nothing(wire: Wire, dies: str) -> None:
    bury(wire, "receipts", 3)
    with pytest.raises(Broken):
        SqsDeadLetters(_Dying(wire, dies), "belfry-prod-").redrive("receipts")
    url = wire.client.get_queue_url(QueueName="belfry-prod-receipts-dead")["QueueUrl"]
    attributes = wire.client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"]) == 3
    assert lying(wire, "receipts") == (bodies(0, 1, 2) if dies == "delete_message_batch" else [])


class _Dying:
    """A client that dies right before a call."""

    def __init__(self, wire: Wire, dies: str) -> None:
        self.wire = wire
        self.dies = dies

    def __getattr__(self, name: str) -> Any:
        if name == self.dies:
            raise Broken
        return getattr(self.wire, name)


def test_what_sqs_does_not_take_stays_dead(wire: Wire) -> None:
    bury(wire, "intake", 3)
    wire.refuses = {json.dumps({"n": 1})}
    assert SqsDeadLetters(wire, "belfry-prod-").redrive("intake") == 2
    assert lying(wire, "intake") == bodies(0, 2)
    assert SqsDeadLetters(wire, "belfry-prod-").redrive("intake") == 0


def test_a_look_names_each_queue_with_dead_letters_and_moves_nothing(wire: Wire) -> None:
    said: list[str] = []
    look(SqsDeadLetters(wire, "belfry-prod-"), say=said.append)
    bury(wire, "replies", 2)
    look(SqsDeadLetters(wire, "belfry-prod-"), say=said.append)
    assert said == ["Nothing lies dead.", "replies: 2 dead"]


def test_the_city_on_this_machine_has_the_same_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    assert main(["--stage", "local"]) == 1
    assert "STATE_DIR" in capsys.readouterr().err
    city = sqlite_city(tmp_path)
    city.queues.named("launch").send([Outgoing("x")])
    for _ in range(MOST_RECEIVES):
        assert city.queues.receive(["launch"], 1, 0)
    assert city.queues.receive(["launch"], 1, 0) == []
    for asked in ([], ["launch", "sms-urgent"], []):
        assert main(["--stage", "local", *asked]) == 0
    assert capsys.readouterr().out.splitlines() == ["launch: 1 dead", "launch: 1 queued again", "sms-urgent: 0 queued again", "Nothing lies dead."]
    assert [(one.body, one.receive_count) for one in _in_the_citys_time(tmp_path, "launch")] == [("x", 1)]


def _in_the_citys_time(folder: Path, queue: str) -> list[sqlite_queue.Received]:
    city = sqlite_city(folder)
    return sqlite_queue.SqliteQueues(city.file, CityClock(city.file).now).receive([queue], 10, 0)


def test_a_queue_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sms-rutine", "--stage", "local"])
    assert "there is no queue sms-rutine" in capsys.readouterr().err


def test_no_region_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    assert main(["launch"]) == 1
    assert "region" in capsys.readouterr().err


def test_everybody_counts_receives_alike() -> None:
    assert MOST_RECEIVES == sqlite_queue.MOST_RECEIVES == records.MOST_RECEIVES
    assert set(QUEUES) == {worker.queue for worker in WORKERS}


def test_several_queues_are_redriven_one_after_the_other(wire: Wire) -> None:
    bury(wire, "launch", 1)
    said: list[str] = []
    redrive(SqsDeadLetters(wire, "belfry-prod-"), ["launch", "replies"], say=said.append)
    assert said == ["launch: 1 queued again", "replies: 0 queued again"]
