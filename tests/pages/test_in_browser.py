"""Pages for residents in a real browser: no barrier that axe finds in any language, at any width, with and without script; every task by keyboard alone."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from chalicelib.domain.notice import Severity
from tests.conversation.booth import Booth
from tests.pages.browsing import check, check_at_all_widths, opened, tab_to, tabbed
from tests.pages.conftest import serve
from tests.pages.said import say
from tests.pages.test_links import WHO, choosing, reader
from tests.pages.test_links import follows as followed
from tests.pages.test_pages import a_city_with_a_reader, paths
from tests.pages.test_sign_up import follows, letters, link
from tests.render.notices import FOUR, a_notice

pytestmark = pytest.mark.browser

Visit = Callable[[Page, str], None]


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page, 320 pixels wide unless told."""
    with opened(browser, width=getattr(request, "param", 320)) as found:
        yield found


# --- every page -------------------------------------------------------------------------------------------------------


def _save_wrongly(page: Page) -> None:
    page.locator("summary").first.click()
    page.locator("[name='transit.hours-from']").fill("10:00")
    _send(page)
    expect(page.locator("[role=alert]")).to_be_visible()


def _save(page: Page) -> None:
    _send(page)
    expect(page.locator("[role=status]")).to_be_visible()


def _send(page: Page) -> None:
    page.locator("main form button").last.click()


def _go(selector: str) -> Callable[[Page], None]:
    """Send a form that another page answers, and wait for that."""

    def click(page: Page) -> None:
        with page.expect_navigation():
            page.locator(selector).last.click()

    return click


DONE: dict[str, Callable[[Page], None]] = {
    "join, wrong": _go("main form button"),
    "move, wrong": _go("main form button"),
    "add, wrong": _go("main form button"),
    "erase, wrong": _go("main form button"),
    "confirmed": _go("main form button"),
    "unsubscribed": _go("button[value=these]"),
    "preferences, saved": _save,
    "preferences, wrong": _save_wrongly,
}
"""How a page that answers a form is reached from the page of that form."""


@pytest.mark.parametrize("locale", ["en", "es", "ar"])
def test_no_page_puts_up_a_barrier(tmp_path: Path, browser: Browser, locale: str) -> None:
    """A page that names a script is looked at again without it; of all others there is nothing to leave out."""
    booth = a_city_with_a_reader(tmp_path)
    with ExitStack() as stack:
        url, plain = stack.enter_context(serve(booth)), stack.enter_context(opened(browser, script=False))
        scripted = stack.enter_context(opened(browser))
        for name, (_, path) in paths(booth).items():
            if name == "feed":
                continue
            for page in (plain, scripted):
                page.goto(f"{url}{path}{'&' if '?' in path else '?'}lang={locale}")
                DONE.get(name, lambda _: None)(page)
                check_at_all_widths(page)
                assert page.locator("html").get_attribute("lang") == locale, name
                if not page.locator("script").count():
                    break


# --- tasks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "locale"), [(1280, "en"), (320, "ar"), (320, "zh-Hans")], indirect=["page"])
def test_somebody_signs_up_confirms_chooses_and_ends_it_in_their_language(served: tuple[Booth, str], page: Page, locale: str) -> None:
    booth, url = served
    page.goto(f"{url}/?lang={locale}")
    page.locator("main a.usa-button").click()
    page.locator("main button").click()
    expect(page.locator("[role=alert]")).to_be_focused()
    page.locator("input[value=transit]").check()
    page.locator("input[value=jobs]").check()
    page.locator("#email").fill("ana@example.org")
    booth.clock.advance(timedelta(seconds=20))  # as long as a person takes
    page.locator("#email").press("Enter")
    expect(page.locator("h1")).to_be_visible()
    check(page)
    assert letters(booth) == 1
    page.goto(url + link(booth))
    assert page.locator("html").get_attribute("lang") == locale
    page.locator("main button").click()
    expect(page.locator("main li")).to_have_count(2)
    assert follows(booth) == {"jobs": locale, "transit": locale}
    page.locator("main a").click()
    page.locator("input[name=topic-email][value=jobs]").uncheck()
    page.locator("main form button").click()
    expect(page.locator("[role=status]")).to_be_focused()
    assert follows(booth) == {"transit": locale}


