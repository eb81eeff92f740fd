"""DynamoDB, with one table in memory. An item is kept as the JSON it is answered with, so that reading one costs next to nothing.

Billed as AWS says: a write per 1 KB of the larger of old and new, a read per 4 KB of the consistent, half of that else; a transaction
twice; and in the index a write for each entry that leaves and each that comes.
"""

import json
from bisect import bisect_right
from collections import Counter
from typing import Any

from bench.stub.expressions import condition, update

PAGE_BYTES = 1024 * 1024
Item = dict[str, Any]
Kept = tuple[bytes, int]
"""An item as JSON, and its size by DynamoDB's rules."""


class Refused(Exception):
    """A condition that did not hold."""

    def __init__(self, kind: str, **more: Any) -> None:
        super().__init__(kind)
        self._body = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": "refused", **more}

    def answer(self) -> bytes:
        """As DynamoDB says it."""
        return json.dumps(self._body).encode()


class Table:
    """Partitions of items by sort key."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Be empty."""
        self._partitions: dict[str, dict[str, Kept]] = {}
        self._sorted: dict[str, list[str]] = {}
        self.bill: Counter[str] = Counter()

    def act(self, operation: str, body: bytes) -> bytes:
        """Carry out one call. Raises Refused."""
        self.bill[f"dynamodb.{operation}"] += 1
        asked = json.loads(body)
        return {
            "GetItem": self._get,
            "BatchGetItem": self._get_many,
            "PutItem": self._put,
            "BatchWriteItem": self._put_many,
            "UpdateItem": self._update,
            "Query": self._query,
            "TransactWriteItems": self._transact,
        }[operation](asked)

    def keep(self, item: Item) -> int:
        """Keep an item in place of whatever was there. What the write costs."""
        partition, sort = item["pk"]["S"], item["sk"]["S"]
        rows = self._partitions.setdefault(partition, {})
        old = rows.get(sort)
        size = _size(item)
        if old is None:
            self._sorted.pop(partition, None)
        rows[sort] = (json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode(), size)
        return _units(max(size, old[1] if old else 0), 1024) + _index_writes(json.loads(old[0]) if old else {}, item)

    def _find(self, key: Item) -> Kept | None:
        return self._partitions.get(key["pk"]["S"], {}).get(key["sk"]["S"])

    def _read(self, size: int, *, consistent: bool) -> None:
        self.bill["read_half_units"] += _units(size, 4096) * (2 if consistent else 1)

    def _get(self, asked: Any) -> bytes:
        found = self._find(asked["Key"])
        self._read(found[1] if found else 1, consistent=asked.get("ConsistentRead", False))
        return b'{"Item":%b}' % found[0] if found else b"{}"

    def _get_many(self, asked: Any) -> bytes:
        ((name, wanted),) = asked["RequestItems"].items()
        found = [self._find(key) for key in wanted["Keys"]]
        for one in found:
            self._read(one[1] if one else 1, consistent=wanted.get("ConsistentRead", False))
        items = b",".join(one[0] for one in found if one)
        return b'{"Responses":{"%b":[%b]},"UnprocessedKeys":{}}' % (name.encode(), items)

    def _put(self, asked: Any) -> bytes:
        self._require(asked, self._find(asked["Item"]))
        self.bill["write_units"] += self.keep(asked["Item"])
        return b"{}"

    def _put_many(self, asked: Any) -> bytes:
        for requests in asked["RequestItems"].values():
            for request in requests:
                self.bill["write_units"] += self.keep(request["PutRequest"]["Item"])
        return b'{"UnprocessedItems":{}}'

    def _update(self, asked: Any) -> bytes:
        found = self._find(asked["Key"])
        item = self._require(asked, found) or dict(asked["Key"])
        update(asked["UpdateExpression"])(item, asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {}))
        self.bill["write_units"] += self.keep(item)
        return b'{"Attributes":%b}' % self._find(asked["Key"])[0]  # type: ignore[index]

    def _transact(self, asked: Any) -> bytes:
        for part in asked["TransactItems"]:
            ((kind, one),) = part.items()
            self._require(one, self._find(one.get("Key") or one["Item"]))
        for part in asked["TransactItems"]:
            ((kind, one),) = part.items()
            assert kind == "Put", "nothing measured transacts anything else"
            self.bill["write_units"] += 2 * self.keep(one["Item"])
        return b"{}"

    def _query(self, asked: Any) -> bytes:
        assert "IndexName" not in asked, "nothing measured reads the index"
        given = asked["ExpressionAttributeValues"]
        partition, prefix = given[":pk"]["S"], given.get(":sk", {"S": ""})["S"]
        rows, after = self._partitions.get(partition, {}), asked.get("ExclusiveStartKey", {"sk": {"S": ""}})["sk"]["S"]
        keys = self._sorted.get(partition) or self._sorted.setdefault(partition, sorted(rows))
        taken, size, last = [], 0, None
        for key in keys[bisect_right(keys, after) :]:
            if not key.startswith(prefix):
                continue
            if len(taken) == asked.get("Limit", -1) or size > PAGE_BYTES:
                last = {"pk": {"S": partition}, "sk": {"S": taken[-1]}}
                break
            taken.append(key)
            size += rows[key][1]
        self._read(size, consistent=asked.get("ConsistentRead", False))
        more = b',"LastEvaluatedKey":%b' % json.dumps(last).encode() if last else b""
        return b'{"Items":[%b],"Count":%d%b}' % (b",".join(rows[key][0] for key in taken), len(taken), more)

    def _require(self, asked: Any, found: Kept | None) -> Item | None:
        """The item as it stands. Raises Refused where the condition does not hold for it."""
        item: Item | None = json.loads(found[0]) if found else None
        text = asked.get("ConditionExpression")
        if text and not condition(text)(item, asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {})):
            self.bill["write_units"] += _units(found[1] if found else 1, 1024)
            raise Refused("ConditionalCheckFailedException", **({"Item": item} if item else {}))
        return item


def _units(size: int, each: int) -> int:
    return max(1, -(-size // each))


def _index_writes(old: Item, new: Item) -> int:
    """Writes to the index `open`: none where its two attributes stay, one where an entry comes or goes, two where it moves."""
    before, after = (_place(old), _place(new))
    return 0 if before == after else (before is not None) + (after is not None)


def _place(item: Item) -> tuple[Any, Any] | None:
    return (item["open"], item["due"]) if "open" in item and "due" in item else None


def _size(item: Item) -> int:
    return sum(len(name) + _value(attribute) for name, attribute in item.items())


def _value(attribute: Item) -> int:
    ((kind, held),) = attribute.items()
    if kind in "SB":
        return len(held) if held.isascii() else len(held.encode())
    if kind == "N":
        return (len(held) + 1) // 2 + 1
    if kind == "L":
        return 3 + sum(1 + _value(one) for one in held)
    if kind == "M":
        return 3 + sum(1 + len(name) + _value(one) for name, one in held.items())
    if kind in {"SS", "NS"}:
        return sum(len(one) if kind == "SS" else (len(one) + 1) // 2 + 1 for one in held)
    return 1
