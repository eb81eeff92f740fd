"""Whole talks, per language: what is texted, which sentence answers, and what is then followed."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.conversation.booth import HERE, Booth

TOPICS = ["transit", "transit/red-line", "events", "jobs", "emergency"]

TALKS = {
    "en": [
        ("ALERTS", "joined", {"topic": "transit"}, {"transit": "en"}),
        ("JOIN City jobs", "joined", {"topic": "jobs"}, {"jobs": "en", "transit": "en"}),
        ("LIST", "topics", {"follows": ["jobs", "transit"], "others": ["transit/red-line", "events", "emergency"]}, {"jobs": "en", "transit": "en"}),
        ("HELP", "help", {}, {"jobs": "en", "transit": "en"}),
        ("LEAVE JOBS", "left", {"topics": ["jobs"], "follows": ["transit"]}, {"transit": "en"}),
        ("STOP", "stopped", {}, {}),
        ("START", "restored", {"follows": ["transit"]}, {"transit": "en"}),
    ],
    "es": [
        ("Alertas", "joined", {"topic": "transit"}, {"transit": "es"}),
        ("alta empleos de la ciudad", "joined", {"topic": "jobs"}, {"jobs": "es", "transit": "es"}),
        ("lista", "topics", {"follows": ["jobs", "transit"], "others": ["transit/red-line", "events", "emergency"]}, {"jobs": "es", "transit": "es"}),
        ("¡Ayuda!", "help", {}, {"jobs": "es", "transit": "es"}),
        ("dejar empleos", "left", {"topics": ["jobs"], "follows": ["transit"]}, {"transit": "es"}),
        ("ALTO", "stopped", {}, {}),
        ("Empezar", "restored", {"follows": ["transit"]}, {"transit": "es"}),
    ],
    "ar": [
        ("تنبيهات", "joined", {"topic": "transit"}, {"transit": "ar"}),
        ("انضم وظائف المدينة", "joined", {"topic": "jobs"}, {"jobs": "ar", "transit": "ar"}),
        ("قائمة", "topics", {"follows": ["jobs", "transit"], "others": ["transit/red-line", "events", "emergency"]}, {"jobs": "ar", "transit": "ar"}),
        ("مساعدة", "help", {}, {"jobs": "ar", "transit": "ar"}),
        ("اترك وظائف المدينة", "left", {"topics": ["jobs"], "follows": ["transit"]}, {"transit": "ar"}),
        ("توقف", "stopped", {}, {}),
        ("ابدأ", "restored", {"follows": ["transit"]}, {"transit": "ar"}),
    ],
    "zh-Hans": [
        ("提醒", "joined", {"topic": "transit"}, {"transit": "zh-Hans"}),
        ("加入市政职位", "joined", {"topic": "jobs"}, {"jobs": "zh-Hans", "transit": "zh-Hans"}),
        ("列表", "topics", {"follows": ["jobs", "transit"], "others": ["transit/red-line", "events", "emergency"]}, {"jobs": "zh-Hans", "transit": "zh-Hans"}),
        ("帮助", "help", {}, {"jobs": "zh-Hans", "transit": "zh-Hans"}),
        ("退出市政职位", "left", {"topics": ["jobs"], "follows": ["transit"]}, {"transit": "zh-Hans"}),
        ("停止", "stopped", {}, {}),
        ("开始", "restored", {"follows": ["transit"]}, {"transit": "zh-Hans"}),
    ],
}


@pytest.mark.parametrize("locale", TALKS)
def test_a_talk_goes_on_in_one_language_from_join_to_start(tmp_path: Path, locale: str) -> None:
    booth = Booth(tmp_path)
    for text, name, values, follows in TALKS[locale]:
        assert booth.text(text) == booth.says(name, locale, **values), text
        assert booth.follows() == follows, text


@pytest.mark.parametrize(
    ("text", "topic", "locale"),
    [
        ("JOIN RED LINE", "transit/red-line", "en"),
        ("RED LINE", "transit/red-line", "en"),
        ("redline", "transit/red-line", "en"),
        ("  join   Red-Line please ", "transit/red-line", "en"),
        ("Linea Roja", "transit/red-line", "es"),
        ("línea roja", "transit/red-line", "es"),
        ("الخط الأحمر", "transit/red-line", "ar"),
        ("红线", "transit/red-line", "zh-Hans"),
        ("JOIN 红线", "transit/red-line", "zh-Hans"),
        ("EVENTOS", "events", "es"),
        ("ALTA EVENTS", "events", "es"),
        ("JOIN ALERTAS", "transit", "es"),
        ("transit/red-line", "transit/red-line", "en"),
        ("BUS", "transit", "en"),
    ],
)
def test_a_topic_is_joined_at_once_in_the_language_of_the_words(tmp_path: Path, text: str, topic: str, locale: str) -> None:
    booth = Booth(tmp_path)
    assert booth.text(text) == booth.says("joined", locale, topic=topic)
    assert booth.follows() == {topic: locale}


def test_a_subscriber_keeps_their_language_unless_a_word_chooses_another(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTAS")
    assert booth.text("JOIN EVENTS") == booth.says("joined", "es", topic="events")
    assert booth.text("ALERTS") == booth.says("joined", "en", topic="transit")
    assert booth.follows() == {"transit": "en", "events": "en"}


@pytest.mark.parametrize(
    ("text", "locale"),
    [("LANG es", "es"), ("Español", "es"), ("lang العربية", "ar"), ("中文", "zh-Hans"), ("idioma inglés", "en"), ("language: Chinese", "zh-Hans")],
)
def test_a_language_is_changed_for_everything_that_is_followed(tmp_path: Path, text: str, locale: str) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTS")
    booth.text("JOIN JOBS")
    assert booth.text(text) == booth.says("language_set", locale, others=[])
    assert booth.follows() == {"transit": locale, "jobs": locale}
    assert booth.steps()[-1] == ("language", "*")


@pytest.mark.parametrize("text", ["LANG", "LANG fr", "lang klingon", "Français"])
def test_a_language_that_we_do_not_write_is_answered_with_those_we_do(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTS")
    reply = booth.text(text)
    assert reply == booth.says("offer_languages", "en")
    assert all(name in (reply or "") for name in ("English", "Español", "العربية", "中文"))
    assert booth.follows() == {"transit": "en"}


def test_language_is_asked_first_only_of_a_text_that_is_none_of_our_words(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.text("hello?") == booth.says("which_language", "en")
    assert booth.text("2") == booth.says("language_set", "es", others=TOPICS)
    assert booth.text("hello?") == booth.says("not_understood", "es")
    assert booth.text("EMPLEOS") == booth.says("joined", "es", topic="jobs")


def test_a_number_answers_the_language_question_only_within_a_day(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("hello?")
    booth.clock.advance(timedelta(hours=25))
    assert booth.text("2") == booth.says("which_language", "en")
    assert booth.text("٣") == booth.says("language_set", "ar", others=TOPICS)


def test_a_number_that_is_a_bus_is_no_answer_to_the_language_question(tmp_path: Path) -> None:
    city = (HERE / "city.toml").read_text("utf-8").replace('keywords = ["RED LINE", "RED"]', 'keywords = ["02", "14"]')
    booth = Booth(tmp_path, city=city)
    booth.text("hello?")
    assert booth.text("02") == booth.says("joined", "en", topic="transit/red-line")


@pytest.mark.parametrize("text", ["JOIN", "subscribe", "YES", "START"])
def test_a_start_word_of_a_stranger_shows_what_there_is(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    assert booth.text(text) == booth.says("topics", "en", follows=[], others=TOPICS)
    assert booth.follows() == {}


def test_joining_what_we_do_not_have_asks_which(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.text("JOIN the circus") == booth.says("which_topic", "en", topics=TOPICS)
    assert booth.follows() == {}


def test_help_names_the_programme_before_and_after_opt_in(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    before = booth.text("info") or ""
    assert "Larkhaven Alerts" in before
    assert "311" in before
    assert booth.text("AYUDA", phone="+12025550109") == booth.says("help", "es")


# --- leaving ----------------------------------------------------------------------------------------------------------


def test_leaving_a_topic_leaves_those_below_it(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("TRANSIT", "RED LINE", "JOBS"):
        booth.text(text)
    assert booth.text("STOP transit") == booth.says("left", "en", topics=["transit", "transit/red-line"], follows=["jobs"])
    assert booth.follows() == {"jobs": "en"}
    assert not booth.person().opted_out


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("LEAVE", "which_to_leave", {"topics": ["transit"]}),
        ("leave the moon", "which_to_leave", {"topics": ["transit"]}),
        ("LEAVE JOBS", "not_following", {"topic": "jobs", "above": None}),
        ("LEAVE RED LINE", "not_following", {"topic": "transit/red-line", "above": "transit"}),
    ],
)
def test_leaving_what_is_not_followed_is_explained(tmp_path: Path, text: str, name: str, values: dict[str, object]) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    assert booth.text(text) == booth.says(name, "en", **values)
    assert booth.follows() == {"transit": "en"}


def test_leaving_the_last_topic_says_how_to_come_back(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    assert booth.text("LEAVE TRANSIT") == booth.says("left", "en", topics=["transit"], follows=[])
    assert booth.text("LIST") == booth.says("topics", "en", follows=[], others=TOPICS)


def test_every_topic_followed_leaves_none_to_join(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for topic in TOPICS:
        booth.text(f"JOIN {topic}")
    assert booth.text("LIST") == booth.says("topics", "en", follows=sorted(TOPICS), others=[])


def test_other_people_are_left_alone(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    booth.text("ALERTAS", phone="+12025550102")
    booth.text("STOP")
    assert booth.follows("+12025550102") == {"transit": "es"}
