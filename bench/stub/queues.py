"""SQS: messages in memory, taken in order. Billed per call and started 64 KB."""

from collections import Counter, deque
from typing import Any

_BILLED = 64 * 1024


class Queues:
    """The queues by URL; each is there once it is asked for."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Hold nothing."""
        self._waiting: dict[str, deque[str]] = {}
        self.bill: Counter[str] = Counter()

    def act(self, operation: str, asked: Any) -> object:
        """Carry out one call."""
        self.bill[f"sqs.{operation}"] += 1
        entries = asked.get("Entries", [])
        size = sum(len(one.get("MessageBody", "")) for one in entries) + len(asked.get("MessageBody", ""))
        self.bill["queue_requests"] += max(1, -(-size // _BILLED)) if operation != "GetQueueUrl" else 0
        return {
            "GetQueueUrl": lambda: {"QueueUrl": f"http://queue.local/{asked['QueueName']}"},
            "SendMessage": lambda: self._send(asked["QueueUrl"], [asked]) or {"MessageId": "m"},
            "SendMessageBatch": lambda: self._send(asked["QueueUrl"], entries) or {"Successful": [{"Id": one["Id"], "MessageId": "m"} for one in entries]},
            "ReceiveMessage": lambda: self._receive(asked),
            "DeleteMessage": dict,
            "DeleteMessageBatch": lambda: {"Successful": [{"Id": one["Id"]} for one in entries]},
        }[operation]()

    def _send(self, url: str, entries: list[Any]) -> None:
        self._waiting.setdefault(url, deque()).extend(one["MessageBody"] for one in entries)

    def _receive(self, asked: Any) -> object:
        waiting = self._waiting.get(asked["QueueUrl"], deque())
        bodies = [waiting.popleft() for _ in range(min(len(waiting), asked.get("MaxNumberOfMessages", 1)))]
        return {"Messages": [{"MessageId": "m", "ReceiptHandle": "h", "Body": body} for body in bodies]} if bodies else {}
