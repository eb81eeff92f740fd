"""Runaways: a source in a loop, an audience that is empty or unknown, the same words again and again, a budget that is crossed.

Guards taken out to see it fail: in `guards.RULES`, `_source_caps` (everything goes), `_spend` (the budget is passed), `_audience_changed` (a flood
of sign-ups is texted); in `reviewing.keep_back`, the pause; in `hooks.post_hook`, `_require_running` (what a paused source posts is taken); in
`Sources.reserve` and `Spendings.reserve`, the row that is written before the sum is read (nothing is ever counted); in `screening.screen`, the
question for doubles; in `native.read_fields`, the question for unknown topics.
"""

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.experiments.hall import CITY, Hall, words
from tests.experiments.sizes import SIZES
from tests.intake.desk import Reply, a_broadcast, a_notice

FULL = 1000
CAP = 300
PRICE = 11_000
UNLIMITED = re.sub(r"\[limits\]\n(?:.+\n)+\n", "", CITY)


def capped(folder: Path, caps: str) -> Hall:
    return Hall(folder, city=CITY.replace("[sources.demo-city]\n", f"[sources.demo-city]\n{caps}\n"))


def budgeted(folder: Path, budget: int) -> Hall:
    return Hall(folder, city=f"{UNLIMITED}\n[limits]\nspend_per_day = {budget}\n")


def hook(hall: Hall, ref: str, **more: object) -> Reply:
    """A different notice each time, under the name `ref` of the post too, so that it can be sent again."""
    return hall.hook("demo-city", a_notice(ref, **words(topics=["transit"], channels=["sms"], **more)), id=f"msg_{ref}")


