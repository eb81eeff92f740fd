"""Pages for residents in a real browser: signing up by keyboard, no barrier that axe finds, no sideways scrolling at 320 pixels."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.conversation.booth import Booth
from tests.pages.test_sign_up import follows, letters, link

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page, 320 pixels wide unless told; what its policy blocks fails the test."""
    blocked: list[str] = []
    context = browser.new_context(viewport={"width": getattr(request, "param", 320), "height": 800})
    context.set_default_timeout(5000)
    opened = context.new_page()
    opened.on("console", lambda said: blocked.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    context.close()
    assert blocked == []


def check(page: Page) -> None:
    """No barrier, and nothing wider than the window."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(("page", "locale"), [(1280, "en"), (320, "ar"), (320, "zh-Hans")], indirect=["page"])
def test_somebody_signs_up_confirms_chooses_and_ends_it_in_their_language(served: tuple[Booth, str], page: Page, locale: str) -> None:
    booth, url = served
    page.goto(f"{url}/?lang={locale}")
    check(page)
    page.locator("main a.usa-button").click()
    check(page)
    page.locator("main button").click()
    expect(page.locator("[role=alert]")).to_be_visible()
    check(page)
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
    check(page)
    page.locator("main button").click()
    expect(page.locator("main li")).to_have_count(2)
    check(page)
    assert follows(booth) == {"jobs": locale, "transit": locale}
    page.locator("main a").click()
    page.locator("input[value=jobs]").uncheck()
    page.locator("main button").click()
    expect(page.locator("[role=status]")).to_be_visible()
    check(page)
    assert follows(booth) == {"transit": locale}


def test_the_unsubscribe_page_ends_one_and_then_all(served: tuple[Booth, str], page: Page) -> None:
    booth, url = served
    booth.submit("/join", [("topic", "transit"), ("topic", "jobs"), ("email", "ana@example.org")])
    letters(booth)
    booth.submit(link(booth))
    [name] = booth.services.tokens.read("confirm", link(booth).rsplit("/", 1)[1]) or ("",)
    found = booth.services.store.sign_ups.get(name)
    assert found
    page.goto(f"{url}/unsubscribe/{booth.services.tokens.sign('unsubscribe', found.subscriber, 'jobs', 'email')}?lang=ar")
    check(page)
    page.locator("button[value=these]").click()
    check(page)
    assert follows(booth) == {"transit": "en"}
    page.locator("button[value=all]").click()
    check(page)
    assert follows(booth) == {}


def test_the_first_tab_leads_past_the_languages_to_the_content(served: tuple[Booth, str], page: Page) -> None:
    _, url = served
    page.goto(f"{url}/join")
    page.keyboard.press("Tab")
    expect(page.locator(".usa-skipnav")).to_be_focused()
    expect(page.locator(".usa-skipnav")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("input[name=topic]").first).to_be_focused()


def test_the_honeypot_is_beyond_eyes_and_keys(served: tuple[Booth, str], page: Page) -> None:
    _, url = served
    page.goto(f"{url}/join?lang=ar")
    box = page.locator("input[name=website]").locator("xpath=ancestor::p").bounding_box()
    assert box
    assert box["width"] <= 1
    seen = []
    for _ in range(25):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.getAttribute('name')"))
    assert "email" in seen
    assert "website" not in seen


def test_a_page_that_is_not_there_is_readable_too(served: tuple[Booth, str], page: Page) -> None:
    _, url = served
    page.goto(f"{url}/confirm/nothing?lang=ar")
    check(page)
