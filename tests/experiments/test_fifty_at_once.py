"""Fifty do the same at the same moment, through the doors: one of them does it, and the others get its answer or are told that it is done.

Guards taken out to see it fail: in `Broadcasts.approve_write`, the expectation of the state that was read (49 more approvals on record); in
`Broadcasts.launch`, the expectation of `scheduled` (every launch fans out); in `Requests.write`, the expectation that the key is free (a broadcast
for each call); in `Sayings.say_writes`, the expectation of the turn (every double goes); in `Posts.create_writes`, the expectation that the post is
new; in `Switches.throw_write` and `release_write`, theirs; in `Broadcasts.stop_write`, `_standing`; in `Subscribers.remember_write`, the
expectation of the turn (STOP confirmed 50 times).
"""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import EVERYTHING, Step
from chalicelib.domain.jobs import LaunchJob, read_fan_out
from chalicelib.flows.launch import launch
from chalicelib.store.api_keys import SCOPES
from tests.experiments.hall import Hall, at_once, words
from tests.experiments.sizes import SIZES
from tests.intake.desk import a_broadcast, a_notice

FULL = 50
ANA = "+12025550101"


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


def many(share: float) -> int:
    """At least a handful: fewer do not meet."""
    return max(8, round(FULL * share))


def posted(hall: Hall, **changes: object) -> str:
    return str(hall.post("/v1/broadcasts", a_broadcast(**words(**changes))).json["id"])


@SIZES
def test_one_approval_by_one_person(hall: Hall, share: float) -> None:
    name = posted(hall, kind="emergency")
    replies = at_once(hall, many(share), lambda _: hall.post(f"/v1/broadcasts/{name}/approve", key="approver"))
    assert {reply.status for reply in replies} == {200}
    assert len({json.dumps(reply.json["approval"]) for reply in replies}) == 1
    assert hall.audit(name) == {"broadcast.created": 1, "broadcast.approved": 1}


@SIZES
def test_one_approval_by_many_people(hall: Hall, share: float) -> None:
    name, people = posted(hall, kind="emergency"), many(share)
    for number in range(people):
        hall.services.store.api_keys.put(f"key-of-p{number}", name=f"p{number}", scopes=SCOPES, now=hall.clock())
    replies = at_once(hall, people, lambda number: hall.post(f"/v1/broadcasts/{name}/approve", key=f"p{number}"))
    assert Counter(reply.status for reply in replies) == {200: 1, 409: people - 1}
    assert hall.audit(name)["broadcast.approved"] == 1


@SIZES
def test_one_launch_however_many_send_it_now_and_however_often_the_schedule_ticks(hall: Hall, share: float) -> None:
    people = [hall.follower("transit", channels=(Channel.SMS, Channel.EMAIL)) for _ in range(5)]
    name = posted(hall, topics=["transit"], send_at="2026-12-01T12:30:00Z")
    hall.clock.advance(timedelta(minutes=30))
    at_once(hall, many(share), lambda _: launch(LaunchJob(name), services=hall.services))
    assert sorted(read_fan_out(body).shard for body in hall.queued("fan-out-routine")) == list(range(16))
    at_once(hall, many(share), lambda number: hall.work() if number % 2 else hall.tick(), writers=1)
    hall.pass_by(minutes=15)
    assert hall.states() == {"completed": 1}
    assert (set(hall.handed_over().values()), len(hall.handed_over())) == ({1}, 2 * len(people))
    assert hall.audit(name) == {"broadcast.created": 1}


@SIZES
def test_many_workers_on_every_queue_at_once_hand_over_each_message_once(hall: Hall, share: float) -> None:
    people = [hall.follower("transit", channels=(Channel.SMS, Channel.EMAIL)) for _ in range(20)]
    name = posted(hall, topics=["transit"])
    at_once(hall, many(share), lambda number: hall.work() if number % 4 else (hall.tick(), hall.work()), writers=1)
    hall.pass_by(minutes=15)
    assert hall.states() == {"completed": 1}
    assert (set(hall.handed_over().values()), len(hall.handed_over())) == ({1}, 2 * len(people))
    assert hall.audit(name) == {"broadcast.created": 1}


@SIZES
def test_one_broadcast_for_one_idempotency_key(hall: Hall, share: float) -> None:
    body = a_broadcast(**words())
    replies = at_once(hall, many(share), lambda _: hall.post("/v1/broadcasts", body, name="k1"))
    assert {reply.status for reply in replies} <= {202, 503}
    taken = [reply for reply in replies if reply.status == 202]
    assert len({reply.body for reply in taken}) == 1
    assert [reply.headers.get("Idempotent-Replayed") for reply in taken].count(None) == 1
    ((broadcast, _),) = hall.broadcasts()
    assert hall.audit(broadcast.id) == {"broadcast.created": 1}


