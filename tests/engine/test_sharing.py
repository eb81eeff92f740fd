"""One page for a number and an email address: only after a yes that said so, only for an address that nobody had proven theirs, and never by half."""

import json
import re
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.city import parse_city
from chalicelib.domain.filters import Filters
from chalicelib.domain.notice import Severity
from chalicelib.domain.preferences import Digest, Preferences
from chalicelib.errors import TransactionRefused
from chalicelib.flows.send_reply import send_reply
from chalicelib.flows.signing import MOST_TOPICS
from chalicelib.state.table import Change
from chalicelib.store.addresses import address_key
from tests.conversation.booth import HERE, _renderer
from tests.conversation.crossing import meddle
from tests.engine.street import MAIL, NEW_MAIL, NEW_PHONE, PHONE, Street, address_of
from tests.engine.town import Crash, Killer

SERIOUS = Filters(severity=Severity.SEVERE)
SOON = Preferences(email_first=True, quiet=(0, 60))
PAGE_SAID = "one page"
BOTH = [("topic", "transit"), ("topic", "jobs"), ("email", MAIL), ("phone", PHONE), ("language", "en")]


def whose(street: Street, to: str) -> str:
    known = street.services.store.addresses.find(address_of(to))
    return known.subscriber if known else ""


def signed_up(street: Street, fields: list[tuple[str, str]] = BOTH) -> None:
    assert street.submit("/join", fields).status == 200
    street.town.work()


def added(street: Street, at: str, to: str) -> str:
    answer = street.submit(street.link(at, "/add"), [("to", to)])
    street.town.work()
    return answer.text


def a_texter(street: Street) -> None:
    """Follows transit by text, and of it only what is serious, with hours of their own."""
    street.text("JOIN transit")
    store, [one] = street.services.store, street.followed()
    chosen = replace(one, filters=SERIOUS, preferences=SOON)
    street.state.table.transact([*store.subscriptions.choice_writes(chosen), store.preferences.write(one.subscriber, SOON)])


# --- signed up with both ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phone_first", [True, False], ids=["phone first", "email first"])
def test_whoever_signs_up_with_both_and_says_yes_twice_has_one_page(tmp_path: Path, phone_first: bool) -> None:
    street = Street(tmp_path)
    signed_up(street)
    way = street.opened()
    [asked] = street.got(PHONE)
    assert PAGE_SAID in asked
    assert f"ends in {PHONE[-2:]}" in street.got(MAIL)[-1]
    assert PAGE_SAID in street.get(way).text
    steps = [lambda: street.text("YES"), lambda: street.submit(way)]
    for step in steps if phone_first else reversed(steps):
        step()
    assert whose(street, PHONE) == whose(street, MAIL) != ""
    assert {(one.topic, str(one.channel)) for one in street.services.store.subscriptions.of(whose(street, PHONE))} == {
        (topic, channel) for topic in ("transit", "jobs") for channel in ("sms", "email")
    }
    page = street.get(street.link(MAIL)).text
    assert page.count('name="topic-sms"') == page.count('name="topic-email"') > 1
    assert 'name="email-first"' in page
    assert "/add" not in page


