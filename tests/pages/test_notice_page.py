"""`/n/{notice}`: what was sent, in the reader's language; nothing that waits for approval, nothing that was taken back."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.notice import Act, Text
from tests.conversation.booth import Booth
from tests.pages.said import say
from tests.pages.test_pages import bones
from tests.render.notices import FOUR, a_notice


@pytest.mark.parametrize("locale", FOUR)
def test_a_notice_is_shown_in_the_readers_language(tmp_path: Path, locale: str) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR))
    answer = booth.get(f"/n/nt_1?lang={locale}")
    page = bones(answer.text)
    assert answer.status == 200
    assert page.of("html")[0]["lang"] == locale
    assert page.title.startswith(FOUR[locale].title)
    assert page.of("script", "style") == page.unbalanced == []
    assert 'href="https://larkhaven.example/red?a=1&amp;b=2"' in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_notice_that_nobody_translated_says_so_and_keeps_its_own_language(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice())
    page = booth.get("/n/nt_1?lang=ar").text
    assert '<span lang="en" dir="ltr">Red Line: shuttle buses</span>' in page
    assert "لم" in page


def test_what_an_author_wrote_is_never_markup(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice({"en": Text("<script>alert(1)</script>", '**bold** <img src=x onerror="x"> [go](javascript:alert(1))')}))
    page = booth.get("/n/nt_1").text
    assert "<strong>bold</strong>" in page
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page


def test_the_last_revision_that_was_sent_is_shown(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR))
    update = a_notice({"en": Text("Red Line: trains run again", "All clear.")}, act=Act.UPDATED, revision=2)
    say(booth, update, BroadcastState.AWAITING_APPROVAL)
    assert "shuttle buses" in booth.get("/n/nt_1").text
    say(booth, replace(update, revision=3), BroadcastState.SENDING)
    page = booth.get("/n/nt_1").text
    assert "trains run again" in page
    assert "This replaces what we told you before." in page


@pytest.mark.parametrize(
    "state", [BroadcastState.DRAFT, BroadcastState.AWAITING_APPROVAL, BroadcastState.SCHEDULED, BroadcastState.STOPPED, BroadcastState.NEEDS_REVIEW]
)
def test_what_was_not_sent_or_was_stopped_is_not_shown(tmp_path: Path, state: BroadcastState) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR), state)
    assert booth.get("/n/nt_1").status == 404


@pytest.mark.parametrize("name", ["nt_2", "x", "..", "%2e%2e", "a" * 300, "nt_1%23"])
def test_there_is_no_page_for_what_is_no_notice(tmp_path: Path, name: str) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR))
    answer = booth.get(f"/n/{name}?lang=es")
    assert answer.status == 404
    assert "No existe esa página" in answer.text


def test_a_notice_past_its_expiry_says_so(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR))
    assert "out of date" not in booth.get("/n/nt_1").text
    booth.clock.advance(timedelta(days=9))
    assert "out of date" in booth.get("/n/nt_1").text
