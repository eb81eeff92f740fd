"""Tells the app what providers tell it later: Twilio's status callbacks over HTTP, SES's events through the queue of its topic.

What is still to be told is kept in the ledger, so that a restart of the world, or of the app, loses none of it.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import urllib3
from twilio.request_validator import RequestValidator

from chalicelib.state.queue import Outgoing, Queue
from local.world.ledger import Errand, Ledger

EVENTS_QUEUE = "sns-ses-events"

_MOST_AT_ONCE = 100
_MOST_SEND = 10
_IDLE_SECONDS = 0.05
_MOST_TRIES = 60
_WORKERS = 6

_log = logging.getLogger("world")

Callback = Callable[[Errand], bool]
"""Posts one status callback; False where the app should be told again later."""


class Errands:
    """Runs errands as they fall due, in threads of its own."""

    def __init__(self, ledger: Ledger, *, callback: Callback, events: Queue, seconds: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._callback = callback
        self._events = events
        self._seconds = seconds
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="callback")

    def start(self) -> threading.Thread:
        """Begin; goes on until `stop`."""
        thread = threading.Thread(target=self._run, name="errands", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End after what is under way."""
        self._stopped.set()

    def run_due(self) -> int:
        """Run what is due now; returns how many were told."""
        due = self._ledger.due_errands(self._seconds(), _MOST_AT_ONCE)
        if not due:
            return 0
        told = [errand for errand in due if errand.kind == "quiet"] + self._tell_events([errand for errand in due if errand.kind == "event"])
        callbacks = [errand for errand in due if errand.kind == "callback"]
        answers = list(self._pool.map(self._callback, callbacks))
        told += [errand for errand, answered in zip(callbacks, answers, strict=True) if answered or errand.tries >= _MOST_TRIES]
        failed = [(errand, self._seconds() + min(0.5 * 2**errand.tries, 5)) for errand in callbacks if errand not in told]
        self._ledger.end_errands(told, failed)
        return len(told)

    def _tell_events(self, events: Sequence[Errand]) -> list[Errand]:
        for start in range(0, len(events), _MOST_SEND):
            self._events.send([Outgoing(errand.payload) for errand in events[start : start + _MOST_SEND]])
        return list(events)

    def _run(self) -> None:
        while not self._stopped.is_set():
            if not self.run_due():
                self._stopped.wait(_IDLE_SECONDS)
        self._pool.shutdown()


class TwilioCallbacks:
    """Posts status callbacks, signed as Twilio signs them. They go to the app where it is now: it may have been started on another port."""

    def __init__(self, ledger: Ledger, *, app_url: str, account_sid: str, auth_token: str) -> None:
        self._ledger = ledger
        self._app = urlsplit(app_url)
        self._account_sid = account_sid
        self._validator = RequestValidator(auth_token)  # type: ignore[no-untyped-call]
        self._http = urllib3.PoolManager(maxsize=_WORKERS, retries=False, timeout=urllib3.Timeout(connect=2, read=15))

    def __call__(self, errand: Errand) -> bool:
        """Post one. False on a lost connection or a 5xx; a 4xx is an answer."""
        message = self._ledger.find("seq = ?", errand.seq)[0]
        sid, form = message.provider_id, {"ApiVersion": "2010-04-01", "AccountSid": self._account_sid, "From": message.sender, "To": message.recipient}
        form |= {"MessageSid": sid, "SmsSid": sid, "MessageStatus": errand.status, "SmsStatus": errand.status}
        target = urlsplit(errand.target)._replace(scheme=self._app.scheme, netloc=self._app.netloc).geturl()
        signature: str = self._validator.compute_signature(target, form)  # type: ignore[no-untyped-call]
        try:
            answer = self._http.request_encode_body("POST", target, fields=form, encode_multipart=False, headers={"X-Twilio-Signature": signature})
        except urllib3.exceptions.HTTPError:
            return False
        if answer.status >= 400:
            _log.warning("the app answered %s to a status callback", answer.status)
        return answer.status < 500
