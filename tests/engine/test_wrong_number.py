"""Who texts "wrong number" has a number that was somebody else's: it stops, and is parted from that person, of whom nothing is shown any more."""

from contextlib import suppress
from pathlib import Path

import pytest

from chalicelib.domain.talk_state import Memory
from tests.engine.street import MAIL, PHONE, Street
from tests.engine.test_sharing import signed_up, whose
from tests.engine.town import Crash, Killer

WRONG = [
    "wrong number",
    "Sorry, you have the wrong number",
    "número equivocado",
    "打错了",
    "رقم خاطئ",
    "번호가 틀렸어요",
    "не тот номер",
    "mauvais numéro",
    "not me",
]


def shared(street: Street) -> str:
    """A page with both; its id."""
    signed_up(street)
    street.text("YES")
    street.submit(street.opened())
    street.text("LANG es")
    street.text("Harbor")
    assert whose(street, PHONE) == whose(street, MAIL) != ""
    return whose(street, MAIL)


def is_parted(street: Street, page: str) -> bool:
    """Whether nothing of the number leads to the page, and no text goes there."""
    memory = street.person().memory
    known = street.services.store.addresses.find(street.person().address)
    assert known
    left = [one.topic for one in street.services.store.subscriptions.of(page) if one.channel == "sms"]
    return known.opted_out is not None and (known.subscriber, known.sealed, left, memory) == ("", None, [], Memory(blocked=False, turn=memory.turn))


@pytest.mark.parametrize("text", WRONG)
def test_nothing_of_the_former_owner_is_shown_and_their_email_goes_on(tmp_path: Path, text: str) -> None:
    street = Street(tmp_path)
    page = shared(street)
    assert street.texts(text) == [street.says("stopped", "es")]
    assert is_parted(street, page)
    said = [*street.texts("HELP"), *street.texts("LIST"), *street.texts("START"), *street.texts("HELP"), *street.texts("LIST")]
    assert not [one for one in said if "/preferences/" in one or "You follow" in one or "Sigue" in one or "Harbor" in one]
    assert street.follows() == {}
    street.text("JOIN events")
    assert whose(street, PHONE) not in {"", page}
    assert set(street.follows()) == {"events"}
    assert street.services.tokens.sign("preferences", page, "sms") not in str(street.texts("HELP"))
    before = len(street.got(PHONE)), len(street.got(MAIL))
    street.town.settle(street.town.broadcast("transit", title="A new map"))
    assert (len(street.got(PHONE)), len(street.got(MAIL))) == (before[0], before[1] + 1)
    assert whose(street, MAIL) == page
    stopped = [one for one in street.services.store.consents.of(page) if str(one.step) == "stopped"]
    assert {one.topic for one in stopped} == {"*", "transit", "jobs"} and {one.channel for one in stopped} == {"sms"}


def test_whoever_stopped_before_and_says_so_later_is_parted_too_in_silence(tmp_path: Path) -> None:
    street = Street(tmp_path)
    page = shared(street)
    street.text("basta")
    assert whose(street, PHONE) == page
    assert street.texts("wrong number") == []
    assert is_parted(street, page)
    street.text("START")
    assert street.follows() == {}
    assert whose(street, PHONE) != page


def test_where_the_provider_blocks_it_stays_said(tmp_path: Path) -> None:
    street = Street(tmp_path)
    page = shared(street)
    street.text("STOP")
    street.texts("wrong number")
    assert whose(street, PHONE) != page
    assert "Text START first" in (street.text("JOIN events") or "")
    street.text("START")
    assert set(street.follows()) == {"events"}


def test_what_waits_for_a_yes_waits_no_more(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.text("wrong number")
    street.text("YES")
    street.text("YES")
    assert street.follows() == {}


def test_of_a_stranger_it_is_a_stop_like_any_other(tmp_path: Path) -> None:
    street = Street(tmp_path)
    assert street.text("wrong number") == street.says("stopped", "en")
    assert (street.opted_out(), street.texts("wrong number")) == (True, [])


@pytest.mark.parametrize("at", range(1, 14))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_one_that_dies_anywhere_and_comes_again_parts_once_and_whole(tmp_path: Path, at: int, after: bool) -> None:
    killer = Killer()
    street = Street(tmp_path, killer=killer)
    page = shared(street)
    killer.at, killer.calls, killer.after = at, 0, after
    with suppress(Crash):
        street.text("wrong number", sid="SM" + "7" * 32)
    killer.at = 0
    assert street.texts("wrong number", sid="SM" + "7" * 32) == [street.says("stopped", "es")]
    assert is_parted(street, page)
    ends = [one.topic for one in street.services.store.consents.of(page) if str(one.step) == "stopped"]
    assert sorted(ends) == ["*", "jobs", "transit"]
