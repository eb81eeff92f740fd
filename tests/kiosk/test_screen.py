"""The kiosk's page in a real browser, on a clock the test moves."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.notice import Act, Kind, Severity, Text
from tests.kiosk.street import PLAN, Street
from tests.render.notices import FOUR, a_notice
from tests.tables import NOON

pytestmark = pytest.mark.browser

TOMORROW = NOON + timedelta(days=1)
Open = Callable[..., Page]


@pytest.fixture
def screen(browser: Browser, served: tuple[Street, str]) -> Iterator[Open]:
    """Opens the kiosk's page; what goes wrong in it fails the test."""
    _, url = served
    wrong: list[str] = []
    contexts = []

    def open_page(token: str = "a-token", width: int = 1280, height: int = 720, until: str = "") -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.clock.install()
        address = f"{url}/kiosk/bell-square#{token}"
        if not until:
            page.goto(address)
            return page
        with page.expect_response(lambda answer: answer.url.endswith(until) and answer.ok):  # listening before the page can ask
            page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def title(page: Page) -> str:
    return page.locator("#item h1").inner_text()


def test_it_turns_through_the_languages_and_says_each_ones_direction(served, screen):
    street, _ = served
    street.register()
    street.say(a_notice(FOUR, expires_at=TOMORROW))
    page = screen()
    seen = {}
    expect(page.locator("#item h1")).to_have_text(FOUR["en"].title)
    for _ in range(4):
        seen[page.locator("html").get_attribute("lang")] = (page.locator("#item").get_attribute("dir"), title(page))
        page.clock.run_for(31_000)
    assert seen == {
        "en": ("ltr", FOUR["en"].title),
        "es": ("ltr", FOUR["es"].title),
        "ar": ("rtl", FOUR["ar"].title),
        "zh-Hans": ("ltr", FOUR["zh-Hans"].title),
    }


def test_what_expires_leaves_by_the_citys_clock_without_a_network(served, screen):
    street, _ = served
    street.register()
    street.say(a_notice(FOUR, expires_at=NOON + timedelta(minutes=5)))
    page = screen()
    expect(page.locator("#item")).to_be_visible()
    page.context.set_offline(True)
    page.clock.run_for(4 * 60_000)
    expect(page.locator("#item")).to_be_visible()
    page.clock.run_for(61_000)
    expect(page.locator("#item")).to_be_hidden()
    expect(page.locator(".card:not([hidden]) h1")).to_have_count(1)


def test_with_nothing_up_the_card_turns_through_the_languages(served, screen):
    street, _ = served
    street.register()
    page = screen()
    seen = set()
    for _ in range(4):
        seen.add(page.locator(".card:not([hidden]) h1").inner_text())
        page.clock.run_for(8_500)
    assert len(seen) == 4


def test_what_was_shown_is_reported_and_becomes_delivered(served, screen):
    street, _ = served
    street.register()
    name = street.say(a_notice(FOUR, expires_at=TOMORROW))
    screen(until="/kiosk/v1/shown")
    street.work()
    assert street.counts(name)[Channel.KIOSK] == {Mark(State.DELIVERED): 1}


def test_an_extreme_emergency_takes_the_screen_at_once_and_alone(served, screen):
    street, _ = served
    street.register(replace(PLAN, topics=("transit", "emergency")))
    street.say(a_notice(FOUR, expires_at=TOMORROW))
    page = screen()
    expect(page.locator("#item h1")).to_have_text(FOUR["en"].title)
    leave = {"en": Text("Leave the shore now", "Go up."), "es": Text("Salga de la playa", "Suba.")}
    with page.expect_response(lambda answer: answer.url.endswith("/kiosk/v1/state") and answer.status == 200):
        street.say(a_notice(leave, kind=Kind.EMERGENCY, severity=Severity.EXTREME, notice="nt_e", expires_at=TOMORROW), "emergency")
        page.clock.run_for(11_000)
    expect(page.locator("#item h1")).to_have_text("Leave the shore now")
    page.clock.run_for(9_000)
    expect(page.locator("#item h1")).to_have_text("Salga de la playa")


def test_a_cancelled_notice_leaves_with_the_next_poll(served, screen):
    street, _ = served
    street.register()
    street.say(a_notice(FOUR, expires_at=TOMORROW))
    page = screen()
    expect(page.locator("#item")).to_be_visible()
    with page.expect_response(lambda answer: answer.url.endswith("/kiosk/v1/state") and answer.status == 200):
        street.say(a_notice(FOUR, act=Act.CANCELLED, revision=2, expires_at=TOMORROW))
        page.clock.run_for(11_000)
    expect(page.locator("#item")).to_be_hidden()


@pytest.mark.parametrize("token", ["wrong", ""])
def test_without_its_token_the_screen_says_it_is_out_of_service(served, screen, token):
    served[0].register()
    page = screen(token)
    expect(page.locator(".card:not([hidden]) h1")).to_have_text("This screen is out of service.")


def test_authors_words_are_text_and_nothing_else(served, screen):
    street, _ = served
    street.register()
    words = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script> {{7*7}}"
    street.say(a_notice({"en": Text(words, words)}, expires_at=TOMORROW))
    page = screen()
    expect(page.locator("#item h1")).to_have_text(words)
    assert page.locator("#item img, #item script").count() == 0
    assert page.title() != "run"


@pytest.mark.parametrize(("width", "height"), [(320, 568), (1280, 720), (1080, 1920)])
def test_a_long_notice_is_shown_whole_in_pages_that_fit(served, screen, width, height):
    street, _ = served
    street.register(replace(PLAN, languages=("en",)))
    body = " ".join(f"Sentence number {number} says where the buses stop today." for number in range(40))
    street.say(a_notice({"en": Text("Red Line: shuttle buses", body)}, expires_at=TOMORROW))
    page = screen(width=width, height=height)
    expect(page.locator("#item h1")).to_be_visible()
    shown: list[str] = []
    for _ in range(20):
        text = page.locator("#item .body").inner_text()
        if text in shown:
            break
        shown.append(text)
        box, main = page.locator("#item .body").bounding_box(), page.locator("main").bounding_box()
        assert box and main
        assert box["y"] + box["height"] <= main["y"] + main["height"]
        assert page.locator("#item .kind").bounding_box()["y"] >= 0  # type: ignore[index]
        page.clock.run_for(30_500)
    assert " ".join(" ".join(shown).split()) == body
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("kind", [Kind.TRANSIT, Kind.EMERGENCY])
def test_a_screen_has_no_barrier_that_axe_finds(served, screen, kind):
    street, _ = served
    street.register(replace(PLAN, topics=("transit", "emergency")))
    street.say(a_notice({"ar": FOUR["ar"], "en": FOUR["en"]}, kind=kind, severity=Severity.EXTREME, expires_at=TOMORROW), "transit", "emergency")
    page = screen()
    expect(page.locator("#item h1")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
