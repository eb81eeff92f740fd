"""A wrong notice is corrected while it is still being sent. Only HTTP."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

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


def ended(city: RunningCity, name: str) -> dict[str, Any]:
    """A broadcast at its end. Where a busy machine lost an answer, the clock moves over the window in which evidence may come."""
    for patience in [100] * 2 + [10] * 20:
        for _ in range(patience):
            if (found := city.broadcast(name))["state"] in {"completed", "stopped"}:
                return found
            time.sleep(0.2)
        city.advance("PT5M")
    raise AssertionError(f"it never ended: {city.broadcast(name)}")


def test_a_correction_in_the_middle_reaches_exactly_the_phones_that_the_wrong_one_reached(tmp_path: Path) -> None:
    with running_city(tmp_path) as city:
        city.world("POST", "/seed", {"subscribers": 300, "locales": ["en"], "topics": ["transit"], "channels": ["sms"], "kiosks": 0})
        wrong = city.app("POST", "/v1/broadcasts", WRONG).json["id"]
        city.until(lambda: len(city.outbox("sms")) >= 100)
        reply = city.app("POST", f"/v1/broadcasts/{wrong}/correct", RIGHT)
        assert reply.status == 202, reply.json
        shown = {name: ended(city, name)["counts"]["sms"] for name in (wrong, reply.json["id"])}
        reached, told = texts(city, "All trains are stopped"), texts(city, "Trains do run")
        lost = [counts["unconfirmed"] for counts in shown.values()]  # none, but on a machine too busy to answer
        assert len(set(told) - set(reached)) <= lost[0]
        assert len(set(reached) - set(told)) <= lost[1]
        assert set(reached.values()) | set(told.values()) == {1}
        assert 100 <= len(reached) < 300
        stopped = shown[wrong]["skipped"]["broadcast_stopped"] + city.broadcast(wrong)["not_read"]["sms"]
        assert stopped + sum(shown[wrong][state] for state in ("accepted", "delivered", "unconfirmed")) == 300
