"""What is one's own: messages we sent, data to take away, moving, erasing. A GET changes nothing; after an erasure every link has ended."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.filters import Filters
from chalicelib.domain.locale import SPOKEN
from chalicelib.domain.notice import Severity, Text
from chalicelib.domain.preferences import Digest, Preferences
from chalicelib.domain.told import Fate, fate_of
from chalicelib.state.table import Change
from chalicelib.store.addresses import address_key
from chalicelib.store.batch_rows import far_key
from tests.engine.street import MAIL, NEW_MAIL, NEW_PHONE, PHONE, Street, address_of
from tests.pages.browsing import check, check_at_all_widths, opened
from tests.pages.conftest import serve
from tests.pages.test_pages import bones

PAGES = ("/messages", "/data", "/erase", "/move", "/add")


def a_reader(folder: Path, locale: str = "en") -> Street:
    """Somebody who follows two topics by email, and got a message."""
    street = Street(folder)
    street.submit("/join", [("topic", "transit"), ("topic", "jobs"), ("email", MAIL), ("language", locale)])
    street.town.work()
    street.submit(street.opened())
    street.town.settle(street.town.broadcast("transit", title="Buses replace trains"))
    return street


def rows(street: Street) -> list[str]:
    return sorted(street.everything())


def words(text: str) -> str:
    """A page's own words, without the frame."""
    main = re.search(r"<main.*?</main>", text, re.S)
    assert main
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", main[0])).strip()


# --- every page -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", SPOKEN)
def test_every_page_stands_in_every_language(tmp_path: Path, locale: str) -> None:
    street = a_reader(tmp_path, locale)
    for page in PAGES:
        answer = street.get(street.link(MAIL, f"{page}?lang={locale}"))
        found = bones(answer.text)
        assert answer.status == 200, page
        assert found.of("html")[0]["lang"] == locale
        assert (found.unbalanced, len(found.of("h1")), len(found.of("main"))) == ([], 1, 1), page
        assert answer.headers["Cache-Control"] == "no-store"


def test_fifty_looks_at_each_page_change_nothing(tmp_path: Path) -> None:
    street = a_reader(tmp_path)
    before = rows(street)
    for page in (*PAGES, "/data?download=json", "/erase?sure=yes", f"/move?to={NEW_MAIL}"):
        assert {street.get(street.link(MAIL, page)).status for _ in range(50)} == {200}, page
    assert rows(street) == before


def test_the_page_of_choices_leads_to_each(tmp_path: Path) -> None:
    street = a_reader(tmp_path)
    way = street.link(MAIL)
    hrefs = {str(one.get("href")) for one in bones(street.get(way).text).of("a")}
    for page in PAGES:
        assert f"{way}{page}?lang=en" in hrefs
        assert street.get(way + page).status == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_token_that_is_not_ours_opens_nothing(tmp_path: Path, page: str) -> None:
    street = a_reader(tmp_path)
    assert street.get(f"/preferences/nothing{page}").status == 404
    other = street.services.tokens.sign("unsubscribe", "a" * 32, "sms")
    assert street.get(f"/preferences/{other}{page}").status == 404


# --- messages ---------------------------------------------------------------------------------------------------------


def test_messages_are_shown_newest_first_with_where_they_stand_and_lead_to_the_notice(tmp_path: Path) -> None:
    street = a_reader(tmp_path)
    street.clock.advance(timedelta(minutes=1))
    street.town.settle(street.town.broadcast("jobs", title="A job", notice="nt_2"))
    page = street.get(street.link(MAIL, "/messages"))
    assert re.findall("A job|Buses replace trains", words(page.text)) == ["A job", "Buses replace trains"]
    assert words(page.text).count("Handed to your email company.") == 2
    assert "By email" in words(page.text)
    assert 'href="/n/nt_2?lang=en"' in page.text
    street.town.deliver_receipts()
    assert words(street.get(street.link(MAIL, "/messages")).text).count("Delivered.") == 2


