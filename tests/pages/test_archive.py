"""The archive and its feeds: what was sent and still stands, newest first, in every language; nothing that waits, was stopped or was taken back."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from defusedxml import ElementTree

from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.locale import SPOKEN
from chalicelib.domain.notice import Act, Text
from tests.conversation.booth import Booth
from tests.pages.said import say
from tests.pages.test_pages import bones
from tests.render.notices import FOUR, a_notice

ATOM = {"a": "http://www.w3.org/2005/Atom"}


def told(booth: Booth, path: str = "/archive") -> list[str]:
    """The notices of a page, in its order."""
    return re.findall(r'<h2><a href="/n/([^"?]+)\?', booth.get(path).text)


def a_year(booth: Booth, count: int, *, topic: str = "transit", name: str = "nt_") -> None:
    for number in range(count):
        say(booth, replace(a_notice({"en": Text(f"Notice {number}", "It happens.")}), notice=f"{name}{number}"), topic=topic)


def older(booth: Booth, path: str) -> str | None:
    """Where the next page is."""
    found = re.search(r'<a class="usa-button[^"]*" href="([^"]+)"', booth.get(path).text)
    return path.split("?")[0] + found[1].replace("&amp;", "&") if found else None


def feed(booth: Booth, path: str) -> Element:
    answer = booth.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(answer.text)


def texts(parent: Element, path: str) -> list[str]:
    return [found.text or "" for found in parent.findall(path, ATOM)]


# --- the archive ------------------------------------------------------------------------------------------------------


def test_notices_are_listed_newest_first_and_lead_to_their_pages(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    a_year(booth, 3)
    assert told(booth) == ["nt_2", "nt_1", "nt_0"]
    assert booth.get("/n/nt_1?lang=es").status == 200


def test_every_notice_is_on_one_page_and_only_one(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    a_year(booth, 45)
    say(booth, a_notice(FOUR), BroadcastState.AWAITING_APPROVAL)
    path: str | None = "/archive?lang=en"
    pages: list[list[str]] = []
    while path:
        pages.append(told(booth, path))
        path = older(booth, path)
    assert [len(page) for page in pages] == [20, 20, 5]
    assert [one for page in pages for one in page] == [f"nt_{number}" for number in reversed(range(45))]


def test_exactly_one_page_full_has_no_next(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    a_year(booth, 20)
    assert len(told(booth)) == 20
    assert older(booth, "/archive") is None


@pytest.mark.parametrize(
    ("topic", "listed"),
    [
        ("transit", ["nt_red", "nt_transit"]),
        ("transit~red-line", ["nt_red"]),
        ("jobs", ["nt_jobs"]),
        ("emergency", []),
    ],
)
def test_a_topics_page_has_what_its_followers_were_told(tmp_path: Path, topic: str, listed: list[str]) -> None:
    booth = Booth(tmp_path)
    for name, said_to in (("nt_transit", "transit"), ("nt_jobs", "jobs"), ("nt_red", "transit/red-line")):
        say(booth, replace(a_notice(FOUR), notice=name), topic=said_to)
    assert told(booth, f"/archive?topic={topic}") == listed
    assert f'href="?topic={topic}&amp;lang=es"' in booth.get(f"/archive?topic={topic}").text


def test_a_topic_seldom_written_to_is_found_among_hundreds_of_others(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    a_year(booth, 1, topic="jobs", name="rare_")
    a_year(booth, 420)
    path = "/archive?topic=jobs"
    assert told(booth, path) == []
    following = older(booth, path)
    assert following
    assert told(booth, following) == ["rare_0"]


@pytest.mark.parametrize(
    "state", [BroadcastState.DRAFT, BroadcastState.AWAITING_APPROVAL, BroadcastState.SCHEDULED, BroadcastState.STOPPED, BroadcastState.NEEDS_REVIEW]
)
def test_what_was_not_sent_is_in_no_list_and_no_feed(tmp_path: Path, state: BroadcastState) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR), state)
    assert told(booth) == []
    assert "There are no notices here" in booth.get("/archive").text
    assert feed(booth, "/feeds/all.atom").findall("a:entry", ATOM) == []


def test_what_is_being_stopped_is_taken_back_at_once(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR), BroadcastState.SENDING, stopped=True)
    assert told(booth) == []
    assert booth.get("/n/nt_1").status == 404


def test_a_digest_is_no_notice_of_its_own(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR), digest="daily")
    assert told(booth) == []


def test_a_notice_is_listed_once_with_its_last_words(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR))
    a_year(booth, 1, name="other_")
    right = a_notice({"en": Text("Red Line: no shuttle buses", "We were wrong.")}, act=Act.CORRECTED, revision=2)
    say(booth, right, BroadcastState.AWAITING_APPROVAL)
    assert told(booth) == ["other_0", "nt_1"]
    say(booth, replace(right, revision=3))
    assert told(booth) == ["nt_1", "other_0"]
    page = booth.get("/archive").text
    assert "Correction: " in page
    assert "no shuttle buses" in page


def test_a_revision_whose_update_was_stopped_stands_again(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR))
    say(booth, a_notice({"en": Text("Wrong", "Wrong.")}, act=Act.UPDATED, revision=2), BroadcastState.STOPPED)
    assert told(booth) == ["nt_1"]
    assert "shuttle buses" in booth.get("/archive").text


@pytest.mark.parametrize("locale", FOUR)
def test_the_archive_is_in_the_readers_language(tmp_path: Path, locale: str) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR))
    page = booth.get(f"/archive?lang={locale}").text
    title = re.sub("<[^>]+>", "", re.findall(r"<h2>(.*?)</h2>", page)[0])
    assert title == FOUR[locale].title
    assert f'lang="{locale}"' in page


@pytest.mark.parametrize("query", ["topic=circus", "topic=%3Cscript%3E", "topic=transit~", "topic=.."])
def test_there_is_no_archive_of_a_topic_that_is_not_there(tmp_path: Path, query: str) -> None:
    assert Booth(tmp_path).get(f"/archive?{query}").status == 404


@pytest.mark.parametrize("after", ["x", "a" * 500, "%F0%9F%98%80", "BROADCASTS"])
def test_a_cursor_that_is_not_ours_leads_to_the_first_page(tmp_path: Path, after: str) -> None:
    booth = Booth(tmp_path)
    a_year(booth, 1)
    assert told(booth, f"/archive?after={after}") == ["nt_0"]


def test_a_cursor_of_another_list_leads_to_the_first_page(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    a_year(booth, 21)
    following = older(booth, "/archive")
    assert following
    assert len(told(booth, f"{following}&topic=transit")) == 20


def test_the_page_of_a_notice_names_itself_in_every_language(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR))
    links = bones(booth.get("/n/nt_1?lang=ar").text).of("link")
    assert [one["href"] for one in links if one["rel"] == "canonical"] == ["https://alerts.example.gov/n/nt_1?lang=ar"]
    named = {one["hreflang"]: one["href"] for one in links if one.get("hreflang")}
    assert named == {locale: f"https://alerts.example.gov/n/nt_1?lang={locale}" for locale in SPOKEN} | {"x-default": "https://alerts.example.gov/n/nt_1"}


def test_a_page_in_a_language_that_the_notice_lacks_names_the_one_it_is_written_in(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice())
    assert '<link rel="canonical" href="https://alerts.example.gov/n/nt_1?lang=en">' in booth.get("/n/nt_1?lang=ar").text


# --- feeds ------------------------------------------------------------------------------------------------------------


def test_a_feed_is_atom_and_says_what_the_archive_says(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR), topic="transit/red-line")
    a_year(booth, 1, topic="jobs")
    root = feed(booth, "/feeds/transit~red-line.atom?lang=es")
    assert root.tag == "{http://www.w3.org/2005/Atom}feed"
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "es"
    assert texts(root, "a:id") == ["https://alerts.example.gov/feeds/transit~red-line.atom?lang=es"]
    assert texts(root, "a:title") == ["Larkhaven Alerts: Avisos sobre Linea Roja"]
    assert texts(root, "a:entry/a:id") == ["https://alerts.example.gov/n/nt_1"]
    assert texts(root, "a:entry/a:title") == ["Linea Roja: autobuses"]
    assert texts(root, "a:entry/a:content") == ["<p>Hay autobuses entre Bell Square y Harbor.</p>\n"]
    assert texts(root, "a:updated") == texts(root, "a:entry/a:updated")
    links = {(one.get("rel"), one.get("hreflang"), one.get("href")) for one in root.findall("a:link", ATOM)}
    own = "https://alerts.example.gov/feeds/transit~red-line.atom"
    others = {("alternate", locale, f"{own}?lang={locale}") for locale in SPOKEN if locale != "es"}
    assert links == others | {("self", None, f"{own}?lang=es"), ("alternate", "es", "https://alerts.example.gov/archive?topic=transit~red-line&lang=es")}


def test_the_feed_of_all_topics_has_them_all_newest_first(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    a_year(booth, 40)
    a_year(booth, 1, topic="jobs", name="job_")
    ids = texts(feed(booth, "/feeds/all.atom"), "a:entry/a:id")
    assert ids[:2] == ["https://alerts.example.gov/n/job_0", "https://alerts.example.gov/n/nt_39"]
    assert len(ids) == 30


def test_an_empty_feed_is_a_feed(tmp_path: Path) -> None:
    root = feed(Booth(tmp_path), "/feeds/jobs.atom")
    assert texts(root, "a:updated") == ["2026-12-01T12:00:00Z"]


def test_what_an_author_wrote_is_escaped_in_a_feed(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice({"en": Text("A < B & C ]]>\x00\ufffe", "<script>alert(1)</script> **bold** \x08 [go](javascript:x)")}))
    root = feed(booth, "/feeds/all.atom")
    assert texts(root, "a:entry/a:title") == ["A < B & C ]]>"]
    [content] = texts(root, "a:entry/a:content")
    assert "<strong>bold</strong>" in content
    assert "<script" not in content
    assert 'href="javascript' not in content


def test_an_update_moves_an_entry_up_and_keeps_its_id(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR))
    before = texts(feed(booth, "/feeds/all.atom"), "a:entry/a:updated")
    booth.clock.advance(timedelta(hours=1))
    say(booth, a_notice({"en": Text("Trains run again", "All clear.")}, act=Act.ENDED, revision=2))
    root = feed(booth, "/feeds/all.atom")
    assert texts(root, "a:entry/a:id") == ["https://alerts.example.gov/n/nt_1"]
    assert texts(root, "a:entry/a:updated") > before


@pytest.mark.parametrize("name", ["circus.atom", "all", "all.rss", ".atom", "transit~.atom", "..%2Fall.atom"])
def test_there_is_no_other_feed(tmp_path: Path, name: str) -> None:
    assert Booth(tmp_path).get(f"/feeds/{name}").status == 404
