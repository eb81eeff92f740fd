"""The table in DynamoDB. Key attributes `pk` and `sk`; index `open` (partition attribute `open`, sort attribute `due`).

The SDK tries a throttled or lost call again by itself. A conditional write that it repeats may meet its own first try as the old
row of WriteRefused: who writes puts a fresh id into the row, and knows it again. A repeated transaction carries one token.
"""

import base64
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.errors import StateContended, StateLater, TransactionRefused, WriteRefused
from chalicelib.state.attributes import Item, read_key, read_values, to_item, to_key
from chalicelib.state.aws_errors import CONFLICT, LIMIT, code_of, our_errors, raise_known
from chalicelib.state.expressions import Expressions
from chalicelib.state.limits import (
    DUE,
    OPEN,
    check_change,
    check_condition,
    check_due,
    check_get,
    check_key,
    check_limit,
    check_partition,
    check_writes,
    row_bytes,
    rows_bytes,
)
from chalicelib.state.sizes import KEY_NAMES
from chalicelib.state.table import Change, Check, Condition, Delete, Key, Page, Put, Row, Update, Values, Write

_TRIES = 8
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 2.0  # seconds; with full jitter, about 4 s in all


@dataclass(frozen=True)
class DynamoTable:
    """A Table in DynamoDB. `random` gives a number from 0 to 1, to spread those who were throttled together."""

    client: Any
    name: str
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    def get(self, key: Key, *, consistent: bool = True) -> Values | None:
        """The row's values, or None."""
        check_key(key)
        with our_errors():
            answer = self.client.get_item(TableName=self.name, Key=to_key(key), ConsistentRead=consistent)
        return read_values(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> dict[Key, Values]:
        """Those of up to 100 rows that exist. Raises StateLater where some stay unread."""
        check_get(keys)
        found: dict[Key, Values] = {}
        left = [to_key(key) for key in keys]
        for attempt in range(_TRIES):
            if not left:
                return found
            if attempt:
                self.sleep(self.random() * min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt))
            with our_errors():
                answer = self.client.batch_get_item(RequestItems={self.name: {"Keys": left, "ConsistentRead": consistent}})
            found |= {read_key(item): read_values(item) for item in answer["Responses"].get(self.name, [])}
            left = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
        if left:
            raise StateLater(f"{len(left)} rows stay unread")
        return found

    def put(self, row: Row, *, expect: Condition | None = None) -> None:
        """Write a whole row."""
        row_bytes(row)
        check_condition(expect)
        with _refusals():
            self.client.put_item(TableName=self.name, Item=to_item(row), **_expecting(expect))

    def put_many(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Write up to 25 rows without conditions; the rows that were not taken come back."""
        rows_bytes(rows)
        if not rows:
            return ()
        requests = [{"PutRequest": {"Item": to_item(row)}} for row in rows]
        with our_errors():
            answer = self.client.batch_write_item(RequestItems={self.name: requests})
        left = {read_key(request["PutRequest"]["Item"]) for request in answer.get("UnprocessedItems", {}).get(self.name, [])}
        return [row for row in rows if row.key in left]

    def update(self, key: Key, change: Change, *, expect: Condition | None = None) -> Values:
        """Change a row and return its values after the change."""
        check_key(key)
        check_change(change)
        check_condition(expect)
        with _refusals():
            answer = self.client.update_item(TableName=self.name, Key=to_key(key), ReturnValues="ALL_NEW", **_expecting(expect, change))
        return read_values(answer["Attributes"])

    def delete(self, key: Key, *, expect: Condition | None = None) -> None:
        """Remove a row."""
        check_key(key)
        check_condition(expect)
        with _refusals():
            self.client.delete_item(TableName=self.name, Key=to_key(key), **_expecting(expect))

    def query(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int | None = None, consistent: bool = True, backward: bool = False
    ) -> Page:
        """Rows of a partition in key order."""
        check_partition(partition)
        check_limit(limit)
        if after is not None and _is_past(after, prefix, backward=backward):
            return Page((), None)
        start = to_key(Key(partition, after)) if after and after.startswith(prefix) else None
        with our_errors():
            answer = self.client.query(
                TableName=self.name,
                ConsistentRead=consistent,
                ScanIndexForward=not backward,
                **_range(partition, prefix),
                **_starting(start, limit),
            )
        last = answer.get("LastEvaluatedKey")
        return Page(_rows(answer), read_key(last).sort if last else None)

    def query_open(self, name: str, *, due: int, after: str | None = None, limit: int | None = None) -> Page:
        """Rows with `open` = name and `due` <= due, earliest first; of their values the index holds these two."""
        check_partition(name)
        check_due(due)
        check_limit(limit)
        with our_errors():
            answer = self.client.query(
                TableName=self.name,
                IndexName=OPEN,
                KeyConditionExpression="#open = :open AND #due <= :due",
                ExpressionAttributeNames={"#open": OPEN, "#due": DUE},
                ExpressionAttributeValues={":open": {"S": name}, ":due": {"N": str(due)}},
                **_starting(json.loads(base64.b64decode(after)) if after else None, limit),
            )
        last = answer.get("LastEvaluatedKey")
        return Page(_rows(answer), base64.b64encode(json.dumps(last).encode()).decode() if last else None)

    def transact(self, writes: Sequence[Write]) -> None:
        """All of up to 100 writes on distinct keys, or none."""
        check_writes(writes)
        if not writes:
            return
        try:
            with our_errors():
                self.client.transact_write_items(TransactItems=[_transacted(write, self.name) for write in writes])
        except ClientError as error:
            raise _why_cancelled(error) from error


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        with our_errors():
            yield
    except ClientError as error:
        if code_of(error) == "ConditionalCheckFailedException":
            raise WriteRefused(_old(error.response)) from error
        raise


def _why_cancelled(error: ClientError) -> Exception:
    reasons = error.response.get("CancellationReasons", [])
    olds = {n: _old(reason) for n, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed"}
    if olds:
        return TransactionRefused(olds)
    codes = [str(reason.get("Code")) for reason in reasons]
    if CONFLICT in codes and LIMIT.isdisjoint(codes):
        return StateContended(frozenset(n for n, code in enumerate(codes) if code == CONFLICT))
    raise_known(error, *codes)
    return error


def _old(refusal: Any) -> Values | None:
    return read_values(refusal["Item"]) if refusal.get("Item") else None


def _expecting(expect: Condition | None, change: Change | None = None) -> dict[str, Any]:
    parameters = Expressions(change, expect).parameters()
    return parameters if expect is None else {**parameters, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def _transacted(write: Write, table: str) -> dict[str, Any]:
    match write:
        case Put(row, expect):
            return {"Put": {"TableName": table, "Item": to_item(row), **_expecting(expect)}}
        case Update(key, change, expect):
            return {"Update": {"TableName": table, "Key": to_key(key), **_expecting(expect, change)}}
        case Delete(key, expect):
            return {"Delete": {"TableName": table, "Key": to_key(key), **_expecting(expect)}}
        case Check(key, expect):
            return {"ConditionCheck": {"TableName": table, "Key": to_key(key), **_expecting(expect)}}


def _is_past(after: str, prefix: str, *, backward: bool) -> bool:
    """Whether no row with `prefix` is left after `after`. DynamoDB refuses to start outside of the prefix."""
    return not (after and after.startswith(prefix)) and (after < prefix or not after) == backward


def _range(partition: str, prefix: str) -> dict[str, Any]:
    pk, sk = KEY_NAMES
    if not prefix:
        return {"KeyConditionExpression": f"{pk} = :pk", "ExpressionAttributeValues": {":pk": {"S": partition}}}
    return {
        "KeyConditionExpression": f"{pk} = :pk AND begins_with({sk}, :sk)",
        "ExpressionAttributeValues": {":pk": {"S": partition}, ":sk": {"S": prefix}},
    }


def _starting(key: Item | None, limit: int | None) -> dict[str, Any]:
    return {**({"ExclusiveStartKey": key} if key else {}), **({"Limit": limit} if limit else {})}


def _rows(answer: Any) -> list[Row]:
    return [Row(read_key(item), read_values(item)) for item in answer["Items"]]
