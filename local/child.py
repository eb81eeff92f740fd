"""What the app's and the world's processes share: they begin when the parent says so, and end with it."""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

_log = logging.getLogger("local")


def begin(name: str) -> None:
    """Set a child process up: its log goes to standard error, and Ctrl-C is the parent's to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for chatty in ("twilio", "urllib3", "botocore", "werkzeug"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    _log.info("%s begins", name)


def wait_for_go() -> None:
    """Wait for the parent's word on standard input; end at once where it died instead."""
    if sys.stdin.readline() != "go\n":
        os._exit(1)


def end_with_parent(stop: Callable[[], None]) -> None:
    """Run `stop` when the parent asks us to end (SIGTERM), and leave at once when it is gone (its pipe closes)."""
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())

    def watch() -> None:
        sys.stdin.read()
        if not asked.is_set():
            os._exit(1)

    def wait() -> None:
        asked.wait()
        stop()

    for work in (watch, wait):
        threading.Thread(target=work, daemon=True).start()


class _Line(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {"at": self.formatTime(record), "level": record.levelname.lower(), "from": record.name, "said": record.getMessage()}
        said |= getattr(record, "fields", {})
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)