def test_a_person_answers_the_question_that_robots_cannot(served: tuple[Booth, str], page: Page) -> None:
    booth, url = served
    page.goto(f"{url}/join?lang=ar")
    page.locator("input[value=transit]").check()
    page.locator("#email").fill("ana@example.org")
    page.locator("#email").press("Enter")  # quicker than any person
    expect(page.locator("#answer")).to_be_visible()
    check(page)
    page.locator("#answer").fill("wrong")
    page.locator("#answer").press("Enter")
    expect(page.locator("[role=alert]")).to_be_focused()
    check(page)
    page.locator("#answer").fill(page.locator("strong.keyword").inner_text())
    booth.clock.advance(timedelta(seconds=20))
    page.locator("#answer").press("Enter")
    expect(page.locator("#answer")).to_have_count(0)
    assert letters(booth) == 1


def test_the_unsubscribe_page_ends_one_and_then_all(tmp_path: Path, page: Page) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    with serve(booth) as url:
        page.goto(f"{url}/unsubscribe/{booth.services.tokens.sign('unsubscribe', WHO, 'jobs', 'email')}?lang=ar")
        page.locator("button[value=these]").click()
        expect(page.locator("main li")).to_have_count(2)
        assert followed(booth) == {"transit": "en"}
        page.locator("button[value=all]").click()
        expect(page.locator("main form")).to_have_count(0)
        assert followed(booth) == {}


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_choices_are_saved_and_what_is_wrong_is_said_and_kept(tmp_path: Path, browser: Browser, script: bool) -> None:
    booth = reader(tmp_path, "transit")
    with serve(booth) as url, opened(browser, script=script) as page:
        page.goto(f"{url}{choosing(booth)}?lang=es")
        page.evaluate("window.stayed = true")
        page.locator("summary").first.click()
        page.locator("[name='transit.severity']").select_option("severe")
        page.locator("[name='transit.hours-from']").fill("22:00")
        _send(page)
        expect(page.locator("[role=alert]")).to_be_focused()
        expect(page.locator("[name='transit.hours-from']")).to_have_value("22:00")
        page.locator("[role=alert] a").first.click()
        expect(page.locator("[name='transit.hours-until']")).to_be_focused()
        page.keyboard.type("0200AM")
        _send(page)
        expect(page.locator("[role=status]")).to_be_focused()
        [one] = booth.services.store.subscriptions.of(WHO)
        assert (one.filters.severity, one.filters.hours and (one.filters.hours.start, one.filters.hours.end)) == (Severity.SEVERE, (1320, 120))
        assert page.evaluate("window.stayed === true") == script
        assert page.locator("html").get_attribute("lang") == "es"


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_older_notices_follow(tmp_path: Path, browser: Browser, script: bool) -> None:
    booth = Booth(tmp_path)
    for number in range(25):
        say(booth, a_notice(FOUR, notice=f"nt_{number}"))
    with serve(booth) as url, opened(browser, script=script) as page:
        page.goto(f"{url}/archive?lang=ar")
        expect(page.locator(".notices > li")).to_have_count(20)
        page.locator("main a.usa-button").click()
        expect(page.locator(".notices > li")).to_have_count(25 if script else 5)
        expect(page.locator("main a.usa-button")).to_have_count(0)
        if script:
            expect(page.locator(".notices a").nth(20)).to_be_focused()
        check(page)


# --- the keyboard alone -----------------------------------------------------------------------------------------------