def test_what_both_agreed_to_is_kept_with_the_sentence_about_the_page(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.text("YES")
    street.submit(street.opened())
    consents = street.services.store.consents
    said = {str(one.channel): consents.wording(one.wording) or "" for one in consents.of(whose(street, MAIL)) if one.topic == "jobs"}
    assert set(said) == {"sms", "email"}
    assert all(PAGE_SAID in words for words in said.values())


@pytest.mark.parametrize("yes", [PHONE, MAIL])
def test_one_yes_alone_opens_nothing_of_the_other(tmp_path: Path, yes: str) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.text("YES") if yes == PHONE else street.submit(street.opened())
    other = MAIL if yes == PHONE else PHONE
    assert whose(street, other) != whose(street, yes)
    page = street.get(street.link(yes)).text
    assert 'name="email-first"' not in page
    assert "/add" in page
    data = street.get(street.link(yes, "/data?download=json")).text
    assert other not in data


def test_a_stranger_whose_number_was_typed_keeps_a_page_of_their_own_by_texting_themselves(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.submit(street.opened())
    street.text("JOIN events")
    assert whose(street, PHONE) not in {"", whose(street, MAIL)}
    street.text("YES")
    assert whose(street, PHONE) != whose(street, MAIL)
    assert "events" not in {one.topic for one in street.services.store.subscriptions.of(whose(street, MAIL))}


@pytest.mark.parametrize("known", [PHONE, MAIL])
def test_an_address_that_has_a_page_keeps_it_and_hears_nothing_of_another(tmp_path: Path, known: str) -> None:
    street = Street(tmp_path)
    if known == PHONE:
        street.text("JOIN events")
    else:
        signed_up(street, [("topic", "events"), ("email", MAIL), ("language", "en")])
        street.submit(street.opened())
        street.clock.advance(timedelta(days=1))
    before = whose(street, known)
    signed_up(street)
    [*_, letter], [*_, asked] = street.got(MAIL), street.got(PHONE)
    assert (PAGE_SAID in asked) == (known != PHONE)
    assert ("if both are new to us" in letter) == (known != MAIL)
    street.text("YES")
    street.submit(street.opened())
    assert whose(street, known) == before
    assert whose(street, PHONE) != whose(street, MAIL)


@pytest.mark.parametrize("meanwhile", ["stop", "joined elsewhere"])
def test_a_phone_that_got_a_page_of_its_own_while_it_was_asked_keeps_it(tmp_path: Path, meanwhile: str) -> None:
    """As where the question and the phone's own text cross."""
    street = Street(tmp_path)
    signed_up(street)
    street.submit(street.opened())
    store, known = street.services.store, street.person().known
    asked = store.sign_ups.waiting(street.person().hash, street.clock())
    assert known
    assert asked
    if meanwhile == "stop":
        street.text("STOP")
        street.state.table.update(address_key(known.hash), Change(remove=("opted_out",)))
        store.sign_ups.ask(asked, 0)
    else:
        street.state.table.transact([store.addresses.vouch_write(address_of(PHONE), subscriber=known.subscriber, known=known)])
    street.text("YES")
    assert set(street.follows()) == {"transit", "jobs"}
    assert whose(street, PHONE) == known.subscriber != whose(street, MAIL)


def test_an_address_that_is_proven_at_the_same_moment_is_not_given_to_a_page(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    store, read = street.services.store, street.person().known
    assert read
    street.text("JOIN events")
    with pytest.raises(TransactionRefused):
        street.state.table.transact([store.addresses.settle_write(read, "0" * 32)])
    assert whose(street, PHONE) == read.subscriber


def test_whoever_changes_the_language_before_their_yes_shares_the_page_in_it(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.submit(street.opened())
    street.text("LANG ES")
    assert "terminar" in (street.text("YES") or "")
    assert whose(street, PHONE) == whose(street, MAIL)
    assert {one.locale for one in street.followed()} == {"es"}


# --- added later --------------------------------------------------------------------------------------------------------


def test_a_texter_gets_emails_too_with_all_that_they_chose(tmp_path: Path) -> None:
    street = Street(tmp_path)
    a_texter(street)
    assert "Get emails too" in street.get(street.link()).text
    rows = street.everything()
    assert {street.get(street.link(PHONE, "/add")).status for _ in range(50)} == {200}
    assert street.everything() == rows
    added(street, PHONE, MAIL)
    assert whose(street, MAIL) != whose(street, PHONE)
    assert f"ends in {PHONE[-2:]} share one page." in street.got(MAIL)[-1]
    done = street.submit(street.opened())
    assert whose(street, MAIL) == whose(street, PHONE)
    [one] = street.followed(MAIL)
    assert (one.topic, one.filters, one.preferences) == ("transit", SERIOUS, SOON)
    assert street.services.tokens.sign("preferences", whose(street, PHONE), "email") in done.text


def test_a_mail_reader_gets_texts_too_with_all_that_they_chose(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street, [("topic", "transit"), ("email", MAIL), ("language", "en")])
    street.submit(street.opened())
    store, [one] = street.services.store, street.followed(MAIL)
    chosen = replace(one, filters=SERIOUS, preferences=SOON)
    street.state.table.transact([*store.subscriptions.choice_writes(chosen), store.preferences.write(one.subscriber, SOON)])
    assert "Get texts too" in street.get(street.link(MAIL)).text
    added(street, MAIL, PHONE)
    [asked] = street.got(PHONE)
    assert PAGE_SAID in asked
    assert MAIL not in asked
    street.text("YES")
    assert whose(street, MAIL) == whose(street, PHONE)
    [one] = street.followed(PHONE)
    assert (one.topic, one.filters, one.preferences) == ("transit", SERIOUS, SOON)


def test_what_is_urgent_comes_by_text_and_the_rest_by_email_once_both_are_known(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    added(street, PHONE, MAIL)
    street.submit(street.opened())
    ticked = [("topic-sms", "transit"), ("topic-email", "transit"), ("email-first", "yes"), ("quiet", "none"), ("language", "en")]
    assert street.submit(street.link(), ticked).status == 200
    before = len(street.got(PHONE)), len(street.got(MAIL))
    street.town.settle(street.town.broadcast("transit", title="A new map"))
    assert (len(street.got(PHONE)), len(street.got(MAIL))) == (before[0], before[1] + 1)
    street.town.settle(street.town.broadcast("transit", title="Stay off the bridge", urgent=True))
    assert (len(street.got(PHONE)), len(street.got(MAIL))) == (before[0] + 1, before[1] + 2)
    assert street.town.broken() == []


def test_the_page_answers_the_same_whatever_address_it_is(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    signed_up(street, [("topic", "events"), ("email", NEW_MAIL), ("language", "en")])
    street.submit(street.opened(NEW_MAIL))
    street.clock.advance(timedelta(days=1))
    pages = {added(street, PHONE, to) for to in (MAIL, NEW_MAIL, "never@example.org")}
    assert len(pages) == 1
    before = whose(street, NEW_MAIL)
    assert PAGE_SAID not in street.got(NEW_MAIL)[-1]
    street.submit(street.opened(NEW_MAIL))
    assert whose(street, NEW_MAIL) == before != whose(street, PHONE)


@pytest.mark.parametrize(("at", "to"), [(PHONE, "ana"), (PHONE, ""), (PHONE, NEW_PHONE), (MAIL, "12"), (MAIL, NEW_MAIL), (MAIL, "+442071838750")])
def test_what_is_no_address_of_the_other_kind_is_said_and_asked_again(tmp_path: Path, at: str, to: str) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    signed_up(street, [("topic", "transit"), ("email", MAIL), ("language", "en")])
    street.submit(street.opened())
    rows = street.everything()
    answer = street.submit(street.link(at, "/add"), [("to", to)])
    assert answer.status == 422
    assert f'value="{to}"' in answer.text
    assert street.everything() == rows


def test_whoever_follows_nothing_adds_nothing(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    street.text("LEAVE transit")
    assert "/add" not in street.get(street.link()).text
    added(street, PHONE, MAIL)
    assert street.got(MAIL) == []


def test_an_address_that_was_left_comes_back_to_its_page(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.text("YES")
    street.submit(street.opened())
    whole = [("topic-sms", "transit"), ("language", "en")]
    street.submit(street.link(), whole)
    assert street.followed(MAIL) == []
    street.clock.advance(timedelta(days=1))
    added(street, PHONE, MAIL)
    street.submit(street.opened())
    assert [one.topic for one in street.followed(MAIL)] == ["transit"]
    assert whose(street, MAIL) == whose(street, PHONE)


def test_a_second_number_takes_nothing_from_the_first_and_has_a_page_of_its_own(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.submit(street.opened())
    street.text("YES")
    added(street, MAIL, NEW_PHONE)
    assert PAGE_SAID not in street.got(NEW_PHONE)[-1]
    street.text("YES", phone=NEW_PHONE)
    assert whose(street, NEW_PHONE) != whose(street, PHONE) == whose(street, MAIL)
    assert set(street.follows(NEW_PHONE)) == set(street.follows(PHONE)) == {"transit", "jobs"}


def test_a_new_number_takes_the_place_of_one_that_was_left(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.submit(street.opened())
    street.text("YES")
    street.submit(street.link(MAIL), [("topic-email", "transit"), ("language", "en")])
    added(street, MAIL, NEW_PHONE)
    assert PAGE_SAID in street.got(NEW_PHONE)[-1]
    street.text("YES", phone=NEW_PHONE)
    assert whose(street, NEW_PHONE) == whose(street, MAIL)
    assert kept_of(street, PHONE) == {"opted_out"}
    street.text("JOIN transit")
    assert whose(street, PHONE) not in {"", whose(street, MAIL)}
    assert set(street.follows(NEW_PHONE)) == set(street.follows(PHONE)) == {"transit"}


def test_of_two_numbers_that_are_asked_at_once_the_first_yes_gets_the_page(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street, [("topic", "transit"), ("email", MAIL), ("language", "en")])
    street.submit(street.opened())
    added(street, MAIL, PHONE)
    added(street, MAIL, NEW_PHONE)
    street.text("YES")
    street.text("YES", phone=NEW_PHONE)
    assert whose(street, PHONE) == whose(street, MAIL) != whose(street, NEW_PHONE)
    assert set(street.follows(NEW_PHONE)) == set(street.follows(PHONE)) == {"transit"}
    store, known = street.services.store, street.services.store.addresses.find(address_of(NEW_PHONE))
    assert known
    with pytest.raises(TransactionRefused):
        street.state.table.transact([store.holds.write(whose(street, MAIL), Channel.SMS, known.hash)])


def test_a_link_that_is_clicked_twice_at_once_leads_both_to_the_page(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.text("YES")
    way = street.opened()
    undo = meddle(street, {1: lambda: (undo(), street.submit(way))})
    answer = street.submit(way)
    [page] = re.findall(r'href="([^"]*/preferences/[^"]*)"', answer.text)
    assert street.get(page.replace("&amp;", "&")).status == 200


# --- moving -------------------------------------------------------------------------------------------------------------


def on_one_page(street: Street) -> str:
    """Both on one page, texts only for what is urgent; whose it is."""
    signed_up(street)
    street.text("YES")
    street.submit(street.opened())
    ticked = [("topic-sms", "transit"), ("topic-email", "transit"), ("topic-email", "jobs"), ("email-first", "yes"), ("quiet", "none"), ("language", "en")]
    assert street.submit(street.link(), ticked).status == 200
    return whose(street, PHONE)


def kept_of(street: Street, to: str) -> set[str]:
    """What the row of an address still says."""
    return set(street.state.table.get(address_key(street.services.store.vault.hash(address_of(to)))) or {})


def moved(street: Street, old: str, new: str) -> None:
    street.clock.advance(timedelta(days=1))
    street.moves_to(new, old)
    street.town.work()
    street.text("YES", phone=new) if new == NEW_PHONE else street.submit(street.opened(new))


@pytest.mark.parametrize(("old", "new"), [(PHONE, NEW_PHONE), (MAIL, NEW_MAIL)])
def test_whoever_moves_one_of_two_addresses_stays_on_the_page_with_all_choices(tmp_path: Path, old: str, new: str) -> None:
    street = Street(tmp_path)
    page = on_one_page(street)
    before = {(one.topic, one.channel, one.filters, one.preferences) for one in street.services.store.subscriptions.of(page)}
    moved(street, old, new)
    assert whose(street, new) == page
    assert {(one.topic, one.channel, one.filters, one.preferences) for one in street.services.store.subscriptions.of(page)} == before
    assert kept_of(street, old) == {"opted_out"}
    phone, mail = (new, MAIL) if old == PHONE else (PHONE, new)
    counts = len(street.got(phone)), len(street.got(mail)), len(street.got(old))
    street.town.settle(street.town.broadcast("transit", title="A new map"))
    assert (len(street.got(phone)), len(street.got(mail)), len(street.got(old))) == (counts[0], counts[1] + 1, counts[2])
    street.town.settle(street.town.broadcast("transit", title="Stay off the bridge", urgent=True))
    assert (len(street.got(phone)), len(street.got(mail)), len(street.got(old))) == (counts[0] + 1, counts[1] + 2, counts[2])
    assert street.town.broken() == []


def test_whoever_has_the_old_number_next_is_somebody_new_and_gets_nothing_that_was_planned_for_it(tmp_path: Path) -> None:
    street = Street(tmp_path)
    page = on_one_page(street)
    street.submit(street.link(), [("topic-sms", "transit"), ("topic-email", "jobs"), ("quiet", "none"), ("language", "en")])
    planned = street.town.broadcast("transit", title="Planned before")
    while not any("batch" in body for body in street.town.notes.bodies):
        assert street.town.work(most=1)
    street.moves_to(NEW_PHONE, PHONE)
    for row in [json.loads(body) for body in street.town.notes.bodies if "reply" in body]:
        send_reply(row["reply"], services=street.services)
    street.text("YES", phone=NEW_PHONE)
    street.text("JOIN transit")
    assert whose(street, PHONE) not in {"", page}
    before = len(street.got(PHONE))
    street.town.settle(planned)
    assert [one for one in street.got(PHONE)[before:] if "Planned before" in one] == []
    assert street.town.broken() == []


def test_moving_to_a_number_that_has_a_page_parts_the_old_one_and_keeps_both_pages(tmp_path: Path) -> None:
    street = Street(tmp_path)
    page = on_one_page(street)
    street.text("JOIN events", phone=NEW_PHONE)
    own = whose(street, NEW_PHONE)
    moved(street, PHONE, NEW_PHONE)
    assert (whose(street, NEW_PHONE), whose(street, MAIL)) == (own, page)
    assert set(street.follows(NEW_PHONE)) == {"events", "transit"}
    assert kept_of(street, PHONE) == {"opted_out"}


@pytest.mark.parametrize(("old", "new"), [(PHONE, NEW_PHONE), (MAIL, NEW_MAIL)])
def test_erasing_after_a_move_leaves_nothing_of_either_address_or_the_one_before(tmp_path: Path, old: str, new: str) -> None:
    street = Street(tmp_path)
    on_one_page(street)
    moved(street, old, new)
    assert street.submit(street.link(new, "/erase"), [("sure", "yes")]).status == 200
    assert [kept_of(street, to) for to in {PHONE, MAIL, old, new}] == [{"opted_out"}] * 3


@pytest.mark.parametrize(("old", "new"), [(PHONE, NEW_PHONE), (MAIL, NEW_MAIL)])
@pytest.mark.parametrize("at", range(1, 16))
def test_a_move_that_dies_anywhere_and_comes_again_stays_on_the_page(tmp_path: Path, old: str, new: str, at: int) -> None:
    killer = Killer()
    street = Street(tmp_path, killer=killer)
    page = on_one_page(street)
    followed = {one.topic for one in street.services.store.subscriptions.of(page, address_of(old).channel)}
    street.clock.advance(timedelta(days=1))
    street.moves_to(new, old)
    street.town.work()
    way = street.opened(new) if new == NEW_MAIL else ""

    def yes() -> None:
        street.submit(way) if way else street.text("YES", phone=new, sid="SM" + "7" * 32)

    killer.at, killer.calls = at, 0
    with suppress(Crash):
        yes()
    killer.at = 0
    yes()
    found = street.services.store.subscriptions.of(page, address_of(old).channel)
    assert {one.topic for one in found} == followed
    assert {one.address for one in found} == {street.services.store.vault.hash(address_of(new))}
    assert whose(street, new) == page
    assert kept_of(street, old) == {"opted_out"}


# --- erased, and dying --------------------------------------------------------------------------------------------------


def test_erasing_the_page_ends_what_waits(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    added(street, PHONE, MAIL)
    way = street.opened()
    assert street.submit(street.link(PHONE, "/erase"), [("sure", "yes")]).status == 200
    assert street.submit(way).status == 404
    assert street.followed(MAIL) == []


def test_erasing_the_page_forgets_both(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.text("YES")
    street.submit(street.opened())
    assert street.submit(street.link(PHONE, "/erase"), [("sure", "yes")]).status == 200
    assert street.opted_out(MAIL)
    assert street.opted_out(PHONE)
    assert whose(street, MAIL) == whose(street, PHONE) == ""


def a_large_city(street: Street) -> list[str]:
    """As many topics more as one sign-up may name."""
    topics = [f"t{number}" for number in range(MOST_TOPICS)]
    lists = [f'[[topics]]\nid = "{one}"\nkeywords = ["WORD{one.upper()}"]\n[topics.names]\nen = "Topic {one}"\n' for one in topics]
    text = "\n".join([(HERE / "city.toml").read_text("utf-8"), *lists])
    street.services = street.town.services = replace(street.services, city=parse_city(text), renderer=lambda: _renderer(text))
    return topics


@pytest.mark.parametrize("by", ["text", "link"])
@pytest.mark.parametrize("at", [0, *range(5, 15)])
def test_a_yes_to_more_than_one_transaction_holds_joins_all_of_it(tmp_path: Path, by: str, at: int) -> None:
    """Thirty topics that come in a digest, with a death at a call, or with none."""
    killer = Killer()
    street = Street(tmp_path, killer=killer)
    topics = a_large_city(street)
    signed_up(street, [*(("topic", one) for one in topics), ("email", MAIL), ("phone", PHONE), ("language", "en")])
    first, second = (MAIL, PHONE) if by == "text" else (PHONE, MAIL)
    way = street.opened()
    street.submit(way) if by == "text" else street.text("YES")
    digest = [(f"topic-{address_of(first).channel}", one) for one in topics] + [("digest", "daily"), ("digest-hour", "8"), ("language", "en")]
    assert street.submit(street.link(first), digest).status == 200
    killer.at, killer.calls = at, 0
    for _ in range(2 if at else 1):
        with suppress(Crash):
            street.text("YES", sid="SM" + "7" * 32) if by == "text" else street.submit(way)
        killer.at = 0
    assert {one.topic for one in street.followed(second)} == set(topics)
    assert {one.preferences.digest for one in street.followed(second)} == {Digest.DAILY}
    assert whose(street, second) == whose(street, first)


@pytest.mark.parametrize("by", ["text", "link"])
@pytest.mark.parametrize("at", range(1, 15))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_yes_that_dies_anywhere_and_comes_again_shares_once_and_all(tmp_path: Path, by: str, at: int, after: bool) -> None:
    killer = Killer()
    street = Street(tmp_path, killer=killer)
    signed_up(street)
    first, second = (MAIL, PHONE) if by == "text" else (PHONE, MAIL)
    way = street.opened()
    street.submit(way) if by == "text" else street.text("YES")
    page = whose(street, first)

    def yes() -> None:
        street.text("YES", sid="SM" + "7" * 32) if by == "text" else street.submit(way)

    killer.at, killer.calls, killer.after = at, 0, after
    with suppress(Crash):
        yes()
    killer.at = 0
    assert (whose(street, second) == page) == bool(street.followed(second))
    yes()
    assert whose(street, second) == page
    assert {one.topic for one in street.followed(second)} == {"transit", "jobs"}
    joined = [one.topic for one in street.services.store.consents.of(page) if (str(one.step), one.channel) == ("joined", address_of(second).channel)]
    assert sorted(joined) == ["jobs", "transit"]
