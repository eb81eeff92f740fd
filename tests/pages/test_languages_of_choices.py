"""The language on the page of one's choices: texts may come in one language and emails in another, and only who changes the field changes that."""

from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.store.subscriptions import Subscription
from tests.conversation.booth import Booth
from tests.pages.test_choices import Fields, as_it_stands, contents, ledger, sent_back, with_phone
from tests.pages.test_links import WHO, choosing, ending, follows, reader

SMS, EMAIL = Channel.SMS, Channel.EMAIL


def turned(booth: Booth, channel: Channel, locale: str) -> None:
    """What comes by a channel comes in another language, as after `LANG` by text."""
    store = booth.services.store.subscriptions
    booth.state.table.transact(store.locale_writes(store.of(WHO, channel), locale))


def in_two_languages(tmp_path: Path) -> Booth:
    """Emails in English, texts in Spanish; jobs comes by email alone."""
    booth = reader(tmp_path, "jobs", "transit")
    with_phone(booth, "transit")
    turned(booth, SMS, "es")
    return booth


def picked(fields: Fields) -> str:
    [found] = [value for name, value in fields if name == "language"]
    return found


@pytest.mark.parametrize("link", ["email", "sms"])
def test_a_page_sent_back_as_it_came_writes_nothing_in_any_language(tmp_path: Path, link: str) -> None:
    booth = in_two_languages(tmp_path)
    before = contents(booth)
    assert booth.submit(choosing(booth, link), as_it_stands(booth, link)).status == 200
    assert contents(booth) == before


@pytest.mark.parametrize(("link", "shown"), [("email", "en"), ("sms", "es")])
def test_the_page_shows_the_language_of_the_channel_that_its_link_came_by(tmp_path: Path, link: str, shown: str) -> None:
    assert picked(as_it_stands(in_two_languages(tmp_path), link)) == shown


def test_whoever_changes_something_else_keeps_both_languages(tmp_path: Path) -> None:
    booth = in_two_languages(tmp_path)
    booth.submit(choosing(booth), as_it_stands(booth, quiet="none"))
    assert (follows(booth), follows(booth, SMS)) == ({"jobs": "en", "transit": "en"}, {"transit": "es"})
    assert [one.step for one in ledger(booth)] == ["preferences"]


def test_whoever_changes_the_language_changes_it_for_both(tmp_path: Path) -> None:
    booth = in_two_languages(tmp_path)
    booth.submit(choosing(booth), as_it_stands(booth, language="ar"))
    assert (follows(booth), follows(booth, SMS)) == ({"jobs": "ar", "transit": "ar"}, {"transit": "ar"})
    assert {(one.step, one.channel, one.locale) for one in ledger(booth)} == {("language", "email", "ar"), ("language", "sms", "ar")}


def test_whoever_chooses_on_an_open_page_what_one_channel_has_by_now_gets_it_on_both(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    with_phone(booth, "transit")
    fields = as_it_stands(booth, "sms", language="es")
    turned(booth, SMS, "es")
    booth.submit(choosing(booth, "sms"), fields)
    assert (follows(booth), follows(booth, SMS)) == ({"transit": "es"}, {"transit": "es"})


def test_a_new_topic_comes_in_the_language_of_its_channel_and_the_ledger_says_so(tmp_path: Path) -> None:
    booth = in_two_languages(tmp_path)
    booth.submit(choosing(booth), [*as_it_stands(booth), ("topic-sms", "events"), ("topic-email", "events")])
    assert (follows(booth)["events"], follows(booth, SMS)["events"]) == ("en", "es")
    assert {(one.step, one.channel, one.locale) for one in ledger(booth)} == {("joined", "email", "en"), ("joined", "sms", "es")}


def test_what_is_left_is_said_in_its_own_language(tmp_path: Path) -> None:
    booth = in_two_languages(tmp_path)
    booth.submit(choosing(booth), [one for one in as_it_stands(booth) if one[0] != "topic-sms"])
    assert [(one.step, one.channel, one.locale) for one in ledger(booth)] == [("left", "sms", "es")]


def test_a_channel_that_nothing_comes_by_begins_in_the_language_of_the_other(tmp_path: Path) -> None:
    booth = in_two_languages(tmp_path)
    for topic in ("jobs", "transit"):
        booth.submit(ending(booth, topic), [("List-Unsubscribe", "One-Click")])
    assert booth.submit(choosing(booth), [*as_it_stands(booth), ("topic-email", "events")]).status == 200
    assert follows(booth) == {"events": "es"}


def test_whoever_follows_nothing_begins_in_the_language_of_the_page(tmp_path: Path) -> None:
    booth = reader(tmp_path, "jobs")
    booth.submit(ending(booth, "jobs"), [("List-Unsubscribe", "One-Click")])
    page = booth.get(f"{choosing(booth)}?lang=ar").text
    assert picked(sent_back(page)) == "ar"
    booth.submit(f"{choosing(booth)}?lang=ar", [("was:language", "ar"), ("language", "ar"), ("topic-email", "jobs")])
    assert follows(booth) == {"jobs": "ar"}


def test_a_language_that_the_city_does_not_offer_stays_until_another_is_chosen(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    turned(booth, EMAIL, "de")
    fields = as_it_stands(booth)
    assert picked(fields) == "en"
    booth.submit(choosing(booth), fields)
    assert follows(booth) == {"transit": "de"}
    booth.submit(choosing(booth), [("language", "tlh"), ("topic-email", "transit")])
    assert follows(booth) == {"transit": "de"}


def test_topics_of_one_channel_in_two_languages_stay_so(tmp_path: Path) -> None:
    booth = reader(tmp_path, "jobs", "transit")
    store = booth.services.store.subscriptions
    [jobs] = [one for one in store.of(WHO, EMAIL) if one.topic == "jobs"]
    other: Subscription = replace(jobs, locale="es")
    booth.state.table.transact(store.change_writes(other, before=jobs))
    booth.submit(choosing(booth), as_it_stands(booth, calm="yes"))
    assert follows(booth) == {"jobs": "es", "transit": "en"}
