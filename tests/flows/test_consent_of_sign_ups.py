"""What the ledger keeps of a sign-up: by which way in, which sentence was agreed to, and what staff wrote down."""

import json
from pathlib import Path

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import Consent, How
from chalicelib.flows.confirm_sign_up import confirm_sign_up
from chalicelib.flows.signing import Origin
from chalicelib.store.replies import reply_key
from tests.conversation.booth import ANA
from tests.flows.counter import Counter

STAFF = Origin(how=How.STAFF, proof={"how": "form 12", "at": "2026-12-01T11:00:00Z", "by": "communicator"})
EMAIL = Address(Channel.EMAIL, "ana@example.org")


def ledger(counter: Counter, address: Address) -> list[Consent]:
    known = counter.services.store.addresses.find(address)
    return counter.services.store.consents.of(known.subscriber) if known else []


@pytest.mark.parametrize("origin", [Origin(), STAFF], ids=["page", "staff"])
def test_a_yes_by_text_is_on_record_with_where_it_began(tmp_path: Path, origin: Origin) -> None:
    counter = Counter(tmp_path)
    counter.sign_up(topics=["transit", "jobs"], origin=origin)
    counter.work()
    assert counter.text("YES")
    waited = counter.ledger()
    assert sorted(one.topic for one in waited) == ["jobs", "transit"]
    assert counter.follows() == {"jobs": "en", "transit": "en"}
    _, asked = counter.got[0]
    for one in waited:
        assert (one.how, one.channel) == (origin.how, Channel.SMS)
        assert counter.services.store.consents.wording(one.wording) == asked
        assert json.loads(one.detail or "{}") == ({"proof": dict(origin.proof)} if origin.proof else {})
    assert len({one.source for one in waited}) == 1


@pytest.mark.parametrize("origin", [Origin(), STAFF], ids=["page", "staff"])
def test_a_link_that_was_used_is_on_record_with_where_it_began(tmp_path: Path, origin: Origin) -> None:
    counter = Counter(tmp_path)
    counter.sign_up(email=EMAIL.value, origin=origin)
    [row] = counter.queued("replies")
    about = counter.services.store.table.get(reply_key(json.loads(row)["reply"]))
    assert about
    confirm_sign_up(str(about["about"]), locale="en", services=counter.services)
    [entry] = ledger(counter, EMAIL)
    assert (entry.how, entry.source, entry.channel) == (origin.how, about["about"], Channel.EMAIL)
    assert json.loads(entry.detail or "{}") == ({"proof": dict(origin.proof)} if origin.proof else {})


def test_whoever_is_signed_up_and_says_nothing_has_nothing_on_record(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.sign_up(origin=STAFF)
    counter.live(hours=48)
    assert ledger(counter, Address(Channel.SMS, ANA)) == []