def test_a_title_stands_in_the_language_it_was_sent_in(tmp_path: Path) -> None:
    street = a_reader(tmp_path, "es")
    street.town.settle(street.town.broadcast("jobs", texts={"en": Text("A job", ""), "es": Text("Un empleo", "")}))
    page = street.get(street.link(MAIL, "/messages?lang=en"))
    assert '<span lang="es" dir="ltr">Un empleo</span>' in page.text


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"preferences": Preferences(digest=Digest.DAILY)}, "Not sent alone: it comes together with others, as you chose."),
        ({"filters": Filters(severity=Severity.EXTREME)}, "Not sent: it is not in the part that you chose."),
        ({"quiet": (0, 24 * 60 - 1)}, "Waits until "),
    ],
    ids=["digest", "filtered", "held"],
)
def test_what_was_not_sent_is_shown_with_why(tmp_path: Path, chosen: dict[str, object], said: str) -> None:
    street = Street(tmp_path)
    person = street.town.follower("transit", channels=(Channel.SMS,), **chosen)  # type: ignore[arg-type]
    street.town.broadcast("transit", title="Never mind")
    street.town.work()
    street.town.tick()
    street.town.work()
    page = street.get(f"/preferences/{street.services.tokens.sign('preferences', person, 'sms')}/messages")
    assert "Never mind" in words(page.text)
    assert said in words(page.text)


@pytest.mark.parametrize("digest", list(Digest), ids=str)
def test_who_wants_it_by_email_alone_is_told_that_of_texts_also_of_a_digest(tmp_path: Path, digest: Digest) -> None:
    street = Street(tmp_path)
    wish = Preferences(email_first=True, digest=digest, digest_day=1)  # the town's clock begins at seven on a Tuesday
    person = street.town.follower("transit", channels=(Channel.SMS, Channel.EMAIL), preferences=wish)
    street.town.settle(street.town.broadcast("transit", title="Never mind"))
    for _ in range(24):
        street.clock.advance(timedelta(minutes=5))
        street.town.tick()
        street.town.work()
    said = words(street.get(f"/preferences/{street.services.tokens.sign('preferences', person, 'sms')}/messages").text)
    assert said.count("Comes by email alone, as you chose.") == 1
    assert said.count("Handed to your email company.") == 1
    assert said.count("Not sent alone") == (0 if digest is Digest.NOW else 2)
    assert "in the part that you chose" not in said


def test_whoever_paused_and_then_stopped_is_told_so(tmp_path: Path) -> None:
    street = Street(tmp_path)
    pause = Preferences(paused_until=street.clock() + timedelta(days=3))
    paused, stopping = street.town.follower("transit", preferences=pause), street.town.follower("transit")
    name = street.town.broadcast("transit")
    while not any("batch" in body for body in street.town.notes.bodies):
        assert street.town.work(most=1)
    street.town.opt_out(stopping, Channel.SMS)
    street.town.settle(name)
    for person, said in ((paused, "Not sent: you had paused our messages."), (stopping, "Not sent: you had stopped our messages.")):
        page = street.get(f"/preferences/{street.services.tokens.sign('preferences', person, 'sms')}/messages")
        assert said in words(page.text)
        assert words(page.text).count("Hello") == 1


def test_what_was_decided_of_a_neighbour_is_not_told(tmp_path: Path) -> None:
    street = Street(tmp_path)
    pause = Preferences(paused_until=street.clock() + timedelta(days=3))
    street.town.follower("transit", preferences=pause, shard=3)
    person = street.town.follower("transit", shard=3)
    street.town.settle(street.town.broadcast("transit"))
    said = words(street.get(f"/preferences/{street.services.tokens.sign('preferences', person, 'sms')}/messages").text)
    assert (said.count("Hello"), "paused" in said) == (1, False)


def test_a_message_that_another_person_got_is_not_shown(tmp_path: Path) -> None:
    street = a_reader(tmp_path)
    street.text("JOIN events")
    street.town.settle(street.town.broadcast("events", title="A parade"))
    assert "A parade" not in street.get(street.link(MAIL, "/messages")).text
    assert "A parade" in street.get(street.link(PHONE, "/messages")).text


def test_a_batch_whose_rows_have_left_is_passed_over(tmp_path: Path) -> None:
    street = Street(tmp_path)
    pause = Preferences(paused_until=street.clock() + timedelta(days=3))
    people = [street.town.follower("transit", shard=3), street.town.follower("transit", shard=3, preferences=pause)]
    street.town.settle(street.town.broadcast("transit"))
    for row in street.town.state.rows():
        if row.key.sort.startswith("W#"):
            street.state.table.delete(row.key)
    for person in people:
        page = street.get(f"/preferences/{street.services.tokens.sign('preferences', person, 'sms')}/messages")
        assert "There are no messages here." in words(page.text)


