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


def test_a_field_never_takes_the_place_of_a_part_of_the_line() -> None:
    line = line_of(None, at="2026-12-01T13:00:00Z", said="another", level=3)
    assert (line["said"], line["level"], line["from"]) == ("job failed", "error", "belfry")
    assert (line["its_at"], line["its_said"], line["its_level"]) == ("2026-12-01T13:00:00Z", "another", 3)


def test_a_line_says_when_it_was_logged_in_utc() -> None:
    record = logging.LogRecord("belfry", logging.INFO, "file.py", 1, "settled", None, None)
    record.created = 1_796_130_000.0425
    assert json.loads(JsonLine().format(record))["at"] == "2026-12-01T13:00:00.042Z"


@pytest.mark.parametrize("error", [ValueError(CANARY), KeyError(CANARY), OSError(5, CANARY)], ids=lambda error: type(error).__name__)
def test_the_words_of_a_foreign_error_stay_out(error: Exception) -> None:
    said = line_of(error)
    assert CANARY not in json.dumps(said)
    assert said["error"] == type(error).__name__
    assert any("line_of" in frame for frame in said["frames"])


def test_our_own_words_are_repeated() -> None:
    assert line_of(Misconfigured("set PUBLIC_URL"))["why"] == "set PUBLIC_URL"
