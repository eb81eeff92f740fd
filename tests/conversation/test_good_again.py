"""An address that a provider called bad is good again once its owner is heard from, and nobody notices that it was not."""

from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import Advice
from chalicelib.flows.heeding import Word, heed
from chalicelib.store.addresses import KnownAddress, address_key
from tests.conversation.booth import ANA, Booth
from tests.pages.test_sign_up import ANA as ANAS_EMAIL
from tests.pages.test_sign_up import PICKED, follows, letters, link

PHONE, EMAIL = Address(Channel.SMS, ANA), Address(Channel.EMAIL, ANAS_EMAIL)


def known(booth: Booth, address: Address) -> KnownAddress:
    found = booth.services.store.addresses.find(address)
    assert found
    return found


def condemn(booth: Booth, address: Address, advice: Advice = Advice.BAD_ADDRESS) -> None:
    """A provider says that nothing can be sent there."""
    heed(Word("bc_1", "30006", advice), known(booth, address).hash, address.channel, services=booth.services)


@pytest.mark.parametrize("text", ["HELP", "START", "JOIN jobs", "STOP", "LIST", "hello there", "ALERTAS"])
def test_a_number_that_texts_us_is_good(tmp_path: Path, text: str) -> None:
    (folder := tmp_path / "other").mkdir()
    booth, other = Booth(tmp_path), Booth(folder)
    for one in (booth, other):
        one.text("TRANSIT")
    condemn(booth, PHONE)
    assert known(booth, PHONE).bad == "30006"
    assert booth.text(text) == other.text(text), "and hears nothing odd"
    assert known(booth, PHONE).bad is None
    assert booth.follows() == other.follows()


def test_a_text_ends_a_streak_of_faults(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    condemn(booth, PHONE, Advice.BAD_IF_TWICE)
    booth.text("LIST")
    heed(Word("bc_2", "30005", Advice.BAD_IF_TWICE), known(booth, PHONE).hash, Channel.SMS, services=booth.services)
    assert (known(booth, PHONE).bad, known(booth, PHONE).faults) == (None, 1)


def test_a_text_from_somebody_good_costs_no_write_of_its_address(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    before = booth.state.table.get(address_key(known(booth, PHONE).hash))
    booth.text("LIST")
    assert booth.state.table.get(address_key(known(booth, PHONE).hash)) == before


def test_a_confirmed_link_proves_an_email_address_good(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.submit("/join", PICKED)
    letters(booth)
    booth.submit(link(booth))
    condemn(booth, EMAIL)
    booth.clock.advance(timedelta(days=1))
    again = booth.submit("/join", PICKED)
    assert letters(booth) == 1, "the letter is sent, for whoever signs up again may have emptied their mailbox"
    assert known(booth, EMAIL).bad == "30006", "asking alone proves nothing"
    done = booth.submit(link(booth))
    assert (again.status, done.status) == (200, 200)
    assert known(booth, EMAIL).bad is None
    assert follows(booth) == {"jobs": "en", "transit": "en"}
