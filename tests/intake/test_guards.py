"""What nobody meant waits for a person: doubles, changed audiences, sources over their caps, budgets. And how it is let go."""

import json
import logging
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.broadcast import BroadcastState, Review, ReviewReason
from chalicelib.domain.jobs import LaunchJob, read_launch
from chalicelib.errors import RenderFailed, TransactionRefused
from chalicelib.flows.launch import launch
from chalicelib.flows.sweep import sweep
from chalicelib.state.table import Key, Row
from chalicelib.store.broadcast_rows import broadcast_key, content_key
from chalicelib.store.stores import Stores
from chalicelib.store.switches import Thrown
from tests.feeds.feeds import a_feed, an_alert
from tests.intake.desk import Desk, Reply, a_broadcast, a_notice

CITY = Path("city.toml").read_text("utf-8")
UNLIMITED = re.sub(r"\[limits\]\n(?:.+\n)+\n", "", CITY)
OTHER = {"en": {"title": "Other", "body": "Words."}}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def posted(desk: Desk, **changes: object) -> Reply:
    reply = desk.post("/v1/broadcasts", a_broadcast(**changes))
    assert reply.status == 202, reply.json
    return reply


def shown(desk: Desk, name: str) -> Any:
    return desk.get(f"/v1/broadcasts/{name}").json


def state(desk: Desk, name: str) -> tuple[str, str | None]:
    found = shown(desk, name)
    return found["state"], found["review"]["reason"] if found["review"] else None


def approve(desk: Desk, name: str, key: str = "approver") -> Reply:
    return desk.post(f"/v1/broadcasts/{name}/approve", key=key)


def fall_due(desk: Desk, **time: float) -> None:
    """Time passes, and what falls due then is launched."""
    desk.clock.advance(timedelta(**time))
    sweep(services=desk.services)
    launch_all(desk)


def launch_all(desk: Desk) -> None:
    """Launch what is queued for now."""
    for body in desk.queued("launch"):
        launch(read_launch(body), services=desk.services)


def follow(desk: Desk, people: int, topic: str = "transit") -> None:
    for _ in range(people):
        desk.follower(topic)


def audit(desk: Desk, name: str) -> list[tuple[str, str, str]]:
    """Who did what and why, in order of time; of one moment, who made it comes first."""
    entries = sorted(desk.services.store.audit.of(name), key=lambda one: (one.at, one.what != "broadcast.created"))
    return [(one.who, one.what, one.why) for one in entries]


# --- doubles ---------------------------------------------------------------------------------------------------------


def test_the_same_words_again_are_taken_and_wait(desk: Desk) -> None:
    first = posted(desk).json["id"]
    desk.clock.advance(timedelta(minutes=59))
    again = posted(
        desk, content={"en": {"title": "RED LINE – shuttle buses", "body": "buses replace trains"}, "es": {"title": "línea roja", "body": "autobuses"}}
    )
    assert (again.json["state"], again.json["review"]) == ("needs_review", {"reason": "duplicate", "at": "2026-12-01T12:59:00Z", "of": first})
    found = shown(desk, again.json["id"])
    assert (found["state"], found["review"], found["approval"]) == ("needs_review", again.json["review"], None)
    assert audit(desk, again.json["id"]) == [("communicator", "broadcast.created", ""), ("engine", "broadcast.needs_review", "duplicate")]
    desk.clock.advance(timedelta(days=1))
    sweep(services=desk.services)
    assert desk.queued("launch").count(json.dumps({"broadcast": again.json["id"]})) == 0


@pytest.mark.parametrize(
    "changes",
    [{"topics": ["jobs"]}, {"topics": ["events"]}, {"channels": ["email"]}, {"content": OTHER}, {"link": "https://x.org"}, {"send_at": "2026-12-01T13:00:00Z"}],
    ids=["another topic", "yet another", "another channel", "other words", "another link", "an hour later"],
)
def test_what_is_no_double_goes(desk: Desk, changes: dict[str, Any]) -> None:
    posted(desk, channels=["sms"])
    assert posted(desk, **{"channels": ["sms"], **changes}).json["state"] == "scheduled"


