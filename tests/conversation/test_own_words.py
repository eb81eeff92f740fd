"""What residents write in words of their own: a wish is heard, a stop is a stop, and a question of ours is not left without an answer."""

from pathlib import Path

import pytest

from chalicelib.domain.conversation import Asked, Verb
from tests.conversation.booth import Booth, the_words
from tests.conversation.test_words import meaning


@pytest.mark.parametrize(
    ("text", "locale", "topic"),
    [
        ("I want alerts", "en", "transit"),
        ("Can I get events?", "en", "events"),
        ("quiero alertas por favor", "es", "transit"),
        ("Quisiera recibir empleos", "es", "jobs"),
        ("mwen vle alèt", "ht", "transit"),
        ("M vle evènman", "ht", "events"),
        ("알림 받고 싶어요", "ko", "transit"),
        ("행사 알려주세요", "ko", "events"),
        ("我要城市活动", "zh-Hans", "events"),
        ("хочу события", "ru", "events"),
    ],
)
def test_whoever_wishes_for_a_topic_joins_it_in_their_language(tmp_path: Path, text: str, locale: str, topic: str) -> None:
    booth = Booth(tmp_path)
    assert booth.text(text) == booth.says("joined", locale, topics=[topic])
    assert booth.follows() == {topic: locale}


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("quiero cambiar idioma", Verb.LANGUAGE),
        ("I want to change language", Verb.LANGUAGE),
        ("quiero español", Verb.LANGUAGE),
        ("I want to pause until Friday", Verb.PAUSE),
        ("mwen vle kite travay", Verb.LEAVE),
        ("quiero ayuda", Verb.HELP),
    ],
)
def test_a_wish_for_a_command_is_that_command(text: str, verb: Verb) -> None:
    assert meaning(text).verb is verb


@pytest.mark.parametrize(
    "text",
    [
        "I want no alerts",
        "quiero menos eventos",
        "quiero no alertas",
        "행사 안 알려주세요",
        "I want to start",
        "I want",
        "quiero",
        "send me nothing",
        "I want the moon",
    ],
)
def test_a_wish_for_anything_else_joins_and_starts_nothing(text: str) -> None:
    assert meaning(text).verb is Verb.UNKNOWN


@pytest.mark.parametrize("text", ["I want events to stop", "구독 그만 그거", "add me to the stop list"])
def test_a_stop_word_in_a_wish_or_beside_a_command_is_asked_about(text: str) -> None:
    assert meaning(text).verb is Verb.UNCLEAR_STOP


def test_every_wish_takes_a_topic() -> None:
    odd = {word for word in the_words().wish if meaning(f"{word} EVENTS").topics != ("events",)}
    assert odd == set()


# --- questions of ours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "question", "answer"),
    [("en", "PAUSE", "when my mother is back"), ("ht", "POZ", "lè m retounen"), ("es", "DEJAR", "el de la guagua")],
)
def test_a_question_is_asked_once_more_though_help_was_given_today(tmp_path: Path, locale: str, question: str, answer: str) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    booth.text(f"LANG {locale}")
    assert booth.text("xyzzy plugh") == booth.says("not_understood", locale)
    first = booth.text(question)
    assert first
    assert booth.text(answer) == first
    assert booth.text(answer) is None, "and not for ever"
    assert booth.text("1"), "while its numbers still count"


@pytest.mark.parametrize(
    ("locale", "answer", "left"),
    [
        ("en", "jobs", ["jobs"]),
        ("en", "the jobs please", ["jobs"]),
        ("en", "all jobs", ["jobs"]),
        ("es", "los empleos", ["jobs"]),
        ("ht", "travay ak transpò", ["transit", "jobs"]),
        ("ko", "일자리", ["jobs"]),
        ("es", "todo", ["transit", "jobs"]),
        ("ht", "tout", ["transit", "jobs"]),
    ],
)
def test_which_to_leave_may_be_answered_by_name(tmp_path: Path, locale: str, answer: str, left: list[str]) -> None:
    booth = Booth(tmp_path)
    for text in (f"LANG {locale}", "TRANSIT", "JOBS", "LEAVE"):
        booth.text(text)
    booth.text(answer)
    assert sorted(booth.follows()) == sorted({"transit", "jobs"} - set(left))
    assert not booth.person().opted_out


@pytest.mark.parametrize("answer", ["EVENTS", "JOIN JOBS"])
def test_what_was_not_in_the_question_or_comes_with_a_command_is_asked_for_as_ever(tmp_path: Path, answer: str) -> None:
    booth = Booth(tmp_path)
    for text in ("TRANSIT", "JOBS", "LEAVE"):
        booth.text(text)
    assert "joined" in (booth.text(answer) or "")
    assert len(booth.follows()) >= 2


@pytest.mark.parametrize(("place", "area"), [("Waf", "harbor"), ("puerto", "harbor"), ("El Puerto", "harbor"), ("the Harbor", "harbor")])
def test_a_place_is_known_without_its_article(place: str, area: str) -> None:
    assert meaning(place, Asked.PLACE).places == (area,)


def test_a_menu_that_asks_nothing_is_not_repeated(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    booth.text("xyzzy plugh")
    booth.text("LIST")
    assert booth.text("what a nice list") is None


def test_a_span_of_time_answers_stop_or_pause_with_a_pause(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    booth.text("LANG ko")
    assert booth.text("일시중지") == booth.says("stop_or_leave", "ko", follows=["transit"])
    assert meaning("일주일").verb is Verb.UNKNOWN, "elsewhere it is no answer"
    booth.text("일주일")
    assert booth.services.store.preferences.of(booth.person().subscriptions[0].subscriber).paused_until is not None
    assert not booth.person().opted_out


@pytest.mark.parametrize(("locale", "thanks"), [("en", "Thank you!"), ("es", "Muchas gracias 🙏"), ("ht", "mèsi"), ("ko", "감사합니다")])
def test_thanks_need_no_answer_and_leave_our_question_open(tmp_path: Path, locale: str, thanks: str) -> None:
    booth = Booth(tmp_path)
    assert booth.text(thanks) == booth.says("which_language", "en"), "the first word of a stranger"
    booth.text(f"LANG {locale}")
    booth.text("EVENTS")
    assert booth.text(thanks) is None
    assert booth.text("xyzzy") == booth.says("unknown_place", locale, topics=["events"], areas=["harbor", "mill-hill", "north-end"])
    assert booth.text("Harbor") == booth.says("place_set", locale, topics=["events"], areas=["harbor"])


def test_a_word_for_starting_again_ends_a_pause_in_korean_too(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("LANG ko", "TRANSIT", "쉬기 일주일"):
        booth.text(text)
    assert booth.text("다시 시작") == booth.says("resumed", "ko", follows=["transit"])


# --- after a stop -----------------------------------------------------------------------------------------------------


def test_a_mistyped_topic_after_join_is_guessed_though_they_had_stopped(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTAS")
    booth.text("ALTO")
    assert booth.text("ALTA evntos") == booth.says("guess", "es", topics=["events", "jobs"])
    assert booth.text("1") == booth.says("joined", "es", topics=["events"])


@pytest.mark.parametrize("text", ["ADD evnts", "ADD something nice"])
def test_whom_the_provider_blocks_is_told_of_start_whatever_they_ask_to_join(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    booth.text("STOP")
    assert booth.text(text) == booth.says("start_first", "en", topics=[])


def test_what_only_looks_like_a_topic_breaks_no_silence(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTAS")
    for stop in ("ALTO", "STOP"):
        booth.text(stop)
        assert booth.text("evntos") is None
