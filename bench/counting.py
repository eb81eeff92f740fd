"""State and providers that count: what would be a call to AWS is one entry in `calls`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.address import Address
from chalicelib.domain.message import Answer, Message, Outcome, Parcel
from chalicelib.flows.services import Gate

AWS_NAME = {
    "get": "dynamodb.GetItem",
    "get_many": "dynamodb.BatchGetItem",
    "put": "dynamodb.PutItem",
    "put_many": "dynamodb.BatchWriteItem",
    "update": "dynamodb.UpdateItem",
    "delete": "dynamodb.DeleteItem",
    "query": "dynamodb.Query",
    "query_open": "dynamodb.Query",
    "transact": "dynamodb.TransactWriteItems",
    "send": "sqs.SendMessageBatch",
}


@dataclass(frozen=True)
class Counted:
    """A table, or the queues, whose every call is counted under AWS's name for it."""

    inner: Any
    calls: Counter[str]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name == "named":
            return lambda queue: Counted(found(queue), self.calls)
        if name not in AWS_NAME:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[AWS_NAME[name]] += 1
            return found(*args, **kwargs)

        return call


class SesClient:
    """SES as the email channel calls it: accepts everything."""

    def __init__(self, calls: Counter[str]) -> None:
        self._calls = calls

    def send_bulk_email(self, **request: Any) -> dict[str, Any]:
        """One bulk call, however many entries it has."""
        self._calls["sesv2.SendBulkEmail"] += 1
        return {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "m"} for _ in request["BulkEmailEntries"]]}


class TextProvider:
    """A text provider that accepts everything. Its calls are not AWS's."""

    most = 25

    def hand_over(self, parcels: Sequence[Parcel], *, gate: Gate) -> Sequence[Outcome]:
        """Accepted, all of them."""
        return [Outcome(Answer.ACCEPTED, provider_id="SM") for _ in parcels if gate()]

    def find(self, to: Address, message: Message, *, since: datetime) -> bool | None:  # noqa: ARG002
        """It cannot say."""
        return None
