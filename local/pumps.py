"""Runs what `app.py` declares beside HTTP, as Lambda does: queues, topics and schedules are pumped into the very handlers.

A handler's `batchItemFailures` come again, an exception lets the whole batch come again, and what came five times is dead.
Each queue has workers of its own, so that a long routine broadcast never keeps an urgent one, or a reply, waiting.
"""

import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalice.app import Chalice, ScheduledEventConfig, SNSEventConfig, SQSEventConfig
from chalice.local import LambdaContext

from chalicelib.domain.times import spoken, to_ms
from chalicelib.state.sqlite_queue import Received, SqliteQueues
from local.hold import Hold

TOPIC_PREFIX = "sns-"
"""The queue `sns-<topic>` holds what was published to a topic, one envelope a message."""

FUNCTION_SECONDS = 60
VISIBLE_AGAIN_SECONDS = 90
_SNS_AT_ONCE = 10
_IDLE_SECONDS = 0.05
_TICK_SECONDS = 0.1
_LOOK_SECONDS = 0.01
_ACCOUNT = "us-east-1:123456789012"
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")

_log = logging.getLogger("local.pumps")

Invoke = Callable[[Sequence[Received]], Sequence[int]]
"""Runs a handler on messages; returns the ids of those to be delivered again."""


@dataclass
class _Lane:
    """One queue, its handler, and how many workers of it are free."""

    queue: str
    most: int
    free: int
    invoke: Invoke
    lock: threading.Lock = field(default_factory=threading.Lock)


