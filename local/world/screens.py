"""Kiosks' queues, emptied into the world's outbox. What a kiosk shows, its page at the app says itself."""

import json
import threading
from collections.abc import Callable
from datetime import datetime

from chalicelib.state.sqlite_queue import Received, SqliteQueues
from local.world.faults import SCREENS_OFF, Faults
from local.world.ledger import Ledger, Message

PREFIX = "screen-"

_MOST = 50
_IN_HAND_SECONDS = 30
_IDLE_SECONDS = 0.2


class Screens:
    """Takes what is queued for kiosks, in a thread of its own. A kiosk that is off leaves its queue alone."""

    def __init__(self, queues: SqliteQueues, ledger: Ledger, faults: Faults, now: Callable[[], datetime]) -> None:
        self._queues = queues
        self._ledger = ledger
        self._faults = faults
        self._now = now
        self._stopped = threading.Event()

    def start(self) -> threading.Thread:
        """Begin; goes on until `stop`."""
        thread = threading.Thread(target=self._run, name="screens", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End after what is under way."""
        self._stopped.set()

    def take(self) -> int:
        """Take what is there now; returns how many messages. Kept before they leave the queue: a crash between the two is no loss."""
        names = [name for name in self._queues.names() if name.startswith(PREFIX)]
        if not names or self._faults.standing("kiosk").mode in SCREENS_OFF:
            return 0
        found = self._queues.receive(names, _MOST, _IN_HAND_SECONDS)
        self._ledger.record([self._message(one) for one in found if not self._is_known(one)])
        self._queues.delete(*(one.id for one in found))
        return len(found)

    def _is_known(self, received: Received) -> bool:
        return received.receive_count > 1 and bool(self._ledger.find("provider_id = ?", _name(received)))

    def _message(self, received: Received) -> Message:
        envelope = json.loads(received.body)
        return Message(
            channel="kiosk",
            via="kiosk",
            sender="",
            recipient=received.queue.removeprefix(PREFIX),
            body=json.dumps(envelope, ensure_ascii=False),
            at=self._now(),
            provider_id=_name(received),
            token=str(envelope.get("token", "")),
            status="queued",
        )

    def _run(self) -> None:
        while not self._stopped.is_set():
            if not self.take():
                self._stopped.wait(_IDLE_SECONDS)


def _name(received: Received) -> str:
    return f"q-{received.id}"
