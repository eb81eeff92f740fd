"""A broadcast to many on two overlapping topics: everybody once per channel, whatever dies on the way. Only HTTP."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.world import RunningCity, running_city

pytestmark = pytest.mark.xdist_group("city")
BROADCAST = {
    "topics": ["transit/red-line", "events"],
    "kind": "transit",
    "severity": "moderate",
    "content": {"en": {"title": "Red Line: shuttle buses", "body": "Buses replace trains."}, "es": {"title": "Linea Roja", "body": "Autobuses."}},
    "link": "https://larkhaven.example/red",
}


def seeded(city: RunningCity, people: int, kiosks: int) -> Counter[tuple[str, str]]:
    """Followers of both topics in four languages; whom a broadcast to both must reach, each once."""
    made = city.world(
        "POST",
        "/seed",
        {"subscribers": people, "locales": ["en", "es", "ar", "zh-Hans"], "topics": ["transit", "events"], "channels": ["sms", "email"], "kiosks": kiosks},
    ).json
    expected = Counter({("sms", one["phone"]): 1 for one in made["subscribers"]}) + Counter({("email", one["email"]): 1 for one in made["subscribers"]})
    own = city.card["kiosks"]
    return expected + Counter({("kiosk", one["id"]): 1 for one in [*made["kiosks"], *own]})


def send(city: RunningCity) -> str:
    answer = city.app("POST", "/v1/broadcasts", BROADCAST)
    assert answer.status == 202
    return str(answer.json["id"])


def handed_over(city: RunningCity) -> Counter[tuple[str, str]]:
    return Counter((one["channel"], one["to"]) for one in city.outbox())


def completed(city: RunningCity, name: str) -> dict[str, Any]:
    found: dict[str, Any] = city.until(lambda: (one := city.broadcast(name))["state"] == "completed" and one, patience=150)
    return found


def outlived(city: RunningCity, name: str) -> dict[str, Any]:
    """The broadcast once it is completed; the clock moves over the leases of the dead, and over the window in which evidence may come."""
    for _ in range(20):
        city.advance("PT5M")
        time.sleep(1.5)
        if (found := city.broadcast(name))["state"] == "completed":
            return found
    raise AssertionError(f"never completed: {city.broadcast(name)}")


def taken(counts: dict[str, Any], channel: str) -> int:
    return sum(counts[channel][state] for state in ("accepted", "delivered"))


def test_each_of_many_gets_one_copy_per_channel_and_counts_equal_the_outbox(tmp_path: Path) -> None:
    with running_city(tmp_path) as city:
        expected = seeded(city, people=500, kiosks=20)
        counts = completed(city, send(city))["counts"]
        assert handed_over(city) == expected
        assert {channel: taken(counts, channel) for channel in counts} == Counter(channel for channel, _ in expected)


def test_a_city_killed_in_the_middle_of_a_broadcast_finishes_it_by_itself(tmp_path: Path) -> None:
    with running_city(tmp_path) as city:
        expected = seeded(city, people=300, kiosks=3)
        name = send(city)
        city.until(lambda: len(city.outbox("sms")) >= 100)
        city.kill("app")
        assert city.process.wait(30) != 0
    with running_city(tmp_path) as city:
        assert city.broadcast(name)["state"] == "sending"
        found = outlived(city, name)
        handed = handed_over(city)
        assert max(handed.values()) == 1
        unconfirmed = sum(found["counts"][channel]["unconfirmed"] for channel in found["counts"])
        assert len(expected) - len(handed) <= unconfirmed <= 85  # at most what was in flight: a chunk per worker
        assert not set(handed) - set(expected)
