"""`POST /v1/subscribers`: staff sign people up, who are asked all the same; and nobody learns by it whom we know."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import How
from chalicelib.errors import StateContended, TransactionRefused
from chalicelib.state.table import Key
from chalicelib.store.sign_ups import SignUp
from chalicelib.store.stores import Stores
from tests.conversation.crossing import Meddling
from tests.intake.desk import Desk, Reply

PHONE = "(202) 555-0101"
CONSENT = {"how": "Signed form 1207 at the library", "at": "2026-12-01T11:00:00Z"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def a_person(**changes: object) -> dict[str, object]:
    """A body that the door takes. A change to None leaves the field out."""
    body: dict[str, object] = {"phone": PHONE, "topics": ["transit"], "locale": "es", "consent": CONSENT} | changes
    return {name: value for name, value in body.items() if value is not None}


def post(desk: Desk, name: str | None = None, *, key: str = "communicator", **changes: object) -> Reply:
    return desk.post("/v1/subscribers", a_person(**changes), key=key, name=name)


def kept(desk: Desk) -> list[SignUp]:
    """The sign-ups that letters are queued for."""
    rows = [desk.state.table.get(Key(f"R#{json.loads(body)['reply']}", "REPLY")) for body in desk.queued("replies")]
    found = [desk.services.store.sign_ups.get(str(row["about"])) for row in rows if row]
    return [one for one in found if one]


def test_a_person_is_asked_in_their_language_about_what_they_chose(desk: Desk) -> None:
    answer = post(desk, topics=["transit", "jobs"])
    assert (answer.status, answer.json) == (202, {"state": "awaiting_confirmation"})
    [found] = kept(desk)
    assert (found.channel, found.how, found.locale, found.topics) == (Channel.SMS, How.STAFF, "es", ("transit", "jobs"))
    assert json.loads(found.detail) == {"proof": {"how": CONSENT["how"], "at": CONSENT["at"], "by": "communicator"}}
    assert found.address == desk.services.store.vault.hash(Address(Channel.SMS, "+12025550101"))


def test_by_email_or_both(desk: Desk) -> None:
    assert post(desk, phone=None, email="Ana@example.org").status == 202
    assert [one.channel for one in kept(desk)] == [Channel.EMAIL]
    assert post(desk, email="ben@example.org").status == 202
    assert {one.channel for one in kept(desk)} == {Channel.SMS, Channel.EMAIL}


def test_the_answer_is_the_same_for_a_stranger_somebody_known_somebody_who_stopped_and_over_a_cap(desk: Desk) -> None:
    address = Address(Channel.SMS, "+12025550102")
    known = desk.services.store.addresses.claim(address, subscriber=desk.new_id(), verified=True)
    stopped = desk.services.store.addresses.claim(Address(Channel.SMS, "+12025550103"), subscriber=desk.new_id(), verified=True)
    desk.services.store.addresses.opt_out(stopped.hash, desk.clock())
    answers = [post(desk, phone=number) for number in ("2025550101", "2025550102", "2025550103", "2025550101")]
    assert {(one.status, one.body) for one in answers} == {(202, answers[0].body)}
    assert known.hash in {one.address for one in kept(desk)}


def test_the_same_request_again_gets_the_first_answer_and_asks_nobody_again(desk: Desk) -> None:
    first = post(desk, "one")
    desk.clock.advance(timedelta(days=1))
    again = post(desk, "one")
    assert (again.status, again.json, again.headers.get("Idempotent-Replayed")) == (202, first.json, "true")
    assert len(kept(desk)) == 1
    assert post(desk, "one", topics=["jobs"]).code == "key_reused"


def test_a_request_that_a_cap_stopped_counts_as_done_too(desk: Desk) -> None:
    post(desk)
    post(desk, "over")
    desk.clock.advance(timedelta(days=1))
    assert post(desk, "over").headers.get("Idempotent-Replayed") == "true"
    assert len(kept(desk)) == 1


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        pytest.param({"phone": None}, [("#/email", "invalid_email")], id="no address"),
        pytest.param({"phone": "911"}, [("#/phone", "invalid_phone")], id="no mobile"),
        pytest.param({"phone": "+447911123456"}, [("#/phone", "invalid_phone")], id="from abroad"),
        pytest.param({"email": "ana"}, [("#/email", "invalid_email")], id="no email address"),
        pytest.param({"topics": ["circus"]}, [("#/topics", "choose_topics")], id="no topic of ours"),
        pytest.param({"topics": []}, [("#/topics", "too_few")], id="no topic"),
        pytest.param({"locale": "tlh"}, [("#/locale", "unknown_locale")], id="no language of ours"),
        pytest.param({"locale": None}, [("#/locale", "missing")], id="no language"),
        pytest.param({"consent": None}, [("#/consent", "missing")], id="no yes"),
        pytest.param({"consent": {"how": " ", "at": CONSENT["at"]}}, [("#/consent/how", "bad_form")], id="nobody says how"),
        pytest.param({"consent": {"how": "form", "at": "yesterday"}}, [("#/consent/at", "invalid_time")], id="no moment"),
        pytest.param({"consent": {"how": "form", "at": "2026-12-01T12:06:00Z"}}, [("#/consent/at", "in_the_future")], id="a yes to come"),
        pytest.param({"phone": "911", "locale": "tlh"}, [("#/phone", "invalid_phone"), ("#/locale", "unknown_locale")], id="two things"),
        pytest.param({"born": "1990"}, [("#/born", "unknown_field")], id="more than we want to know"),
    ],
)
def test_what_is_wrong_is_named(desk: Desk, changes: dict[str, object], wrong: list[tuple[str, str]]) -> None:
    answer = post(desk, **changes)
    assert (answer.status, answer.pointers) == (422, wrong)
    assert kept(desk) == []


def test_whoever_gives_a_number_and_an_address_is_asked_on_both_for_one_page(desk: Desk) -> None:
    assert post(desk, phone="+12025550101", email="ana@example.org").status == 202
    assert post(desk, phone="+12025550102").status == 202
    *both, alone = kept(desk)
    assert {one.channel for one in both} == {Channel.SMS, Channel.EMAIL}
    assert len({one.beside for one in both}) == 1
    assert [one.digits for one in both] == ["01", "01"]
    assert alone.beside == ""


def test_only_a_key_with_the_scope_may(desk: Desk) -> None:
    assert post(desk, key="approver").status == 403
    assert post(desk, key="admin").status == 202
    assert desk.post("/v1/subscribers", a_person(), Idempotency_Key="").code == "no_idempotency_key"


def test_two_requests_of_one_name_at_once_ask_once(desk: Desk) -> None:
    def other() -> None:
        meddled, desk.services = desk.services, plain
        assert post(desk, "one").status == 202
        desk.services = meddled

    plain = desk.services
    desk.services = replace(plain, store=Stores(Meddling(desk.state.table, {1: other}), plain.store.vault))
    again = post(desk, "one")
    assert (again.status, again.headers.get("Idempotent-Replayed")) == (202, "true")
    assert len(kept(desk)) == 1


@pytest.mark.parametrize(("at", "told"), [(0, (409, "in_flight")), (2, (503, "try_later"))], ids=["this request", "another"])
def test_a_request_in_flight_is_told_from_a_busy_table(desk: Desk, at: int, told: tuple[int, str]) -> None:
    def fail() -> None:
        raise StateContended(frozenset({at}))

    plain = desk.services
    desk.services = replace(plain, store=Stores(Meddling(desk.state.table, {1: fail}), plain.store.vault))
    answer = post(desk, "one")
    assert (answer.status, answer.code) == told
    desk.services = plain
    assert post(desk, "one").status == 202
    assert len(kept(desk)) == 1


def test_a_row_that_is_gone_when_it_is_asked_for_again_is_no_answer(desk: Desk) -> None:
    def fail() -> None:
        raise TransactionRefused({4: None})

    desk.services = replace(desk.services, store=Stores(Meddling(desk.state.table, {1: fail}), desk.services.store.vault))
    assert post(desk, "one").status == 500