def test_a_double_of_what_is_told_above_or_below_waits(desk: Desk) -> None:
    posted(desk, topics=["transit"])
    assert posted(desk, topics=["transit/red-line"]).json["state"] == "needs_review"


def test_the_same_reminder_may_be_scheduled_for_many_days(desk: Desk) -> None:
    days = [f"2026-12-{day:02d}T15:00:00Z" for day in range(1, 15)]
    assert {posted(desk, send_at=day).json["state"] for day in days} == {"scheduled"}
    assert posted(desk, send_at="2026-12-03T15:30:00Z").json["state"] == "needs_review"


def test_what_was_stopped_before_anybody_got_it_may_be_said_again(desk: Desk) -> None:
    name = posted(desk, send_at="2026-12-01T12:30:00Z").json["id"]
    desk.post(f"/v1/broadcasts/{name}/stop")
    assert posted(desk).json["state"] == "scheduled"


def test_what_was_stopped_while_it_went_may_not(desk: Desk) -> None:
    name = posted(desk).json["id"]
    launch_all(desk)
    desk.post(f"/v1/broadcasts/{name}/stop")
    assert posted(desk).json["review"]["of"] == name


def test_what_is_no_longer_kept_was_not_said(desk: Desk) -> None:
    desk.state.table.delete(broadcast_key(posted(desk).json["id"]))
    assert posted(desk).json["state"] == "scheduled"


def test_a_second_double_names_the_first_that_was_said(desk: Desk) -> None:
    first = posted(desk).json["id"]
    assert [posted(desk).json["review"]["of"] for _ in range(2)] == [first, first]


def test_an_approver_lets_a_double_go_and_it_counts_as_said_then(desk: Desk) -> None:
    first, second = posted(desk).json["id"], posted(desk).json["id"]
    desk.clock.advance(timedelta(minutes=50))
    reply = approve(desk, second)
    assert (reply.status, reply.json["state"], reply.json["review"], reply.json["approval"]["by"]) == (200, "scheduled", None, "approver")
    assert reply.json["approval"]["hash"] == reply.json["content_hash"]
    assert audit(desk, second)[-1] == ("approver", "broadcast.approved", "duplicate")
    assert sorted(desk.queued("launch")) == sorted(json.dumps({"broadcast": name}) for name in (first, second))
    desk.clock.advance(timedelta(minutes=20))
    assert posted(desk).json["review"]["of"] == second


def test_a_preview_says_what_would_wait_and_is_not_heard(desk: Desk) -> None:
    previews = [desk.post("/v1/broadcasts/preview", a_broadcast()).json for _ in range(2)]
    assert [(one["state"], one.get("review")) for one in previews] == [("scheduled", None)] * 2
    name, rows = posted(desk).json["id"], desk.rows()
    found = desk.post("/v1/broadcasts/preview", a_broadcast()).json
    assert (found["state"], found["review"]["of"], desk.rows()) == ("needs_review", name, rows)
    assert desk.post("/v1/broadcasts/preview", a_broadcast(send_at="2026-12-01T13:00:00Z")).json["state"] == "scheduled"


def test_the_author_cannot_let_their_own_double_go(desk: Desk) -> None:
    desk.post("/v1/broadcasts", a_broadcast(), key="admin")
    second = desk.post("/v1/broadcasts", a_broadcast(), key="admin").json["id"]
    refused = approve(desk, second, key="admin")
    assert (refused.status, refused.code, state(desk, second)[0]) == (403, "own_broadcast", "needs_review")


def test_what_waits_can_be_stopped(desk: Desk) -> None:
    posted(desk)
    second = posted(desk).json["id"]
    reply = desk.post(f"/v1/broadcasts/{second}/stop")
    assert (reply.status, reply.json["state"], reply.json["review"]) == (200, "stopped", None)
    assert approve(desk, second).code == "not_awaiting_approval"


def test_an_urgent_double_waits_once_for_both(desk: Desk) -> None:
    posted(desk, kind="emergency")
    second = posted(desk, kind="emergency").json
    assert second["state"] == "needs_review"
    assert approve(desk, second["id"]).json["state"] == "scheduled"


