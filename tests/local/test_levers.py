"""Seeding, faults, outbox and attempts: the world for scripts."""

from collections import Counter
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

from chalicelib import wiring
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.ids import SHARDS
from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from local.world.faults import Fault, Faults
from local.world.ledger import Message
from local.world.seeding import resident
from tests.local.worlds import NOON, SmallWorld, a_world

SEED = {"subscribers": 6, "locales": ["en", "ar"], "topics": ["transit", "events"], "channels": ["sms", "email"], "kiosks": 2}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    return a_world(tmp_path_factory.mktemp("city"))


def seed(city: SmallWorld, **change: object) -> dict[str, Any]:
    answer = city.web.post("/seed", json={**SEED, **change})
    assert answer.status_code == 201
    return dict(answer.json)


# --- seed ------------------------------------------------------------------------------------------------------------


def test_seeded_subscribers_follow_every_topic_on_every_channel_in_their_language(city: SmallWorld) -> None:
    made = seed(city)["subscribers"]
    store = wiring.build(city.options.settings(), now=city.world.now).store
    for one in made:
        phone, email = (store.addresses.find(Address(channel, one[name])) for channel, name in ((Channel.SMS, "phone"), (Channel.EMAIL, "email")))
        assert phone is not None
        assert email is not None
        assert (phone.verified, email.verified, phone.subscriber) == (True, True, email.subscriber)
        follows = {(follow.topic, follow.channel, follow.locale) for follow in store.subscriptions.of(phone.subscriber)}
        assert follows == {(topic, channel, one["locale"]) for topic in SEED["topics"] for channel in (Channel.SMS, Channel.EMAIL)}  # type: ignore[attr-defined]
        assert store.vault.open_address(phone.sealed or "") == Address(Channel.SMS, one["phone"])
    assert [one["locale"] for one in made] == ["en", "ar"] * 3
    followers = {one.subscriber for one in store.subscriptions.followers("events", shards=range(SHARDS))}
    assert len(followers) >= len(made)


def test_every_seed_makes_new_people(city: SmallWorld) -> None:
    made = [*seed(city)["subscribers"], *seed(city)["subscribers"]]
    assert len({one["phone"] for one in made}) == len({one["email"] for one in made}) == 12


def test_only_the_channels_asked_for_are_made(city: SmallWorld) -> None:
    made = seed(city, channels=["email"], kiosks=0)
    assert {tuple(one) for one in made["subscribers"]} == {("email", "locale")}
    assert made["kiosks"] == []


def test_seeded_kiosks_let_their_page_in_and_show_the_topics(city: SmallWorld) -> None:
    made = seed(city, subscribers=0)["kiosks"]
    store = wiring.build(city.options.settings(), now=city.world.now).store
    for one in made:
        kiosk = store.kiosks.of_token(one["token"])
        assert kiosk is not None
        assert (kiosk.id, kiosk.topics, kiosk.languages) == (one["id"], ("transit", "events"), ("en", "ar"))
    assert {one["id"] for one in made} < {one.id for one in city.world.ledger.kiosks()}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({"topics": ["transit", "ferries"]}, "#/topics/1", id="unknown topic"),
        pytest.param({"topics": []}, "#/topics", id="no topic"),
        pytest.param({"topics": "transit"}, "#/topics", id="topics in one word"),
        pytest.param({"channels": ["sms", "pigeon"]}, "#/channels/1", id="unknown channel"),
        pytest.param({"locales": ["en", "tlh"]}, "#/locales/1", id="a language the city does not speak"),
        pytest.param({"locales": ["not a language"]}, "#/locales/0", id="no language"),
        pytest.param({"people": 7}, "#/people", id="unknown field"),
        pytest.param({"subscribers": -1}, "#/subscribers", id="fewer than none"),
        pytest.param({"subscribers": True}, "#/subscribers", id="true is no number"),
        pytest.param({"kiosks": 1.5}, "#/kiosks", id="half a kiosk"),
    ],
)
def test_a_wrong_seed_is_refused_and_makes_nobody(city: SmallWorld, change: dict[str, object], pointer: str) -> None:
    answer = city.web.post("/seed", json={**SEED, **change})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_all_that_is_wrong_in_a_seed_is_named_at_once(city: SmallWorld) -> None:
    answer = city.web.post("/seed", json={**SEED, "topics": ["ferries"], "locales": ["tlh"], "color": "red", "size": 1})
    assert [one["pointer"] for one in answer.json["errors"]] == ["#/color", "#/size", "#/topics/0", "#/locales/0"]


