"""What the app's and the world's processes share: they begin when the parent says so, and end with it."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

from chalicelib import logs

_log = logging.getLogger("local")


def begin(name: str) -> None:
    """Set a child process up: its log goes to standard error, and Ctrl-C is the parent's to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.set_up()
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
