"""What tests of every part share: one browser, and properties that no busy machine breaks."""

import shutil
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Error, sync_playwright

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; the test is skipped where there is none."""
    with sync_playwright() as playwright:
        found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
        try:
            opened = playwright.chromium.launch(executable_path=found)
        except Error:
            pytest.skip("no Chromium here: install one, or `playwright install chromium`")
        yield opened
        opened.close()
