"""State for tests of the AWS adapters: DynamoDB and SQS as moto plays them.

    from tests.aws_tables import moto_city

    with moto_city() as city:
        city.table.put(...)

moto is not atomic under threads, compares kinds as Python does, and is slow beyond some tens of rows: everything else uses `tables.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from moto import mock_aws

from chalicelib.state.dynamodb import DynamoTable
from chalicelib.state.sqs import SqsQueues
from chalicelib.state.straight import straight_client
from tests.tables import QUEUES


@dataclass(frozen=True)
class MotoCity:
    """Table and queues under moto, with the clients they use."""

    dynamodb: Any
    sqs: Any
    table: DynamoTable
    queues: SqsQueues


@contextmanager
def moto_city() -> Iterator[MotoCity]:
    """The state of a city in AWS as moto plays it, gone at the end."""
    with mock_aws():
        own: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "none", "aws_secret_access_key": "none"}
        dynamodb, sqs = straight_client("dynamodb", Config(), **own), straight_client("sqs", Config(), **own)
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
