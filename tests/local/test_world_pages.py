"""The world's pages: forms that do what they say, and a walk through a running city in a browser."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from local.world.desk import read_broadcast
from local.world.ledger import Message
from tests.local.worlds import NOON, SmallWorld, a_stand_in, a_world
from tests.world import RunningCity, running_city

ANA = "+14155550101"
HTML = "<html><head><title>x</title></head><body><script>parent.alert(1)</script><p>Hello</p></body></html>"
PAGES = ("/", "/phones", "/phones/+12025550145", "/inboxes", "/inboxes/ana@example.org/read", "/kiosks", "/faults", "/clock/other")


# --- forms, without a browser ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    return a_world(tmp_path_factory.mktemp("city"))


def an_email(city: SmallWorld) -> int:
    return city.world.ledger.record([Message("email", "email", "city@example.org", "ana@example.org", "Hello", NOON, subject="Hi", html=HTML)])[0].seq


@pytest.mark.parametrize("example", ["alert", "notice"])
def test_an_example_is_posted_once_however_often_the_page_is_loaded_again(tmp_path: Path, example: str) -> None:
    with a_stand_in() as app:
        city = a_world(tmp_path, port=app.port)
        app.status, app.content_type, app.body = 202, "application/json", b'{"accepted": ["a"], "ignored": [{"ref": "<b>", "code": "ended"}]}'
        answer = city.web.post(f"/desk/examples/{example}")
        assert (answer.status_code, answer.location) == (302, "/?accepted=1&ignored=%3Cb%3E:+ended")
        for _ in range(2):
            shown = city.web.get(answer.location).text
            assert "accepted 1, ignored 1" in " ".join(shown.split())
            assert "Ignored &lt;b&gt;: ended." in shown
        assert [one.path.startswith("/hooks/") for one in app.heard].count(True) == 1


def test_an_example_that_the_app_refuses_says_why(tmp_path: Path) -> None:
    with a_stand_in() as app:
        city = a_world(tmp_path, port=app.port)
        app.status, app.content_type, app.body = 422, "application/json", b'{"detail": "This cannot be."}'
        answer = city.web.post("/desk/examples/alert")
        assert (answer.status_code, "This cannot be." in answer.text) == (200, True)


def test_a_switch_on_the_faults_page_breaks_and_mends(city: SmallWorld) -> None:
    city.web.post("/faults/switch", data={"channel": "sms", "mode": "429", "share": "50", "for": "60"})
    assert (city.world.faults.standing("sms").mode, city.world.faults.standing("sms").share) == ("429", 0.5)
    assert "checked> Too busy" in city.web.get("/faults").text
    city.web.post("/faults/switch", data={"channel": "sms", "mode": "ok", "share": "100", "for": ""})
    assert city.world.faults.standing("sms").mode == "ok"


@pytest.mark.parametrize("wrong", [{"share": "many"}, {"for": "long"}, {"for": "nan"}, {"mode": "melt"}])
def test_a_wrong_switch_is_refused_in_words(city: SmallWorld, wrong: dict[str, str]) -> None:
    form = {"channel": "email", "mode": "429", "share": "50", "for": "60", **wrong}
    answer = city.web.post("/faults/switch", data=form, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (422, "text/html")
    assert city.world.faults.standing("email").mode == "ok"


def test_a_kiosks_fault_that_a_script_chose_is_shown_and_can_be_kept(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    assert city.web.get("/faults").text.count('value="429"') == 2
    city.web.post("/faults", json={"channel": "kiosk", "mode": "429"})
    assert city.web.get("/faults").text.count('value="429"') == 3
    assert 'value="429" checked' in city.web.get("/faults").text


@pytest.mark.parametrize(
    ("back", "place"), [("/phones/+14155550101", "/phones/+14155550101"), ("//evil.example", "/"), ("https://evil.example", "/"), ("", "/")]
)
def test_the_clock_button_returns_to_the_page_it_was_on_and_nowhere_else(city: SmallWorld, back: str, place: str) -> None:
    before = city.world.now()
    answer = city.web.post("/clock/move", data={"advance": "pt1h", "back": back})
    assert (answer.status_code, answer.location) == (302, place)
    assert (city.world.now() - before).total_seconds() >= 3600


def test_a_wrong_length_is_said_in_words_to_a_person(city: SmallWorld) -> None:
    answer = city.web.post("/clock/move", data={"advance": "soon"}, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (422, "text/html")
    assert "Write a length such as" in answer.text


def test_an_email_is_shown_in_a_sandbox_that_runs_nothing(city: SmallWorld) -> None:
    seq = an_email(city)
    assert f'sandbox="allow-popups allow-popups-to-escape-sandbox" src="/emails/{seq}/html"' in city.web.get(f"/emails/{seq}").text
    answer = city.web.get(f"/emails/{seq}/html")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert '<head><base target="_blank">' in answer.text


def test_a_page_from_elsewhere_presses_no_button_here(city: SmallWorld) -> None:
    assert city.web.post("/faults", json={"channel": "sms", "mode": "500"}, headers={"Origin": "https://evil.example"}).status_code == 403
    assert city.world.faults.standing("sms").mode == "ok"
    assert city.web.post("/faults", json={"channel": "sms", "mode": "ok"}, headers={"Origin": "http://localhost"}).status_code == 200


def test_what_somebody_texted_is_text_on_every_page(city: SmallWorld) -> None:
    city.world.ledger.record([Message("sms", "text", ANA, "+15005550006", "<script>alert(1)</script>", NOON, status="received")])
    for path in ("/phones", f"/phones/{ANA}", f"/phones/{ANA}/part"):
        assert "&lt;script&gt;" in city.web.get(path).text
        assert "<script>alert" not in city.web.get(path).text


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        pytest.param(datetime(2026, 12, 2, 4, 6, tzinfo=UTC), "It is 23:06 in Larkhaven, and quiet", id="night"),
        pytest.param(datetime(2026, 12, 2, 15, 0, tzinfo=UTC), None, id="day"),
    ],
)
def test_the_desk_says_at_night_that_texts_wait_and_offers_the_morning(tmp_path: Path, moment: datetime, said: str | None) -> None:
    with a_stand_in() as app:
        app.status, app.content_type, app.body = 200, "application/json", b'{"data": [], "next_cursor": null, "has_more": false}'
        shown = a_world(tmp_path, port=app.port, city_time=moment).web.get("/").text
    offered = re.search(r'name="advance" value="PT(\d+)S"', shown)
    assert ("and quiet" in shown) is (said is not None)
    assert said is None or said in shown
    assert (offered is not None) is (said is not None)
    assert offered is None or 8 * 3600 < int(offered[1]) <= 9 * 3600


def test_a_filled_form_means_the_broadcast_it_shows() -> None:
    form = {"title-en": "T", "body-en": "B", "title-es": "", "body-es": "", "topics": "jobs", "kind": "job", "severity": "minor", "channels": "sms"}
    later = {"when": "later", "local": "2026-12-01T07:30", "link": " https://city.example "}
    assert read_broadcast({**form, **later}, "Europe/Paris") == {
        "topics": ["jobs"],
        "kind": "job",
        "severity": "minor",
        "urgency": "expected",
        "content": {"en": {"title": "T", "body": "B"}},
        "channels": ["sms"],
        "link": "https://city.example",
        "send_at": {"local": "2026-12-01T07:30", "zone": "Europe/Paris"},
    }
    assert "send_at" not in read_broadcast(form, "Europe/Paris")


# --- a walk in a browser ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[RunningCity]:
    with running_city(tmp_path_factory.mktemp("city")) as found:
        found.world("POST", "/seed", {"subscribers": 4, "kiosks": 1, "topics": ["transit"]})
        yield found


@pytest.fixture
def page(running: RunningCity, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=running.card["world"])
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    yield opened
    context.close()


@pytest.mark.browser
@pytest.mark.xdist_group("city")
class TestInABrowser:
    def test_somebody_joins_on_a_phone_and_an_example_alert_arrives_there(self, page: Page) -> None:
        page.goto("/phones")
        page.get_by_label("Pick up a phone").fill("+12025550145")
        page.get_by_role("button", name="Pick up").click()
        page.get_by_role("button", name="تنبيهات").click()
        expect(page.locator(".bubble.out").first).to_contain_text("Larkhaven")
        page.get_by_role("link", name="Desk").click()
        page.get_by_role("button", name="Transit alert").click()
        expect(page.get_by_role("status")).to_contain_text("accepted 1, ignored 0")
        expect(page.get_by_role("link", name="Red Line: shuttle buses")).to_be_visible()
        page.goto("/phones/+12025550145")
        expect(page.locator(".thread")).to_contain_text("الخط الأحمر")

    def test_a_communicator_looks_first_then_sends_and_watches_it_land(self, page: Page) -> None:
        page.goto("/")
        page.locator("#title-en").fill("Bus 4 runs again")
        page.locator("#body-en").fill("Service is back to normal.")
        page.get_by_role("button", name="Look first").click()
        expect(page.locator(".preview")).to_contain_text(re.compile(r"To [45] by sms, 4 by email, 2 by kiosk"))
        expect(page.locator(".preview .bubble").first).to_contain_text("Bus 4 runs again")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Bus 4 runs again")
        expect(page.locator(".state").first).to_have_text("completed", timeout=60_000)
        expect(page.locator(".counts", has_text="Texts")).to_contain_text(re.compile("[45] recipients, 100 % settled"))

    def test_an_emergency_waits_for_the_approver(self, page: Page) -> None:
        page.goto("/")
        page.locator("#title-en").fill("Boil water")
        page.locator("#body-en").fill("Boil tap water before you drink it.")
        page.get_by_label("Kind").select_option("emergency")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".state").first).to_have_text("awaiting approval")
        page.get_by_role("button", name="Approve").click()
        expect(page.locator(".state").first).to_have_text("completed", timeout=60_000)

    def test_the_same_words_again_wait_for_the_approver_and_the_page_says_why(self, page: Page) -> None:
        for _ in range(2):
            page.goto("/")
            page.locator("#title-en").fill("Road closed")
            page.locator("#body-en").fill("Main Street is closed.")
            page.get_by_role("button", name="Send").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Road closed")
        expect(page.locator(".state").first).to_have_text("needs review")
        expect(page.get_by_text("It waits for somebody to look: duplicate (of bc_")).to_be_visible()
        page.get_by_role("button", name="Approve").click()
        expect(page.locator(".state").first).to_have_text("completed", timeout=60_000)

    def test_a_refused_broadcast_says_which_field_and_keeps_what_was_written(self, page: Page) -> None:
        page.goto("/")
        page.locator("#title-en").fill("No topic")
        page.locator("#body-en").fill("Nobody would get this.")
        page.get_by_label("Transit alerts").uncheck()
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("alert")).to_contain_text("topics")
        expect(page.locator("#title-en")).to_have_value("No topic")

    def test_every_page_fits_a_small_screen_and_has_no_barrier_that_axe_finds(self, page: Page) -> None:
        page.set_viewport_size({"width": 320, "height": 800})
        for path in PAGES:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
            found = Axe().run(page, options={"iframes": False})
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"


def test_the_pages_walked_are_all_there_are(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    links = {path for path in ("/phones", "/inboxes", "/kiosks", "/faults") if f'href="{path}"' in city.web.get("/faults").text}
    assert links <= set(PAGES)
    assert len(links) == 4
