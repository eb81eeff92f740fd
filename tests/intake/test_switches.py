"""`/v1/switches`: what is stopped, by whom and why; each real change told of once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import TransactionRefused
from chalicelib.store.stores import Stores
from chalicelib.store.switches import Thrown
from tests.intake.desk import Desk, Reply, a_broadcast


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def turn(desk: Desk, name: Any, stopped: Any, *, key: str = "admin", **more: Any) -> Reply:
    return desk.post("/v1/switches", {"name": name, "stopped": stopped, **more}, key=key)


def audit(desk: Desk, name: str) -> list[tuple[str, str, str]]:
    return [(one.who, one.what, one.why) for one in desk.services.store.audit.of(f"switch:{name}")]


def test_every_switch_is_listed_and_stands_open(desk: Desk) -> None:
    rows = desk.get("/v1/switches", key="admin").json["data"]
    assert [row["name"] for row in rows] == ["all", "sms", "email", "kiosk", "source:demo-transit", "source:demo-city", "sign-ups"]
    assert {(row["stopped"], row["by"], row["at"], row["why"]) for row in rows} == {(False, None, None, None)}


@pytest.mark.parametrize("name", ["all", "sms", "email", "kiosk", "source:demo-city", "sign-ups"])
def test_a_switch_is_thrown_and_released_and_both_are_on_record(desk: Desk, name: str) -> None:
    thrown = turn(desk, name, True, why=" Wrong texts went out. ")
    expected = {"name": name, "stopped": True, "by": "admin", "at": "2026-12-01T12:00:00Z", "why": "Wrong texts went out."}
    assert (thrown.status, thrown.json) == (200, expected)
    assert [row for row in desk.get("/v1/switches", key="admin").json["data"] if row["stopped"]] == [expected]
    assert set(desk.services.store.switches.thrown()) == {name}
    released = turn(desk, name, False, why=None)
    assert released.json == {"name": name, "stopped": False, "by": None, "at": None, "why": None}
    assert sorted(audit(desk, name)) == [("admin", "switch.released", ""), ("admin", "switch.thrown", "Wrong texts went out.")]


def test_turning_a_switch_to_where_it_stands_changes_nothing(desk: Desk) -> None:
    turn(desk, "sms", True, why="first")
    assert turn(desk, "sms", True, why="second").json["why"] == "first"
    turn(desk, "all", False)
    assert (audit(desk, "sms"), audit(desk, "all")) == ([("admin", "switch.thrown", "first")], [])


def test_of_two_who_turn_it_at_once_one_is_on_record(desk: Desk) -> None:
    inner = desk.state.table

    class Meddled:
        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

        def transact(self, writes: Any) -> None:
            inner.transact([desk.services.store.switches.throw_write("sms", Thrown("other", desk.clock(), "mine"))])
            inner.transact(writes)

    desk.services = replace(desk.services, store=Stores(Meddled(), desk.services.store.vault))  # type: ignore[arg-type]
    assert turn(desk, "sms", True, why="yours").json["why"] == "mine"
    assert audit(desk, "sms") == []
    with pytest.raises(TransactionRefused):
        inner.transact([desk.services.store.switches.throw_write("sms", Thrown("third", desk.clock()))])


def test_one_broadcast_is_stopped_and_let_go_on_like_a_channel(desk: Desk) -> None:
    name = f"broadcast:{desk.post('/v1/broadcasts', a_broadcast()).json['id']}"
    assert turn(desk, name, True, why="Is the link right?").json["stopped"] is True
    assert [row["name"] for row in desk.get("/v1/switches", key="admin").json["data"] if row["stopped"]] == [name]
    assert turn(desk, name, False).json["stopped"] is False
    assert name not in {row["name"] for row in desk.get("/v1/switches", key="admin").json["data"]}


def test_a_source_that_is_gone_can_be_released_and_not_stopped(desk: Desk) -> None:
    desk.state.table.transact([desk.services.store.switches.throw_write("source:gone", Thrown("engine", desk.clock(), "caps"))])
    assert desk.get("/v1/switches", key="admin").json["data"][-1]["name"] == "source:gone"
    assert turn(desk, "source:gone", False).json["stopped"] is False
    assert turn(desk, "source:gone", True).pointers == [("#/name", "unknown_switch")]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"stopped": True}, ("#/name", "missing")),
        ({"name": "all"}, ("#/stopped", "missing")),
        ({"name": "fax", "stopped": True}, ("#/name", "unknown_switch")),
        ({"name": "source:nobody", "stopped": True}, ("#/name", "unknown_switch")),
        ({"name": "source:", "stopped": True}, ("#/name", "unknown_switch")),
        ({"name": "broadcast:bc_nobody", "stopped": True}, ("#/name", "unknown_switch")),
        ({"name": "broadcast:", "stopped": True}, ("#/name", "unknown_switch")),
        ({"name": "broadcast", "stopped": True}, ("#/name", "unknown_switch")),
        ({"name": "ALL", "stopped": True}, ("#/name", "unknown_switch")),
        ({"name": "", "stopped": True}, ("#/name", "too_short")),
        ({"name": "x" * 101, "stopped": True}, ("#/name", "too_long")),
        ({"name": ["all"], "stopped": True}, ("#/name", "wrong_type")),
        ({"name": "all", "stopped": "true"}, ("#/stopped", "wrong_type")),
        ({"name": "all", "stopped": 1}, ("#/stopped", "wrong_type")),
        ({"name": "all", "stopped": None}, ("#/stopped", "wrong_type")),
        ({"name": "all", "stopped": True, "why": "x" * 201}, ("#/why", "too_long")),
        ({"name": "all", "stopped": True, "why": 5}, ("#/why", "wrong_type")),
        ({"name": "all", "stopped": True, "until": "tomorrow"}, ("#/until", "unknown_field")),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_field_is_named_and_nothing_turned(desk: Desk, body: dict[str, Any], problem: tuple[str, str]) -> None:
    before = desk.rows()
    reply = desk.post("/v1/switches", body, key="admin")
    assert (reply.status, reply.pointers, desk.rows()) == (422, [problem], before)


@pytest.mark.parametrize("key", ["communicator", "approver", "second"])
def test_only_an_admin_turns_switches(desk: Desk, key: str) -> None:
    assert (turn(desk, "all", True, key=key).code, desk.services.store.switches.thrown()) == ("missing_scope", {})
