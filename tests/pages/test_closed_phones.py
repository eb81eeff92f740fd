"""Which phones a page may open again: those that a page of ours closed, and no other."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Consent, How, Step
from tests.engine.street import MAIL, NEW_PHONE, PHONE, Street
from tests.engine.test_sharing import signed_up, whose
from tests.pages.test_choices import Fields, sent_back


def a_texter(tmp_path: Path) -> Street:
    street = Street(tmp_path)
    street.text("JOIN transit")
    street.clock.advance(timedelta(minutes=5))
    return street


def left_by_page(street: Street) -> None:
    """Everything unticked on the page."""
    link = street.link()
    assert street.submit(link, [("language", "en")]).status == 200
    assert street.opted_out()
    street.clock.advance(timedelta(minutes=5))


def ticked(street: Street, link: str, topic: str = "transit") -> int:
    """The page opened and sent back with one more tick; the answer's status."""
    return street.submit(link, [*sent_back(street.get(link).text), ("topic-sms", topic)]).status


def topics(street: Street, to: str = PHONE) -> list[str]:
    return [one.topic for one in street.followed(to)]


@pytest.mark.parametrize("words", ["STOP", "ALTO", "no more texts"])
def test_whoever_stopped_by_text_is_asked_to_text_start_and_follows_nothing_again(tmp_path: Path, words: str) -> None:
    street = a_texter(tmp_path)
    link = street.link()
    street.text(words)
    answer = street.submit(link, [*sent_back(street.get(link).text), ("topic-sms", "transit")])
    assert answer.status == 409
    assert "Text START first" in answer.text
    assert (topics(street), street.opted_out()) == ([], True)


def test_a_number_that_is_somebody_elses_is_opened_by_no_link_that_went_there(tmp_path: Path) -> None:
    street = a_texter(tmp_path)
    link = street.link()
    open_page: Fields = sent_back(street.get(link).text)
    street.text("wrong number")
    assert street.submit(link, [*open_page, ("topic-sms", "jobs")]).status in {404, 409}
    assert (topics(street), street.opted_out()) == ([], True)


def test_a_page_that_lay_open_while_they_stopped_by_text_opens_nothing(tmp_path: Path) -> None:
    street = a_texter(tmp_path)
    link = street.link()
    open_page: Fields = sent_back(street.get(link).text)
    street.text("ALTO")
    assert street.submit(link, [*open_page, ("topic-sms", "jobs")]).status == 409
    assert (topics(street), street.opted_out()) == ([], True)


def test_who_left_on_the_page_and_then_stopped_by_text_stays_stopped(tmp_path: Path) -> None:
    street = a_texter(tmp_path)
    left_by_page(street)
    street.text("ALTO")
    assert ticked(street, street.link()) == 409
    assert street.opted_out()


@pytest.mark.parametrize("after", [timedelta(0), timedelta(minutes=5)], ids=["at once", "later"])
def test_who_left_on_the_page_comes_back_on_it_whatever_else_was_chosen_since(tmp_path: Path, after: timedelta) -> None:
    street = a_texter(tmp_path)
    left_by_page(street)
    street.submit(street.link(), sent_back(street.get(street.link()).text, quiet="none"))
    street.clock.advance(after)
    assert ticked(street, street.link()) == 200
    assert (topics(street), street.opted_out()) == (["transit"], False)


def test_who_left_by_the_link_of_a_message_comes_back_on_the_page(tmp_path: Path) -> None:
    street = a_texter(tmp_path)
    token = street.services.tokens.sign("unsubscribe", whose(street, PHONE), "transit", "sms")
    street.submit(f"/unsubscribe/{token}", [("List-Unsubscribe", "One-Click")])
    assert street.opted_out()
    assert ticked(street, street.link()) == 200
    assert topics(street) == ["transit"]


def test_a_number_that_they_moved_away_from_is_not_opened_by_its_old_link(tmp_path: Path) -> None:
    street = a_texter(tmp_path)
    link = street.link()
    street.moves_to(NEW_PHONE, PHONE)
    street.town.work()
    street.text("YES", phone=NEW_PHONE)
    assert ticked(street, link) == 409
    assert (topics(street), street.opted_out(), topics(street, NEW_PHONE)) == ([], True, ["transit"])


def test_what_a_provider_holds_back_is_not_opened_though_it_was_left_on_the_page(tmp_path: Path) -> None:
    street = a_texter(tmp_path)
    left_by_page(street)
    street.services.store.addresses.note_block(street.person(PHONE).hash)
    assert ticked(street, street.link()) == 409
    assert street.opted_out()


def test_a_stop_whose_entry_is_not_written_yet_counts_already(tmp_path: Path) -> None:
    street = a_texter(tmp_path)
    left_by_page(street)
    street.services.store.addresses.opt_out(street.person(PHONE).hash, street.clock())
    assert ticked(street, street.link()) == 409
    assert street.opted_out()


def test_of_a_page_and_a_stop_at_one_moment_the_stop_counts(tmp_path: Path) -> None:
    street = a_texter(tmp_path)
    left_by_page(street)
    store = street.services.store
    left = store.consents.of(whose(street, PHONE))[-1]
    street.state.table.transact([store.consents.add_write(replace(left, step=Step.STOPPED, source=f"{source}{left.source}")) for source in ("", "z")])
    assert ticked(street, street.link()) == 409
    assert street.opted_out()


def test_who_ended_everything_by_the_link_of_a_message_says_start(tmp_path: Path) -> None:
    street = a_texter(tmp_path)
    token = street.services.tokens.sign("unsubscribe", whose(street, PHONE), "transit", "sms")
    street.submit(f"/unsubscribe/{token}", [("end", "all")])
    assert ticked(street, street.link()) == 409
    assert street.opted_out()


def test_leaving_all_emails_opens_no_phone_that_stopped(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.text("YES")
    street.submit(street.opened())
    assert whose(street, PHONE) == whose(street, MAIL)
    street.clock.advance(timedelta(minutes=5))
    street.text("ALTO")
    street.clock.advance(timedelta(minutes=5))
    street.submit(street.link(MAIL), [("language", "en")])
    assert street.opted_out(MAIL)
    assert ticked(street, street.link(PHONE)) == 409
    assert (topics(street), street.opted_out()) == ([], True)


@pytest.mark.parametrize("how", [How.LOG, How.STAFF, How.KEYWORD])
def test_what_anything_but_a_page_closed_stays_closed(tmp_path: Path, how: How) -> None:
    street = a_texter(tmp_path)
    left_by_page(street)
    store, person = street.services.store, street.person(PHONE)
    left = Consent(whose(street, PHONE), person.hash, Channel.SMS, "transit", Step.LEFT, how, "again", "en", street.clock())
    street.state.table.transact([store.consents.add_write(left)])
    assert ticked(street, street.link()) == 409
    assert street.opted_out()
