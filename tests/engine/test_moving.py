"""Moving to a new number or email address: nothing changes before the new one's yes; after it the old one gets nothing, and the new one all."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.filters import Filters
from chalicelib.domain.notice import Severity
from chalicelib.domain.preferences import Digest, Preferences
from tests.engine.street import MAIL, NEW_MAIL, NEW_PHONE, PHONE, Street
from tests.engine.town import Crash, Killer

SERIOUS = Filters(severity=Severity.SEVERE)
AT_NIGHT = Preferences(zone="America/Chicago", quiet=(0, 60))


def a_rider(street: Street) -> None:
    """Follows two topics on the old phone, in Spanish; of one only what is serious, and at hours of their own."""
    street.text("JOIN transit")
    street.text("JOIN jobs")
    street.text("LANG ES")
    store = street.services.store
    [one] = [one for one in street.followed() if one.topic == "transit"]
    chosen = replace(one, filters=SERIOUS, preferences=AT_NIGHT)
    street.state.table.transact([*store.subscriptions.choice_writes(chosen), store.preferences.write(one.subscriber, AT_NIGHT)])


def asked_to_move(street: Street, to: str = NEW_PHONE, at: str = PHONE) -> str:
    page = street.moves_to(to, at)
    street.town.work()
    return page


def what(street: Street, to: str) -> dict[str, tuple[str, Filters, Preferences]]:
    return {one.topic: (one.locale, one.filters, one.preferences) for one in street.followed(to)}


def test_a_number_moves_with_all_choices_once_the_new_one_says_yes(tmp_path: Path) -> None:
    street = Street(tmp_path)
    a_rider(street)
    before = what(street, PHONE)
    asked_to_move(street)
    [asked] = street.got(NEW_PHONE)
    assert "YES" in asked
    assert what(street, PHONE) == before
    assert not street.opted_out(PHONE)
    assert street.follows(NEW_PHONE) == {}
    street.text("YES", phone=NEW_PHONE)
    assert what(street, NEW_PHONE) == before == {"transit": ("es", SERIOUS, AT_NIGHT), "jobs": ("es", Filters(), Preferences())}
    assert street.follows(PHONE) == {}
    assert street.opted_out(PHONE)
    assert street.services.store.preferences.of(street.ledger(NEW_PHONE)[0].subscriber) == AT_NIGHT
    assert [step for step in street.steps(PHONE) if step[0] == "left"] == [("left", "jobs"), ("left", "transit")]
    assert sorted(street.steps(NEW_PHONE)) == [("joined", "jobs"), ("joined", "transit")]
    assert {one.how for one in street.ledger(NEW_PHONE)} == {"web"}


def test_each_address_keeps_the_id_that_it_had(tmp_path: Path) -> None:
    street = Street(tmp_path)
    a_rider(street)
    street.text("HELP", phone=NEW_PHONE)
    asked_to_move(street)
    old, new = street.person(PHONE).known, street.person(NEW_PHONE).known
    street.text("YES", phone=NEW_PHONE)
    after = street.person(PHONE).known, street.person(NEW_PHONE).known
    assert old
    assert new
    assert [one and one.subscriber for one in after] == [old.subscriber, new.subscriber]
    assert old.subscriber != new.subscriber


def test_after_it_the_old_number_gets_nothing_and_the_new_one_all(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    asked_to_move(street)
    under_way = street.town.broadcast("transit", title="Planned before")
    while not any("batch" in body for body in street.town.notes.bodies):
        assert street.town.work(most=1)
    street.text("YES", phone=NEW_PHONE)
    later = street.town.broadcast("transit", title="Sent after")
    street.town.settle(under_way, later)
    assert street.got(PHONE) == []
    assert [one for one in street.got(NEW_PHONE) if "Sent after" in one]
    assert street.town.broken() == []


def test_a_new_number_that_follows_things_of_its_own_follows_both(tmp_path: Path) -> None:
    street = Street(tmp_path)
    a_rider(street)
    street.text("JOIN transit", phone=NEW_PHONE)
    street.text("JOIN events", phone=NEW_PHONE)
    asked_to_move(street)
    street.text("YES", phone=NEW_PHONE)
    moved = what(street, NEW_PHONE)
    assert set(moved) == {"transit", "events", "jobs"}
    assert moved["transit"][1:] == (Filters(), Preferences())


def test_what_is_followed_only_since_the_move_was_asked_for_moves_too(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    asked_to_move(street)
    street.text("JOIN jobs")
    street.text("YES", phone=NEW_PHONE)
    assert set(street.follows(NEW_PHONE)) == {"transit", "jobs"}
    assert street.follows(PHONE) == {}


@pytest.mark.parametrize("said", ["NO", "HELLO", "STOP"])
def test_nothing_moves_for_any_other_answer(tmp_path: Path, said: str) -> None:
    street = Street(tmp_path)
    a_rider(street)
    before = what(street, PHONE)
    asked_to_move(street)
    street.text(said, phone=NEW_PHONE)
    assert what(street, PHONE) == before
    assert not street.opted_out(PHONE)
    assert street.follows(NEW_PHONE) == {}


def test_a_yes_after_a_day_moves_nothing(tmp_path: Path) -> None:
    street = Street(tmp_path)
    a_rider(street)
    asked_to_move(street)
    street.clock.advance(timedelta(hours=24))
    street.text("YES", phone=NEW_PHONE)
    assert set(street.follows(PHONE)) == {"transit", "jobs"}
    assert street.follows(NEW_PHONE) == {}


def test_the_same_number_again_stays_as_it_is(tmp_path: Path) -> None:
    street = Street(tmp_path)
    a_rider(street)
    asked_to_move(street, to=PHONE)
    street.text("YES")
    assert set(street.follows(PHONE)) == {"transit", "jobs"}
    assert not street.opted_out(PHONE)


def test_the_answer_is_the_same_whatever_number_it_is(tmp_path: Path) -> None:
    street = Street(tmp_path)
    a_rider(street)
    street.text("JOIN events", phone="+12025550111")
    street.text("STOP", phone="+12025550122")
    pages = {asked_to_move(street, to=to) for to in ("+12025550111", "+12025550122", "+12025550133")}
    again = asked_to_move(street, to="+12025550133")
    assert pages == {again}
    assert [len(street.got(to)) for to in ("+12025550111", "+12025550122", "+12025550133")] == [1, 0, 1]


@pytest.mark.parametrize(
    ("at", "to"), [(PHONE, "12"), (PHONE, ""), (PHONE, "ana@example.org"), (PHONE, "+442071838750"), (MAIL, "ana"), (MAIL, "+12025550101")]
)
def test_what_is_no_address_of_that_kind_is_said_and_asked_again(tmp_path: Path, at: str, to: str) -> None:
    street = Street(tmp_path)
    a_mail_reader(street) if at == MAIL else a_rider(street)
    rows = street.everything()
    answer = street.submit(street.link(at, "/move"), [("to", to)])
    assert answer.status == 422
    assert f'value="{to}"' in answer.text
    assert street.everything() == rows


def test_whoever_follows_nothing_has_nothing_to_move(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    street.text("LEAVE transit")
    assert "nothing to move" in street.get(street.link(PHONE, "/move")).text
    asked_to_move(street)
    assert street.got(NEW_PHONE) == []


# --- email ------------------------------------------------------------------------------------------------------------


def a_mail_reader(street: Street) -> None:
    """Follows transit by email, together once a day."""
    street.submit("/join", [("topic", "transit"), ("email", MAIL), ("language", "en")])
    street.town.work()
    street.submit(street.opened())
    store, [one] = street.services.store, street.followed(MAIL)
    street.state.table.transact(store.subscriptions.choice_writes(replace(one, filters=SERIOUS, preferences=Preferences(digest=Digest.DAILY))))


def test_an_email_address_moves_by_the_link_in_the_new_ones_letter(tmp_path: Path) -> None:
    street = Street(tmp_path)
    a_mail_reader(street)
    before = what(street, MAIL)
    asked_to_move(street, NEW_MAIL, MAIL)
    way = street.opened(NEW_MAIL)
    rows = street.everything()
    assert {street.get(way).status for _ in range(50)} == {200}
    assert street.everything() == rows
    assert what(street, MAIL) == before
    assert street.submit(way).status == 200
    assert what(street, NEW_MAIL) == before
    assert street.followed(MAIL) == []
    assert street.opted_out(MAIL)
    assert street.submit(way).status == 200
    assert what(street, NEW_MAIL) == before


def test_a_new_email_address_keeps_what_it_chose_itself(tmp_path: Path) -> None:
    street = Street(tmp_path)
    a_mail_reader(street)
    street.submit("/join", [("topic", "transit"), ("email", NEW_MAIL), ("language", "en")])
    street.town.work()
    street.submit(street.opened(NEW_MAIL))
    street.clock.advance(timedelta(days=1))
    asked_to_move(street, NEW_MAIL, MAIL)
    street.submit(street.opened(NEW_MAIL))
    assert what(street, NEW_MAIL) == {"transit": ("en", Filters(), Preferences())}
    assert street.followed(MAIL) == []


# --- dying ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(1, 14))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_yes_that_dies_anywhere_and_comes_again_moves_once_and_all(tmp_path: Path, at: int, after: bool) -> None:
    killer = Killer()
    street = Street(tmp_path, killer=killer)
    a_rider(street)
    before = what(street, PHONE)
    asked_to_move(street)
    killer.at, killer.calls, killer.after = at, 0, after
    with suppress(Crash):
        street.text("YES", phone=NEW_PHONE, sid="SM" + "7" * 32)
    assert killer.deaths or after  # a call that is refused has no after
    killer.at = 0
    half = what(street, PHONE), what(street, NEW_PHONE)
    assert half in [(before, {}), ({}, before)]
    assert not (half[1] and not street.opted_out(PHONE))
    street.text("YES", phone=NEW_PHONE, sid="SM" + "7" * 32)
    assert what(street, NEW_PHONE) == before
    assert street.follows(PHONE) == {}
    assert street.opted_out(PHONE)
    assert len(street.steps(NEW_PHONE)) == 2
    assert [step for step in street.steps(PHONE) if step[0] == "left"] == [("left", "jobs"), ("left", "transit")]


def test_choices_that_were_already_left_are_found_in_the_sign_up(tmp_path: Path) -> None:
    """As after a death between two transactions of somebody who follows very much."""
    street = Street(tmp_path)
    a_rider(street)
    before = what(street, PHONE)
    asked_to_move(street)
    store = street.services.store
    for one in street.followed(PHONE):
        street.state.table.transact(store.subscriptions.leave_writes(one.subscriber, one.topic, Channel.SMS))
    street.text("YES", phone=NEW_PHONE)
    assert what(street, NEW_PHONE) == before