def test_at_most_a_hundred_are_shown_and_the_newest(tmp_path: Path) -> None:
    street = a_reader(tmp_path)
    names = []
    for number in range(101):
        street.clock.advance(timedelta(seconds=1))
        names.append(street.town.broadcast("jobs", title=f"Job no. {number:03d}."))
    street.town.settle(*names)
    shown = re.findall(r"Job no\. \d+", words(street.get(street.link(MAIL, "/messages")).text))
    assert shown == [f"Job no. {number:03d}" for number in range(100, 0, -1)]


@pytest.mark.parametrize(
    ("mark", "fate"),
    [
        *((Mark(state), fate) for state, fate in ((State.DELIVERED, Fate.DELIVERED), (State.ACCEPTED, Fate.HANDED_OVER), (State.QUEUED, Fate.ON_ITS_WAY))),
        *((Mark(state), fate) for state, fate in ((State.ATTEMPTING, Fate.ON_ITS_WAY), (State.HELD, Fate.WAITS), (State.UNKNOWN, Fate.UNSURE))),
        *((Mark(state), fate) for state, fate in ((State.UNCONFIRMED, Fate.UNSURE), (State.EXPIRED, Fate.TOO_LATE), (State.FAILED, Fate.REFUSED))),
        *((Mark(State.FAILED, code), fate) for code, fate in (("our_fault", Fate.OUR_MISTAKE), ("30006", Fate.BAD_ADDRESS), ("30007", Fate.REFUSED))),
        (Mark(State.SKIPPED, SkipReason.BY_EMAIL), Fate.BY_EMAIL),
        *((Mark(State.SKIPPED, why), fate) for why, fate in ((SkipReason.CAP, Fate.ENOUGH), (SkipReason.BROADCAST_STOPPED, Fate.WITHDRAWN))),
        *((Mark(State.SKIPPED, why), Fate.NOT_SENT) for why in (SkipReason.UNVERIFIED, SkipReason.NO_ADDRESS, SkipReason.DUPLICATE, SkipReason.ERASED, "new")),
    ],
    ids=str,
)
def test_every_standing_has_a_sentence(mark: Mark, fate: Fate) -> None:
    assert fate_of(mark) is fate


def test_every_fate_is_said_by_its_own_sentence(tmp_path: Path) -> None:
    street = Street(tmp_path)
    person = street.town.follower("transit")
    name = street.town.broadcast("transit")
    street.town.settle(name)
    [pointer] = street.services.store.history.of(person)
    said = set()
    cells = (
        "accepted",
        "failed:21211",
        "failed:30007",
        "failed:our_fault",
        "expired",
        "unconfirmed",
        "skipped:cap",
        "skipped:by_email",
        "skipped:broadcast_stopped",
        "skipped:unverified",
    )
    for cell in cells:
        _write_cell(street, pointer.batch, cell)
        said.add(words(street.get(f"/preferences/{street.services.tokens.sign('preferences', person, 'sms')}/messages").text))
    assert len(said) == len(cells)


def _write_cell(street: Street, key: BatchKey, cell: str) -> None:
    street.state.table.update(far_key(key), Change(set={"cells": cell}))


# --- data -------------------------------------------------------------------------------------------------------------