def test_a_language_may_be_spelled_in_any_case(city: SmallWorld) -> None:
    assert {one["locale"] for one in seed(city, locales=["zh-hans", "EN"])["subscribers"]} == {"zh-Hans", "en"}


def test_a_hundred_thousand_residents_have_possible_numbers_of_their_own() -> None:
    phones = {resident(number, "en").phone.value for number in range(0, 100_000, 97)}
    assert len(phones) == len(range(0, 100_000, 97))
    assert all(phonenumbers.is_possible_number(phonenumbers.parse(one)) for one in phones)


# --- faults ----------------------------------------------------------------------------------------------------------


def test_a_fault_is_switched_on_and_ends_by_itself(city: SmallWorld) -> None:
    answer = city.web.post("/faults", json={"channel": "sms", "mode": "429", "share": 0.5, "for": 60})
    assert (answer.json["mode"], answer.json["share"]) == ("429", 0.5)
    assert city.world.faults.standing("sms").mode == "429"
    assert Faults(city.world.ledger.file, seconds=lambda: answer.json["until"] + 1).standing("sms") == Fault("sms")
    city.web.post("/faults", json={"channel": "sms", "mode": "ok"})
    assert city.world.faults.standing("sms").mode == "ok"


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"channel": "fax", "mode": "ok"}, "#/channel"),
        ({"channel": "sms", "mode": "melt"}, "#/mode"),
        ({"channel": ["sms"], "mode": "ok"}, "#/channel"),
        ({"channel": "kiosk", "mode": "melt"}, "#/mode"),
        ({"channel": "sms", "mode": "429", "share": 0}, "#/share"),
        ({"channel": "sms", "mode": "429", "share": 2}, "#/share"),
        ({"channel": "sms", "mode": "429", "for": -1}, "#/for"),
        ({"channel": "sms", "mode": "429", "for": "long"}, "#/for"),
        ({"channel": "sms", "mode": "429", "for": 10**12}, "#/for"),
        ({"channel": "sms", "mode": "429", "times": 0}, "#/times"),
        ({"channel": "sms", "mode": "429", "times": 1.5}, "#/times"),
        ({"channel": "sms", "mode": "429", "times": True}, "#/times"),
    ],
)
def test_a_wrong_fault_is_refused(city: SmallWorld, sent: dict[str, object], pointer: str) -> None:
    answer = city.web.post("/faults", json=sent)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert city.world.faults.standing("sms").mode == "ok"


@pytest.mark.parametrize(("share", "calls", "hit"), [(1.0, 7, 7), (0.5, 8, 4), (0.1, 30, 3), (0.33, 100, 33)])
def test_a_share_is_kept_to_the_call(tmp_path: Path, share: float, calls: int, hit: int) -> None:
    faults = Faults(SqliteFile(tmp_path / "city.db"))
    faults.switch(Fault("sms", "500", share))
    assert Counter(faults.strike("sms") for _ in range(calls))["500"] == hit


