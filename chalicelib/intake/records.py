"""Records of a queue event, worked one by one. What fails is given back by name: redelivered, and after five receives a dead letter.

A message of any shape at all may come: one that cannot be read fails as any other, alone.
"""

import logging
from collections.abc import Callable
from typing import TypedDict

from chalice.app import SQSEvent, SQSRecord

MOST_RECEIVES = 5
"""Times that a queue hands a message out; after the last it is a dead letter. `infra/functions.py` sets the queues to the same."""

_log = logging.getLogger("belfry")


class Failure(TypedDict):
    """A record to be redelivered."""

    itemIdentifier: str


class Failures(TypedDict):
    """The records of an event that failed; Lambda deletes the others."""

    batchItemFailures: list[Failure]


def each_record(event: SQSEvent, work: Callable[[str], None]) -> Failures:
    """Work off each record's body. One that fails does not take the others along."""
    failed: list[Failure] = []
    for record in event:
        message = str(record.to_dict()["messageId"])
        try:
            work(record.body)
        except Exception:  # noqa: BLE001 - our bug, or a service in trouble: it is logged, redelivered, and at last a dead letter with an alarm
            receives = _receives(record)
            _log.exception("job failed", extra={"fields": {"message_id": message, "receives": receives}})
            if receives >= MOST_RECEIVES:
                _log.error("job given up", extra={"fields": {"message_id": message}})
            failed.append({"itemIdentifier": message})
    return {"batchItemFailures": failed}


def _receives(record: SQSRecord) -> int:
    """How often the queue has handed this message out by now."""
    return int(record.to_dict().get("attributes", {}).get("ApproximateReceiveCount", 1))
