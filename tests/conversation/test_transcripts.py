"""Whole talks, per language: what is texted, which sentence answers, and what is then followed."""

from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.locale import SPOKEN
from tests.conversation.booth import Booth, city_with
from tests.conversation.transcripts import FOLDER, played, read, written

TOPICS = ["transit", "transit/red-line", "events", "jobs", "emergency"]

WALKED = {"join", "place", "list", "language", "pause", "resume", "leave", "stop", "start", "help", "unknown", "unclear_stop"}


@pytest.mark.parametrize("locale", SPOKEN)
def test_a_talk_goes_word_for_word_as_its_transcript_has_it(tmp_path: Path, locale: str, caplog: pytest.LogCaptureFixture) -> None:
    booth = Booth(tmp_path)
    with caplog.at_level("INFO", logger="belfry"):
        odd = [(line.number, line.said, replies) for line, replies in played(read(FOLDER / f"{locale}.txt"), booth) if replies != line.replies]
    assert odd == []
    told = [record.__dict__["fields"] for record in caplog.records if record.message == "text answered"]
    assert {fields["verb"] for fields in told} >= WALKED, "a transcript walks every way"
    assert {fields["locale"] for fields in told} >= {locale}


def test_a_transcript_is_read_as_it_is_written(tmp_path: Path) -> None:
    text = "# words\n> LIST\n< one\n  two\n< three\n\n~ 25 hours\n> STOP\n"
    (tmp_path / "x.txt").write_text(text)
    lines = read(tmp_path / "x.txt")
    assert [line.replies for line in lines if line.kind == ">"] == [("one\ntwo", "three"), ()]
    assert "\n".join(written(line, line.replies) for line in lines) + "\n" == text


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
    assert booth.text(text) == booth.says("joined", locale, topics=[topic])
    assert booth.follows() == {topic: locale}


def test_a_subscriber_keeps_their_language_unless_a_word_chooses_another(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTAS")
    assert booth.text("JOIN EVENTS") == booth.says("joined", "es", topics=["events"])
    assert booth.text("ALERTS") == booth.says("joined", "en", topics=["transit"])
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


@pytest.mark.parametrize("text", ["LANG", "LANG ja", "lang klingon"])
def test_a_language_that_we_do_not_write_is_answered_with_those_we_do(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTS")
    reply = booth.text(text)
    assert reply == booth.says("which_language", "en")
    assert all(name in (reply or "") for name in ("English", "Español", "العربية", "中文"))
    assert booth.follows() == {"transit": "en"}


def test_language_is_asked_first_only_of_a_text_that_is_none_of_our_words(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.text("hello?") == booth.says("which_language", "en")
    assert booth.text("2") == booth.says("language_set", "es", others=TOPICS)
    assert booth.text("hello?") == booth.says("not_understood", "es")
    assert booth.text("EMPLEOS") == booth.says("joined", "es", topics=["jobs"])


def test_a_number_answers_the_language_question_only_within_a_day(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("hello?")
    booth.clock.advance(timedelta(hours=25))
    assert booth.text("2") == booth.says("which_language", "en")
    assert booth.text("٣") == booth.says("language_set", "ar", others=TOPICS)


def test_a_number_that_is_a_bus_is_no_answer_to_the_language_question(tmp_path: Path) -> None:
    booth = Booth(tmp_path, city=city_with("transit/red-line", "02", "14"))
    booth.text("hello?")
    assert booth.text("02") == booth.says("joined", "en", topics=["transit/red-line"])


@pytest.mark.parametrize("text", ["JOIN", "subscribe", "YES", "START"])
def test_a_start_word_of_a_stranger_shows_what_there_is(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    assert booth.text(text) == booth.says("topics", "en", follows=[], others=TOPICS, places={})
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
    assert booth.text("LIST") == booth.says("topics", "en", follows=[], others=TOPICS, places={})


def test_every_topic_followed_leaves_none_to_join(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for topic in TOPICS:
        booth.text(f"JOIN {topic}")
    assert booth.text("LIST") == booth.says("topics", "en", follows=sorted(TOPICS), others=[], places={})


def test_other_people_are_left_alone(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    booth.text("ALERTAS", phone="+12025550102")
    booth.text("STOP")
    assert booth.follows("+12025550102") == {"transit": "es"}
