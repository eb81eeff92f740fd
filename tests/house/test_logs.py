"""Logs are JSON lines of events; no word of a person gets into them."""

import json
import logging
import sys
from typing import Any

import pytest

from chalicelib.errors import Misconfigured
from chalicelib.logs import JsonLine

CANARY = "+12025550199"


def line_of(error: Exception | None, **fields: object) -> dict[str, Any]:
    """What is logged of an error."""
    try:
        if error:
            raise error
        caught = None
    except (ValueError, KeyError, OSError, Misconfigured):
        caught = sys.exc_info()
    record = logging.LogRecord("belfry", logging.ERROR, "file.py", 1, "job failed", None, caught)
    record.fields = fields
    found: dict[str, Any] = json.loads(JsonLine().format(record))
    return found


def test_an_event_is_logged_with_its_fields() -> None:
    assert line_of(None, batch="P0000", accepted=3) | {"at": ""} == {
        "at": "",
        "level": "error",
        "from": "belfry",
        "said": "job failed",
        "batch": "P0000",
        "accepted": 3,
    }


@pytest.mark.parametrize("error", [ValueError(CANARY), KeyError(CANARY), OSError(5, CANARY)], ids=lambda error: type(error).__name__)
def test_the_words_of_a_foreign_error_stay_out(error: Exception) -> None:
    said = line_of(error)
    assert CANARY not in json.dumps(said)
    assert said["error"] == type(error).__name__
    assert any("line_of" in frame for frame in said["frames"])


def test_our_own_words_are_repeated() -> None:
    assert line_of(Misconfigured("set PUBLIC_URL"))["why"] == "set PUBLIC_URL"