@SIZES
def test_a_source_in_a_loop_sends_up_to_its_cap_and_is_paused_within_the_minute(tmp_path: Path, share: float) -> None:
    posts, cap = round(FULL * share), round(CAP * share)
    hall = capped(tmp_path, f"broadcasts_per_hour = {cap}")
    hall.follower("transit")
    began, statuses, refused = hall.clock(), Counter[int](), list[int]()
    for number in range(posts):
        reply = hook(hall, f"n{number}")
        statuses[reply.status] += 1
        if reply.status == 429:
            refused.append(number)
            assert (reply.code, reply.headers["Retry-After"]) == ("source_paused", "300")
        hall.work()
        hall.clock.advance(timedelta(minutes=1) / posts)
    hall.pass_by(minutes=2)
    assert set(statuses) == {202, 429}
    assert statuses[202] == cap + 3
    assert hall.states() == {"completed": cap, "source_broadcasts": 3}
    assert set(Counter(one.broadcast for one in hall.took()).values()) == {1}
    assert len(hall.took()) == cap
    assert hall.services.store.switches.thrown()["source:demo-city"].at - began <= timedelta(seconds=60)
    assert hall.audit("switch:source:demo-city") == {"switch.thrown": 1}

    # nothing is lost: what was refused is taken once somebody let the source go on, and the hour is over
    hall.pass_by(minutes=60)
    assert len(hall.took()) == cap
    assert hall.post("/v1/switches", {"name": "source:demo-city", "stopped": False}, key="admin").status == 200
    again = refused[: cap // 2]
    assert {hook(hall, f"n{number}").status for number in again} == {202}
    hall.pass_by(minutes=2)
    assert len(hall.took()) == cap + len(again)


@SIZES
def test_a_loop_that_was_taken_before_anything_was_sent_stops_at_the_cap_all_the_same(tmp_path: Path, share: float) -> None:
    """All posts are in the queue before the first is published: each is kept, and none beyond the cap goes."""
    posts, cap = round(FULL * share), round(CAP * share)
    hall = capped(tmp_path, f"broadcasts_per_hour = {cap}")
    hall.follower("transit")
    assert {hook(hall, f"n{number}").status for number in range(posts)} == {202}
    hall.work()
    hall.pass_by(minutes=2)
    states = hall.states()
    assert (states["completed"], states["source_broadcasts"], states["source_paused"]) == (cap, 3, posts - cap - 3)
    assert len(hall.took()) == cap


@SIZES
def test_a_source_reaches_only_so_many_people_in_a_day(tmp_path: Path, share: float) -> None:
    people = max(2, round(20 * share))
    hall = capped(tmp_path, f"recipients_per_day = {people * 5}")
    for _ in range(people):
        hall.follower("transit")
    for number in range(8):
        hook(hall, f"n{number}")
        hall.work()
    hall.pass_by(minutes=2)
    assert hall.states() == {"completed": 5, "source_recipients": 3}
    assert len(hall.took()) == people * 5


def test_an_empty_or_unknown_audience_is_sent_nothing(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    for _ in range(3):
        hall.follower("transit")
    rows = hall.rows()
    assert hall.post("/v1/broadcasts", a_broadcast(topics=["nowhere"])).pointers == [("#/topics/0", "unknown_topic")]
    assert hall.hook("demo-city", a_notice("n1", topics=["transit", "nowhere"])).pointers == [("#/data/topics/1", "unknown_topic")]
    assert hall.post("/v1/broadcasts", a_broadcast(topics=[])).pointers == [("#/topics", "too_few")]
    assert hall.rows() == rows
    assert hall.post("/v1/broadcasts", a_broadcast(topics=["jobs"])).json["audience"] == {"sms": 0, "email": 0, "kiosk": 0}
    hall.hook("demo-city", a_notice("n1", **words(topics=["events"])))
    hall.pass_by(minutes=3)
    assert (hall.states(), hall.took()) == ({"completed": 2}, [])


@SIZES
def test_an_audience_that_is_not_the_one_approved_is_sent_nothing(tmp_path: Path, share: float) -> None:
    """A wrong file made everybody a follower after the count was approved."""
    hall = Hall(tmp_path)
    people = [hall.follower("transit") for _ in range(10)]
    name = hall.post("/v1/broadcasts", a_broadcast(**words(topics=["transit"], send_at="2026-12-01T12:30:00Z"))).json["id"]
    for _ in range(max(51, round(1000 * share))):
        hall.follower("transit")
    hall.pass_by(minutes=31)
    assert (hall.states(), hall.took()) == ({"audience_changed": 1}, [])
    shown = hall.get(f"/v1/broadcasts/{name}").json["review"]
    assert (shown["planned"], shown["counted"]) == (len(people), len(people) + max(51, round(1000 * share)))
    assert hall.post(f"/v1/broadcasts/{name}/stop").json["state"] == "stopped"
    hall.pass_by(minutes=5)
    assert hall.took() == []


@SIZES
def test_the_same_words_again_and_again_go_once(tmp_path: Path, share: float) -> None:
    hall = Hall(tmp_path)
    hall.follower("transit")
    said, times = words(topics=["transit"], channels=["sms"]), max(4, round(40 * share))
    for number in range(times):
        assert hall.hook("demo-city", a_notice(f"n{number}", **said)).status == 202
        assert hall.post("/v1/broadcasts", a_broadcast(**said)).status == 202
        hall.pass_by(minutes=1)
    assert hall.states() == {"completed": 1, "duplicate": 2 * times - 1}
    assert len(hall.took()) == 1


@SIZES
def test_a_budget_is_never_passed_unless_a_person_says_so(tmp_path: Path, share: float) -> None:
    people, budget = max(10, round(100 * share)), max(1, round(10 * share))
    hall = budgeted(tmp_path, budget)
    for _ in range(people):
        hall.follower("transit")
    fit = budget * 1_000_000 // (people * PRICE)
    names = [hall.post("/v1/broadcasts", a_broadcast(**words(topics=["transit"], channels=["sms"]))).json["id"] for _ in range(fit + 4)]
    hall.pass_by(minutes=3)
    assert hall.states() == {"completed": fit, "spend": 4}
    assert len(hall.took()) * PRICE <= budget * 1_000_000 < (len(hall.took()) + people) * PRICE
    waiting = next(name for name in names if hall.get(f"/v1/broadcasts/{name}").json["state"] == "needs_review")
    assert hall.post(f"/v1/broadcasts/{waiting}/approve", key="approver").json["state"] == "scheduled"
    hall.pass_by(minutes=3)
    assert len(hall.took()) == (fit + 1) * people


@pytest.mark.parametrize("name", ["all", "sms"])
def test_a_thrown_switch_keeps_everything_and_sends_it_once_when_it_is_released(tmp_path: Path, name: str) -> None:
    hall = Hall(tmp_path)
    hall.follower("transit")
    hall.post("/v1/switches", {"name": name, "stopped": True, "why": "Something is wrong."}, key="admin")
    assert hook(hall, "n1").status == 202
    hall.post("/v1/broadcasts", a_broadcast(**words(topics=["transit"], channels=["sms"])))
    hall.pass_by(minutes=10)
    assert (hall.states(), hall.took()) == ({"sending": 2}, [])
    hall.post("/v1/switches", {"name": name, "stopped": False}, key="admin")
    hall.pass_by(minutes=20)
    assert hall.states() == {"completed": 2}
    assert sorted(Counter(one.broadcast for one in hall.took()).values()) == [1, 1]
