"""Clocks: hours that are skipped or come twice, clocks that differ, ticks that were missed, leap days and the far future. Nothing runs twice.

Guards taken out to see it fail: in `times.parse_wall`, the question about a time shown twice, and the one about a time that is skipped; in
`webhook.verify`, the comparison of the timestamp; in `guards.RULES`, `_late`; in `native.read_send_at`, the one about a moment over a year away; in
`launch`, the first question about state and time together with the same expectations of `Broadcasts.launch` (each broadcast is launched as
often as it is queued; that nobody gets two copies even then is the shards' doing).
"""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.jobs import LaunchJob
from chalicelib.domain.webhook import sign
from chalicelib.state.queue import Outgoing
from chalicelib.state.table import Change, Key
from chalicelib.store.stores import Stores
from tests.experiments.hall import Hall, words
from tests.experiments.sizes import SIZES
from tests.intake.desk import SECRET, Reply, a_broadcast, a_notice

NEW_YORK = ZoneInfo("America/New_York")
ASKED = [
    ("America/New_York", "2027-03-14T02:30", "time_skipped", "2027-03-14T01:30:00-05:00", "2027-03-14T03:30:00-04:00"),
    ("America/New_York", "2027-11-07T01:30", "time_twice", "2027-11-07T01:30:00-04:00", "2027-11-07T01:30:00-05:00"),
    ("Australia/Lord_Howe", "2027-10-03T02:15", "time_skipped", "2027-10-03T01:45:00+10:30", "2027-10-03T02:45:00+11:00"),
    ("Australia/Lord_Howe", "2027-04-04T01:45", "time_twice", "2027-04-04T01:45:00+11:00", "2027-04-04T01:45:00+10:30"),
    ("Africa/Casablanca", "2027-03-14T02:30", "time_skipped", "2027-03-14T01:30:00+00:00", "2027-03-14T03:30:00+01:00"),
    ("Africa/Casablanca", "2027-02-07T02:30", "time_twice", "2027-02-07T02:30:00+01:00", "2027-02-07T02:30:00+00:00"),
    ("Pacific/Auckland", "2027-09-26T02:30", "time_skipped", "2027-09-26T01:30:00+12:00", "2027-09-26T03:30:00+13:00"),
    ("Pacific/Auckland", "2027-04-04T02:30", "time_twice", "2027-04-04T02:30:00+13:00", "2027-04-04T02:30:00+12:00"),
]


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


def post(hall: Hall, send_at: object, **changes: object) -> Reply:
    return hall.post("/v1/broadcasts", a_broadcast(**words(send_at=send_at, topics=["transit"], channels=["sms"], **changes)))


@pytest.mark.parametrize(("zone", "local", "code", "first", "second"), ASKED)
def test_a_gap_or_a_fold_is_asked_about_and_each_answer_is_taken(hall: Hall, zone: str, local: str, code: str, first: str, second: str) -> None:
    rows = hall.rows()
    for door, body in (("", a_broadcast()), ("/preview", a_broadcast())):
        asked = hall.post(f"/v1/broadcasts{door}", {**body, "send_at": {"local": local, "zone": zone}})
        assert (asked.status, asked.pointers) == (422, [("#/send_at/local", code)])
        assert f"{first} or {second}" in asked.json["errors"][0]["detail"]
    assert hall.hook("demo-city", a_notice(send_at={"local": local, "zone": zone})).pointers == [("#/data/send_at/local", code)]
    assert hall.rows() == rows
    for said in (first, second):
        told = {"local": local, "zone": zone, "offset": said[-6:]} if code == "time_twice" else said
        reply = post(hall, told)
        assert reply.status == 202
        found = hall.services.store.broadcasts.get(reply.json["id"])
        assert found and found.send_at.instant == datetime.fromisoformat(said)


@pytest.mark.parametrize(("seconds", "status"), [(-400, 401), (400, 401), (-299, 202), (299, 202)], ids=lambda value: str(value))
def test_a_post_whose_clock_is_far_off_is_refused(hall: Hall, seconds: int, status: int) -> None:
    body, stamp, rows = json.dumps(a_notice()).encode(), int(hall.clock().timestamp()) + seconds, hall.rows()
    signed = {"webhook-id": "msg_1", "webhook-timestamp": str(stamp), "webhook-signature": sign(SECRET, id="msg_1", timestamp=stamp, body=body)}
    reply = hall.call("POST", "/hooks/demo-city", body, {**signed, "Content-Type": "application/json"})
    assert (reply.status, hall.rows() == rows) == (status, status == 401)
    if status == 401:
        assert reply.code == "stale"


