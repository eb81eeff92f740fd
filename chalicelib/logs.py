"""Logs: one JSON object a line, of an event and its fields. Never of a person: the words of a foreign error are left out, for they may quote one."""

import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType

from chalicelib.errors import BelfryError

QUIET = ("twilio", "urllib3", "botocore", "werkzeug")
"""Libraries that log addresses of requests, or simply too much."""


class JsonLine(logging.Formatter):
    """Event, level and fields; for an error its kind and the frames it passed. `at` is when it was logged, RFC 3339 in UTC; a field of the
    event that has the name of a part of the line is called `its_…`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said: dict[str, object] = {"at": at, "level": record.levelname.lower(), "from": record.name, "said": record.getMessage()}
        said |= {f"its_{name}" if name in said else name: value for name, value in getattr(record, "fields", {}).items()}
        if record.exc_info and record.exc_info[1]:
            said |= _described(record.exc_info[1], record.exc_info[2])
        return json.dumps(said, ensure_ascii=False, default=str)


def set_up() -> None:
    """Let this process log JSON lines, from INFO on."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
    for handler in root.handlers:
        handler.setFormatter(JsonLine())
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _described(error: BaseException, trace: TracebackType | None) -> dict[str, object]:
    """What may be said of an error. Our own words are safe to repeat."""
    frames = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
    said: dict[str, object] = {"error": type(error).__name__, "frames": frames}
    if isinstance(error, BelfryError):
        said["why"] = str(error)
    if error.__cause__:
        said["cause"] = type(error.__cause__).__name__
    return said