def test_the_first_tab_leads_to_the_content_and_the_next_to_the_languages(served: tuple[Booth, str], page: Page) -> None:
    _, url = served
    page.goto(f"{url}/join")
    tabbed(page)
    expect(page.locator(".usa-skipnav")).to_be_focused()
    expect(page.locator(".usa-skipnav")).to_be_in_viewport()
    assert [tabbed(page)["lang"] for _ in range(4)] == ["en", "es", "ar", "zh-Hans"]
    page.goto(f"{url}/join")
    tabbed(page)
    page.keyboard.press("Enter")
    tabbed(page)
    expect(page.locator("input[name=topic]").first).to_be_focused()


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_somebody_signs_up_and_confirms_by_keyboard_alone(served: tuple[Booth, str], page: Page, locale: str) -> None:
    booth, url = served
    page.goto(f"{url}/?lang={locale}")
    tab_to(page, href=f"/join?lang={locale}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/join**")
    tab_to(page, id="topic-1")
    page.keyboard.press("Space")
    tab_to(page, id="email")
    page.keyboard.type("ana@example.org")
    booth.clock.advance(timedelta(seconds=20))
    tab_to(page, tag="BUTTON")
    page.keyboard.press("Enter")
    expect(page.locator("#email")).to_have_count(0)
    assert letters(booth) == 1
    page.goto(url + link(booth))
    tab_to(page, tag="BUTTON")
    page.keyboard.press("Space")
    expect(page.locator("main form")).to_have_count(0)
    assert follows(booth) == {"transit": locale}


@pytest.mark.parametrize("width", [320, 1280])
def test_choices_are_changed_by_keyboard_alone(tmp_path: Path, browser: Browser, width: int) -> None:
    booth = reader(tmp_path, "transit")
    with serve(booth) as url, opened(browser, width=width) as page:
        page.goto(f"{url}{choosing(booth)}?lang=en")
        tab_to(page, tag="SUMMARY")
        page.keyboard.press("Enter")
        tab_to(page, name="transit.severity")
        page.keyboard.press("ArrowDown")
        tab_to(page, name="calm", most=90)
        page.keyboard.press("Space")
        tab_to(page, tag="BUTTON")
        page.keyboard.press("Enter")
        expect(page.locator("[role=status]")).to_be_focused()
        [one] = booth.services.store.subscriptions.of(WHO)
        assert (one.filters.severity, one.preferences.calm) == (Severity.MODERATE, True)


def test_everything_is_ended_by_keyboard_alone(tmp_path: Path, page: Page) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    with serve(booth) as url:
        page.goto(f"{url}/unsubscribe/{booth.services.tokens.sign('unsubscribe', WHO, 'jobs', 'email')}?lang=ar")
        tab_to(page, name="end")
        tab_to(page, name="end")
        page.keyboard.press("Enter")
        expect(page.locator("main form")).to_have_count(0)
        assert followed(booth) == {}


def test_a_notice_is_found_in_the_archive_by_keyboard_alone(tmp_path: Path, page: Page) -> None:
    booth = Booth(tmp_path)
    say(booth, a_notice(FOUR))
    with serve(booth) as url:
        page.goto(f"{url}/?lang=ar")
        tab_to(page, href="/archive?lang=ar")
        page.keyboard.press("Enter")
        page.wait_for_url("**/archive**")
        tab_to(page, href="/archive?topic=transit&lang=ar")
        page.keyboard.press("Enter")
        page.wait_for_url("**topic=transit**")
        tab_to(page, href="/n/nt_1?lang=ar")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/n/nt_1"))
        expect(page.locator("h1")).to_contain_text(FOUR["ar"].title)


def test_the_honeypot_is_beyond_eyes_and_keys(served: tuple[Booth, str], page: Page) -> None:
    _, url = served
    page.goto(f"{url}/join?lang=ar")
    box = page.locator("input[name=website]").locator("xpath=ancestor::p").bounding_box()
    assert box
    assert box["width"] <= 1
    seen = [tabbed(page)["name"] for _ in range(25)]
    assert "email" in seen
    assert "website" not in seen
