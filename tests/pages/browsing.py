"""What is looked at on every page in a browser: barriers, width, what its policy blocks, focus, and the size of what is to be hit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Browser, Page

_AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
_LOOK = """rules => axe.run(document, {runOnly: rules, resultTypes: ["violations"], iframes: false, preload: false}).then(
    found => found.violations.map(one => `${one.id}: ${one.help}: ${one.nodes.map(node => node.html).join(" | ")}`))"""
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
_SMALL = """[...document.querySelectorAll("main a.usa-button, button, select, input:not([type=hidden]), summary, nav a, footer a")].filter(one => {
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    return style.visibility !== "hidden" && !one.closest(".beyond") && box.width > 1 && (box.width < 24 || box.height < 24);
}).map(one => one.outerHTML)"""
_FOCUS = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect();
    const seen = one.matches(".usa-checkbox__input, .usa-radio__input") ? getComputedStyle(one.nextElementSibling, "::before") : getComputedStyle(one);
    return {name: one.getAttribute("name") || "", id: one.id, tag: one.tagName, href: one.getAttribute("href") || "", lang: one.getAttribute("hreflang") || "",
            ring: seen.outlineStyle !== "none" && parseFloat(seen.outlineWidth) >= 2,
            there: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth};
}"""


WIDTHS = (320, 1280)
"""A small phone's, and a desk's."""


@contextmanager
def opened(browser: Browser, *, width: int = 320, script: bool = True) -> Iterator[Page]:
    """A page of its own. What its policy blocks, and what a script of ours throws, fails the test. Without `script` none is fetched."""
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 800})
    context.set_default_timeout(5000)
    context.add_init_script(_AXE)  # into every page as it opens, for that is much quicker than after
    page = context.new_page()
    if not script:
        context.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text or ("integrity" in said.text and script) else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def check(page: Page) -> None:
    """No barrier, nothing wider than the window, nothing too small to hit."""
    page.wait_for_load_state()
    barriers, small = page.evaluate(_LOOK, _RULES), page.evaluate(_SMALL)
    assert barriers == [], (page.url, barriers)
    assert not page.evaluate(_WIDER), page.url
    assert small == [], (page.url, small)


def check_at_all_widths(page: Page) -> None:
    """The same at each width, in a page that is opened once."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        check(page)


def tabbed(page: Page) -> dict[str, object]:
    """Where one more Tab leads. The focus is to be seen, and inside of the window."""
    page.keyboard.press("Tab")
    found: dict[str, object] = page.evaluate(_FOCUS)
    assert found["ring"], found
    assert found["there"], found
    return found


def tab_to(page: Page, *, most: int = 60, **wanted: str) -> None:
    """Tab until what is focused has this name, id or tag."""
    for _ in range(most):
        if wanted.items() <= tabbed(page).items():
            return
    raise AssertionError(f"no Tab leads to {wanted}")