@SIZES
def test_one_goes_of_many_that_say_the_same(hall: Hall, share: float) -> None:
    body, callers = a_broadcast(**words()), many(share)
    replies = at_once(hall, callers, lambda _: hall.post("/v1/broadcasts", body))
    assert Counter(reply.json.get("state", reply.status) for reply in replies) == {"scheduled": 1, "needs_review": callers - 1}
    (went,) = (reply.json["id"] for reply in replies if reply.json["state"] == "scheduled")
    assert {reply.json["review"]["of"] for reply in replies if "review" in reply.json} == {went}
    assert hall.queued("launch") == [json.dumps({"broadcast": went})]


@SIZES
def test_one_post_for_one_webhook_id(hall: Hall, share: float) -> None:
    hall.follower("transit")
    event = a_notice("n1", **words(topics=["transit"]))
    replies = at_once(hall, many(share), lambda _: hall.hook("demo-city", event, id="msg_1"))
    assert {(reply.status, reply.body) for reply in replies} == {(202, replies[0].body)}
    assert hall.state.queues.depth("intake") == 1
    at_once(hall, many(share), lambda _: hall.work(), writers=1)
    hall.pass_by(minutes=15)
    ((broadcast, _),) = hall.broadcasts()
    assert (hall.audit(broadcast.id), set(hall.handed_over().values())) == ({"broadcast.created": 1}, {1})


@SIZES
def test_one_stop_of_a_broadcast(hall: Hall, share: float) -> None:
    name = posted(hall, send_at="2026-12-02T12:00:00Z")
    replies = at_once(hall, many(share), lambda _: hall.post(f"/v1/broadcasts/{name}/stop"))
    assert {(reply.status, reply.json["stop_at"]) for reply in replies} == {(200, replies[0].json["stop_at"])}
    assert hall.audit(name) == {"broadcast.created": 1, "broadcast.stopped": 1}


@SIZES
def test_one_turn_of_a_switch_each_way(hall: Hall, share: float) -> None:
    for stopped in (True, False):
        replies = at_once(hall, many(share), lambda _, stopped=stopped: hall.post("/v1/switches", {"name": "sms", "stopped": stopped}, key="admin"))  # type: ignore[misc]
        assert {(reply.status, reply.json["stopped"]) for reply in replies} == {(200, stopped)}
    assert hall.audit("switch:sms") == {"switch.thrown": 1, "switch.released": 1}


def ledger(hall: Hall, step: Step) -> Counter[str]:
    """How often each topic stands in the person's ledger with this step."""
    subscriber = hall.services.store.addresses.find(hall.phone(ANA)).subscriber  # type: ignore[union-attr]
    return Counter(one.topic for one in hall.services.store.consents.of(subscriber) if one.step is step)


@SIZES
def test_one_stop_and_one_start_of_texts_however_often_they_are_delivered(hall: Hall, share: float) -> None:
    hall.text("TRANSIT", ANA)
    hall.text("JOIN EVENTS", ANA)
    stops = at_once(hall, many(share), lambda _: hall.text("STOP", ANA, sid="SMstop"))
    assert {(reply.status, reply.body) for reply in stops} == {(200, stops[0].body)}
    assert ledger(hall, Step.STOPPED) == {"transit": 1, "events": 1, EVERYTHING: 1}
    assert hall.services.store.addresses.find(hall.phone(ANA)).opted_out is not None  # type: ignore[union-attr]
    starts = at_once(hall, many(share), lambda _: hall.text("START", ANA, sid="SMstart"))
    assert {(reply.status, reply.body) for reply in starts} == {(200, starts[0].body)}
    assert ledger(hall, Step.RESTORED) == {"transit": 1, "events": 1}
    assert hall.services.store.addresses.find(hall.phone(ANA)).opted_out is None  # type: ignore[union-attr]


@SIZES
def test_many_stops_at_once_are_one_change_and_one_confirmation(hall: Hall, share: float) -> None:
    hall.text("TRANSIT", ANA)
    stops = at_once(hall, many(share), lambda _: hall.text("STOP", ANA))
    assert {reply.status for reply in stops} == {200}
    assert sum(b"<Message>" in reply.body for reply in stops) == 1
    assert ledger(hall, Step.STOPPED) == {"transit": 1, EVERYTHING: 1}


def test_a_double_start_is_one_change(hall: Hall) -> None:
    hall.text("TRANSIT", ANA)
    hall.text("STOP", ANA)
    assert {reply.status for reply in at_once(hall, 2, lambda _: hall.text("START", ANA))} == {200}
    assert ledger(hall, Step.RESTORED) == {"transit": 1}
