"""A town's state on AWS as moto plays it, with the receiving side that Lambda has there: visibility by the town's clock."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.state.attributes import read_key, read_values
from chalicelib.state.dynamodb import DynamoTable
from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_queue import Received
from chalicelib.state.sqs import SqsQueues
from chalicelib.state.table import Row
from tests.aws_tables import MotoCity, make_table
from tests.tables import QUEUES, Clock

_fresh = itertools.count(1)


@dataclass
class Pumped:
    """SQS's queues. What is sent goes through SQS, and waits here until the clock says that it shows: moto knows the machine's clock alone."""

    sqs: Any
    adapter: SqsQueues
    prefix: str
    clock: Clock
    waiting: dict[int, tuple[datetime, Received]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def named(self, name: str) -> "PumpedQueue":
        """The queue of this name."""
        return PumpedQueue(self, name)

    def receive(self, names: Sequence[str], most: int, visibility_seconds: float) -> list[Received]:
        """What shows, longest first, hidden for a while."""
        now = self.clock()
        found = sorted((moment, number) for number, (moment, one) in self.waiting.items() if moment <= now and one.queue in names)
        taken = []
        for _, number in found[:most]:
            one = self.waiting[number][1]
            again = one._replace(receive_count=one.receive_count + 1)
            self.waiting[number] = (now + timedelta(seconds=visibility_seconds), again)
            taken.append(again)
        return taken

    def delete(self, *ids: int) -> None:
        """These were dealt with."""
        for one in ids:
            self.waiting.pop(one, None)

    def next_visible_at(self, *, after: datetime) -> datetime | None:
        """When the next message shows."""
        return min((moment for moment, _ in self.waiting.values() if moment > after), default=None)

    def take(self, name: str, delays: dict[str, int]) -> None:
        """Fetch what SQS got; each waits as long as its sender said."""
        url = self.sqs.get_queue_url(QueueName=self.prefix + name)["QueueUrl"]
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for one in found:
                number = next(self._numbers)
                self.waiting[number] = (self.clock() + timedelta(seconds=delays[one["Body"]]), Received(number, name, one["Body"], 0))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])


@dataclass(frozen=True)
class PumpedQueue:
    """One of them."""

    queues: Pumped
    name: str

    def send(self, messages: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """Through the adapter, at once."""
        left = self.queues.adapter.named(self.name).send([replace(one, delay=0) for one in messages])
        self.queues.take(self.name, {one.body: one.delay for one in messages})
        return left


@dataclass(frozen=True)
class AwsState:
    """What a town asks of its state."""

    dynamodb: Any
    name: str
    table: Any
    queues: Pumped
    clock: Clock

    def rows(self) -> list[Row]:
        """All that the table holds."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.name)
        return [Row(read_key(item), read_values(item)) for page in pages for item in page["Items"]]


def aws_state(city: MotoCity) -> AwsState:
    """A table and queues of its own, under a city's moto."""
    name, clock = f"town-{next(_fresh)}", Clock()
    make_table(city.dynamodb, name)
    adapter = SqsQueues(city.sqs, f"{name}-")
    for queue in QUEUES:
        adapter.make(queue)
    table = DynamoTable(city.dynamodb, name, sleep=lambda _seconds: None, random=lambda: 0.5)
    return AwsState(city.dynamodb, name, table, Pumped(city.sqs, adapter, f"{name}-", clock), clock)