@SIZES
def test_what_a_tick_missed_for_too_long_waits_and_goes_once_when_it_is_approved(hall: Hall, share: float) -> None:
    hall.follower("transit")
    many, start = max(8, round(60 * share)), hall.clock() + timedelta(minutes=16)
    names = {post(hall, (start + timedelta(minutes=45 * number / many)).isoformat()).json["id"]: 45 * number / many for number in range(many)}
    late = {name for name, minute in names.items() if 45 - minute > 30}
    hall.clock.advance(timedelta(minutes=16 + 45))
    hall.queued("launch")
    hall.tick()
    hall.work()
    hall.pass_by(minutes=2)
    assert {one.broadcast for one in hall.took()} == set(names) - late
    assert hall.states() == {"late": len(late), "completed": many - len(late)}
    for name in late:
        assert hall.post(f"/v1/broadcasts/{name}/approve", key="approver").json["state"] == "scheduled"
    hall.pass_by(minutes=3)
    assert Counter(one.broadcast for one in hall.took()) == dict.fromkeys(names, 1)


def test_an_urgent_one_waits_after_five_minutes(hall: Hall) -> None:
    hall.follower("transit")
    name = post(hall, "2026-12-01T13:00:00Z", kind="emergency").json["id"]
    hall.post(f"/v1/broadcasts/{name}/approve", key="approver")
    hall.clock.advance(timedelta(hours=1, minutes=6))
    hall.queued("launch")
    hall.pass_by(minutes=1)
    assert (hall.states(), hall.took()) == ({"late": 1}, [])


class Watched:
    """A table that counts how often each broadcast was launched."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.launches = inner, Counter[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def update(self, key: Key, change: Change, **more: Any) -> Any:
        after = self.inner.update(key, change, **more)
        self.launches.update([key.partition.removeprefix("B#")] if "launch" in change.set else [])
        return after


@SIZES
def test_nothing_runs_twice_in_the_hour_that_comes_twice(hall: Hall, share: float) -> None:
    """Every few minutes of a night's wall clock, through both of its one o'clocks; every launch is queued three times, every tick comes twice."""
    hall.clock.moment = datetime(2027, 11, 7, 3, 0, tzinfo=UTC)
    hall.follower("transit")
    watched = Watched(hall.state.table)
    hall.services = replace(hall.services, store=Stores(watched, hall.services.store.vault))  # type: ignore[arg-type]
    step, due = timedelta(minutes=round(2 / share)), dict[str, datetime]()
    moment = datetime(2027, 11, 7, 4, 0, tzinfo=UTC)
    while moment < datetime(2027, 11, 7, 8, 0, tzinfo=UTC):
        wall = moment.astimezone(NEW_YORK)
        told = {"local": f"{wall:%Y-%m-%dT%H:%M}", "zone": "America/New_York", "offset": wall.isoformat()[-6:]}
        due[post(hall, told).json["id"]] = moment
        moment += step
    hall.queued("launch")
    while hall.clock() < datetime(2027, 11, 7, 8, 5, tzinfo=UTC):
        hall.pass_by(minutes=1)
        hall.tick()
        again = [name for name, at in due.items() if hall.clock() - timedelta(minutes=3) < at <= hall.clock()]
        for name in again:
            hall.state.queues.named("launch").send([Outgoing(LaunchJob(name).body)] * 3)
        hall.work()
    assert watched.launches == Counter(one.broadcast for one in hall.took()) == dict.fromkeys(due, 1)
    assert all(timedelta(0) <= one.at - due[one.broadcast] <= timedelta(minutes=2) for one in hall.took())


def test_a_leap_day_is_a_day(hall: Hall) -> None:
    hall.clock.moment = datetime(2028, 2, 1, 12, 0, tzinfo=UTC)
    hall.follower("transit")
    reply = post(hall, {"local": "2028-02-29T23:30", "zone": "America/New_York"})
    shown = hall.get(f"/v1/broadcasts/{reply.json['id']}").json
    assert (shown["send_at"]["instant"], shown["expires_at"]) == ("2028-03-01T04:30:00Z", "2028-03-02T04:30:00Z")
    assert post(hall, {"local": "2027-02-29T12:00", "zone": "America/New_York"}).pointers == [("#/send_at/local", "invalid_time")]
    hall.clock.moment = datetime(2028, 3, 1, 4, 28, tzinfo=UTC)
    hall.pass_by(minutes=1)
    assert hall.took() == []
    hall.pass_by(minutes=2)
    assert [one.at for one in hall.took()] == [datetime(2028, 3, 1, 4, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("send_at", "problem"),
    [
        ("2027-12-02T12:00:00Z", None),
        ("2027-12-02T12:00:01Z", ("#/send_at", "too_far")),
        ({"local": "2027-12-02T07:01", "zone": "America/New_York"}, ("#/send_at", "too_far")),
        ("2106-02-07T06:28:16Z", ("#/send_at", "too_far")),
        ("9001-01-01T00:00:00Z", ("#/send_at", "invalid_time")),
        ({"local": "9999-12-31T23:59", "zone": "Pacific/Auckland"}, ("#/send_at/local", "invalid_time")),
    ],
    ids=["a year ahead", "a second more", "a minute more on the wall", "past what 32 bits hold", "a distant millennium", "the last year there is"],
)
def test_the_far_future_is_a_mistake(hall: Hall, send_at: object, problem: tuple[str, str] | None) -> None:
    reply = post(hall, send_at)
    assert (reply.status, reply.pointers if problem else []) == ((422, [problem]) if problem else (202, []))
