"""Signed posts: verified, judged against what was said before, kept, answered once."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.notice import Act
from chalicelib.flows.sweep import sweep
from chalicelib.intake.hooks import FORMATS, MOST_POST, binary_types
from tests.feeds.feeds import NOON, NOW, a_feed, an_alert, as_protobuf
from tests.intake.desk import OLD_SECRET, PROTOBUF, Desk, a_notice


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def told(desk: Desk) -> list[tuple[str, str]]:
    """Act and English title of every broadcast, oldest first."""
    return [(str(content.act), content.texts["en"].title) for _, content in desk.broadcasts()]


# --- the door --------------------------------------------------------------------------------------------------------


def test_a_signed_notice_is_accepted_and_becomes_a_broadcast(desk: Desk) -> None:
    reply = desk.hook("demo-city", a_notice("n1", link="https://city.example/n1"))
    assert reply.status == 202
    assert reply.json == {"id": reply.json["id"], "accepted": ["n1"], "ignored": []}
    assert reply.json["id"].startswith("in_")
    desk.publish()
    ((broadcast, content),) = desk.broadcasts()
    assert (broadcast.state, broadcast.author, broadcast.audience.topics) == (BroadcastState.SCHEDULED, "source:demo-city", ("transit/red-line",))
    assert broadcast.approval is not None
    assert (broadcast.approval.rule, broadcast.approval.hash) == ("source", broadcast.content_hash)
    assert (content.act, content.link, list(content.texts)) == (Act.PUBLISHED, "https://city.example/n1", ["en", "es"])
    assert desk.queued("launch") == [json.dumps({"broadcast": broadcast.id})]
    assert [(one.who, one.what) for one in desk.services.store.audit.of(broadcast.id)] == [("source:demo-city", "broadcast.created")]


def test_an_unknown_source_is_not_found(desk: Desk) -> None:
    assert desk.hook("nobody", a_notice()).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook_signature": ""},
        {"webhook_signature": "v1,AAAA"},
        {"webhook_signature": "é"},
        {"webhook_timestamp": "x"},
        {"webhook_timestamp": "1"},
        {"webhook_id": ""},
        {"webhook_id": "a.b"},
    ],
    ids=["no signature", "wrong signature", "no ascii", "no number", "stale", "no id", "dotted id"],
)
def test_what_is_not_rightly_signed_is_refused_and_nothing_kept(desk: Desk, headers: dict[str, str]) -> None:
    before = desk.rows()
    reply = desk.hook("demo-city", a_notice(), **headers)
    assert (reply.status, desk.rows()) == (401, before)
    assert reply.headers["Content-Type"] == "application/problem+json"


def test_the_old_secret_works_beside_the_new_one(desk: Desk) -> None:
    body = json.dumps(a_notice()).encode()
    reply = desk.call("POST", "/hooks/demo-city", body, desk.signed(body, secret=OLD_SECRET) | {"content-type": "application/json"})
    assert reply.status == 202


@pytest.mark.parametrize("secrets", [{}, {"demo-city": []}, {"demo-city": 5}], ids=["none known", "none active", "no text"])
def test_a_source_without_a_secret_lets_nobody_in(tmp_path: Path, secrets: dict[str, object]) -> None:
    assert Desk(tmp_path, secrets=secrets).hook("demo-city", a_notice()).status == 401


def test_the_same_id_gets_the_first_answer_again_and_nothing_is_done(desk: Desk) -> None:
    first = desk.hook("demo-city", a_notice("n1"), id="msg_1")
    desk.publish()
    rows = desk.rows()
    desk.clock.advance(timedelta(minutes=4))
    again = desk.hook("demo-city", a_notice("n1"), id="msg_1")
    assert (again.status, again.json) == (202, first.json)
    assert again.json["accepted"] == ["n1"]
    assert (desk.queued("intake"), desk.rows()) == ([], rows)


def test_the_same_id_with_another_body_is_a_conflict(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1"), id="msg_1")
    reply = desk.hook("demo-city", a_notice("n2"), id="msg_1")
    assert (reply.status, reply.code) == (409, "id_reused")


def test_an_id_counts_for_its_source_only(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1"), id="msg_1")
    assert desk.hook("demo-transit", a_feed(), id="msg_1").json["accepted"] == ["a1"]


def test_a_body_over_a_megabyte_is_too_large(desk: Desk) -> None:
    assert desk.hook("demo-city", b" " * (MOST_POST + 1)).status == 413


@pytest.mark.parametrize("content_type", ["", "text/plain", PROTOBUF, "application/json; charset=latin-1"])
def test_a_notice_comes_as_json_only(desk: Desk, content_type: str) -> None:
    assert desk.hook("demo-city", a_notice(), content_type=content_type).status == 415


@pytest.mark.parametrize("content_type", list(FORMATS["gtfs-rt"].binary))
def test_a_feed_comes_as_protobuf_under_any_of_its_names(desk: Desk, content_type: str) -> None:
    reply = desk.hook("demo-transit", as_protobuf(a_feed()), content_type=content_type)
    assert (reply.status, reply.json["accepted"]) == (202, ["a1"])


def test_every_content_type_that_is_no_text_reaches_us_as_bytes(desk: Desk) -> None:
    named = {name for form in FORMATS.values() for name in form.types}
    text = {name for name in named if name == "application/json" or name.startswith("text/")}
    assert set(binary_types()) == named - text
    assert named - text <= set(desk.app.api.binary_types)
    assert not text & set(desk.app.api.binary_types)


def test_a_compressed_body_is_refused(desk: Desk) -> None:
    reply = desk.hook("demo-city", a_notice(), content_encoding="gzip")
    assert (reply.status, reply.code) == (415, "compressed")


# --- format notice ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "pointers"),
    [
        (a_notice(content={"es": {"title": "x", "body": "y"}}), [("#/data/content/en", "missing")]),
        (a_notice(topics=["transit", "nowhere"]), [("#/data/topics/1", "unknown_topic")]),
        (a_notice(topics=[]), [("#/data/topics", "too_few")]),
        (a_notice(expires_at="2026-12-01T11:59:59Z"), [("#/data/expires_at", "expired")]),
        (a_notice(expires_at="tomorrow"), [("#/data/expires_at", "invalid_time")]),
        (a_notice(colour="red"), [("#/data/colour", "unknown_field")]),
        (a_notice() | {"extra": 1}, [("#/extra", "unknown_field")]),
        (a_notice(kind=None), [("#/data/kind", "missing")]),
        (a_notice(severity="huge"), [("#/data/severity", "not_one_of")]),
        (a_notice(link="javascript:alert(1)"), [("#/data/link", "bad_form")]),
        (a_notice(link="https://a b"), [("#/data/link", "bad_form")]),
        (a_notice(link="https://ana@x.org"), [("#/data/link", "bad_link")]),
        (a_notice(revision=-1), [("#/data/revision", "too_small")]),
        (a_notice(revision=True), [("#/data/revision", "wrong_type")]),
        (a_notice(ref=""), [("#/data/ref", "bad_form"), ("#/data/ref", "too_short")]),
        (a_notice(type="notice.shouted"), [("#/type", "not_one_of")]),
        (a_notice() | {"timestamp": "today"}, [("#/timestamp", "invalid_time")]),
        (a_notice(send_at="2026-11-30T12:00:00Z"), [("#/data/send_at", "in_the_past")]),
        ({"type": "notice.published"}, [("#/data", "missing")]),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, list) else "",
)
def test_a_wrong_field_is_named_and_nothing_kept(desk: Desk, event: Any, pointers: list[tuple[str, str]]) -> None:
    before = desk.rows()
    reply = desk.hook("demo-city", event)
    assert (reply.status, reply.pointers) == (422, pointers)
    assert desk.rows() == before


def test_a_refused_post_may_be_mended_under_the_same_id(desk: Desk) -> None:
    assert desk.hook("demo-city", a_notice(kind="x"), id="msg_1").status == 422
    assert desk.hook("demo-city", a_notice(), id="msg_1").status == 202


def test_a_test_never_reaches_the_public(desk: Desk) -> None:
    assert desk.hook("demo-city", a_notice("n1", status="test")).json["ignored"] == [{"ref": "n1", "code": "test"}]
    desk.publish()
    assert desk.broadcasts() == []


def test_the_same_notice_again_sends_nothing(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1"))
    desk.publish()
    assert desk.hook("demo-city", a_notice("n1")).json["ignored"] == [{"ref": "n1", "code": "unchanged"}]
    desk.publish()
    assert told(desk) == [("published", "Red Line: shuttle buses")]


def test_a_notice_posted_again_before_the_first_is_published_sends_nothing(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1"))
    assert desk.hook("demo-city", a_notice("n1")).json["ignored"] == [{"ref": "n1", "code": "unchanged"}]


EN = {"en": {"title": "Changed", "body": "New words."}}


@pytest.mark.parametrize(
    ("second", "answer", "acts"),
    [
        ({"revision": 2, "content": EN}, ["n1"], ["published", "updated"]),
        ({"revision": 2}, "unchanged", ["published"]),
        ({"revision": 1, "content": EN}, "unchanged", ["published"]),
        ({"revision": 0, "content": EN}, "older_revision", ["published"]),
        ({"revision": None, "content": EN}, ["n1"], ["published", "updated"]),
        ({"revision": None}, "unchanged", ["published"]),
        ({"revision": 2, "topics": ["events"]}, ["n1"], ["published", "updated"]),
        ({"revision": 2, "expires_at": "2026-12-01T20:00:00Z"}, ["n1"], ["published", "updated"]),
    ],
    ids=["newer, changed", "newer, the same", "same, changed", "older", "unnumbered, changed", "unnumbered, the same", "other topics", "other expiry"],
)
def test_revision_and_words_decide_about_an_update(desk: Desk, second: dict[str, Any], answer: Any, acts: list[str]) -> None:
    desk.hook("demo-city", a_notice("n1"))
    desk.publish()
    _begin_all(desk)
    reply = desk.hook("demo-city", a_notice("n1", type="notice.updated", **second)).json
    assert reply["accepted"] == (answer if isinstance(answer, list) else [])
    assert [one["code"] for one in reply["ignored"]] == ([] if isinstance(answer, list) else [answer])
    desk.publish()
    assert [act for act, _ in told(desk)] == acts


def test_an_update_of_what_was_never_said_is_a_first_word(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1", type="notice.updated"))
    desk.publish()
    assert told(desk) == [("published", "Red Line: shuttle buses")]


def test_a_cancellation_goes_to_the_same_people_in_the_words_they_know(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1", topics=["events"], channels=["sms"]))
    desk.publish()
    _begin_all(desk)
    assert desk.hook("demo-city", {"type": "notice.cancelled", "data": {"ref": "n1", "revision": 2}}).json["accepted"] == ["n1"]
    desk.publish()
    (_, first), (broadcast, second) = desk.broadcasts()
    assert (second.act, second.texts, second.kind) == (Act.CANCELLED, first.texts, first.kind)
    assert (broadcast.audience.topics, [str(one) for one in broadcast.audience.channels]) == (("events",), ["sms"])
    assert desk.hook("demo-city", {"type": "notice.cancelled", "data": {"ref": "n1"}}).json["ignored"] == [{"ref": "n1", "code": "unchanged"}]


def test_a_cancellation_of_what_was_never_said_is_ignored(desk: Desk) -> None:
    assert desk.hook("demo-city", {"type": "notice.cancelled", "data": {"ref": "n1"}}).json["ignored"] == [{"ref": "n1", "code": "unknown"}]


@pytest.mark.parametrize("said_before", [False, True], ids=["never said", "said before"])
def test_an_ended_notice_is_ignored_and_said_so(desk: Desk, said_before: bool) -> None:
    if said_before:
        desk.hook("demo-city", a_notice("n1"))
        desk.publish()
        _begin_all(desk)
    reply = desk.hook("demo-city", {"type": "notice.ended", "data": {"ref": "n1", "revision": 2}})
    assert reply.json["ignored"] == [{"ref": "n1", "code": "ended"}]
    desk.publish()
    assert len(desk.broadcasts()) == said_before


@pytest.mark.parametrize("type", ["notice.ended", "notice.cancelled"])
def test_what_is_over_before_anybody_was_told_is_never_told(desk: Desk, type: str) -> None:
    desk.hook("demo-city", a_notice("n1", send_at="2026-12-02T08:00:00Z"))
    desk.publish()
    desk.hook("demo-city", {"type": type, "data": {"ref": "n1"}})
    desk.publish()
    ((broadcast, _),) = desk.broadcasts()
    assert broadcast.state is BroadcastState.STOPPED
    desk.hook("demo-city", a_notice("n1", revision=None))
    desk.publish()
    assert [act for act, _ in told(desk)] == ["published", "published"]


def test_a_change_before_anybody_was_told_replaces_the_first_word(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1", send_at="2026-12-02T08:00:00Z"))
    desk.publish()
    desk.hook("demo-city", a_notice("n1", revision=2, content=EN, send_at="2026-12-02T08:00:00Z"))
    desk.publish()
    assert [(broadcast.state, content.act) for broadcast, content in desk.broadcasts()] == [
        (BroadcastState.STOPPED, Act.PUBLISHED),
        (BroadcastState.SCHEDULED, Act.PUBLISHED),
    ]


def test_a_change_while_the_first_word_is_sent_stops_the_first(desk: Desk) -> None:
    desk.hook("demo-city", a_notice("n1"))
    desk.publish()
    _begin_all(desk)
    desk.hook("demo-city", a_notice("n1", revision=2, content=EN))
    desk.publish()
    (first, _), (second, content) = desk.broadcasts()
    assert first.stop_at is not None
    assert (second.stop_at, content.act) == (None, Act.UPDATED)


@pytest.mark.parametrize(
    ("source", "state"),
    [("demo-city", BroadcastState.SCHEDULED), ("wire", BroadcastState.AWAITING_APPROVAL)],
    ids=["trusted", "not trusted"],
)
def test_an_urgent_notice_waits_for_a_person_unless_its_source_is_trusted(tmp_path: Path, source: str, state: BroadcastState) -> None:
    city = Path("city.toml").read_text("utf-8") + '\n[sources.wire]\nformat = "notice"\n'
    desk = Desk(tmp_path, city=city)
    assert desk.hook(source, a_notice("n1", kind="emergency")).json["accepted"] == ["n1"]
    desk.publish()
    ((broadcast, _),) = desk.broadcasts()
    assert (broadcast.urgent, broadcast.state, broadcast.approval is None) == (True, state, state is BroadcastState.AWAITING_APPROVAL)
    assert len(desk.queued("launch")) == (state is BroadcastState.SCHEDULED)


# --- format gtfs-rt --------------------------------------------------------------------------------------------------


def test_a_feed_goes_to_the_topics_of_its_routes(desk: Desk) -> None:
    stops = an_alert("stops", informed_entity=[{"stop_id": "9"}])
    other = an_alert("other", informed_entity=[{"route_id": "77"}])
    reply = desk.hook("demo-transit", a_feed(an_alert("red"), stops, other))
    assert reply.json["accepted"] == ["red", "stops", "other"]
    desk.publish()
    assert {(one.audience.topics, one.audience.include_below, one.audience.reached) for one, _ in desk.broadcasts()} == {
        (("transit/red-line",), False, ("transit", "transit/red-line")),
        (("transit",), True, ("transit", "transit/red-line")),
        (("transit",), False, ("transit",)),
    }


def test_an_alert_of_several_routes_is_one_broadcast_to_all_their_topics(tmp_path: Path) -> None:
    city = Path("city.toml").read_text("utf-8").replace('routes = { Red = "transit/red-line"', 'routes = { E = "events", Red = "transit/red-line"')
    desk = Desk(tmp_path, city=city)
    desk.hook("demo-transit", a_feed(an_alert(informed_entity=[{"route_id": "Red"}, {"route_id": "E"}, {"route_id": "red-line"}])))
    desk.publish()
    ((broadcast, _),) = desk.broadcasts()
    assert broadcast.audience.topics == ("transit/red-line", "events")


def test_an_alert_of_no_topic_is_ignored(tmp_path: Path) -> None:
    city = Path("city.toml").read_text("utf-8").replace('default_topic = "transit"\n', "")
    desk = Desk(tmp_path, city=city)
    reply = desk.hook("demo-transit", a_feed(an_alert("a", informed_entity=[{"route_id": "77"}]), an_alert("b", informed_entity=None)))
    assert reply.json["ignored"] == [{"ref": "a", "code": "no_topic"}, {"ref": "b", "code": "no_topic"}]


def test_what_is_over_or_says_nothing_is_ignored(desk: Desk) -> None:
    past = an_alert("past", active_period=[{"start": 1, "end": NOON - 1}])
    reply = desk.hook("demo-transit", a_feed(past, an_alert("mute", header_text={}, description_text={})))
    assert reply.json == {
        "id": reply.json["id"],
        "accepted": [],
        "ignored": [{"ref": "past", "code": "ended"}, {"ref": "mute", "code": "no_text"}],
    }
    assert desk.queued("intake") == []


@pytest.mark.parametrize(
    ("changes", "acts"),
    [
        ({}, ["published"]),
        ({"cause": "STRIKE", "url": "https://x.org"}, ["published"]),
        ({"active_period": [{"start": NOON - 3600, "end": NOON + 3600 + 599}]}, ["published"]),
        ({"active_period": [{"start": NOON - 3600, "end": NOON + 3600 + 600}]}, ["published", "updated"]),
        ({"active_period": [{"start": NOON - 3600}]}, ["published", "updated"]),
        ({"active_period": [{"start": NOON - 3000, "end": NOON + 3600}]}, ["published", "updated"]),
        ({"active_period": [{"start": NOON - 3600, "end": NOON + 3600}, {"start": NOON + 7200}]}, ["published", "updated"]),
        ({"description_text": "Now with buses."}, ["published", "updated"]),
        ({"effect": "NO_EFFECT"}, ["published", "updated"]),
        ({"closed_timestamp": NOON}, ["published"]),
    ],
    ids=[
        "the same",
        "cause and link",
        "ends 9:59 later",
        "ends 10 min later",
        "end dropped",
        "starts later",
        "one more period",
        "other words",
        "no effect",
        "closed",
    ],
)
def test_only_what_riders_see_makes_an_update(desk: Desk, changes: dict[str, Any], acts: list[str]) -> None:
    desk.hook("demo-transit", a_feed())
    desk.publish()
    _begin_all(desk)
    desk.hook("demo-transit", a_feed(an_alert(**changes)))
    desk.publish()
    assert [act for act, _ in told(desk)] == acts


def test_an_end_that_creeps_is_an_update_once_it_has_crept_ten_minutes(desk: Desk) -> None:
    for minutes in (0, 6, 9, 12):
        desk.hook("demo-transit", a_feed(an_alert(active_period=[{"start": NOON - 3600, "end": NOON + 3600 + minutes * 60}])))
        desk.publish()
    assert len(desk.broadcasts()) == 2


def test_an_alert_that_left_the_feed_is_not_over(desk: Desk) -> None:
    desk.hook("demo-transit", a_feed(an_alert("a"), an_alert("b")))
    desk.publish()
    desk.hook("demo-transit", a_feed(an_alert("a")))
    assert desk.hook("demo-transit", a_feed(an_alert("a"), an_alert("b"))).json["ignored"] == [
        {"ref": "a", "code": "unchanged"},
        {"ref": "b", "code": "unchanged"},
    ]


def test_an_alert_to_be_told_later_is_scheduled(desk: Desk) -> None:
    later = {"start": NOON + 7200, "end": NOON + 9000}
    desk.hook("demo-transit", a_feed(an_alert(communication_period=[later], impact_period=[later])))
    desk.publish()
    ((broadcast, _),) = desk.broadcasts()
    assert broadcast.send_at.instant == NOW + timedelta(hours=2)
    assert desk.queued("launch") == []


@pytest.mark.parametrize(
    ("periods", "expires_at"),
    [
        (None, NOW + timedelta(hours=24, seconds=1)),
        ([{"start": NOON - 60}], NOW + timedelta(hours=24, seconds=1)),
        ([{"start": NOON - 60, "end": NOON + 3600}], NOW + timedelta(hours=1)),
    ],
    ids=["none", "open", "closed"],
)
def test_an_alert_without_an_end_holds_for_a_day(desk: Desk, periods: Any, expires_at: datetime) -> None:
    desk.hook("demo-transit", a_feed(an_alert(active_period=periods)))
    desk.publish()
    ((broadcast, _),) = desk.broadcasts()
    assert broadcast.expires_at == expires_at


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [(b"\xff\xfe not protobuf", PROTOBUF, 400), (b"", PROTOBUF, 400), (b'{"entity": [', "application/json", 400), (b"[]", "application/json", 422)],
    ids=["broken protobuf", "empty", "broken json", "a list"],
)
def test_a_broken_feed_is_refused_and_nothing_kept(desk: Desk, body: bytes, content_type: str, status: int) -> None:
    before = desk.rows()
    reply = desk.hook("demo-transit", body, content_type=content_type)
    assert (reply.status, desk.rows()) == (status, before)
    assert reply.json["detail"]


def test_a_large_first_feed_is_kept_whole_and_published(desk: Desk) -> None:
    alerts = [an_alert(f"a{number}", description_text=f"{number} " + "Buses go another way. " * 60) for number in range(240)]
    reply = desk.hook("demo-transit", a_feed(*alerts))
    assert len(reply.json["accepted"]) == 240
    desk.publish()
    assert len(desk.services.store.broadcasts.page(limit=100)[0]) == 100
    assert len(desk.queued("launch")) == 240
    assert len(desk.hook("demo-transit", a_feed(*alerts)).json["ignored"]) == 240


# --- when the queue forgets ------------------------------------------------------------------------------------------


def test_a_post_whose_queue_message_was_lost_is_found_by_the_sweep(desk: Desk) -> None:
    reply = desk.hook("demo-city", a_notice("n1"))
    assert len(desk.queued("intake")) == 1
    desk.clock.advance(timedelta(seconds=61))
    sweep(services=desk.services)
    assert desk.queued("intake") == [json.dumps({"post": reply.json["id"]})]


def test_a_post_that_is_done_leaves_nothing_open(desk: Desk) -> None:
    reply = desk.hook("demo-city", a_notice("n1"))
    desk.publish()
    desk.clock.advance(timedelta(days=1))
    assert desk.services.store.posts.due(desk.clock()) == []
    post = desk.services.store.posts.get(reply.json["id"])
    assert post is not None
    assert desk.services.store.posts.work(post) == []


def _begin_all(desk: Desk) -> None:
    """Everything scheduled for now is being sent."""
    for broadcast, _ in desk.broadcasts():
        desk.services.store.broadcasts.launch(broadcast, launch="l1", now=desk.clock())
