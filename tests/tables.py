"""State for tests: a fresh table and queues, on SQLite (fast: use this) or under moto (small data only).

    from tests.tables import sqlite_city

    def test_something(tmp_path: Path) -> None:
        city = sqlite_city(tmp_path)
        city.table.put(...)
        city.queues.named("launch").send(...)
        city.queues.receive(["launch"], 10, 60)     # SQLite only: the side that Lambda has elsewhere
        city.clock.advance(timedelta(minutes=2))

    with moto_city() as city:                       # DynamoDB and SQS as moto plays them
        city.table.put(...)

Every queue that the app declares is there already; a kiosk's is made by whoever registers the kiosk.
"""

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from chalicelib.state.dynamodb import DynamoTable
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from chalicelib.state.sqlite_table import SqliteTable
from chalicelib.state.sqs import SqsQueues

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)

LANES = ("urgent", "routine")
QUEUES = (
    *("launch", "intake", "replies", "receipts"),
    *(f"{work}-{lane}" for work in ("fan-out", "sms", "email", "kiosk") for lane in LANES),
)


@dataclass
class Clock:
    """A clock that moves when told; call it for the time."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.moment += by


@dataclass(frozen=True)
class SqliteCity:
    """Table and queues in one file, on one clock."""

    file: SqliteFile
    table: SqliteTable
    queues: SqliteQueues
    clock: Clock


def sqlite_city(folder: Path, clock: Clock | None = None) -> SqliteCity:
    """The state of a city in `folder`; a second call with the same folder opens what the first one kept."""
    path = folder / "city.db"
    if not path.exists():
        path.write_bytes(_empty_city())
    clock = clock or Clock()
    file = SqliteFile(path, synced=False)
    return SqliteCity(file, SqliteTable(file), SqliteQueues(file, clock), clock)


@functools.cache
def _empty_city() -> bytes:
    """A file with every queue in it, made once: copying it is three times as fast."""
    with tempfile.TemporaryDirectory() as folder:
        file = SqliteFile(Path(folder) / "city.db", synced=False)
        SqliteTable(file)
        queues = SqliteQueues(file, Clock())
        for name in QUEUES:
            queues.make(name)
        file.close()
        return file.path.read_bytes()


@dataclass(frozen=True)
class MotoCity:
    """Table and queues under moto, with the clients they use."""

    dynamodb: Any
    sqs: Any
    table: DynamoTable
    queues: SqsQueues


@contextmanager
def moto_city() -> Iterator[MotoCity]:
    """The state of a city in AWS as moto plays it, gone at the end. Not atomic under threads, and slow beyond some tens of rows."""
    with mock_aws():
        own: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "none", "aws_secret_access_key": "none"}
        dynamodb, sqs = boto3.client("dynamodb", **own), boto3.client("sqs", **own)
        make_table(dynamodb, "belfry")
        queues = SqsQueues(sqs, "belfry-")
        for name in QUEUES:
            queues.make(name)
        yield MotoCity(dynamodb, sqs, DynamoTable(dynamodb, "belfry", sleep=lambda _seconds: None, random=lambda: 0.5), queues)


def make_table(dynamodb: Any, name: str) -> None:
    """A table as `infra/` describes it."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in (("pk", "S"), ("sk", "S"), ("open", "S"), ("due", "N"))],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "open",
                "KeySchema": [{"AttributeName": "open", "KeyType": "HASH"}, {"AttributeName": "due", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
