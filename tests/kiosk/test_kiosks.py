"""Kiosks, from registering one to what it shows and reports."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.city import KioskPlan
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.notice import Act, Kind, Severity, Text
from chalicelib.domain.playlist import Sent, playlist
from chalicelib.errors import Invalid
from chalicelib.flows.stop_broadcast import stop_broadcast
from tests.kiosk.street import PLAN, Street
from tests.render.notices import FOUR, STARTS, a_notice
from tests.tables import NOON

TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
def street(tmp_path: Path) -> Street:
    return Street(tmp_path)


# --- registering -----------------------------------------------------------------------------------------------------


def test_a_kiosk_gets_a_queue_an_address_its_topics_and_a_token_said_once(street):
    made = street.register(token=None)
    assert made.token
    assert "screen-bell-square" in street.state.queues.names()
    assert [(one.topic, one.channel) for one in street.plain.subscriptions.of(made.kiosk.subscriber)] == [("events", Channel.KIOSK), ("transit", Channel.KIOSK)]
    assert street.plain.kiosks.of_token(made.token) == made.kiosk
    rows = street.state.table.query("K#bell-square").rows
    assert made.token not in str(rows)


def test_registering_again_changes_nothing_and_keeps_the_token(street):
    first = street.register(token=None)
    again = street.register(token=None)
    assert (again.kiosk, again.token) == (first.kiosk, None)
    assert street.plain.kiosks.of_token(str(first.token)) == first.kiosk


def test_the_same_token_given_again_stays_the_token(street):
    assert street.register(token="one").kiosk == street.register(token="one").kiosk
    assert street.plain.kiosks.of_token("one")


def test_a_new_token_ends_the_old_one(street):
    street.register(token="one")
    made = street.register(token="two")
    assert made.kiosk.gen == 2
    assert street.plain.kiosks.of_token("one") is None
    assert street.plain.kiosks.of_token("two") == made.kiosk


def test_changed_topics_join_and_leave(street):
    street.register()
    made = street.register(replace(PLAN, topics=("events", "jobs")))
    assert [one.topic for one in street.plain.subscriptions.of(made.kiosk.subscriber)] == ["events", "jobs"]


def test_kiosks_are_listed(street):
    for number in range(3):
        street.register(replace(PLAN, id=f"k{number}"), token=f"t{number}")
    assert [one.id for one in street.plain.kiosks.all()] == ["k0", "k1", "k2"]


@pytest.mark.parametrize(
    ("plan", "pointer"),
    [
        pytest.param(replace(PLAN, id="Bell Square"), "#/id", id="an id with a space"),
        pytest.param(replace(PLAN, id="x" * 61), "#/id", id="an id too long for a queue's name"),
        pytest.param(replace(PLAN, topics=("nowhere",)), "#/topics", id="an unknown topic"),
        pytest.param(replace(PLAN, topics=()), "#/topics", id="no topic"),
        pytest.param(replace(PLAN, languages=()), "#/languages", id="no language"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_nothing_made(street, plan: KioskPlan, pointer):
    with pytest.raises(Invalid) as refused:
        street.register(plan)
    assert refused.value.problems[0].pointer == pointer
    assert list(street.plain.kiosks.all()) == []


# --- what is up ------------------------------------------------------------------------------------------------------


def test_a_broadcast_is_queued_for_the_screen_and_up_in_every_language(street):
    street.register()
    name = street.say(a_notice(FOUR, expires_at=TOMORROW), "transit/red-line")
    [pushed] = street.state.queues.receive(["screen-bell-square"], 10, 30)
    state = street.get("/kiosk/v1/state").json
    [item] = state["items"]
    assert {tag: text["title"] for tag, text in item["langs"].items()} == {tag: text.title for tag, text in FOUR.items()}
    assert (item["broadcast"], item["ver"], item["fallback"], item["expires_at"]) == (name, 1, "en", "2026-12-02T12:00:00Z")
    assert item["token"] == json.loads(pushed.body)["token"]
    assert (state["langs"], state["tz"], state["kiosk"]) == (["en", "es", "ar", "zh-Hans"], "America/New_York", {"id": "bell-square", "name": "Bell Square"})
    assert street.counts(name)[Channel.KIOSK] == {Mark(State.ACCEPTED): 1}


def test_a_topic_it_does_not_show_is_not_up(street):
    street.register()
    street.say(a_notice(FOUR, expires_at=TOMORROW), "jobs")
    assert street.titles() == []


def test_what_expires_leaves_by_itself(street):
    street.register()
    street.say(a_notice(FOUR, expires_at=NOON + timedelta(minutes=30)))
    street.later(minutes=29)
    assert street.titles() == ["Red Line: shuttle buses"]
    street.later(minutes=1)
    assert street.titles() == []


def test_a_newer_revision_takes_the_place_of_the_older(street):
    street.register()
    street.say(a_notice(FOUR, expires_at=TOMORROW))
    street.say(a_notice({"en": Text("Red Line: now by bus 14", "x")}, act=Act.UPDATED, revision=2, expires_at=TOMORROW))
    assert street.titles() == ["Red Line: now by bus 14"]
    assert street.get("/kiosk/v1/state").json["items"][0]["langs"]["en"]["label"] == "Update"


@pytest.mark.parametrize("act", [Act.CANCELLED, Act.ENDED])
def test_what_is_over_leaves(street, act):
    street.register()
    street.say(a_notice(FOUR, expires_at=TOMORROW))
    street.say(a_notice(FOUR, act=act, revision=2, expires_at=TOMORROW))
    assert street.titles() == []


def test_what_is_stopped_leaves(street):
    street.register()
    street.follower("transit")
    name = street.say(a_notice(FOUR, expires_at=TOMORROW))
    assert len(street.titles()) == 1
    stop_broadcast(name, by="ana", services=street.services)
    assert street.titles() == []


def test_more_history_than_one_read_gives_is_all_looked_at(street):
    street.register()
    for number in range(105):
        street.say(a_notice({"en": Text(f"Notice {number}", "x")}, notice=f"nt_{number}", expires_at=TOMORROW))
    assert sorted(street.titles()) == sorted(f"Notice {number}" for number in range(105))


def test_contents_are_read_once_however_often_the_screen_asks(street):
    street.register()
    street.say(a_notice(FOUR, expires_at=TOMORROW))
    street.titles()
    before = len(street.killer.names)
    street.titles()
    assert len(street.killer.names) - before <= 4, "token, kiosk, history, which were stopped"


ORDERED: list[tuple[str, Callable[[Sent], Sent], list[str]]] = [
    ("as sent", lambda one: one, ["bc_2"]),
    ("the newer stopped: the older does not come back", lambda one: replace(one, stopped=one.broadcast == "bc_2"), []),
    ("the older stopped", lambda one: replace(one, stopped=one.broadcast == "bc_1"), ["bc_2"]),
]


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in ORDERED], ids=[case[0] for case in ORDERED])
def test_of_one_notice_only_the_newest_counts(change, expected):
    sent = [Sent("bc_2", a_notice(revision=2, expires_at=TOMORROW), False, ""), Sent("bc_1", a_notice(revision=1, expires_at=TOMORROW), False, "")]
    for order in (sent, sent[::-1]):
        assert [one.broadcast for one in playlist(map(change, order), NOON)] == expected


# --- asking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        pytest.param(None, {}, id="no token"),
        pytest.param("wrong", {}, id="a wrong one"),
        pytest.param("", {}, id="an empty one"),
        pytest.param("x" * 5000, {}, id="an endless one"),
        pytest.param(None, {"Authorization": "Basic YS10b2tlbg=="}, id="another scheme"),
    ],
)
@pytest.mark.parametrize("method", ["state", "shown"])
def test_without_its_token_a_kiosk_is_told_nothing(street, token, headers, method):
    street.register()
    found = street.get("/kiosk/v1/state", token, **headers) if method == "state" else street.post("/kiosk/v1/shown", {"items": []}, token, **headers)
    assert (found.status, found.json["code"], found.headers["content-type"]) == (401, "unsigned", "application/problem+json")


def test_a_state_that_did_not_change_is_not_said_twice(street):
    street.register()
    street.say(a_notice(FOUR, expires_at=NOON + timedelta(hours=1)))
    first = street.get("/kiosk/v1/state")
    street.later(minutes=1)
    again = street.get("/kiosk/v1/state", **{"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, "")
    assert (first.headers["belfry-now"], again.headers["belfry-now"]) == ("2026-12-01T12:00:00Z", "2026-12-01T12:01:00Z")
    street.later(hours=1)
    assert street.get("/kiosk/v1/state", **{"If-None-Match": first.headers["etag"]}).json["items"] == []


def test_the_clock_of_the_city_is_said(street):
    street.register()
    assert street.get("/kiosk/v1/state").json["now"] == "2026-12-01T12:00:00Z"


# --- reporting -------------------------------------------------------------------------------------------------------


def test_what_a_screen_showed_is_delivered(street):
    street.register()
    name = street.say(a_notice(FOUR, expires_at=TOMORROW))
    [item] = street.get("/kiosk/v1/state").json["items"]
    shown = {"items": [{"broadcast": name, "token": item["token"]}]}
    for _ in range(2):
        found = street.post("/kiosk/v1/shown", shown)
        assert (found.status, found.json) == (202, {"recorded": 1})
    street.work()
    assert street.counts(name)[Channel.KIOSK] == {Mark(State.DELIVERED): 1}


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda item: {**item, "token": item["token"][:-1] + ("A" if item["token"][-1] != "A" else "B")}, id="an altered token"),
        pytest.param(lambda item: {**item, "broadcast": "bc_other"}, id="another broadcast's name"),
        pytest.param(lambda item: {**item, "token": "é"}, id="no token of ours"),
        pytest.param(lambda item: {**item, "token": ""}, id="none"),
    ],
)
def test_a_forged_report_is_recorded_nowhere(street, forged):
    street.register()
    name = street.say(a_notice(FOUR, expires_at=TOMORROW))
    [item] = street.get("/kiosk/v1/state").json["items"]
    assert street.post("/kiosk/v1/shown", {"items": [forged({"broadcast": name, "token": item["token"]})]}).json == {"recorded": 0}
    assert street.work() == 0


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        pytest.param({}, 422, "#/items", id="no items"),
        pytest.param({"items": "x"}, 422, "#/items", id="no list"),
        pytest.param({"items": [{}] * 101}, 422, "#/items", id="too many"),
        pytest.param({"items": [{"broadcast": 1, "token": "x"}]}, 422, "#/items/0", id="a number for a name"),
        pytest.param({"items": [{"broadcast": "x", "token": "x"}, None]}, 422, "#/items/1", id="nothing for an item"),
        pytest.param(b"{", 400, None, id="no JSON"),
        pytest.param([], 422, "#", id="no object"),
    ],
)
def test_a_report_that_cannot_be_read_names_the_place(street, body, status, pointer):
    street.register()
    found = street.post("/kiosk/v1/shown", body)
    assert found.status == status
    assert [one["pointer"] for one in found.json["errors"]][:1] in ([pointer], []) if pointer is None else found.json["errors"][0]["pointer"] == pointer


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_needs_no_token_and_runs_nothing_inline(street):
    street.register()
    page = street.get("/kiosk/bell-square", None)
    assert page.status == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|<style", page.body)
    assert "a-token" not in page.body


def test_the_page_has_a_card_for_each_language_and_shows_one_before_any_script_ran(street):
    street.register()
    page = street.get("/kiosk/bell-square", None).body
    cards = re.findall(r'<section class="card" lang="([\w-]+)" dir="(\w+)"[^>]*?( hidden)?>', page)
    assert cards == [("en", "ltr", ""), ("es", "ltr", " hidden"), ("ar", "rtl", " hidden"), ("zh-Hans", "ltr", " hidden")]
    for words in ("There are no notices right now.", "No hay avisos en este momento.", "لا توجد إشعارات في الوقت الحالي.", "目前没有通知。"):
        assert words in page


def test_a_language_without_sentences_of_ours_borrows_a_card_and_none_comes_twice(street):
    street.register(replace(PLAN, languages=("is", "en", "es-MX")))
    page = street.get("/kiosk/bell-square", None).body
    assert re.findall(r'class="card" lang="([\w-]+)"', page) == ["en", "es"]


def test_a_kiosks_name_is_text_on_its_page(street):
    street.register(replace(PLAN, name='<script>"x"'))
    page = street.get("/kiosk/bell-square", None).body
    assert "<script>&#34;" not in page
    assert "&lt;script&gt;&#34;x&#34;" in page


@pytest.mark.parametrize("path", ["/kiosk/nowhere", "/kiosk/static/nothing.js", "/kiosk/static/..%2Fpage.html"])
def test_what_is_not_there_is_not_found(street, path):
    assert street.get(path, None).status == 404


@pytest.mark.parametrize(("name", "kind"), [("kiosk.js", "text/javascript"), ("kiosk.css", "text/css")])
def test_script_and_style_are_files_of_their_own(street, name, kind):
    found = street.get(f"/kiosk/static/{name}", None)
    assert found.status == 200
    assert found.headers["content-type"].startswith(kind)


def test_the_script_writes_text_only(street):
    script = street.get("/kiosk/static/kiosk.js", None).body
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "DOMParser", "createContextualFragment"):
        assert way not in script


def test_an_emergency_is_up_at_its_level(street):
    street.register(replace(PLAN, topics=("emergency",)))
    street.say(a_notice(FOUR, kind=Kind.EMERGENCY, severity=Severity.EXTREME, expires_at=STARTS), "emergency")
    assert [item["level"] for item in street.get("/kiosk/v1/state").json["items"]] == [4]
