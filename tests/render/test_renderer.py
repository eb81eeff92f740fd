"""Replies, letters and pages: strict, escaped where that is right, and never torn by what a value holds."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from chalicelib.errors import RenderFailed
from chalicelib.render.renderer import CityRenderer
from tests.render.notices import a_city

MOMENT = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for folder in ("reply", "letter/hello", "pages"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def renderer(templates: Path) -> CityRenderer:
    return CityRenderer(city=a_city(), templates=templates, public_url="https://x.example")


def test_a_reply_is_tidied_and_counted(house):
    (house / "reply" / "a.txt").write_text("\n{{ city.programme }} – {{ topic_name('transit/red-line') }}’s {{ what }}\n")
    reply = renderer(house).reply("a", "es", what="{{7*7}} <b> %s")
    assert reply.body == "Larkhaven Alerts - Linea Roja's {{7*7}} <b> %s"
    assert (reply.parts, reply.encoding) == (1, "GSM-7")


def test_a_page_escapes_every_value(house):
    (house / "pages" / "a.html").write_text('<html lang="{{ locale }}" dir="{{ dir }}">{{ what }} {% trans what %}Hi {{ what }}{% endtrans %}')
    page = renderer(house).page("a", "en", what="<script>")
    assert page == '<html lang="en" dir="ltr">&lt;script&gt; Hi &lt;script&gt;'


def test_an_unknown_locale_gets_the_nearest_we_speak(house):
    (house / "pages" / "a.html").write_text("{{ locale }} {{ dir }}")
    assert [renderer(house).page("a", tag) for tag in ("ar-EG", "zh-CN", "is", "")] == ["ar rtl", "zh-Hans ltr", "en ltr", "en ltr"]


def test_a_letter_travels_as_values(house):
    for part, text in {"subject.txt": "Confirm\n{{ what }}", "body.txt": "Go to {{ what }}", "body.html": "<p>{{ what }}</p>"}.items():
        (house / "letter" / "hello" / part).write_text(text)
    letter = renderer(house).letter("hello", "en", what="{{x}} <b>")
    assert (letter.subject, letter.text, letter.html) == ("{{subject}}", "{{text}}", "{{html}}")
    assert letter.values == {"subject": "Confirm {{x}} <b>", "text": "Go to {{x}} <b>\n", "html": "<p>{{x}} &lt;b&gt;</p>"}


@pytest.mark.parametrize(
    ("template", "why"),
    [
        pytest.param("{{ missing }}", "'missing' is undefined", id="a value is missing"),
        pytest.param("{{ city.nonsense }}", "nonsense", id="a field is missing"),
        pytest.param("{% if %}", "TemplateSyntaxError", id="bad syntax"),
        pytest.param("{{ topic_name('nowhere') }}", "KeyError", id="an unknown topic"),
        pytest.param("{% include 'nowhere.txt' %}", "TemplateNotFound", id="a missing file"),
    ],
)
def test_a_mistake_is_named_before_anything_is_sent(house, template, why):
    (house / "reply" / "a.txt").write_text(template)
    with pytest.raises(RenderFailed, match=why) as failed:
        renderer(house).reply("a", "en")
    assert "reply/a.txt" in str(failed.value)


def test_a_missing_template_is_a_failed_rendering(house):
    with pytest.raises(RenderFailed):
        renderer(house).reply("nowhere", "en")


def test_moments_are_said_in_the_readers_words_and_the_zone_asked_for(house):
    (house / "reply" / "a.txt").write_text("{{ format_date(at) }} | {{ format_time(at) }} | {{ format_moment(at) }} | {{ format_time(at, zone) }}")
    said = renderer(house).reply("a", "en", at=MOMENT, zone=ZoneInfo("Asia/Tokyo")).body
    assert said == "Tuesday, December 1, 2026 | 7:30 AM | Dec 1, 7:30 AM | 9:30 PM"


def test_an_included_part_can_speak_another_language(house):
    (house / "pages" / "part.html").write_text("{{ chrome.locale }} {{ format_time(at) }}")
    (house / "pages" / "a.html").write_text('{% with chrome = chrome_of("ar") %}{% include "pages/part.html" %}{% endwith %}')
    assert renderer(house).page("a", "en", at=MOMENT) == "ar 7:30 ص"