def test_a_fault_may_end_after_so_many_calls(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    city.web.post("/faults", json={"channel": "sms", "mode": "500", "share": 0.5, "times": 2})
    assert [city.world.faults.strike("sms") for _ in range(8)] == ["ok", "500", "ok", "500", "ok", "ok", "ok", "ok"]


def test_a_fault_takes_the_place_of_the_others_or_stands_beside_them(tmp_path: Path) -> None:
    city = a_world(tmp_path)

    def post(mode: str, **more: object) -> list[str]:
        assert city.web.post("/faults", json={"channel": "sms", "mode": mode, **more}).status_code == 200
        return [fault.mode for fault in city.world.faults.all_standing("sms")]

    assert post("500") == ["500"]
    assert post("429", share=0.5) == ["429"]
    assert post("drop-reply", share=0.25, beside=True) == ["429", "drop-reply"]
    assert Counter(city.world.faults.strike("sms") for _ in range(80)) == {"429": 40, "drop-reply": 10, "ok": 30}
    assert city.web.get("/faults").text.count("state stopped") == 2
    assert post("ok") == []
    assert Counter(city.world.faults.strike("sms") for _ in range(8)) == {"ok": 8}


def test_faults_of_calls_and_of_recipients_stand_beside_each_other(tmp_path: Path) -> None:
    faults = Faults(SqliteFile(tmp_path / "city.db"))
    faults.switch(Fault("email", "500"))
    faults.switch(Fault("email", "invalid"), beside=True)
    assert (faults.strike("email"), faults.strike("email", per_recipient=True)) == ("500", "invalid")


# --- outbox and attempts ---------------------------------------------------------------------------------------------


def test_reading_on_from_the_last_number_misses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    for body in ("one", "two", "three"):
        city.world.ledger.record([Message("sms", "api", "+15005550006", "+14155550101", body, NOON)])
    first = city.web.get("/outbox").json["messages"]
    rest = city.web.get(f"/outbox?since={first[0]['seq']}").json["messages"]
    assert ([one["body"] for one in first], [one["body"] for one in rest]) == (["one", "two", "three"], ["two", "three"])
    assert city.web.get(f"/outbox?since={first[-1]['seq']}").json["messages"] == []


@pytest.mark.parametrize("path", ["/outbox", "/attempts"])
@pytest.mark.parametrize(
    ("query", "pointer"),
    [("channel=fax", "#/channel"), ("channel=sms&since=x", "#/since"), ("since=-1", "#/since"), (f"since={10**30}", "#/since")],
)
def test_a_wrong_filter_is_named(city: SmallWorld, path: str, query: str, pointer: str) -> None:
    answer = city.web.get(f"{path}?{query}")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_an_empty_filter_is_none(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    city.world.ledger.record([Message("sms", "api", "+15005550006", "+14155550101", "one", NOON)])
    assert len(city.web.get("/outbox?channel=&since=").json["messages"]) == 1


def test_attempts_hold_what_was_refused_and_the_outbox_does_not(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    city.world.ledger.record([Message("email", "email", "city", "ana@example.org", "", NOON, outcome="refused", code="INVALID_PARAMETER")])
    assert [(one["outcome"], one["code"]) for one in city.web.get("/attempts").json["messages"]] == [("refused", "INVALID_PARAMETER")]
    assert city.web.get("/outbox").json["messages"] == []


def test_what_is_queued_for_a_screen_is_in_the_outbox_once(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    queues = SqliteQueues(SqliteFile(city.options.state_file), city.world.now)
    queues.named("screen-bell-square").send([Outgoing('{"v": 1, "mid": "bc_1", "token": "token-1", "item": {"t": "خط"}}')])
    assert (city.parts.screens.take(), city.parts.screens.take()) == (1, 0)
    found = city.web.get("/outbox?channel=kiosk").json["messages"]
    assert [(one["to"], one["token"], one["status"], "خط" in one["body"]) for one in found] == [("bell-square", "token-1", "queued", True)]


@pytest.mark.parametrize(
    ("mode", "taken"),
    [("ok", 1), ("no-receipts", 1), ("drop-reply", 1), ("429", 0), ("500", 0), ("hang", 0), ("invalid", 0), ("opted-out", 0)],
)
def test_a_screen_that_is_off_leaves_its_queue_alone_while_that_lasts(tmp_path: Path, mode: str, taken: int) -> None:
    city = a_world(tmp_path)
    queues = SqliteQueues(SqliteFile(city.options.state_file), city.world.now)
    queues.named("screen-bell-square").send([Outgoing('{"v": 1}')])
    assert city.web.post("/faults", json={"channel": "kiosk", "mode": mode}).status_code == 200
    assert (city.parts.screens.take(), queues.depth("screen-bell-square")) == (taken, 1 - taken)
    city.web.post("/faults", json={"channel": "kiosk", "mode": "ok"})
    assert (city.parts.screens.take(), queues.depth("screen-bell-square")) == (1 - taken, 0)
