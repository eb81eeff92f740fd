"""A wrong notice is corrected while it is still being sent. Only HTTP."""

from collections import Counter
from pathlib import Path

import pytest

from tests.world import RunningCity, running_city

pytestmark = pytest.mark.xdist_group("city")
WRONG = {
    "topics": ["transit"],
    "kind": "transit",
    "severity": "moderate",
    "content": {"en": {"title": "All trains are stopped", "body": "Take the bus."}},
}
RIGHT = {"content": {"en": {"title": "Trains do run", "body": "Nothing is stopped."}}}


def texts(city: RunningCity, words: str) -> Counter[str]:
    """Who was texted these words, and how often."""
    return Counter(one["to"] for one in city.outbox("sms") if words in one["body"])


def test_a_correction_in_the_middle_reaches_exactly_the_phones_that_the_wrong_one_reached(tmp_path: Path) -> None:
    with running_city(tmp_path) as city:
        city.world("POST", "/seed", {"subscribers": 300, "locales": ["en"], "topics": ["transit"], "channels": ["sms"], "kiosks": 0})
        wrong = city.app("POST", "/v1/broadcasts", WRONG).json["id"]
        city.until(lambda: len(city.outbox("sms")) >= 100)
        reply = city.app("POST", f"/v1/broadcasts/{wrong}/correct", RIGHT)
        assert reply.status == 202, reply.json
        city.until(lambda: city.broadcast(wrong)["state"] == "stopped", patience=90)
        city.until(lambda: city.broadcast(reply.json["id"])["state"] == "completed", patience=90)
        reached, told = texts(city, "All trains are stopped"), texts(city, "Trains do run")
        assert told == reached
        assert 100 <= len(reached) < 300
        assert set(reached.values()) == {1}
        shown = city.broadcast(wrong)
        assert sum(shown["counts"]["sms"]["skipped"].values()) + shown["not_read"]["sms"] == 300 - len(reached)