class Pumps:
    """All pumps of an app."""

    def __init__(self, app: Chalice, queues: SqliteQueues, *, hold: Hold, now: Callable[[], datetime]) -> None:
        self._app = app
        self._queues = queues
        self._hold = hold
        self._now = now
        self._lanes = [self._lane(source) for source in app.event_sources if isinstance(source, SQSEventConfig | SNSEventConfig)]
        self._schedules = [(source.name, read_rate(source)) for source in app.event_sources if isinstance(source, ScheduledEventConfig)]
        self._pool = ThreadPoolExecutor(sum(lane.free for lane in self._lanes) or 1, thread_name_prefix="pump")
        self._last_run = dict.fromkeys((name for name, _ in self._schedules), datetime.min.replace(tzinfo=UTC))
        self._turn = threading.Lock()
        self._taken = 0
        self._wake = threading.Event()
        self._stopped = threading.Event()
        for lane in self._lanes:
            queues.make(lane.queue)

    def start(self) -> None:
        """Begin; goes on until `stop`."""
        for work in (self._pump, self._tick):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()

    def stop(self, patience: float) -> bool:
        """Start nothing more and wait for running handlers. False where they take longer."""
        self._stopped.set()
        return self._hold.hold(patience)

    def notify(self) -> None:
        """Something was queued just now: look at once."""
        self._wake.set()

    def settle(self, patience: float) -> int:
        """End a hold, run the schedules now, and wait until no queue shows a message and no handler runs. Returns how many messages
        were taken. What is not done within `patience` seconds goes on by itself."""
        before, end = self._taken, time.monotonic() + patience
        self._hold.release()
        self._run_schedules(timedelta(0))
        self.notify()
        while not self._is_quiet() and time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)
        return self._taken - before

    def _is_quiet(self) -> bool:
        counted = self._hold.count()
        return not counted[0] and not self._queues.shows([lane.queue for lane in self._lanes]) and self._hold.count() == counted

    # --- queues ------------------------------------------------------------------------------------------------------

    def run_visible(self) -> int:
        """Give every free worker what its queue shows now; returns how many messages were taken."""
        soonest = self._queues.next_visible_at()
        if soonest is None or soonest > self._now():
            return 0
        return sum(self._fill(lane) for lane in self._lanes)

    def _pump(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(_IDLE_SECONDS)
            self._wake.clear()
            try:
                self.run_visible()
            except Exception:  # noqa: BLE001 - the pump goes on whatever a look came to
                _log.exception("looking at the queues failed")
                time.sleep(1)

    def _fill(self, lane: _Lane) -> int:
        taken = 0
        while lane.free and self._hold.enter():
            found = self._queues.receive([lane.queue], lane.most, VISIBLE_AGAIN_SECONDS)
            if not found:
                self._hold.leave()
                break
            with lane.lock:
                lane.free -= 1
            taken += len(found)
            self._taken += len(found)
            self._pool.submit(self._work, lane, found)
        return taken

    def _work(self, lane: _Lane, messages: Sequence[Received]) -> None:
        try:
            failed = set(self._invoked(lane, messages))
            self._queues.delete(*(one.id for one in messages if one.id not in failed))
            for one in messages:
                if one.id in failed:
                    self._queues.release(one.id, retry_after(one.receive_count))
        except Exception:  # noqa: BLE001 - as Lambda: visibility brings them back
            _log.exception("the queue %s could not be told what was done; it will show the messages again", lane.queue)
        finally:
            with lane.lock:
                lane.free += 1
            self._hold.leave()
            self._wake.set()

    def _invoked(self, lane: _Lane, messages: Sequence[Received]) -> Sequence[int]:
        try:
            return lane.invoke(messages)
        except Exception:  # noqa: BLE001 - as Lambda: whatever a handler raises
            _log.exception("a handler of %s failed; its messages come again", lane.queue)
            return [one.id for one in messages]

    # --- handlers ----------------------------------------------------------------------------------------------------

    def _lane(self, source: SQSEventConfig | SNSEventConfig) -> _Lane:
        name = source.name
        if isinstance(source, SNSEventConfig):
            return _Lane(TOPIC_PREFIX + source.topic, _SNS_AT_ONCE, 2, lambda messages: self._topic(name, messages))
        queue = str(source.queue)
        workers = 2 if queue.endswith("-routine") else 4
        return _Lane(queue, source.batch_size, workers, lambda messages: self._queue(name, messages))

    def _queue(self, handler: str, messages: Sequence[Received]) -> Sequence[int]:
        answer = self._call(handler, {"Records": [sqs_record(one, self._now()) for one in messages]})
        failures = answer.get("batchItemFailures", []) if isinstance(answer, Mapping) else []
        names = {failure["itemIdentifier"] for failure in failures}
        return [one.id for one in messages if message_id(one) in names]

    def _topic(self, handler: str, messages: Sequence[Received]) -> Sequence[int]:
        failed = []
        for one in messages:
            try:
                self._call(handler, {"Records": [sns_record(one)]})
            except Exception:  # noqa: BLE001 - as Lambda: whatever a handler raises
                _log.exception("%s failed; the event comes again", handler)
                failed.append(one.id)
        return failed

    def _call(self, handler: str, event: Mapping[str, Any]) -> object:
        return self._app.handler_map[handler](event, LambdaContext(handler, 512, max_runtime_ms=FUNCTION_SECONDS * 1000))

    # --- schedules ---------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            self._run_schedules()

    def _run_schedules(self, after: timedelta | None = None) -> None:
        """Run the schedules whose period is over, or those whose last run is `after` ago."""
        with self._turn:
            for name, period in self._schedules:
                if self._now() - self._last_run[name] >= (period if after is None else after) and self._hold.enter():
                    self._last_run[name] = self._now()
                    self._run_schedule(name)

    def _run_schedule(self, handler: str) -> None:
        try:
            self._call(handler, scheduled_event(handler, self._now()))
        except Exception:  # noqa: BLE001 - as Lambda: whatever a handler raises
            _log.exception("%s failed; it runs again at its next time", handler)
        finally:
            self._hold.leave()
            self._wake.set()


def read_rate(source: ScheduledEventConfig) -> timedelta:
    """The period of a schedule; only rates are pumped here."""
    expression = source.schedule_expression
    text = expression if isinstance(expression, str) else expression.to_string()
    found = _RATE.fullmatch(text)
    if not found:
        raise ValueError(f"{source.name}: the local city runs rate(…) schedules, not {text!r}")
    return timedelta(**{f"{found.group(2)}s": int(found.group(1))})


def retry_after(receive_count: int) -> float:
    """Seconds until a failed message shows again: 2, 4, 8, 16. A city has minutes here; one machine has somebody watching."""
    return float(2**receive_count)


# --- events, as Lambda gets them -------------------------------------------------------------------------------------


def message_id(one: Received) -> str:
    """The name of a message within its event."""
    return str(uuid.UUID(int=one.id))


def sqs_record(one: Received, now: datetime) -> dict[str, Any]:
    """A record of an SQS event."""
    return {
        "messageId": message_id(one),
        "receiptHandle": f"receipt-{one.id}-{one.receive_count}",
        "body": one.body,
        "attributes": {"ApproximateReceiveCount": str(one.receive_count), "ApproximateFirstReceiveTimestamp": str(to_ms(now))},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{_ACCOUNT}:{one.queue}",
        "awsRegion": "us-east-1",
    }


def sns_record(one: Received) -> dict[str, Any]:
    """The one record of an SNS event; the queue holds the envelope."""
    envelope: dict[str, Any] = {"Subject": None, "MessageAttributes": {}, **json.loads(one.body)}
    subscription = f"{envelope.get('TopicArn', '')}:local"
    return {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription, "Sns": envelope}


def scheduled_event(handler: str, now: datetime) -> dict[str, Any]:
    """An EventBridge event of a schedule."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": spoken(now),
        "region": "us-east-1",
        "resources": [f"arn:aws:events:{_ACCOUNT}:rule/{handler}"],
        "detail": {},
    }
