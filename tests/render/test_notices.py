"""Every kind, on every channel, in every language, for every act; and what hostile words do not do."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from chalicelib.domain.locale import SPOKEN
from chalicelib.domain.message import EmailMessage
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.domain.sms_parts import count
from chalicelib.errors import RenderFailed
from chalicelib.render.renderer import MOST_PARTS, CityRenderer
from tests.render.notices import ALL, ENGLISH, FOUR, TEMPLATES, a_city, a_notice, a_renderer

RENDERER = a_renderer()
HOSTILE = {
    "template": "{{7*7}} {{ city }} {% include 'x' %} ${7+7}",
    "placeholder": "{{unsubscribe_url}} {{body_html}} {{{x}}}",
    "percent": "%s %(x)s %d 100%",
    "markup": "<script>alert(1)</script><b>&amp;\"'",
    "bidi": "a\u202eb\u2066c\u2067d",
    "json": '"},"langs":{"en":{"title":"x\\',
    "controls": "a\x00b\x1b[31m\r\nBcc: x@example.org",
    "lone surrogate": "a\ud800b",
}


def filled(message: EmailMessage, **personal: str) -> tuple[str, str, str]:
    """The email as SES fills it: once, each value as it is."""
    values = {**message.values, "unsubscribe_url": "https://x/u", "preferences_url": "https://x/p", **personal}
    return tuple(re.sub(r"\{\{(\w+)\}\}", lambda gap: values[gap[1]], part) for part in (message.subject, message.text, message.html))  # type: ignore[return-value]


class Nesting(HTMLParser):
    """Reads HTML; keeps each element's `lang` and `dir`, and raises where tags do not close in order."""

    VOID = frozenset({"meta", "br", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.marked: list[tuple[str, str | None, str | None]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "lang" in found or "dir" in found:
            self.marked.append((tag, found.get("lang"), found.get("dir")))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


# --- everything renders ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("locale", SPOKEN)
def test_every_kind_and_act_renders_on_every_channel(kind, act, locale):
    content = a_notice(ALL, kind=kind, act=act)
    title = ALL[locale].title
    sms = RENDERER.sms(content, locale)
    assert title in sms.body
    assert sms.body.endswith("\n" + str(content.link))
    assert (sms.parts, sms.encoding) == count(sms.body)
    subject, text, html = filled(RENDERER.email(content, locale, "transit/red-line"))
    assert title in subject
    assert title in text
    Nesting(html)
    for gap in (subject, text, html):
        assert "{{" not in gap
    langs = RENDERER.kiosk(content, "bc_1").envelope["item"]["langs"]  # type: ignore[index]
    assert set(langs) == set(ALL)
    assert langs[locale]["title"] == title


@pytest.mark.parametrize("kind", Kind)
def test_each_act_is_told_apart_in_every_language(kind):
    for locale in SPOKEN:
        subjects = {RENDERER.email(a_notice(ALL, kind=kind, act=act), locale, "transit").subject for act in Act}
        texts = {RENDERER.sms(a_notice(ALL, kind=kind, act=act), locale).body for act in Act}
        assert len(subjects) == len(texts) == len(Act)


def test_an_emergency_says_so_first():
    assert RENDERER.sms(a_notice(kind=Kind.EMERGENCY), "en").body.startswith("Larkhaven Alerts: EMERGENCY: Red Line")


def test_an_event_says_when_in_the_readers_words_and_the_citys_zone():
    said = {locale: RENDERER.sms(a_notice(FOUR, kind=Kind.EVENT), locale).body.splitlines()[1] for locale in FOUR}
    assert said == {"en": "When: Dec 5, 6:30 PM", "es": "Fecha: 5 dic, 18:30", "ar": "الموعد: 5 ديسمبر، 6:30 م", "zh-Hans": "时间：12月5日 18:30"}
    _, text, html = filled(RENDERER.email(a_notice(FOUR, kind=Kind.EVENT), "es", "events"))
    assert "Fecha: sábado, 5 de diciembre de 2026, 18:30" in text
    assert "Fecha: sábado, 5 de diciembre de 2026, 18:30" in html


def test_the_two_commonest_texts_cost_one_part_and_spanish_stays_in_gsm7():
    for kind in Kind:
        for act in Act:
            for locale in ("en", "es"):
                sms = RENDERER.sms(a_notice(FOUR, kind=kind, act=act, link=None), locale)
                assert (sms.encoding, sms.parts) == ("GSM-7", 1), sms.body


# --- language --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("locale", "direction"), [("en", "ltr"), ("es", "ltr"), ("ar", "rtl"), ("zh-Hans", "ltr")])
def test_an_email_says_its_language_and_direction(locale, direction):
    message = RENDERER.email(a_notice(FOUR), locale, "transit")
    assert message.locale == locale
    assert set(Nesting(filled(message)[2]).marked) - {("bdi", None, "ltr")} == {
        ("html", locale, direction),
        ("div", locale, direction),
        ("span", locale, direction),
    }


def test_a_notice_nobody_translated_keeps_its_own_language_inside_the_readers_words():
    _, text, html = filled(RENDERER.email(a_notice(ENGLISH), "ar", "transit/red-line"))
    assert Nesting(html).marked[:2] == [("html", "ar", "rtl"), ("div", "ar", "rtl")]
    assert ("span", "en", "ltr") in Nesting(html).marked
    assert ("div", "en", "ltr") in Nesting(html).marked
    assert "لم تترجم المدينة هذا الإشعار." in text
    assert "لم تترجم المدينة هذا الإشعار." in html
    assert "الخط الأحمر" in text
    assert "Buses replace trains" in text


@pytest.mark.parametrize(
    ("reader", "texts", "language", "title"),
    [
        pytest.param("es-MX", FOUR, "en", "Linea Roja", id="a region's reader gets the language"),
        pytest.param("ar", {"fr": Text("Ligne rouge", "…"), "en": Text("Red", "…")}, "fr", "Ligne rouge", id="the source's language comes before English"),
        pytest.param("ar", {"de": Text("Rot", "…"), "en": Text("Red", "…")}, "fr", "Red", id="then English"),
        pytest.param("ar", {"de": Text("Rot", "…")}, "fr", "Rot", id="then whatever there is"),
        pytest.param("zh-Hant", {"zh-Hans": Text("红线", "…"), "en": Text("Red", "…")}, "en", "Red", id="Traditional readers are not given Simplified"),
    ],
)
def test_the_fallback_chain(reader, texts, language, title):
    assert title in RENDERER.sms(a_notice(texts, language=language), reader).body


def test_a_translated_notice_does_not_apologise():
    for locale in ("en", "es-MX", "ar", "zh-Hans"):
        assert "{{body_text}}" in RENDERER.email(a_notice(FOUR), locale, "transit").text
    assert "no ha traducido" not in RENDERER.email(a_notice(FOUR), "es-MX", "transit").text


def test_tokens_in_arabic_html_are_isolated_and_the_text_message_stays_plain():
    _, _, html = filled(RENDERER.email(a_notice(FOUR), "ar", "transit"))
    assert '<bdi dir="ltr">14</bdi>' in html
    assert '<bdi dir="ltr">Red Line</bdi>' in html
    assert not re.search("[\u2066-\u2069]", RENDERER.sms(a_notice(FOUR), "ar").body)


def test_a_texts_own_link_is_the_one_its_readers_get():
    texts = {"en": Text("Red", "x", "https://larkhaven.example/en"), "es": Text("Roja", "x")}
    assert RENDERER.sms(a_notice(texts), "en").body.endswith("\nhttps://larkhaven.example/en")
    assert RENDERER.sms(a_notice(texts), "es").body.endswith("\nhttps://larkhaven.example/red?a=1&b=2")


def test_a_body_that_repeats_the_title_is_not_said_twice():
    content = a_notice({"en": Text("Buses replace trains.", "Buses replace trains.\n")}, link=None)
    assert RENDERER.sms(content, "en").body == "Larkhaven Alerts: Buses replace trains."
    assert filled(RENDERER.email(content, "en", "transit"))[1].count("Buses replace trains.") == 1
    assert RENDERER.kiosk(content, "bc_1").envelope["item"]["langs"]["en"]["body"] == ""  # type: ignore[index]


# --- hostile words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", [Kind.TRANSIT, Kind.EVENT])
def test_authors_words_never_act(words, kind):
    content = a_notice({"en": Text(f"Title {words}", f"Body {words}")}, kind=kind)
    expected = re.sub("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "", words.replace("\r\n", "\n"))
    sms = RENDERER.sms(content, "ar")
    assert "Title " + " ".join(expected.split()) in sms.body
    assert "Body " + expected in sms.body
    message = RENDERER.email(content, "ar", "transit")
    assert words not in message.subject + message.text + message.html
    subject, text, html = filled(message)
    assert "\n" not in subject
    assert "Body " + expected in text
    assert "<script" not in html
    Nesting(html)
    langs = json.loads(json.dumps(RENDERER.kiosk(content, "bc_1").envelope))["item"]["langs"]
    assert langs["en"]["body"] == "Body " + expected


def test_placeholders_that_an_author_wrote_arrive_as_they_were_written():
    message = RENDERER.email(a_notice({"en": Text("Win {{unsubscribe_url}}", "{{preferences_url}} {{x}}")}), "en", "transit")
    subject, text, html = filled(message)
    assert subject == "Win {{unsubscribe_url}}"
    assert "{{preferences_url}} {{x}}" in text
    assert "<p>{{preferences_url}} {{x}}</p>" in html


@pytest.mark.parametrize("locale", SPOKEN)
def test_ten_thousand_characters_still_make_messages(locale):
    long = {"en": Text("Title " * 1700, "Body words " * 1000), "zh-Hans": Text("标题" * 5000, "正文" * 5000), "ar": Text("عنوان " * 1700, "نص " * 3000)}
    sms = RENDERER.sms(a_notice(long), locale)
    assert sms.parts <= MOST_PARTS
    assert sms.body.endswith("\nhttps://larkhaven.example/red?a=1&b=2")
    assert len(filled(RENDERER.email(a_notice(long), locale, "transit"))[0]) <= 150
    assert len(json.dumps(RENDERER.kiosk(a_notice(long), "bc_1").envelope)) < 256 * 1024


def test_a_link_that_is_no_web_link_is_left_out():
    content = a_notice(link="javascript:alert(1)")
    assert "javascript" not in RENDERER.sms(content, "en").body
    assert "javascript" not in "".join(filled(RENDERER.email(content, "en", "transit")))


# --- email, the rest -------------------------------------------------------------------------------------------------


def test_an_email_shares_its_layout_and_carries_authors_words_as_values():
    one = RENDERER.email(a_notice({"en": Text("One", "First.")}), "en", "transit/red-line")
    other = RENDERER.email(a_notice({"en": Text("Two", "Second.")}, notice="nt_2"), "en", "transit")
    assert (one.subject, one.text, one.html) == (other.subject, other.text, other.html)
    assert (one.values["title_text"], one.values["topic_text"]) == ("One", "Red Line")
    assert one.list_id == "<red-line.transit.alerts.larkhaven.example>"


def test_an_email_names_its_topic_its_way_out_and_the_citys_address():
    for part in filled(RENDERER.email(a_notice(FOUR), "es", "transit/red-line"))[1:]:
        for words in ("Linea Roja", "https://x/u", "https://x/p", a_city().postal_address):
            assert words in part


# --- kiosk -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "severity", "urgency", "level"),
    [
        (Kind.TRANSIT, Severity.MODERATE, Urgency.EXPECTED, 1),
        (Kind.TRANSIT, Severity.SEVERE, Urgency.IMMEDIATE, 3),
        (Kind.EMERGENCY, Severity.MODERATE, Urgency.EXPECTED, 3),
        (Kind.EMERGENCY, Severity.SEVERE, Urgency.EXPECTED, 4),
        (Kind.EMERGENCY, Severity.EXTREME, Urgency.IMMEDIATE, 4),
    ],
)
def test_a_screens_level_follows_from_kind_severity_and_urgency(kind, severity, urgency, level):
    assert RENDERER.kiosk(a_notice(kind=kind, severity=severity, urgency=urgency), "bc_1").envelope["item"]["level"] == level  # type: ignore[index]


@pytest.mark.parametrize(("act", "op"), [(Act.PUBLISHED, "put"), (Act.UPDATED, "put"), (Act.CANCELLED, "del"), (Act.ENDED, "del")])
def test_an_envelope_puts_or_removes(act, op):
    envelope = RENDERER.kiosk(a_notice(FOUR, act=act, revision=3), "bc_1").envelope
    assert envelope["op"] == op
    item = envelope["item"]
    assert (item["item_id"], item["ver"], item["broadcast"], item["fallback"]) == ("nt_1", 3, "bc_1", "en")  # type: ignore[index]
    assert item["expires_at"] == "2026-12-06T23:30:00Z"  # type: ignore[index]
    assert [item["langs"][tag]["dir"] for tag in FOUR] == ["ltr", "ltr", "rtl", "ltr"]  # type: ignore[index]


# --- once, and strictly ----------------------------------------------------------------------------------------------


def test_a_message_is_made_once_per_channel_and_locale():
    renderer = a_renderer()
    assert renderer.sms(a_notice(FOUR), "es") is renderer.sms(a_notice(FOUR), "es")
    assert renderer.email(a_notice(FOUR), "es", "transit") is renderer.email(a_notice(FOUR), "es", "transit")
    assert renderer.kiosk(a_notice(FOUR), "bc_1") is renderer.kiosk(a_notice(FOUR), "bc_1")


def test_notices_that_differ_in_a_comma_never_share_a_message():
    renderer = a_renderer()
    one, other = a_notice({"en": Text("A", "b, c")}), a_notice({"en": Text("A", "b c")})
    assert renderer.sms(one, "en").body != renderer.sms(other, "en").body
    assert renderer.kiosk(one, "bc_1") is not renderer.kiosk(one, "bc_2")


def test_a_layout_with_a_gap_that_nothing_fills_is_refused_before_ses_sees_it(tmp_path):
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    (tmp_path / "templates" / "notice" / "transit" / "email.txt").write_text("Dear {{ '{{' }}first_name}},")
    renderer = CityRenderer(city=a_city(), templates=tmp_path / "templates", public_url="https://x.example")
    with pytest.raises(RenderFailed, match="first_name"):
        renderer.email(a_notice(), "en", "transit")


def test_what_is_remembered_stays_bounded():
    renderer = a_renderer()
    first = renderer.sms(a_notice(), "en")
    for number in range(300):
        renderer.sms(a_notice({"en": Text(f"Notice {number}", "x")}), "en")
    assert renderer.sms(a_notice(), "en") is not first
    assert renderer.sms(a_notice(), "en") == first


def test_a_notice_without_any_text_is_refused():
    with pytest.raises(RenderFailed):
        RENDERER.sms(a_notice({}), "en")


def test_no_notice_template_is_unused_or_missing():
    files = {path.relative_to(TEMPLATES / "notice").as_posix() for path in (TEMPLATES / "notice").rglob("*.*")}
    parts = {"sms.txt", "email.subject.txt", "email.txt", "email.html", "kiosk.json", "label.txt"}
    digest = {f"digest/{part}.txt" for part in ("title", "texts", "emails")}
    assert files == digest | {f"{kind}/{part}" for kind in Kind for part in parts | {"kind.txt"}} | {f"base/{part}" for part in parts | {"lead.txt"}}
