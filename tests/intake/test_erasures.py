"""`POST /v1/subscribers/erase`: staff erase whoever asks for it, once or often, known or not; the audit says who asked, and not for whom."""

from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.flows.sweep import sweep
from local.founding import _SCOPES as LOCAL
from tests.intake.desk import Desk, Reply

PHONE, MAIL = "+12025550142", "ana@example.org"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def erase(desk: Desk, *, key: str = "admin", **address: str) -> Reply:
    return desk.post("/v1/subscribers/erase", {"address": address}, key=key)


def rows(desk: Desk) -> list[str]:
    with desk.state.file.reading() as connection:
        return [str(tuple(row)) for row in connection.execute("SELECT * FROM state_rows").fetchall()]


def closed(desk: Desk, address: Address) -> bool:
    found = desk.services.store.addresses.find(address)
    return bool(found and found.opted_out and not found.subscriber and not found.sealed)


def test_whoever_follows_is_erased(desk: Desk) -> None:
    desk.follower("transit", channels=(Channel.SMS, Channel.EMAIL))
    [one] = [found for found in desk.services.store.subscriptions.followers("transit", shards=range(16)) if found.channel is Channel.SMS]
    [known] = desk.services.store.addresses.read([one.address])
    assert known
    address = desk.services.store.vault.open_address(known.sealed or "")
    reply = erase(desk, phone=address.value)
    assert (reply.status, reply.json) == (202, {"state": "erasing"})
    assert list(desk.services.store.subscriptions.followers("transit", shards=range(16))) == []
    assert closed(desk, address)


def test_whoever_was_only_signed_up_is_erased_too_and_their_letter_stays_unsent(desk: Desk) -> None:
    person = {"email": MAIL, "topics": ["transit"], "locale": "en", "consent": {"how": "Form 7", "at": "2026-12-01T11:00:00Z"}}
    assert desk.post("/v1/subscribers", person).status == 202
    assert any("SIGN-UP" in row for row in rows(desk))
    assert erase(desk, email=MAIL.upper()).status == 202
    assert closed(desk, Address(Channel.EMAIL, MAIL))
    assert not any("SIGN-UP" in row or "REPLY" in row for row in rows(desk))


def test_an_address_that_we_do_not_know_is_closed_and_the_answer_is_the_same(desk: Desk) -> None:
    known, unknown = erase(desk, phone=PHONE), erase(desk, phone="(202) 555-0143")
    again = erase(desk, phone=PHONE)
    assert (known.status, known.body) == (unknown.status, unknown.body) == (again.status, again.body)
    assert closed(desk, Address(Channel.SMS, PHONE))


def test_the_audit_says_who_asked_and_when_and_nothing_says_for_whom(desk: Desk) -> None:
    erase(desk, phone=PHONE)
    [entry] = desk.services.store.audit.of("subscribers")
    assert (entry.who, entry.what, entry.at, entry.why) == ("admin", "subscriber.erased", desk.clock(), "")
    desk.clock.advance(timedelta(minutes=16))
    sweep(services=desk.services)
    name = desk.services.store.vault.hash(Address(Channel.SMS, PHONE))
    assert len([row for row in rows(desk) if name in row]) == 1


@pytest.mark.parametrize("key", ["communicator", "approver"])
def test_it_takes_the_right_to_erase(desk: Desk, key: str) -> None:
    assert erase(desk, key=key, phone=PHONE).status == 403
    assert desk.services.store.addresses.find(Address(Channel.SMS, PHONE)) is None
    assert [name for name, scopes in LOCAL.items() if "subscribers:erase" in scopes] == ["admin"]


@pytest.mark.parametrize(
    ("address", "pointer"),
    [({}, "#/address"), ({"phone": "12"}, "#/address/phone"), ({"email": "ana"}, "#/address/email"), ({"phone": PHONE, "email": MAIL}, "#/address")],
    ids=["none", "no phone", "no email", "two"],
)
def test_what_is_no_address_is_refused(desk: Desk, address: dict[str, str], pointer: str) -> None:
    reply = erase(desk, **address)
    assert reply.status == 422
    assert [at for at, _ in reply.pointers] == [pointer]
