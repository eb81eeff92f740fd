"""The queues in SQS. Receiving is Lambda's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.errors import NoQueue, StateLimit
from chalicelib.state.aws_errors import code_of, our_errors
from chalicelib.state.limits import check_messages, check_queue_name
from chalicelib.state.queue import Outgoing

_GONE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


class SqsQueues:
    """The queues whose names begin with `prefix`, which callers leave out."""

    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._urls: dict[str, str] = {}

    def named(self, name: str) -> "SqsQueue":
        """The queue of this name."""
        check_queue_name(name)
        return SqsQueue(self, name)

    def make(self, name: str) -> None:
        """Make a queue, if it is not there yet. Raises StateLater within 60 s of its removal."""
        check_queue_name(name)
        with our_errors():
            self._urls[name] = self._client.create_queue(QueueName=self._prefix + name)["QueueUrl"]

    def drop(self, name: str) -> None:
        """Remove a queue and its messages, if it is there."""
        check_queue_name(name)
        try:
            with self._existing(name) as url:
                self._client.delete_queue(QueueUrl=url)
        except NoQueue:
            return
        self._urls.pop(name, None)

    def send_batch(self, name: str, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """One call of `SendMessageBatch`, and its answer."""
        with self._existing(name) as url:
            answer: dict[str, Any] = self._client.send_message_batch(QueueUrl=url, Entries=entries)
            return answer

    @contextmanager
    def _existing(self, name: str) -> Iterator[str]:
        try:
            with our_errors():
                if name not in self._urls:
                    self._urls[name] = self._client.get_queue_url(QueueName=self._prefix + name)["QueueUrl"]
                yield self._urls[name]
        except ClientError as error:
            if code_of(error) not in _GONE:
                raise
            self._urls.pop(name, None)
            raise NoQueue(name) from error


class SqsQueue:
    """One queue in SQS."""

    def __init__(self, queues: SqsQueues, name: str) -> None:
        self._queues = queues
        self._name = name

    def send(self, messages: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """Queue up to ten; those that were not taken come back. Raises NoQueue where the queue was dropped or never made."""
        check_messages(messages)
        if not messages:
            return ()
        entries = [{"Id": str(n), "MessageBody": message.body, "DelaySeconds": message.delay} for n, message in enumerate(messages)]
        failed = self._queues.send_batch(self._name, entries).get("Failed", [])
        if any(entry["SenderFault"] for entry in failed):
            raise StateLimit(f"{self._name}: {sorted({entry['Code'] for entry in failed})}")
        return [messages[int(entry["Id"])] for entry in failed]
