"""The contract of the narrow door, asked of each adapter in turn: `table` and `queues` run every test on SQLite and on moto."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chalicelib.state.dynamodb import DynamoTable
from chalicelib.state.queue import Queues
from chalicelib.state.table import Table
from tests.aws_tables import MotoCity, make_table, moto_city
from tests.tables import SqliteCity, sqlite_city

_fresh = itertools.count(1)


@dataclass(frozen=True)
class Mailroom:
    """Queues, the name of one that exists, and a way to read what was sent to it."""

    queues: Queues
    name: str
    bodies: Callable[[str], list[str]]


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoCity]:
    with moto_city() as city:
        yield city


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteCity]:
    city = sqlite_city(tmp_path)
    yield city
    city.file.close()


@pytest.fixture(params=["sqlite", "moto"])
def table(request: pytest.FixtureRequest) -> Table:
    """An empty table."""
    if request.param == "sqlite":
        city: SqliteCity = request.getfixturevalue("sqlite")
        return city.table
    aws: MotoCity = request.getfixturevalue("moto")
    name = f"table-{next(_fresh)}"
    make_table(aws.dynamodb, name)
    return DynamoTable(aws.dynamodb, name, sleep=lambda _seconds: None)


@pytest.fixture(params=["sqlite", "moto"])
def mailroom(request: pytest.FixtureRequest) -> Mailroom:
    """Queues with an empty one among them."""
    name = f"screen-{next(_fresh)}"
    room = _sqlite_room(request.getfixturevalue("sqlite"), name) if request.param == "sqlite" else _moto_room(request.getfixturevalue("moto"), name)
    room.queues.make(name)
    return room


def _sqlite_room(city: SqliteCity, name: str) -> Mailroom:
    return Mailroom(city.queues, name, lambda name: [message.body for message in city.queues.receive([name], 10, 60)])


def _moto_room(city: MotoCity, name: str) -> Mailroom:
    def bodies(name: str) -> list[str]:
        url = city.sqs.get_queue_url(QueueName=f"belfry-{name}")["QueueUrl"]
        return [message["Body"] for message in city.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]

    return Mailroom(city.queues, name, bodies)
