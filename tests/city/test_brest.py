"""A real feed, posted by another system, reaches those who follow its lines, each once and in their language. Only HTTP."""

from pathlib import Path

import pytest

from tests.samples import sample
from tests.world import RunningCity, running_city

pytestmark = pytest.mark.xdist_group("city")
NOON = "2021-12-21T12:00:00+01:00"
PROTOBUF = "application/x-protobuf"
ALL_THREE = "+33612345699"
PHONES = {
    "+33612345602": ["LINEA 2", "LANG es"],
    "+33612345604": ["JOIN LINE 4"],
    "+33612345614": ["line 14", "LANG ES"],
    ALL_THREE: ["LINE 2", "LINE 4", "LINE 14"],
}
SHARED = "Lignes 2, 4 et 14"
ALERTS = {
    "+33612345602": {"L2 direction Lambézellec", SHARED},
    "+33612345604": {"L4 direction Porte de Gouesnou", SHARED},
    "+33612345614": {"L14 direction Strasbourg", SHARED},
    ALL_THREE: {"L2 direction Lambézellec", "L4 direction Porte de Gouesnou", "L14 direction Strasbourg", SHARED},
}
LINKED = ("L2 direction", "L4 direction", "L14 direction")
SPANISH, ENGLISH = "+33612345602", "+33612345604"
ENDED = {"b19e821d-a238-4b09-b186-c2df83ffc4c0", "a1115a3a-7fb3-41c7-9a86-19002c55b506"}
OF_ALL_THREE = "81e5c790-6997-4898-9624-0be7d86afe60"


def texts(city: RunningCity, phone: str) -> list[str]:
    """What the provider was given for a phone."""
    return [one["body"] for one in city.outbox("sms") if one["to"] == phone]


def test_a_real_feed_reaches_each_follower_of_its_lines_once(tmp_path: Path) -> None:
    feed = sample("gtfsrt-brest-bibus-alerts-2021.pb").read_bytes()
    with running_city(tmp_path, city=Path(__file__).parent / "brest.toml", city_time=NOON) as brest:
        for phone, words in PHONES.items():
            for word in words:
                brest.text(phone, word)
        answer = brest.hook("bibus", feed, PROTOBUF, name="msg_1")
        assert answer.status == 202
        assert {one["ref"] for one in answer.json["ignored"] if one["code"] == "ended"} == ENDED

        brest.until(lambda: len(brest.outbox("sms")) >= sum(map(len, ALERTS.values())))
        for phone, alerts in ALERTS.items():
            got = texts(brest, phone)
            assert {alert for alert in alerts for text in got if alert in text} == alerts
            assert len(got) == len(alerts)
            assert all("https://www.bibus.fr/deviation/" in text for text in got if any(start in text for start in LINKED))

        again = brest.hook("bibus", feed, PROTOBUF, name="msg_2")
        assert (again.status, again.json["accepted"]) == (202, [])
        assert brest.hook("bibus", feed, PROTOBUF, name="msg_1").json == answer.json

        before = texts(brest, ALL_THREE)
        brest.text(ALL_THREE, "ALTO")
        changed = feed.replace(b"Lignes 2, 4 et 14 : Travaux en cours", b"Lignes 2, 4 et 14 : Travaux finis!!!")
        assert brest.hook("bibus", changed, PROTOBUF, name="msg_3").json["accepted"] == [OF_ALL_THREE]
        brest.until(lambda: any("finis!!!" in text for text in texts(brest, ENGLISH)) and any("finis!!!" in text for text in texts(brest, SPANISH)))
        assert texts(brest, ALL_THREE) == before