def test_the_file_holds_all_we_know(tmp_path: Path) -> None:
    street = a_reader(tmp_path, "es")
    answer = street.get(street.link(MAIL, "/data?download=json"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("application/json; charset=utf-8", "no-store")
    found = json.loads(answer.text)
    [address], [message] = found["addresses"], found["messages"]
    assert (address["address"], address["channel"], address["verified"]) == (MAIL, "email", True)
    assert [(one["topics"], one["confirmed"]) for one in address["sign_ups"]] == [(["transit", "jobs"], True)]
    assert {(one["topic"], one["channel"], one["language"]) for one in found["subscriptions"]} == {("transit", "email", "es"), ("jobs", "email", "es")}
    assert {(one["step"], one["topic"]) for one in found["consent"]} == {("joined", "transit"), ("joined", "jobs")}
    assert all("Larkhaven Alerts" in one["shown"] for one in found["consent"])
    assert (message["title"], message["fate"]) == ("Buses replace trains", "handed_over")


def test_the_page_of_data_says_it_for_people(tmp_path: Path) -> None:
    street = a_reader(tmp_path)
    street.clock.advance(timedelta(days=1))
    street.submit("/join", [("topic", "events"), ("email", MAIL), ("language", "en")])
    said = words(street.get(street.link(MAIL, "/data")).text)
    for part in (MAIL, "City jobs", "You signed up: Transit alerts", "What you were shown", "Waiting for your yes", "City events"):
        assert part in said, part


def test_an_address_whose_seal_cannot_be_opened_leaves_the_rest_readable(tmp_path: Path) -> None:
    street = a_reader(tmp_path)
    way = street.link(MAIL)
    name = street.services.store.vault.hash(address_of(MAIL))
    street.state.table.update(address_key(name), Change(set={"sealed": "torn"}))
    said = words(street.get(f"{way}/data").text)
    assert ("You signed up: Transit alerts" in said, MAIL in said) == (True, False)


def test_of_a_phone_the_talk_is_in_the_file_too(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    street.text("LANG ES")
    street.text("STOP")
    [address] = json.loads(street.get(street.link(PHONE, "/data?download=json")).text)["addresses"]
    assert (address["address"], address["language"], address["left_by_stop"]) == (PHONE, "es", ["transit"])
    assert address["opted_out"]


# --- erase ------------------------------------------------------------------------------------------------------------


def test_only_a_ticked_box_erases(tmp_path: Path) -> None:
    street = a_reader(tmp_path)
    before = rows(street)
    for fields in ([], [("sure", "no")], [("sure", "")]):
        answer = street.submit(street.link(MAIL, "/erase"), fields)
        assert (answer.status, "Tick the box" in answer.text) == (422, True)
    assert rows(street) == before
    answer = street.submit(street.link(MAIL, "/erase"), [("sure", "yes")])
    assert (answer.status, "You are erased" in answer.text) == (200, True)
    assert street.followed(MAIL) == []


def test_after_it_every_link_has_ended_kindly(tmp_path: Path) -> None:
    street = a_reader(tmp_path)
    way = street.link(MAIL)
    confirm = next(line for text in street.got(MAIL) for line in text.splitlines() if "/confirm/" in line)
    street.submit(f"{way}/erase", [("sure", "yes")])
    for page in ("", *PAGES):
        answer = street.get(way + page)
        assert (answer.status, "This link has ended" in answer.text) == (404, True), page
    for page in ("/erase", "/move", ""):
        assert street.submit(way + page, [("sure", "yes"), ("to", NEW_MAIL), ("topic-email", "jobs")]).status == 404
    assert street.get(confirm.removeprefix("https://alerts.example.gov")).status == 404
    assert street.followed(MAIL) == []


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize("locale", ["en", "es", "ar"])
def test_no_page_of_ones_own_puts_up_a_barrier(tmp_path: Path, browser: Browser, locale: str) -> None:
    street = a_reader(tmp_path, locale)
    with serve(street) as url, opened(browser) as page:
        for name in ("/messages", "/data", "/move", "/add", "/erase"):
            page.goto(f"{url}{street.link(MAIL, name)}?lang={locale}")
            check_at_all_widths(page)
        page.locator("main form button").click()
        check_at_all_widths(page)
        page.locator("label[for=sure]").click()
        page.locator("main form button").click()
        check_at_all_widths(page)
        page.goto(f"{url}{street.services.tokens.sign('preferences', 'a' * 32, 'email').join(['/preferences/', '/data'])}?lang={locale}")
        check_at_all_widths(page)


@pytest.mark.browser
def test_a_number_moves_from_its_page(tmp_path: Path, browser: Browser) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    with serve(street) as url, opened(browser) as page:
        page.goto(f"{url}{street.link(PHONE, '/move')}")
        page.locator("main form button").click()
        check(page)
        page.locator("#to").fill("(202) 555-0177")
        page.locator("main form button").click()
        check(page)
    street.town.work()
    street.text("YES", phone=NEW_PHONE)
    assert street.follows(NEW_PHONE) == {"transit": "en"}
