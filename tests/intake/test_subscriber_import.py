"""`POST /v1/subscribers/import`: told row by row, written only when asked, and by whoever may."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.store.api_keys import SCOPES
from local.founding import _SCOPES as LOCAL
from tests.feeds.subscribers import KINDS, a_row, line_of, phone, text_of
from tests.intake.desk import Desk, Reply
from tests.intake.test_bad_input import BODIES

GOOD = text_of([a_row(1), a_row(2, topics="jobs;events")])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def post(desk: Desk, file: str | bytes, query: str = "", *, key: str = "admin", content_type: str = "text/csv") -> Reply:
    data = file.encode() if isinstance(file, str) else file
    return desk.post(f"/v1/subscribers/import{query}", raw=data, key=key, Content_Type=content_type)


def follows(desk: Desk, number: int) -> list[str]:
    store = desk.services.store
    known = store.addresses.find(Address(Channel.SMS, phone(number)))
    return [one.topic for one in store.subscriptions.of(known.subscriber)] if known else []


def test_a_file_is_told_first_and_written_when_asked_once(desk: Desk) -> None:
    rows = desk.rows()
    dry = post(desk, GOOD + KINDS["a topic that is gone"].make(3))
    wrong = {"line": 4, "column": "topics", "code": "unknown_topic", "detail": dry.json["problems"][0]["detail"]}
    told = {"applied": False, "rows": 3, "good": 2, "subscriptions": 3, "codes": {"unknown_topic": 1}, "problems": [wrong]}
    assert (dry.status, dry.json, desk.rows()) == (200, told, rows)
    assert post(desk, GOOD, "?apply=false").json["applied"] is False
    done = post(desk, GOOD + KINDS["a topic that is gone"].make(3), "?apply=true")
    assert done.json == told | {"applied": True}
    assert (follows(desk, 1), follows(desk, 2)) == (["transit"], ["events", "jobs"])
    again = post(desk, GOOD, "?apply=true")
    assert (again.json["subscriptions"], again.json["codes"]) == (0, {"already": 2})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_bytes_arrive_as_they_were_sent(desk: Desk, encoding: str) -> None:
    assert post(desk, text_of([a_row(1, consent_words="Acepto recibir avisos ñ")]).encode(encoding)).json["good"] == 1
    assert desk.app.api.binary_types.count("text/csv") == 1


def test_a_charset_that_is_ours_may_be_named(desk: Desk) -> None:
    assert post(desk, text_of([a_row(1, consent_proof="ñ")]), content_type="text/csv; charset=utf-8").json["good"] == 1


def test_a_file_in_another_alphabet_is_refused_whole(desk: Desk) -> None:
    reply = post(desk, text_of([a_row(1), a_row(2, consent_proof="ñ")]).encode("cp1252"), "?apply=true")
    assert (reply.status, reply.pointers, follows(desk, 1)) == (400, [("#line=3", "not_utf8")], [])


def test_at_most_two_hundred_problems_are_told_and_all_are_counted(desk: Desk) -> None:
    reply = post(desk, text_of([a_row(number, language="tlh") for number in range(201)]))
    assert (len(reply.json["problems"]), reply.json["codes"]) == (200, {"unknown_language": 201})


@pytest.mark.parametrize(("count", "status"), [(500, 200), (501, 422)])
def test_a_request_takes_five_hundred_rows(desk: Desk, count: int, status: int) -> None:
    reply = post(desk, text_of([a_row(number, consent_proof="") for number in range(count)]))
    assert (reply.status, status == 422 and reply.pointers) == (status, status == 422 and [("#", "too_many_rows")])


@pytest.mark.parametrize("query", ["?apply=yes", "?apply=", "?apply=true&apply=true"])
def test_what_to_do_is_said_once_and_plainly(desk: Desk, query: str) -> None:
    assert post(desk, GOOD, query).pointers == [("?apply", "not_one_of")]


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain", "text/csv; charset=windows-1252"])
def test_another_content_type_is_not_taken(desk: Desk, content_type: str) -> None:
    assert post(desk, GOOD, content_type=content_type).status == 415


def test_a_quarter_of_a_megabyte_is_taken_and_no_more(desk: Desk) -> None:
    assert post(desk, GOOD + " " * (256 * 1024 - len(GOOD))).status == 200
    assert post(desk, GOOD + " " * (256 * 1024 - len(GOOD) + 1)).status == 413


@pytest.mark.parametrize("name", BODIES)
def test_whatever_else_is_sent_leaves_no_trace(desk: Desk, name: str) -> None:
    rows = desk.rows()
    reply = post(desk, BODIES[name], "?apply=true")
    assert 400 <= reply.status < 500
    assert "alert(1)" not in reply.body.decode() and "passwd" not in reply.body.decode() and "zzsecretzz" not in reply.body.decode()
    assert desk.rows() == rows


@pytest.mark.parametrize("key", ["communicator", "approver", "second", "all-but-this"])
def test_only_an_admin_may(desk: Desk, key: str) -> None:
    others = [scope for scope in SCOPES if scope != "subscribers:import"]
    desk.services.store.api_keys.put("key-of-all-but-this", name="all-but-this", scopes=others, now=desk.clock())
    assert post(desk, GOOD, key=key).code == "missing_scope"


def test_on_this_machine_too() -> None:
    assert [name for name, scopes in LOCAL.items() if "subscribers:import" in scopes] == ["admin"]
    assert "subscribers:import" in SCOPES


def test_no_answer_and_no_log_line_holds_an_address(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        bad = "".join(kind.make(9) for kind in KINDS.values() if kind.code not in {"control_character", "half_character", "too_long"})
        reply = post(desk, GOOD + bad + line_of(a_row(1)), "?apply=true")
    said: Any = json.dumps(reply.json) + "".join(str(vars(record)) for record in caplog.records)
    assert reply.json["applied"]
    assert "555" not in said
