"""`/v1/broadcasts`: posted once, counted, scheduled, approved, looked at, stopped."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.notice import Act
from chalicelib.feeds.native import read_fields
from chalicelib.flows.post_broadcast import Order, post_broadcast
from chalicelib.flows.preview import preview
from chalicelib.store.requests import RequestName
from tests.intake.desk import Desk, a_broadcast

BOTH = (Channel.SMS, Channel.EMAIL)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def posted(desk: Desk, **changes: object) -> str:
    reply = desk.post("/v1/broadcasts", a_broadcast(**changes))
    assert reply.status == 202, reply.json
    return str(reply.json["id"])


# --- posting ---------------------------------------------------------------------------------------------------------


def test_a_broadcast_is_accepted_with_what_it_comes_to(desk: Desk) -> None:
    for _ in range(3):
        desk.follower("transit/red-line", channels=BOTH, locale="es")
    desk.follower("transit", locale="en")
    desk.follower("events")
    reply = desk.post("/v1/broadcasts", a_broadcast())
    assert reply.status == 202
    assert reply.json == {
        "id": reply.json["id"],
        "state": "scheduled",
        "audience": {"sms": 4, "email": 3, "kiosk": 0},
        "audience_exact": True,
        "parts": {"en": 1, "es": 1},
        "cost": {"micros": 4 * 11_000, "currency": "USD"},
        "finishes_at": "2026-12-01T12:00:01Z",
    }
    assert reply.headers["Location"] == f"https://alerts.example.gov/v1/broadcasts/{reply.json['id']}"
    assert desk.queued("launch") == [json.dumps({"broadcast": reply.json["id"]})]


def test_it_is_kept_with_its_approval_its_notice_and_one_audit_entry(desk: Desk) -> None:
    name = posted(desk, link="https://city.example/r", expires_at="2026-12-01T23:00:00Z", channels=["kiosk", "sms"])
    ((broadcast, content),) = desk.broadcasts()
    assert (broadcast.state, broadcast.author, broadcast.urgent) == (BroadcastState.SCHEDULED, "communicator", False)
    assert broadcast.approval is not None
    assert (broadcast.approval.by, broadcast.approval.rule, broadcast.approval.hash) == ("communicator", "routine", broadcast.content_hash)
    assert broadcast.audience.channels == (Channel.SMS, Channel.KIOSK)
    assert broadcast.audience.reached == ("transit", "transit/red-line")
    assert (content.act, content.revision, content.language, content.link) == (Act.PUBLISHED, 1, "en", "https://city.example/r")
    assert content.expires_at == datetime(2026, 12, 1, 23, tzinfo=UTC)
    assert desk.services.store.notices.get(content.notice).broadcast == name
    assert [(one.who, one.what) for one in desk.services.store.audit.of(name)] == [("communicator", "broadcast.created")]


def test_who_is_on_several_topics_counts_once(desk: Desk) -> None:
    desk.follower("transit", "transit/red-line", "events", channels=BOTH)
    reply = desk.post("/v1/broadcasts", a_broadcast(topics=["transit/red-line", "events"]))
    assert reply.json["audience"] == {"sms": 1, "email": 1, "kiosk": 0}


def test_topics_below_are_reached_only_when_asked(desk: Desk) -> None:
    desk.follower("transit/red-line")
    counts = [desk.post("/v1/broadcasts", a_broadcast(topics=["transit"], include_below=below)).json["audience"]["sms"] for below in (False, True)]
    assert counts == [0, 1]


def test_a_known_topic_that_nobody_follows_is_accepted(desk: Desk) -> None:
    reply = desk.post("/v1/broadcasts", a_broadcast(topics=["jobs"]))
    assert (reply.status, reply.json["audience"]) == (202, {"sms": 0, "email": 0, "kiosk": 0})


def test_only_the_channels_asked_for_are_counted(desk: Desk) -> None:
    desk.follower("transit", channels=BOTH)
    reply = desk.post("/v1/broadcasts", a_broadcast(topics=["transit"], channels=["email"])).json
    assert (reply["audience"], reply["parts"], reply["cost"]["micros"]) == ({"email": 1}, {}, 0)


def test_nulls_mean_left_out(desk: Desk) -> None:
    body = a_broadcast() | {"link": None, "expires_at": None, "send_at": None, "channels": None}
    reply = desk.post("/v1/broadcasts", body)
    assert (reply.status, set(reply.json["audience"])) == (202, {"sms", "email", "kiosk"})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"topics": ["nowhere"]}, ("#/topics/0", "unknown_topic")),
        ({"topics": ["transit", "trаnsit"]}, ("#/topics/1", "bad_form")),
        ({"topics": []}, ("#/topics", "too_few")),
        ({"topics": None}, ("#/topics", "missing")),
        ({"topics": [f"t{number}" for number in range(21)]}, ("#/topics", "too_many")),
        ({"topics": ["transit", "transit"]}, ("#/topics", "repeated")),
        ({"content": {"es": {"title": "x", "body": "y"}}}, ("#/content/en", "missing")),
        ({"content": {"en": {"title": "x"}}}, ("#/content/en/body", "missing")),
        ({"content": {"en": {"title": " ", "body": "y"}}}, ("#/content/en/title", "bad_form")),
        ({"content": {"en": {"title": "x\r\ny", "body": "y"}}}, ("#/content/en/title", "bad_form")),
        ({"content": {"en": {"title": "x", "body": "y"}, "../en": {"title": "x", "body": "y"}}}, ("#/content/..~1en", "bad_name")),
        (
            {"content": {"en": {"title": "x", "body": "y"}, "zh-CN": {"title": "x", "body": "y"}, "zh-Hans": {"title": "x", "body": "y"}}},
            ("#/content/zh-Hans", "language_twice"),
        ),
        ({"expires_at": "2026-12-01T12:00:00Z"}, ("#/expires_at", "expired")),
        ({"expires_at": "2026-02-30T12:00:00Z"}, ("#/expires_at", "invalid_time")),
        ({"expires_at": "2026-12-01T24:00:00Z"}, ("#/expires_at", "invalid_time")),
        ({"expires_at": "2026-12-02T12:00:00"}, ("#/expires_at", "invalid_time")),
        ({"expires_at": "2026-12-01T18:00:00Z", "send_at": "2026-12-01T19:00:00Z"}, ("#/expires_at", "expired")),
        ({"send_at": "2026-12-01T11:58:00Z"}, ("#/send_at", "in_the_past")),
        ({"send_at": "9999-12-01T11:58:00Z"}, ("#/send_at", "invalid_time")),
        ({"send_at": "2028-12-01T11:58:00Z"}, ("#/send_at", "too_far")),
        ({"send_at": {"local": "2027-03-14T02:30", "zone": "America/New_York"}}, ("#/send_at/local", "time_skipped")),
        ({"send_at": {"local": "2027-11-07T01:30", "zone": "America/New_York"}}, ("#/send_at/local", "time_twice")),
        ({"send_at": {"local": "2027-11-07T01:30", "zone": "America/New_York", "offset": "-03:00"}}, ("#/send_at/offset", "wrong_offset")),
        ({"send_at": {"local": "2027-11-07T01:30", "zone": "America/New_York", "offset": "EST"}}, ("#/send_at/offset", "bad_form")),
        ({"send_at": {"local": "2026-12-01T07:30", "zone": "../../etc/passwd"}}, ("#/send_at/zone", "unknown_zone")),
        ({"send_at": {"local": "2026-12-01T07:30"}}, ("#/send_at/zone", "missing")),
        ({"send_at": {"local": "2026-12-02T07:30", "zone": "America/New_York", "x": 1}}, ("#/send_at/x", "unknown_field")),
        ({"link": "javascript:alert(1)"}, ("#/link", "bad_form")),
        ({"link": "https://x.org/" + "a" * 1000}, ("#/link", "too_long")),
        ({"link": "https://"}, ("#/link", "bad_form")),
        ({"channels": []}, ("#/channels", "too_few")),
        ({"channels": ["fax"]}, ("#/channels/0", "not_one_of")),
        ({"urgency": "soon"}, ("#/urgency", "not_one_of")),
        ({"include_below": 1}, ("#/include_below", "wrong_type")),
        ({"id": "bc_1"}, ("#/id", "unknown_field")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_field_is_named_and_nothing_kept(desk: Desk, changes: dict[str, Any], problem: tuple[str, str]) -> None:
    before = desk.rows()
    reply = desk.post("/v1/broadcasts", a_broadcast(**changes))
    assert reply.status == 422
    assert problem in reply.pointers
    assert (desk.rows(), desk.queued("launch")) == (before, [])


# --- when ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("send_at", "instant", "local"),
    [
        ({"local": "2026-12-02T07:30", "zone": "America/New_York"}, datetime(2026, 12, 2, 12, 30, tzinfo=UTC), "2026-12-02T07:30"),
        (
            {"local": "2027-11-07T01:30", "zone": "America/New_York", "offset": "-04:00"},
            datetime(2027, 11, 7, 5, 30, tzinfo=UTC),
            "2027-11-07T01:30",
        ),
        (
            {"local": "2027-11-07T01:30", "zone": "America/New_York", "offset": "-05:00"},
            datetime(2027, 11, 7, 6, 30, tzinfo=UTC),
            "2027-11-07T01:30",
        ),
        ({"local": "2026-12-02T07:30", "zone": "America/New_York", "offset": None}, datetime(2026, 12, 2, 12, 30, tzinfo=UTC), "2026-12-02T07:30"),
        ("2026-12-02T07:30:00-05:00", datetime(2026, 12, 2, 12, 30, tzinfo=UTC), None),
        ("2026-12-01T11:59:30Z", datetime(2026, 12, 1, 12, 0, tzinfo=UTC), None),
        (None, datetime(2026, 12, 1, 12, 0, tzinfo=UTC), None),
    ],
    ids=["wall time", "the first of two", "the second of two", "no offset", "moment", "half a minute ago", "now"],
)
def test_a_broadcast_is_sent_when_it_says(desk: Desk, send_at: Any, instant: datetime, local: str | None) -> None:
    name = posted(desk, send_at=send_at)
    shown = desk.get(f"/v1/broadcasts/{name}").json
    assert shown["send_at"]["local"] == local
    ((broadcast, content),) = desk.broadcasts()
    assert (broadcast.send_at.instant, content.expires_at) == (instant, instant + timedelta(hours=24))


@pytest.mark.parametrize(("minutes", "queued"), [(0, 1), (15, 1), (16, 0)], ids=["now", "within the queue's reach", "beyond it"])
def test_a_launch_is_queued_only_within_the_queues_reach(desk: Desk, minutes: int, queued: int) -> None:
    posted(desk, send_at=(desk.clock() + timedelta(minutes=minutes)).isoformat())
    assert len(desk.queued("launch")) == (queued if minutes == 0 else 0)
    desk.clock.advance(timedelta(minutes=minutes))
    assert len(desk.queued("launch")) == (0 if minutes == 0 else queued)


# --- once ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["k1", '"k1"', "  k1  "])
def test_the_same_key_and_body_get_the_first_answer_again(desk: Desk, spelling: str) -> None:
    first = desk.post("/v1/broadcasts", a_broadcast(), name="k1")
    rows = desk.rows()
    desk.follower("transit")
    rows_with_follower = desk.rows()
    desk.clock.advance(timedelta(hours=71))
    again = desk.post("/v1/broadcasts", dict(reversed(a_broadcast().items())), name=spelling)
    assert (again.status, again.json, again.headers["Location"]) == (202, first.json, first.headers["Location"])
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert (desk.rows(), rows < rows_with_follower) == (rows_with_follower, True)


def test_what_was_right_then_is_answered_again_though_it_would_be_late_now(desk: Desk) -> None:
    body = a_broadcast(send_at="2026-12-01T13:00:00Z", expires_at="2026-12-01T14:00:00Z")
    desk.post("/v1/broadcasts", body, name="k1")
    desk.clock.advance(timedelta(hours=5))
    assert desk.post("/v1/broadcasts", body, name="k1").status == 202


def test_the_same_key_with_another_body_is_refused(desk: Desk) -> None:
    desk.post("/v1/broadcasts", a_broadcast(), name="k1")
    reply = desk.post("/v1/broadcasts", a_broadcast(severity="minor"), name="k1")
    assert (reply.status, reply.code) == (422, "key_reused")


def test_a_key_counts_for_its_owner_only(desk: Desk) -> None:
    first = desk.post("/v1/broadcasts", a_broadcast(), name="k1")
    other = desk.post("/v1/broadcasts", a_broadcast(), name="k1", key="second")
    assert first.json["id"] != other.json["id"]


def test_a_key_is_free_again_after_72_hours(desk: Desk) -> None:
    first = desk.post("/v1/broadcasts", a_broadcast(), name="k1")
    desk.clock.advance(timedelta(hours=72, seconds=1))
    assert desk.post("/v1/broadcasts", a_broadcast(), name="k1").json["id"] != first.json["id"]


def test_a_refused_request_may_be_mended_under_the_same_key(desk: Desk) -> None:
    assert desk.post("/v1/broadcasts", a_broadcast(kind="x"), name="k1").status == 422
    assert desk.post("/v1/broadcasts", a_broadcast(), name="k1").status == 202


@pytest.mark.parametrize(
    "name",
    ["", " ", '""', "x" * 256, "é", "a\x00b", '"a"b"' + "x" * 255],
    ids=["empty", "blank", "empty in quotes", "long", "no ascii", "null", "long with quotes"],
)
def test_a_request_without_a_usable_key_is_malformed(desk: Desk, name: str) -> None:
    reply = desk.post("/v1/broadcasts", a_broadcast(), name=name or " ")
    assert (reply.status, reply.code) == (400, "no_idempotency_key")


def test_no_key_at_all_is_malformed(desk: Desk) -> None:
    headers = {"content-type": "application/json", "authorization": "Bearer key-of-communicator"}
    assert desk.call("POST", "/v1/broadcasts", json.dumps(a_broadcast()).encode(), headers).status == 400


def test_the_same_request_many_times_at_once_is_one_broadcast(desk: Desk) -> None:
    desk.services.renderer()
    answers: list[Any] = []
    notice = read_fields(a_broadcast(), topics=desk.city.topics, sent=desk.clock())  # type: ignore[arg-type]
    order = Order(notice, None, "communicator", RequestName("communicator", "POST", "k1"), "hash")
    found = preview(notice, None, services=desk.services)

    def post() -> None:
        answers.append(post_broadcast(order, found, services=desk.services))

    threads = [threading.Thread(target=post) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.answer["id"] for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(desk.broadcasts()) == 1


# --- who may -------------------------------------------------------------------------------------------------------


ROUTES = [
    ("GET", "/v1/topics", "topics:read", "approver"),
    ("GET", "/v1/broadcasts", "broadcasts:read", "second"),
    ("GET", "/v1/broadcasts/bc_1", "broadcasts:read", "second"),
    ("POST", "/v1/broadcasts", "broadcasts:write", "approver"),
    ("POST", "/v1/broadcasts/preview", "broadcasts:write", "approver"),
    ("POST", "/v1/broadcasts/bc_1/approve", "broadcasts:approve", "communicator"),
    ("POST", "/v1/broadcasts/bc_1/stop", "broadcasts:write", "approver"),
    ("GET", "/v1/kiosks", "kiosks:read", "communicator"),
    ("POST", "/v1/kiosks", "kiosks:write", "communicator"),
    ("GET", "/v1/switches", "switches:read", "communicator"),
    ("POST", "/v1/switches", "switches:write", "communicator"),
]


@pytest.mark.parametrize(("method", "path", "scope", "other"), ROUTES, ids=[f"{method} {path}" for method, path, *_ in ROUTES])
def test_every_route_wants_a_known_key_with_its_scope(desk: Desk, method: str, path: str, scope: str, other: str) -> None:
    body = json.dumps(a_broadcast()).encode() if method == "POST" else b""
    usual = {"content-type": "application/json", "idempotency-key": "k"}
    for given in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic a2V5"}, {"authorization": "Bearer "}, {"authorization": "Bearer " + "x" * 300}):
        reply = desk.call(method, path, body, usual | given)
        assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, 'Bearer realm="belfry"')
    reply = desk.call(method, path, body, usual | {"authorization": f"Bearer key-of-{other}"})
    assert (reply.status, reply.code) == (403, "missing_scope")
    assert scope in reply.json["detail"]


# --- approval --------------------------------------------------------------------------------------------------------


def approval(desk: Desk, name: str, *, key: str = "approver", body: object = None) -> Any:
    return desk.post(f"/v1/broadcasts/{name}/approve", body, key=key)


@pytest.mark.parametrize(
    "changes",
    [{"kind": "emergency"}, {"severity": "severe", "urgency": "immediate"}, {"severity": "extreme", "urgency": "immediate"}],
    ids=["emergency", "severe and immediate", "extreme and immediate"],
)
def test_an_urgent_broadcast_waits_for_a_second_person(desk: Desk, changes: dict[str, Any]) -> None:
    name = posted(desk, **changes)
    ((broadcast, _),) = desk.broadcasts()
    assert (broadcast.state, broadcast.approval, broadcast.urgent) == (BroadcastState.AWAITING_APPROVAL, None, True)
    assert desk.queued("launch") == []
    desk.clock.advance(timedelta(minutes=1))
    reply = approval(desk, name)
    assert (reply.status, reply.json["state"], reply.json["approval"]["by"]) == (200, "scheduled", "approver")
    assert reply.json["approval"]["hash"] == reply.json["content_hash"]
    assert len(desk.queued("launch")) == 1
    assert [(one.who, one.what) for one in desk.services.store.audit.of(name)] == [("communicator", "broadcast.created"), ("approver", "broadcast.approved")]


@pytest.mark.parametrize("changes", [{"severity": "severe"}, {"severity": "extreme", "urgency": "expected"}, {"severity": "moderate", "urgency": "immediate"}])
def test_what_is_not_both_bad_and_soon_is_routine(desk: Desk, changes: dict[str, Any]) -> None:
    assert desk.post("/v1/broadcasts", a_broadcast(**changes)).json["state"] == "scheduled"


def test_approving_twice_changes_nothing(desk: Desk) -> None:
    name = posted(desk, kind="emergency")
    first, second = approval(desk, name), approval(desk, name)
    assert (second.status, second.json["approval"]) == (200, first.json["approval"])
    assert len(desk.services.store.audit.of(name)) == 2


def test_the_author_may_not_approve(desk: Desk) -> None:
    reply = desk.post("/v1/broadcasts", a_broadcast(kind="emergency"), key="admin")
    refused = approval(desk, reply.json["id"], key="admin")
    assert (refused.status, refused.code) == (403, "own_broadcast")


def test_only_what_was_seen_is_approved(desk: Desk) -> None:
    name = posted(desk, kind="emergency")
    seen = desk.get(f"/v1/broadcasts/{name}").json["content_hash"]
    assert approval(desk, name, body={"content_hash": "0" * 64}).code == "changed"
    assert approval(desk, name, body={"content_hash": seen}).status == 200


@pytest.mark.parametrize(("body", "status"), [({"x": 1}, 422), ([], 422)], ids=["unknown field", "a list"])
def test_an_approval_with_a_wrong_body_is_refused(desk: Desk, body: Any, status: int) -> None:
    assert approval(desk, posted(desk, kind="emergency"), body=body).status == status


def test_what_waits_for_no_approval_or_is_unknown_is_refused(desk: Desk) -> None:
    assert approval(desk, posted(desk)).code == "not_awaiting_approval"
    assert approval(desk, "bc_" + "0" * 32).status == 404
    stopped = posted(desk, kind="emergency")
    desk.post(f"/v1/broadcasts/{stopped}/stop")
    assert approval(desk, stopped).status == 409


def test_what_expired_while_it_waited_is_not_approved(desk: Desk) -> None:
    name = posted(desk, kind="emergency", expires_at="2026-12-01T13:00:00Z")
    desk.clock.advance(timedelta(hours=1))
    assert approval(desk, name).code == "expired"


def test_an_approval_ahead_of_its_time_leaves_the_time(desk: Desk) -> None:
    name = posted(desk, kind="emergency", send_at="2026-12-01T18:00:00Z")
    approval(desk, name)
    assert desk.queued("launch") == []
    assert desk.services.store.broadcasts.due(datetime(2026, 12, 1, 17, 59, tzinfo=UTC)) == []
    assert desk.services.store.broadcasts.due(datetime(2026, 12, 1, 18, 0, tzinfo=UTC)) == [name]


# --- looking ---------------------------------------------------------------------------------------------------------


def test_a_broadcast_is_shown_whole(desk: Desk) -> None:
    name = posted(desk, send_at={"local": "2026-12-02T07:30", "zone": "America/New_York"}, link="https://x.org")
    shown = desk.get(f"/v1/broadcasts/{name}").json
    assert (shown["id"], shown["state"], shown["kind"], shown["act"]) == (name, "scheduled", "transit", "published")
    assert shown["send_at"] == {"instant": "2026-12-02T12:30:00Z", "local": "2026-12-02T07:30", "zone": "America/New_York"}
    assert shown["content"]["es"] == {"title": "Línea Roja", "body": "Autobuses.", "link": None}
    zeros = dict.fromkeys(("held", "queued", "attempting", "unknown", "accepted", "delivered", "failed", "expired", "unconfirmed"), 0)
    assert shown["counts"] == {channel: zeros | {"skipped": {}} for channel in ("sms", "email", "kiosk")}


@pytest.mark.parametrize(
    "path", ["bc_" + "0" * 32, "..%2f..%2fetc", "%00", "%", "x" * 4096, "bc_'; --"], ids=["unknown", "path", "null", "percent", "long", "quote"]
)
@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("POST", "/approve"), ("POST", "/stop")])
def test_an_unknown_broadcast_is_not_found(desk: Desk, path: str, method: str, tail: str) -> None:
    reply = desk.call(method, f"/v1/broadcasts/{path}{tail}", headers={"authorization": "Bearer key-of-admin"})
    assert (reply.status, reply.code) == (404, "not_found")


def test_broadcasts_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    names = []
    for _ in range(5):
        names.append(posted(desk))
        desk.clock.advance(timedelta(seconds=1))
    seen, path, sizes = [], "/v1/broadcasts?limit=2", []
    while path:
        reply = desk.get(path)
        seen += [one["id"] for one in reply.json["data"]]
        sizes.append(len(reply.json["data"]))
        cursor = reply.json["next_cursor"]
        assert reply.json["has_more"] is (cursor is not None)
        assert ("Link" in reply.headers) is (cursor is not None)
        path = f"/v1/broadcasts?limit=2&cursor={cursor}" if cursor else ""
    assert (seen, sizes[:2]) == (names[::-1], [2, 2])


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=٣", "limit=1&limit=2", "limit=1e3", "cursor=x", "cursor=", "cursor=a&cursor=b"],
)
def test_a_wrong_page_is_refused(desk: Desk, query: str) -> None:
    reply = desk.get(f"/v1/broadcasts?{query}")
    assert (reply.status, len(reply.pointers)) == (422, 1)


def test_a_cursor_is_good_for_its_list_only_and_unaltered(desk: Desk) -> None:
    for _ in range(2):
        posted(desk)
        desk.clock.advance(timedelta(seconds=1))
    cursor = desk.get("/v1/broadcasts?limit=1").json["next_cursor"]
    assert desk.get(f"/v1/kiosks?cursor={cursor}", key="admin").status == 422
    assert desk.get(f"/v1/broadcasts?cursor={cursor[:-1]}{'A' if cursor[-1] != 'A' else 'B'}").status == 422


def test_topics_are_listed(desk: Desk) -> None:
    rows = desk.get("/v1/topics").json["data"]
    assert [row["id"] for row in rows] == list(desk.city.topics)
    assert rows[1]["names"]["es"] == "Linea Roja"


# --- dry run and stop ------------------------------------------------------------------------------------------------


def test_a_preview_says_what_it_comes_to_and_keeps_nothing(desk: Desk) -> None:
    desk.follower("transit/red-line", locale="es")
    before = desk.rows()
    reply = desk.post("/v1/broadcasts/preview", a_broadcast(kind="emergency"))
    assert (reply.status, reply.json["state"], reply.json["audience"]["sms"]) == (200, "awaiting_approval", 1)
    assert "Autobuses." in reply.json["messages"]["sms"]["es"]["body"]
    assert "Línea Roja" in reply.json["messages"]["email"]["es"]["subject"]
    assert "{{" not in json.dumps(reply.json["messages"]["email"])
    assert set(reply.json["messages"]["sms"]) == set(desk.city.languages)
    assert (desk.rows(), desk.queued("launch")) == (before, [])


def test_a_preview_refuses_what_a_broadcast_would(desk: Desk) -> None:
    assert desk.post("/v1/broadcasts/preview", a_broadcast(topics=["nowhere"])).pointers == [("#/topics/0", "unknown_topic")]


def test_a_scheduled_broadcast_is_stopped(desk: Desk) -> None:
    name = posted(desk, send_at="2026-12-02T12:00:00Z")
    reply = desk.post(f"/v1/broadcasts/{name}/stop")
    assert (reply.status, reply.json["state"]) == (200, "stopped")
    assert desk.post(f"/v1/broadcasts/{name}/stop").json["stop_at"] == reply.json["stop_at"]


# --- kiosks ----------------------------------------------------------------------------------------------------------

KIOSK = {"id": "pier-9", "name": "Pier 9", "topics": ["transit"], "languages": ["en", "zh_CN"]}


def test_a_kiosk_is_registered_and_its_token_said_once(desk: Desk) -> None:
    reply = desk.post("/v1/kiosks", KIOSK, key="admin")
    assert (reply.status, reply.json["languages"]) == (201, ["en", "zh-Hans"])
    assert desk.services.store.kiosks.of_token(reply.json["token"]) is not None
    again = desk.post("/v1/kiosks", KIOSK | {"name": "Pier nine"}, key="admin")
    assert (again.status, "token" in again.json, again.json["name"]) == (200, False, "Pier nine")
    assert desk.post("/v1/broadcasts", a_broadcast()).json["audience"]["kiosk"] == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"id": "A B"}, "#/id"), ({"topics": ["nowhere"]}, "#/topics"), ({"languages": []}, "#/languages"), ({"x": 1}, "#/x"), ({"name": "a\nb"}, "#/name")],
)
def test_a_wrong_kiosk_is_refused_by_name(desk: Desk, changes: dict[str, Any], pointer: str) -> None:
    reply = desk.post("/v1/kiosks", KIOSK | changes, key="admin")
    assert (reply.status, [at for at, _ in reply.pointers]) == (422, [pointer])


def test_kiosks_are_listed_page_by_page(desk: Desk) -> None:
    for number in range(3):
        desk.post("/v1/kiosks", KIOSK | {"id": f"k{number}"}, key="admin")
    first = desk.get("/v1/kiosks?limit=2", key="admin").json
    second = desk.get(f"/v1/kiosks?limit=2&cursor={first['next_cursor']}", key="admin").json
    assert [one["id"] for one in [*first["data"], *second["data"]]] == ["k0", "k1", "k2"]
    assert (second["next_cursor"], "token" in first["data"][0]) == (None, False)