def test_a_request_asked_again_is_no_double(desk: Desk) -> None:
    first = desk.post("/v1/broadcasts", a_broadcast(), name="k1")
    again = desk.post("/v1/broadcasts", a_broadcast(), name="k1")
    assert (again.json, len(desk.broadcasts())) == (first.json, 1)


class Meddled:
    """A table on which something happens right before each transaction, as long as there is something left to happen."""

    def __init__(self, inner: Any, *meddling: Any) -> None:
        self.inner, self.meddling = inner, list(meddling)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def transact(self, writes: Any) -> None:
        if self.meddling:
            self.meddling.pop(0)()
        self.inner.transact(writes)


def meddle(desk: Desk, *meddling: Any) -> None:
    plain = desk.services.store
    desk.services = replace(desk.services, store=Stores(Meddled(plain.table, *meddling), plain.vault))


def test_of_two_posts_of_the_same_words_at_the_same_moment_one_waits(desk: Desk) -> None:
    other: list[Reply] = []
    meddle(desk, lambda: other.append(posted(desk)))
    mine = posted(desk)
    assert (other[0].json["state"], mine.json["state"], mine.json["review"]["of"]) == ("scheduled", "needs_review", other[0].json["id"])
    assert len(desk.queued("launch")) == 1


def test_whoever_is_always_second_is_told_to_try_again(desk: Desk) -> None:
    def refuse() -> None:
        raise TransactionRefused({1: {"turn": "x"}})

    meddle(desk, *[refuse] * 5)
    reply = desk.post("/v1/broadcasts", a_broadcast())
    assert (reply.status, reply.code, desk.broadcasts()) == (503, "try_later", [])


# --- doubles of sources ----------------------------------------------------------------------------------------------


