"""Every page for residents, in every language: its bones, its headers, and that nothing on it needs more than itself."""

import base64
import gzip
import hashlib
import html
import json
import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.locale import SPOKEN, direction
from chalicelib.store.sign_ups import SignUp
from chalicelib.store.subscriptions import Subscription, audience_row, person_row
from infra.styles import STATIC, logical
from tests.conversation.booth import URL, Booth
from tests.pages.said import say
from tests.render.notices import FOUR, ROOT, a_notice

WHO = "3" + "0" * 31
MOST_BYTES = 32_000
"""Little more than half of the 60 KB that a first view may take."""
VOID = {"meta", "link", "input", "br", "img", "hr"}


@dataclass
class Bones(HTMLParser):
    """What a page is made of."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    title: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title":
            self.title += data

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def bones(text: str) -> Bones:
    found = Bones()
    found.feed(text)
    return found


def a_city_with_a_reader(folder: Path) -> Booth:
    booth = Booth(folder)
    store = booth.services.store
    known = store.addresses.claim(Address(Channel.EMAIL, "ana@example.org"), subscriber=WHO, verified=True)
    for topic in ("transit", "jobs"):
        one = Subscription(WHO, topic, Channel.EMAIL, known.hash, "en")
        booth.state.table.put_many([audience_row(one), person_row(one)])
    say(booth, a_notice(FOUR))
    new = store.addresses.claim(Address(Channel.EMAIL, "ben@example.org"), subscriber="e" * 32, verified=False)
    beside = SignUp("up2", new.hash, new.subscriber, ("jobs",), "en", booth.clock(), beside="f" * 32, digits="23")
    sign_ups = [SignUp("up1", known.hash, WHO, ("events",), "en", booth.clock()), beside]
    booth.state.table.transact([store.sign_ups.put_write(one) for one in sign_ups])
    return booth


def paths(booth: Booth) -> dict[str, tuple[str, str]]:
    """Name → method and path of every page."""
    sign = booth.services.tokens.sign
    confirm, end, choose = sign("confirm", "up1"), sign("unsubscribe", WHO, "transit", "email"), sign("preferences", WHO, "email")
    return {
        "home": ("GET", "/"),
        "join": ("GET", "/join"),
        "join, wrong": ("POST", "/join"),
        "confirm": ("GET", f"/confirm/{confirm}"),
        "confirm, on one page": ("GET", f"/confirm/{sign('confirm', 'up2')}"),
        "confirmed": ("POST", f"/confirm/{confirm}"),
        "unsubscribe": ("GET", f"/unsubscribe/{end}"),
        "preferences": ("GET", f"/preferences/{choose}"),
        "preferences, saved": ("POST", f"/preferences/{choose}"),
        "unsubscribed": ("POST", f"/unsubscribe/{end}"),
        "no such link": ("GET", "/confirm/nothing"),
        "preferences, wrong": ("POST", f"/preferences/{choose}?"),
        "messages": ("GET", f"/preferences/{choose}/messages"),
        "data": ("GET", f"/preferences/{choose}/data"),
        "move": ("GET", f"/preferences/{choose}/move"),
        "move, wrong": ("POST", f"/preferences/{choose}/move"),
        "add": ("GET", f"/preferences/{choose}/add"),
        "add, wrong": ("POST", f"/preferences/{choose}/add"),
        "erase": ("GET", f"/preferences/{choose}/erase"),
        "erase, wrong": ("POST", f"/preferences/{choose}/erase"),
        "archive": ("GET", "/archive"),
        "archive of a topic": ("GET", "/archive?topic=transit"),
        "notice": ("GET", "/n/nt_1"),
        "feed": ("GET", "/feeds/transit.atom"),
        "accessibility": ("GET", "/accessibility"),
        "privacy": ("GET", "/privacy"),
        "terms": ("GET", "/terms"),
    }


FIELDS = {"preferences, wrong": [("topic-email", "transit"), ("pause", "yesterday"), ("transit.hours-from", "25:00")]}
"""What is filled in where a form is sent."""


@pytest.mark.parametrize("locale", SPOKEN)
def test_every_page_stands_on_its_own_in_every_language(tmp_path: Path, locale: str) -> None:
    booth = a_city_with_a_reader(tmp_path)
    for name, (method, path) in paths(booth).items():
        query = f"{path}{'&' if '?' in path else '?'}lang={locale}"
        answer = booth.get(query) if method == "GET" else booth.submit(query, FIELDS.get(name, ()))
        _check_headers(answer.headers, name)
        if name == "feed":
            continue
        page = bones(answer.text)
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8", name
        assert page.of("html") == [{"lang": locale, "dir": direction(locale)}], name
        assert (page.unbalanced, page.open) == ([], []), name
        assert len(page.of("h1")) == len(page.of("main")) == len(page.of("title")) == 1, name
        assert page.title.strip(" |"), name
        assert page.of("style", "iframe", "img") == [], name
        assert all(str(one["src"]).startswith("https://alerts.example.gov/static/") or str(one["src"]).startswith("/static/") for one in page.of("script")), (
            name
        )
        assert not [attributes for _, attributes in page.tags if any(key == "style" or key.startswith("on") for key in attributes)], name
        _check_fields(page, name)


def _check_fields(page: Bones, name: str) -> None:
    """Each field has its label: around it, or by its id."""
    labels = {attributes.get("for") for attributes in page.of("label")}
    for attributes in page.of("input", "select"):
        assert attributes.get("id") in labels or attributes.get("type") == "hidden" or attributes["name"] == "website", (name, attributes)


POLICY = {f"{what}-src 'self'" for what in ("script", "style", "img", "font", "connect")} | {
    "default-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}
ANYBODYS = {"home", "join", "join, wrong", "archive", "archive of a topic", "notice", "feed", "accessibility", "privacy", "terms"}
"""Pages whose address is no secret."""
FORMS = {"join", "join, wrong"}


def _check_headers(headers: object, name: str) -> None:
    assert isinstance(headers, dict)
    assert set(headers["Content-Security-Policy"].split("; ")) == POLICY, name
    assert headers["Referrer-Policy"] == ("same-origin" if name in ANYBODYS else "no-referrer"), name
    assert headers["Cache-Control"] == ("public, max-age=60" if name in ANYBODYS - FORMS else "no-store"), name
    assert headers["X-Content-Type-Options"] == "nosniff", name
    assert headers["Strict-Transport-Security"] == "max-age=31536000", name
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin", name
    assert {"camera=()", "geolocation=()", "microphone=()"} <= set(headers["Permissions-Policy"].split(", ")), name
    assert not [one for one in headers if one.lower() == "set-cookie"], name


def test_every_route_of_a_page_is_looked_at(tmp_path: Path) -> None:
    booth = a_city_with_a_reader(tmp_path)
    seen = {re.sub(r"[^/]{20,}|(?<=/n/).*|(?<=/feeds/).*", "*", path.split("?")[0]) for _, path in paths(booth).values()}
    routes = {re.sub(r"\{\w+\}", "*", path) for path, methods in booth.app.routes.items() for one in methods.values() if _of_pages(one.view_function)}
    assert routes - {"/static/*"} <= seen | {path.replace("nothing", "*") for path in seen}


def _of_pages(view: object) -> bool:
    return getattr(view, "__module__", "") in {f"chalicelib.intake.{name}" for name in ("pages", "links", "archive", "choices", "own")}


def test_no_page_leads_to_where_nothing_is(tmp_path: Path) -> None:
    booth = a_city_with_a_reader(tmp_path)
    waiting, seen = [path for method, path in paths(booth).values() if method == "GET" and "nothing" not in path], set[str]()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = booth.get(path)
        assert answer.status == 200, path
        if "html" in answer.headers["Content-Type"]:
            links = [str(one["href"]) for one in bones(answer.text).of("a", "link")]
            ours = {urljoin(f"{URL}{path}", link).removeprefix(URL).partition("#")[0] for link in links if not link.startswith(("sms:", "https://larkhaven"))}
            waiting += [link for link in ours - seen - set(waiting) if link.startswith("/") and ("lang=en" in link or "lang=" not in link)]
    assert {"/privacy?lang=en", "/terms?lang=en", "/accessibility?lang=en", "/archive?lang=en", "/feeds/all.atom?lang=en"} <= seen


def test_the_official_banner_is_shown_where_the_city_says_so(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert "official website" not in booth.get("/").text
    (tmp_path / "official").mkdir()
    official = Booth(tmp_path / "official", city="gov_banner = true\n" + (ROOT / "city.toml").read_text("utf-8"))
    assert "An official website of Larkhaven" in official.get("/").text


def test_a_text_programme_says_what_it_must(tmp_path: Path) -> None:
    """Its name, how often, what it costs, HELP and STOP. Source: CTIA's messaging principles and the carriers' handbook."""
    page = Booth(tmp_path).get("/terms").text
    said = ["Larkhaven Alerts", "How many messages come varies", "may charge you for messages and data", "HELP", "STOP", "not liable", "/privacy"]
    assert [one for one in said if one not in page] == []


def test_a_reader_can_switch_to_every_language_of_the_city(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    links = [one for one in bones(booth.get("/join").text).of("a") if one.get("hreflang")]
    assert [(one["href"], one["lang"]) for one in links] == [(f"?lang={locale}", locale) for locale in SPOKEN]
    assert [one["lang"] for one in links if one.get("aria-current")] == ["en"]


@pytest.mark.parametrize("locale", SPOKEN)
def test_the_way_to_the_form_says_what_the_form_takes(tmp_path: Path, locale: str) -> None:
    booth = Booth(tmp_path)
    [heading] = re.findall(r"<h1>([^<]+)</h1>", booth.get(f"/join?lang={locale}").text)
    links = re.findall(r'<a [^>]*href="[^"]*/join\?lang=[^"]*"[^>]*>([^<]+)</a>', booth.get(f"/?lang={locale}").text.split("<main", 1)[1])
    assert links == [heading]


@pytest.mark.parametrize(
    ("query", "header", "locale"),
    [
        ("", "", "en"),
        ("", "es-MX,es;q=0.9,en;q=0.8", "es"),
        ("", "en;q=0.4, zh-CN;q=0.9", "zh-Hans"),
        ("", "de, it;q=0.9", "en"),
        ("", "zh-TW", "zh-Hant"),
        ("", "es;q=0", "en"),
        ("", "es;q=high, ar;q=0.1", "ar"),
        ("", "*,;;;q=,,=" * 200, "en"),
        ("?lang=ar", "es", "ar"),
        ("?lang=zh-cn", "", "zh-Hans"),
        ("?lang=tlh", "es", "es"),
        ("?lang=%22%3E%3Cscript%3E", "", "en"),
        ("?lang=", "ar", "ar"),
    ],
)
def test_the_language_of_a_page_is_chosen_or_else_the_browsers(tmp_path: Path, query: str, header: str, locale: str) -> None:
    booth = Booth(tmp_path)
    assert bones(booth.get(f"/{query}", accept_language=header).text).of("html")[0]["lang"] == locale


def test_a_city_none_of_whose_languages_we_write_has_english_pages(tmp_path: Path) -> None:
    city = 'name = "B"\nprogramme = "B"\nzone = "UTC"\nlanguages = ["de"]\nhelp_contact = "115"\n[[topics]]\nid = "bus"\nnames = { de = "Bus" }'
    booth = Booth(tmp_path, city=city)
    page = booth.get("/", accept_language="de")
    assert page.status == 200
    assert bones(page.text).of("html")[0]["lang"] == "en"
    assert "hreflang" not in page.text


def test_the_home_page_says_how_to_join_in_the_readers_own_word(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    english, arabic = booth.get("/").text, booth.get("/?lang=ar").text
    assert all(said in english for said in ("ALERTS", "+1 500 555 0006", 'href="sms:+15005550006"', "Message and data rates may apply", "STOP", "HELP"))
    assert "تنبيهات" in arabic
    assert '<bdi dir="ltr">+1 500 555 0006</bdi>' in arabic


def test_what_pages_are_drawn_with_is_served_for_ever_under_a_name_of_its_own(tmp_path: Path) -> None:
    booth, manifest = Booth(tmp_path), json.loads((STATIC / "manifest.json").read_text())
    kinds = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    for name, said in manifest.items():
        answer, content = booth.get(f"/static/{said['file']}"), (STATIC / said["file"]).read_bytes()
        assert answer.status == 200, name
        assert answer.headers["Content-Type"].startswith(kinds[name.rsplit(".")[-1]]), name
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable", name
        assert answer.text.encode() == content, name
        assert hashlib.sha256(content).hexdigest()[:12] == said["file"].split(".")[-2], name
        assert "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode() == said["integrity"], name
    assert {one.name for one in STATIC.iterdir()} == {said["file"] for said in manifest.values()} | {"manifest.json"}


@pytest.mark.parametrize("name", ["none.css", "..%2F..%2Fcity.toml", "residents.po", "Residents.css", ".", "%00.css", "manifest.json", "residents.css"])
def test_nothing_else_is_served(tmp_path: Path, name: str) -> None:
    assert Booth(tmp_path).get(f"/static/{name}").status == 404


@pytest.mark.parametrize("page", ["home", "join", "preferences", "archive", "notice"])
def test_a_first_view_is_small(tmp_path: Path, page: str) -> None:
    """All that the browser asks for, as API Gateway compresses it."""
    booth = a_city_with_a_reader(tmp_path)
    _, path = paths(booth)[page]
    found = booth.get(f"{path}?lang=ar")
    files = re.findall(r'(?:href|src)="[^"]*/static/([^"]+)"', found.text)
    style = next(name for name in files if name.endswith(".css"))
    files += re.findall(r'url\("([^"]+)"\)', (STATIC / style).read_text())
    sizes = [len(gzip.compress(found.text.encode())), *(len(gzip.compress((STATIC / name).read_bytes())) for name in set(files))]
    assert sum(sizes) < MOST_BYTES, (page, sizes)


def test_the_style_knows_no_left_and_no_right() -> None:
    [style] = STATIC.glob("residents.*.css")
    sided = re.findall(r"[;{](?:(?:margin|padding|border)-(?:left|right)[a-z-]*|left|right|(?:text-align|float|clear):(?:left|right))\b", style.read_text())
    assert sided == []


@pytest.mark.parametrize(
    ("sided", "turned"),
    [
        ("a{margin-left:1px}", "a{margin-inline-start:1px}"),
        ("a{color:red;border-right-width:2px}", "a{color:red;border-inline-end-width:2px}"),
        ("a{left:0;right:auto}", "a{inset-inline-start:0;inset-inline-end:auto}"),
        ("a{text-align:left;float:right}", "a{text-align:start;float:inline-end}"),
        ("a{padding:1px 2px 3px 4px}", "a{padding-block:1px 3px;padding-inline:4px 2px}"),
        ("a{padding:1px 2px 3px 2px}", "a{padding:1px 2px 3px 2px}"),
        ("a{background-position:right 1px center}", "a{background-position:right 1px center}"),
    ],
)
def test_what_was_left_is_where_a_line_starts(sided: str, turned: str) -> None:
    assert logical(sided) == turned


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b"topic=%ff%fe", {"Content-Type": "application/x-www-form-urlencoded"}, 400, id="not UTF-8"),
        pytest.param(b"a=1&" * 500, {"Content-Type": "application/x-www-form-urlencoded"}, 400, id="500 fields"),
        pytest.param(b"a=" + b"x" * 40_000, {"Content-Type": "application/x-www-form-urlencoded"}, 413, id="40 KB"),
        pytest.param(b"{}", {"Content-Type": "application/json"}, 415, id="JSON"),
        pytest.param(b"", {}, 415, id="nothing"),
    ],
)
def test_a_form_that_cannot_be_read_is_a_page_that_says_so(tmp_path: Path, body: bytes, headers: dict[str, str], status: int) -> None:
    booth = Booth(tmp_path)
    answer = booth.call("POST", "/join", body, headers)
    assert answer.status == status
    assert "That did not work" in answer.text
    assert booth.rows() == 0


def test_what_somebody_typed_is_never_markup(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    page = booth.submit("/join", [("email", '"><script>alert(1)</script>'), ("topic", "<b>")])
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_pages_under_a_path_link_to_themselves(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.services = replace(booth.services, public_url="https://x.execute-api.us-east-1.amazonaws.com/api")
    assert 'href="/api/static/residents.' in booth.get("/").text
    assert 'href="/api/join?lang=en"' in booth.get("/").text


@pytest.mark.parametrize("locale", SPOKEN)
def test_what_the_home_page_says_to_text_joins_in_the_language_of_the_page(tmp_path: Path, locale: str) -> None:
    booth = Booth(tmp_path)
    commands = re.findall(r'<li><bdi class="keyword">(.*?)</bdi></li>', booth.get(f"/?lang={locale}").text)
    assert len(commands) == len(booth.services.city.topics)
    for number, command in enumerate(commands):
        phone = f"+1202555020{number}"
        booth.text(html.unescape(command), phone=phone)
        assert list(booth.follows(phone).values()) == [locale]