def test_a_sources_double_waits_and_an_alarm_line_says_so(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.hook("demo-city", a_notice("n1"))
    desk.publish()
    with caplog.at_level(logging.ERROR):
        assert desk.hook("demo-city", a_notice("n2")).json["accepted"] == ["n2"]
        desk.publish()
    (first, _), (second, _) = desk.broadcasts()
    assert (second.state, second.approval, second.review.numbers if second.review else None) == (BroadcastState.NEEDS_REVIEW, None, {"of": first.id})
    assert audit(desk, second.id)[-1] == ("engine", "broadcast.needs_review", "duplicate")
    (line,) = caplog.records
    assert (line.getMessage(), line.fields) == ("broadcast waits for review", {"broadcast": second.id, "reason": "duplicate", "of": first.id})  # type: ignore[attr-defined]


def test_a_source_doubles_what_a_communicator_said(desk: Desk) -> None:
    posted(desk)
    desk.hook("demo-city", a_notice("n1"))
    desk.publish()
    assert desk.broadcasts()[-1][0].state is BroadcastState.NEEDS_REVIEW


def test_equal_alerts_of_lines_side_by_side_both_go(tmp_path: Path) -> None:
    routes = 'routes = { Red = "transit/red-line", Blue = "transit/blue-line"'
    city = CITY.replace('routes = { Red = "transit/red-line"', routes)
    city = city.replace('[[topics]]\nid = "events"', '[[topics]]\nid = "transit/blue-line"\nnames = { en = "Blue" }\n\n[[topics]]\nid = "events"')
    desk = Desk(tmp_path, city=city)
    alerts = [an_alert("a"), an_alert("b", informed_entity=[{"route_id": "Blue"}]), an_alert("c", informed_entity=[{"route_id": "red-line"}])]
    desk.hook("demo-transit", a_feed(*alerts))
    desk.publish()
    assert sorted((one.audience.topics[0], str(one.state)) for one, _ in desk.broadcasts()) == [
        ("transit/blue-line", "scheduled"),
        ("transit/red-line", "needs_review"),
        ("transit/red-line", "scheduled"),
    ]


def test_revisions_of_a_notice_are_no_doubles_of_it(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1", revision=1))
    desk.publish()
    launch_all(desk)
    desk.hook("demo-city", a_notice("n1", revision=2, severity="severe"))
    desk.publish()
    desk.hook("demo-city", a_notice("n1", revision=3, type="notice.cancelled"))
    desk.publish()
    assert BroadcastState.NEEDS_REVIEW not in {one.state for one, _ in desk.broadcasts()}


def test_a_newer_word_stops_the_older_one_that_waits(desk: Desk) -> None:
    posted(desk)
    desk.hook("demo-city", a_notice("n1"))
    desk.publish()
    desk.hook("demo-city", a_notice("n1", revision=2, content=OTHER))
    desk.publish()
    assert [(str(one.state), str(content.act)) for one, content in desk.broadcasts()] == [
        ("scheduled", "published"),
        ("stopped", "published"),
        ("scheduled", "published"),
    ]


# --- a changed audience ----------------------------------------------------------------------------------------------


def test_a_broadcast_goes_to_as_many_as_were_approved(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    follow(desk, 10)
    name = posted(desk, send_at="2026-12-01T13:00:00Z").json["id"]
    follow(desk, 50)
    fall_due(desk, hours=1)
    assert state(desk, name) == ("sending", None)
    assert len(desk.queued("fan-out-routine")) == 16


def test_an_audience_that_grew_waits_and_goes_once_it_is_approved_as_it_is(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    follow(desk, 10)
    name = posted(desk, send_at="2026-12-01T13:00:00Z").json["id"]
    follow(desk, 51)
    with caplog.at_level(logging.ERROR):
        fall_due(desk, hours=1)
    numbers = {"channel": "sms", "planned": 10, "counted": 61}
    assert shown(desk, name)["review"] == {"reason": "audience_changed", "at": "2026-12-01T13:00:00Z", **numbers}
    assert [record.getMessage() for record in caplog.records] == ["broadcast waits for review"]
    assert audit(desk, name)[-1] == ("engine", "broadcast.needs_review", "audience_changed")
    assert (desk.queued("fan-out-routine"), desk.services.store.broadcasts.due(desk.clock() + timedelta(days=1))) == ([], [])
    reply = approve(desk, name).json
    assert (reply["state"], reply["audience"]["sms"]) == ("scheduled", 61)
    launch_all(desk)
    assert (state(desk, name), len(desk.queued("fan-out-routine"))) == (("sending", None), 16)


def test_an_audience_that_changes_again_after_the_look_waits_again(desk: Desk) -> None:
    follow(desk, 10)
    name = posted(desk).json["id"]
    follow(desk, 60)
    fall_due(desk, seconds=1)
    desk.clock.advance(timedelta(seconds=1))
    assert approve(desk, name).json["state"] == "scheduled"
    follow(desk, 60)
    fall_due(desk, seconds=1)
    desk.clock.advance(timedelta(seconds=1))
    assert state(desk, name) == ("needs_review", "audience_changed")
    assert approve(desk, name).json["state"] == "scheduled"
    launch_all(desk)
    assert state(desk, name)[0] == "sending"
    assert [what for _, what, _ in audit(desk, name)] == [
        "broadcast.created",
        "broadcast.needs_review",
        "broadcast.approved",
        "broadcast.needs_review",
        "broadcast.approved",
    ]


def test_a_launch_that_is_queued_twice_tells_again_and_changes_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    name = posted(desk).json["id"]
    jobs = desk.queued("launch")
    follow(desk, 60)
    with caplog.at_level(logging.ERROR):
        for job in jobs * 2:
            launch(read_launch(job), services=desk.services)
    assert [record.getMessage() for record in caplog.records] == ["broadcast waits for review"] * 2
    assert len(audit(desk, name)) == 2


def test_a_broadcast_stopped_while_it_is_weighed_stays_stopped(desk: Desk) -> None:
    name = posted(desk).json["id"]
    follow(desk, 60)
    plain = desk.services
    meddle(desk, lambda: (setattr(desk, "services", plain), desk.post(f"/v1/broadcasts/{name}/stop")))
    launch_all(desk)
    assert state(desk, name) == ("stopped", None)
    assert [what for _, what, _ in audit(desk, name)] == ["broadcast.created", "broadcast.stopped"]


def test_a_launch_that_wakes_after_somebody_let_the_broadcast_go_does_not_keep_it_back_again(desk: Desk) -> None:
    name = posted(desk).json["id"]
    (job,) = desk.queued("launch")
    follow(desk, 60)
    plain = desk.services

    def kept_back_and_let_go() -> None:
        desk.services = plain
        launch(read_launch(job), services=plain)
        desk.clock.advance(timedelta(seconds=1))
        assert approve(desk, name).json["state"] == "scheduled"

    meddle(desk, kept_back_and_let_go)
    launch(read_launch(job), services=desk.services)
    assert state(desk, name) == ("scheduled", None)
    launch_all(desk)
    assert state(desk, name) == ("sending", None)


def test_a_broadcast_of_a_source_that_a_person_approves_is_approved_for_as_many_as_are_counted(tmp_path: Path) -> None:
    desk = Desk(tmp_path, city=CITY + '\n[sources.wire]\nformat = "notice"\n')
    follow(desk, 10, "emergency")
    desk.hook("wire", a_notice("n1", kind="emergency", topics=["emergency"]))
    desk.publish()
    ((broadcast, _),) = desk.broadcasts()
    assert approve(desk, broadcast.id).json["audience"] == {"sms": 10, "email": 0, "kiosk": 0}
    follow(desk, 60, "emergency")
    launch_all(desk)
    assert state(desk, broadcast.id) == ("needs_review", "audience_changed")


# --- caps of sources -------------------------------------------------------------------------------------------------


def capped(tmp_path: Path, caps: str) -> Desk:
    return Desk(tmp_path, city=CITY.replace("[sources.demo-city]\n", f"[sources.demo-city]\n{caps}\n"))


def notices(desk: Desk, start: int, count: int) -> list[int]:
    """So many different notices of a source, published and launched; what each post was answered."""
    answers = []
    for number in range(start, start + count):
        answers.append(desk.hook("demo-city", a_notice(f"n{number}", content={"en": {"title": f"Notice {number}", "body": "…"}})).status)
        desk.publish()
        launch_all(desk)
    return answers


def reasons(desk: Desk) -> list[str]:
    return [str(one.review.reason) if one.review else str(one.state) for one, _ in desk.broadcasts()]


def test_a_source_over_its_cap_waits_and_the_third_time_it_is_paused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    desk = capped(tmp_path, "broadcasts_per_hour = 2")
    with caplog.at_level(logging.ERROR):
        assert notices(desk, 0, 5) == [202] * 5
    assert reasons(desk) == ["sending", "sending", *["source_broadcasts"] * 3]
    waits, pauses = "broadcast waits for review", "source paused by itself"
    assert [record.getMessage() for record in caplog.records] == [waits, waits, pauses, waits]
    assert audit(desk, "switch:source:demo-city") == [("engine", "switch.thrown", "3 broadcasts over a cap within an hour")]
    waiting = desk.broadcasts()[2][0]
    assert waiting.review is not None
    assert waiting.review.numbers == {"source": "source:demo-city", "used": 3, "limit": 2}


def test_a_paused_source_is_sent_back_until_somebody_lets_it_go_on(tmp_path: Path) -> None:
    desk = capped(tmp_path, "broadcasts_per_hour = 1")
    first = desk.hook("demo-city", a_notice("n0"), id="msg_0")
    desk.publish()
    launch_all(desk)
    notices(desk, 1, 3)
    rows = desk.rows()
    refused = desk.hook("demo-city", a_notice("n9"), id="msg_9")
    assert (refused.status, refused.code, refused.headers["Retry-After"], desk.rows()) == (429, "source_paused", "300", rows)
    assert desk.hook("demo-city", a_notice("n0"), id="msg_0").json == first.json
    assert desk.hook("demo-city", a_notice("n9"), webhook_signature="v1,AAAA").status == 401
    assert desk.hook("demo-transit", a_feed()).status == 202
    desk.post("/v1/switches", {"name": "source:demo-city", "stopped": False}, key="admin")
    assert desk.hook("demo-city", a_notice("n9"), id="msg_9").status == 202


def test_a_source_that_somebody_pauses_at_that_moment_is_paused_once(tmp_path: Path) -> None:
    desk = capped(tmp_path, "broadcasts_per_hour = 1")
    notices(desk, 0, 3)
    desk.hook("demo-city", a_notice("n9", content=OTHER))
    desk.publish()
    pause = desk.services.store.switches.throw_write("source:demo-city", Thrown("admin", desk.clock(), "I saw it"))
    meddle(desk, lambda: desk.state.table.transact([pause]))
    launch_all(desk)
    assert (reasons(desk)[-1], desk.services.store.switches.thrown()["source:demo-city"].by) == ("source_broadcasts", "admin")
    assert audit(desk, "switch:source:demo-city") == []


def test_what_a_source_posted_before_it_was_paused_waits(tmp_path: Path) -> None:
    desk = capped(tmp_path, "broadcasts_per_hour = 1")
    desk.hook("demo-city", a_notice("early", send_at="2026-12-01T12:30:00Z", content=OTHER))
    desk.publish()
    notices(desk, 0, 4)
    assert reasons(desk)[-1] == "source_broadcasts"
    fall_due(desk, minutes=30)
    early = next(one for one, content in desk.broadcasts() if content.texts["en"].title == "Other")
    assert early.review is not None
    assert str(early.review.reason) == "source_paused"
    assert approve(desk, early.id).json["state"] == "scheduled"
    launch_all(desk)
    assert state(desk, early.id)[0] == "sending"


def test_a_scheduled_broadcast_of_a_source_that_is_gone_waits(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1"))
    desk.publish()
    desk.services = replace(desk.services, city=replace(desk.city, sources={}))
    launch_all(desk)
    assert reasons(desk) == ["source_paused"]


def test_a_breach_an_hour_ago_is_forgotten_and_so_is_what_was_sent_then(tmp_path: Path) -> None:
    desk = capped(tmp_path, "broadcasts_per_hour = 1")
    notices(desk, 0, 3)
    desk.clock.advance(timedelta(hours=1))
    assert notices(desk, 3, 3) == [202] * 3
    assert reasons(desk) == ["sending", *["source_broadcasts"] * 2, "sending", *["source_broadcasts"] * 2]
    assert desk.services.store.switches.thrown() == {}


def test_a_source_reaches_only_so_many_in_a_day(tmp_path: Path) -> None:
    desk = capped(tmp_path, "recipients_per_day = 25")
    follow(desk, 10)
    notices(desk, 0, 3)
    assert reasons(desk) == ["sending", "sending", "source_recipients"]
    desk.clock.advance(timedelta(hours=24))
    notices(desk, 3, 1)
    assert reasons(desk)[-1] == "sending"


def test_an_approver_lets_a_broadcast_over_the_cap_go(tmp_path: Path) -> None:
    desk = capped(tmp_path, "broadcasts_per_hour = 1")
    notices(desk, 0, 2)
    waiting = desk.broadcasts()[1][0]
    assert approve(desk, waiting.id).json["state"] == "scheduled"
    launch_all(desk)
    assert reasons(desk) == ["sending", "sending"]


def test_a_source_broadcast_shows_how_many_it_was_for_once_it_is_launched(desk: Desk) -> None:
    follow(desk, 3)
    notices(desk, 0, 1)
    assert desk.get("/v1/broadcasts").json["data"][0]["audience"] == {"sms": 3, "email": 0, "kiosk": 0}


# --- budgets ---------------------------------------------------------------------------------------------------------


def budgeted(tmp_path: Path, limits: str) -> Desk:
    """A city whose texts cost 0.011 a part."""
    return Desk(tmp_path, city=f"{UNLIMITED}\n[limits]\n{limits}\n")


def send(desk: Desk, title: str, **changes: object) -> str:
    name = str(posted(desk, content={"en": {"title": title, "body": "…"}}, **changes).json["id"])
    launch_all(desk)
    return name


def test_money_is_counted_and_what_goes_beyond_the_budget_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    desk = budgeted(tmp_path, "spend_per_day = 2")
    follow(desk, 45)  # half a unit each time
    with caplog.at_level(logging.WARNING):
        names = [send(desk, f"{number}") for number in range(5)]
    assert [state(desk, name) for name in names] == [("sending", None)] * 4 + [("needs_review", "spend")]
    assert [record.getMessage() for record in caplog.records] == ["budget nearly spent", "broadcast waits for review"]
    assert caplog.records[0].levelname == "WARNING"
    found = shown(desk, names[4])["review"]
    assert (found["period"], found["limit_micros"], found["cost_micros"], found["spent_micros"]) == ("day", 2_000_000, 495_000, 5 * 495_000)
    desk.clock.advance(timedelta(hours=24))
    assert state(desk, send(desk, "tomorrow"))[0] == "sending"
    assert approve(desk, names[4]).code == "expired"


def test_what_waits_spends_nothing_and_goes_when_an_approver_says_so(tmp_path: Path) -> None:
    desk = budgeted(tmp_path, "spend_per_month = 1")
    follow(desk, 60)
    names = [send(desk, f"{number}") for number in range(2)]
    assert state(desk, names[1]) == ("needs_review", "spend")
    assert state(desk, send(desk, "email only", channels=["email"]))[0] == "sending"
    assert approve(desk, names[1]).json["state"] == "scheduled"
    launch_all(desk)
    assert state(desk, names[1])[0] == "sending"


def test_without_a_budget_nothing_is_added_up(tmp_path: Path) -> None:
    desk = Desk(tmp_path, city=UNLIMITED)
    follow(desk, 5)
    assert state(desk, send(desk, "free"))[0] == "sending"
    assert desk.state.table.query("SPENT#2026-12").rows == []


def test_a_text_that_cannot_be_made_waits(tmp_path: Path) -> None:
    desk = budgeted(tmp_path, "spend_per_day = 2")
    follow(desk, 5)
    name = posted(desk).json["id"]

    class Broken:
        def sms(self, content: Any, locale: str) -> Any:
            raise RenderFailed("no template")

    desk.services = replace(desk.services, renderer=Broken)  # type: ignore[arg-type]
    launch_all(desk)
    assert state(desk, name) == ("needs_review", "spend")


def test_a_broadcast_whose_words_are_gone_waits(tmp_path: Path) -> None:
    desk = budgeted(tmp_path, "spend_per_day = 2")
    follow(desk, 5)
    name = posted(desk).json["id"]
    desk.state.table.delete(content_key(name))
    launch_all(desk)
    found = desk.services.store.broadcasts.get(name)
    assert found is not None and found.review is not None
    assert (found.review.reason, found.review.numbers) == (ReviewReason.SPEND, {"cost": "unknown"})


def test_a_correction_costs_its_longest_text_for_each_who_got_the_wrong_one(tmp_path: Path) -> None:
    desk = budgeted(tmp_path, "spend_per_day = 2")
    long = {"title": "Long", "body": "word " * 40}
    told = posted(desk, content={"en": {"title": "Short", "body": "…"}, "es": long}, channels=["sms"]).json
    name, longest = told["id"], max(told["parts"].values())
    most = 2_000_000 // (longest * 11_000)
    assert longest > told["parts"]["en"]
    found, content = desk.services.store.broadcasts.get(name), desk.services.store.broadcasts.content(name)
    assert found and content
    desk.queued("launch")
    for made, people in (("bc_fits", most), ("bc_beyond", most + 1)):
        correction = replace(found, id=made, audience=replace(found.audience, corrects=name), planned={"sms": people})
        desk.state.table.transact(desk.services.store.broadcasts.create_writes(correction, content))
        launch(LaunchJob(made), services=desk.services)
        desk.state.table.delete(Key("SPENT#2026-12", f"01#{made}"))
    states = {name: (str(one.state), one.review) for name in ("bc_fits", "bc_beyond") if (one := desk.services.store.broadcasts.get(name))}
    assert states["bc_fits"] == ("sending", None)
    review = states["bc_beyond"][1]
    assert review is not None
    assert review.numbers["cost_micros"] == (most + 1) * longest * 11_000


def test_a_month_of_many_broadcasts_is_added_up_whole(tmp_path: Path) -> None:
    desk = budgeted(tmp_path, "spend_per_month = 5")
    follow(desk, 10)
    for day in range(1, 6):
        desk.state.table.put(Row(Key("SPENT#2026-12", f"{day:02d}#bc_{day}"), {"micros": 990_000, "pad": "x" * 300_000}))
    name = send(desk, "one more")
    assert shown(desk, name)["review"]["spent_micros"] == 5 * 990_000 + 110_000


def test_a_day_is_the_citys_day(tmp_path: Path) -> None:
    desk = budgeted(tmp_path, "spend_per_day = 1")
    follow(desk, 60)
    desk.clock.advance(timedelta(hours=16))  # 23:00 in the city
    send(desk, "tonight")
    desk.clock.advance(timedelta(minutes=61))
    assert state(desk, send(desk, "tomorrow"))[0] == "sending"


def test_a_text_is_paid_by_its_parts(tmp_path: Path) -> None:
    desk = budgeted(tmp_path, "spend_per_day = 1")
    follow(desk, 40)
    assert state(desk, send(desk, "x" * 150, channels=["sms"])) == ("sending", None)
    name = str(posted(desk, content={"en": {"title": "Long", "body": "word " * 120}}, channels=["sms"]).json["id"])
    launch_all(desk)
    assert state(desk, name) == ("needs_review", "spend")


# --- after a restore -------------------------------------------------------------------------------------------------


def test_a_withdrawal_of_what_may_have_been_told_before_a_restore_is_told(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1"))
    desk.publish()
    launch_all(desk)
    ((broadcast, _),) = desk.broadcasts()
    review = Review(ReviewReason.RESTORED, desk.clock(), {})
    desk.state.table.transact([desk.services.store.broadcasts.put_aside_write(broadcast, review)])
    desk.hook("demo-city", {"type": "notice.cancelled", "data": {"ref": "n1", "revision": 2}})
    desk.publish()
    assert [(str(one.state), str(content.act)) for one, content in desk.broadcasts()] == [("stopped", "published"), ("scheduled", "cancelled")]


# --- too late --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("urgent", "minutes", "waits"),
    [(False, 30, False), (False, 45, True), (True, 5, False), (True, 6, True)],
    ids=["routine", "missed", "urgent", "urgent, missed"],
)
def test_what_its_tick_missed_for_too_long_waits(desk: Desk, urgent: bool, minutes: int, waits: bool) -> None:
    kind = {"kind": "emergency"} if urgent else {}
    name = posted(desk, send_at="2026-12-01T13:00:00Z", **kind).json["id"]
    if urgent:
        approve(desk, name)
    fall_due(desk, minutes=60 + minutes)
    assert state(desk, name) == (("needs_review", "late") if waits else ("sending", None))


def test_what_was_late_goes_from_the_moment_it_is_approved(desk: Desk) -> None:
    name = posted(desk, send_at={"local": "2026-12-01T08:00", "zone": "America/New_York"}).json["id"]
    fall_due(desk, hours=3)
    assert shown(desk, name)["review"] == {"reason": "late", "at": "2026-12-01T15:00:00Z", "late_seconds": 7200, "limit_seconds": 1800}
    desk.clock.advance(timedelta(hours=1))
    reply = approve(desk, name).json
    assert (reply["state"], reply["send_at"]["local"]) == ("scheduled", "2026-12-01T08:00")
    desk.queued("launch")
    fall_due(desk, minutes=29)
    assert state(desk, name) == ("sending", None)


def test_what_was_approved_and_late_again_waits_again(desk: Desk) -> None:
    name = posted(desk, send_at="2026-12-01T13:00:00Z").json["id"]
    fall_due(desk, hours=3)
    approve(desk, name)
    desk.queued("launch")
    fall_due(desk, minutes=31)
    assert state(desk, name) == ("needs_review", "late")
