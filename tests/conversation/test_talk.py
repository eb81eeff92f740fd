"""What residents can say, and what becomes of it: menus, places, several topics, slips of the finger, pauses, sign-ups that wait."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import How, Step, detail_of, read_detail
from chalicelib.domain.filters import EVERYTHING, Filters
from chalicelib.domain.preferences import UNCHOSEN, Digest, Preferences
from chalicelib.domain.times import from_ms
from chalicelib.state.table import Key, Put, Row
from chalicelib.store.sign_ups import SignUp
from tests.conversation.booth import ANA, HERE, URL, Booth, city_with
from tests.conversation.crossing import Died, die, meddle

TOPICS = ["transit", "transit/red-line", "events", "jobs", "emergency"]
CITY = (HERE / "city.toml").read_text("utf-8")
DAY = timedelta(days=1)
MORNING = datetime(2026, 12, 15, 13, 0, tzinfo=UTC)
"""8:00 in New York."""


def areas(booth: Booth, topic: str = "events") -> set[str]:
    return {area for one in booth.person().subscriptions if one.topic == topic for area in one.filters.areas}


def says(booth: Booth, *replies: tuple[str, dict[str, object]], locale: str = "en") -> list[str]:
    return [booth.says(name, locale, **values) for name, values in replies]


def joined(*topics: str) -> tuple[str, dict[str, object]]:
    return "joined", {"topics": list(topics)}


def where(*topics: str) -> tuple[str, dict[str, object]]:
    return "which_place", {"topics": list(topics), "areas": ["harbor", "mill-hill", "north-end"]}


def unknown_place(*topics: str) -> tuple[str, dict[str, object]]:
    return "unknown_place", {"topics": list(topics), "areas": ["harbor", "mill-hill", "north-end"]}


def placed(topic: str, *named: str) -> tuple[str, dict[str, object]]:
    return "place_set", {"topics": [topic], "areas": list(named)}


def paused(booth: Booth, until: datetime) -> tuple[str, dict[str, object]]:
    return "paused", {"until": until, "zone": booth.services.city.zone}


def listed(follows: list[str], places: dict[str, list[str]] | None = None) -> tuple[str, dict[str, object]]:
    return "topics", {"follows": follows, "others": [topic for topic in TOPICS if topic not in follows], "places": places or {}}


# --- several topics, slips, menus -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "topics", "locale"),
    [
        ("JOIN red line, jobs", ["transit/red-line", "jobs"], "en"),
        ("RED and JOBS", ["transit/red-line", "jobs"], "en"),
        ("START RED LINE", ["transit/red-line"], "en"),
        ("alta linea roja y empleos", ["transit/red-line", "jobs"], "es"),
        ("加入红线、市政职位", ["transit/red-line", "jobs"], "zh-Hans"),
        ("红线和市政职位", ["transit/red-line", "jobs"], "zh-Hans"),
        ("انضم الخط الأحمر ووظائف المدينة", ["transit/red-line", "jobs"], "ar"),
        ("JOIN jobs jobs", ["jobs"], "en"),
    ],
)
def test_several_topics_are_joined_at_once_and_named_in_one_confirmation(tmp_path: Path, text: str, topics: list[str], locale: str) -> None:
    booth = Booth(tmp_path)
    assert booth.texts(text) == says(booth, joined(*topics), locale=locale)
    assert booth.follows() == dict.fromkeys(topics, locale)
    assert sorted(booth.steps()) == sorted(("joined", topic) for topic in topics)


@pytest.mark.parametrize(("text", "near"), [("JOIN evnts", "events"), ("EVNTS", "events"), ("rde line", "transit/red-line"), ("JOIN emplos", "jobs")])
def test_a_mistyped_topic_is_answered_with_the_nearest_two_by_number(tmp_path: Path, text: str, near: str) -> None:
    booth = Booth(tmp_path)
    assert booth.texts(text) in [says(booth, ("guess", {"topics": [near, other]})) for other in TOPICS if other != near]
    assert booth.follows() == {}
    assert booth.texts("1")[:1] == says(booth, joined(near))


def test_what_is_known_is_joined_where_another_topic_is_mistyped(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    first, question = booth.texts("JOIN jobs and evnts")
    assert [first] == says(booth, joined("jobs"))
    assert question.splitlines()[1] == "1 City events"
    assert booth.texts("1") == says(booth, joined("events"), where("events"))


def test_words_that_say_we_know_not_what_join_nothing(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.texts("JOIN jobs but never the circus") == says(booth, ("which_topic", {"topics": TOPICS}))
    assert booth.follows() == {}


@pytest.mark.parametrize("text", ["LIST", "YES", "NO", "ALTA", "menu", "alto"])
def test_a_word_of_ours_is_never_a_slip_for_a_topic(tmp_path: Path, text: str) -> None:
    city = city_with("transit/red-line", "LISTS", "YESS", "NOO", "ALTAS", "MENUS", "ALTOS")
    booth = Booth(tmp_path, city=city)
    assert "Did you mean" not in (booth.text(text) or "")


@pytest.mark.parametrize("text", ["JOIN menu", "LEAVE lists", "JOIN alto"])
def test_a_command_after_a_command_is_no_slip_for_a_topic(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path, city=city_with("transit/red-line", "RED", "MENUS", "ALTOS"))
    booth.text("RED")
    assert "Did you mean" not in (booth.text(text) or "")
    assert booth.follows() == {"transit/red-line": "en"}


def test_in_korean_the_verb_comes_last_and_particles_hang_on_words(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("레드 라인과 시 일자리 구독")
    assert set(booth.follows()) == {"transit/red-line", "jobs"}
    booth.text("레드 라인 나가기")
    assert set(booth.follows()) == {"jobs"}
    booth.text("12월 15일까지 쉬기")
    assert booth.person().subscriptions[0].preferences.paused_until == MORNING
    booth.text("시 일자리 중지")
    assert (booth.follows(), booth.person().opted_out) == ({}, False)


@pytest.mark.parametrize("text", ["stop sending me Harbor stuff", "no more texts about Harbor"])
def test_a_place_among_words_that_say_stop_narrows_nothing(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    booth.text("EVENTS")
    assert booth.texts(text) == says(booth, ("stopped", {}))


def test_a_mistyped_topic_to_leave_is_one_of_those_that_are_followed(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("EVENTS", "JOBS"):
        booth.text(text)
    assert booth.texts("LEAVE evnts") == says(booth, ("guess", {"topics": ["events"]}))
    booth.text("1")
    assert booth.follows() == {"jobs": "en"}


def test_a_number_joins_from_the_menu_and_the_menu_stays_open(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.texts("LIST") == says(booth, listed([]))
    assert booth.texts("2") == says(booth, joined("transit/red-line"))
    assert booth.texts("4 and 5") == says(booth, joined("jobs", "emergency"))
    assert set(booth.follows()) == {"transit/red-line", "jobs", "emergency"}


def test_a_menu_counts_for_a_day(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("JOBS")
    booth.text("LIST")
    booth.clock.advance(DAY - timedelta(seconds=2))
    assert booth.texts("1") == says(booth, joined("transit"))
    booth.text("LIST")
    booth.clock.advance(DAY)
    assert booth.texts("1") == says(booth, ("not_understood", {}))
    assert set(booth.follows()) == {"transit", "jobs"}


@pytest.mark.parametrize("text", ["02", "14", "0", "6", "1 2 9"])
def test_a_number_that_the_menu_does_not_have_answers_nothing(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    booth.text("LIST")
    booth.text(text)
    assert booth.follows() == {}


def test_a_number_may_be_a_bus(tmp_path: Path) -> None:
    booth = Booth(tmp_path, city=city_with("transit/red-line", "02", "14"))
    for text in ("LIST", "14"):
        booth.text(text)
    assert booth.follows() == {"transit/red-line": "en"}


def test_of_two_questions_only_the_last_counts(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("JOBS")
    booth.text("EVENTS")
    for text in ("LIST", "PAUSE"):
        booth.text(text)
    assert booth.texts("1") == says(booth, paused(booth, datetime(2026, 12, 2, 13, 0, tzinfo=UTC)))
    for text in ("PAUSE", "LEAVE"):
        booth.text(text)
    assert booth.texts("2")[:1] == says(booth, ("left", {"topics": ["jobs"], "follows": ["events"]}))
    assert set(booth.follows()) == {"events"}


def test_leave_alone_is_a_menu_and_several_leave_at_once(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("JOIN jobs, red line, emergency")
    assert booth.texts("LEAVE") == says(booth, ("which_to_leave", {"topics": ["emergency", "jobs", "transit/red-line"]}))
    assert booth.texts("1, 3") == says(booth, ("left", {"topics": ["emergency", "transit/red-line"], "follows": ["jobs"]}))
    booth.text("JOIN events")
    assert booth.texts("LEAVE jobs and events") == says(booth, ("left", {"topics": ["events", "jobs"], "follows": []}))


@pytest.mark.parametrize("text", ["STOP", "ALTO", "停止", "wrong number", "Stop texting me!"])
@pytest.mark.parametrize("question", ["hello", "LIST", "JOIN events", "PAUSE", "LEAVE", "JOIN evnts", "stop 14?", "LANG"])
def test_a_stop_in_the_middle_of_any_question_stops(tmp_path: Path, question: str, text: str) -> None:
    booth = Booth(tmp_path)
    if question != "hello":
        booth.text("JOBS")
    booth.text(question)
    assert len(booth.texts(text)) == 1
    assert booth.person().opted_out
    assert booth.follows() == {}


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("02101", {"harbor"}),
        ("Harbor", {"harbor"}),
        ("the Harbor please", {"harbor"}),
        ("Harbor and Mill Hill", {"harbor", "mill-hill"}),
        ("02102, 02105", {"harbor", "north-end"}),
        ("North End", {"north-end"}),
        ("El Puerto", {"harbor"}),
        ("港口区", {"harbor"}),
        ("الميناء", {"harbor"}),
        ("ALL", set()),
        ("todo", set()),
        ("the whole city", set()),
        ("全部", set()),
        ("I live in Mill Hill", {"mill-hill"}),
        ("we are near the Harbor I think", {"harbor"}),
        ("mwen rete Mill Hill", {"mill-hill"}),
        ("我住在港口区", {"harbor"}),
    ],
)
def test_an_answer_to_where_narrows_the_topic_at_once_and_is_on_record(tmp_path: Path, text: str, found: set[str]) -> None:
    booth = Booth(tmp_path)
    assert booth.texts("EVENTS") == says(booth, joined("events"), where("events"))
    assert (booth.follows(), areas(booth)) == ({"events": "en"}, set())
    assert booth.texts(text) == says(booth, placed("events", *[area for area in ("harbor", "mill-hill", "north-end") if area in found]))
    assert areas(booth) == found
    last = booth.ledger()[-1]
    assert (last.step, last.topic, read_detail(last.detail)) == (Step.PREFERENCES, "events", (Filters(areas=frozenset(found)), UNCHOSEN))
    assert booth.services.store.consents.wording(last.wording) == booth.says("place_set", "en", topics=["events"], areas=sorted(found))


@pytest.mark.parametrize("text", ["EVENTS 02101", "JOIN events Harbor", "JOIN jobs, events in Harbor".replace(" in", "")])
def test_a_place_may_come_with_the_topic(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    replies = booth.texts(text)
    assert replies[1:] == says(booth, placed("events", "harbor"))
    assert areas(booth) == {"harbor"}
    assert areas(booth, "jobs") == set()


@pytest.mark.parametrize("first", ["02999", "Springfield", "90210-1234", "I live far away"])
def test_an_unknown_place_is_asked_for_once_more_and_then_it_is_the_whole_city(tmp_path: Path, first: str) -> None:
    booth = Booth(tmp_path)
    booth.text("EVENTS")
    assert booth.texts(first) == says(booth, unknown_place("events"))
    assert booth.texts("02998") == says(booth, placed("events"))
    assert booth.texts("02997") == says(booth, ("not_understood", {})), "nothing is asked any more"
    assert areas(booth) == set()


def test_a_known_place_after_an_unknown_one_counts(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("EVENTS", "02999", "02103"):
        booth.text(text)
    assert areas(booth) == {"mill-hill"}


def test_a_place_is_remembered_for_the_next_such_topic_and_shown(tmp_path: Path) -> None:
    city = CITY.replace('id = "jobs"\n', 'id = "jobs"\nasks_place = true\n')
    booth = Booth(tmp_path, city=city)
    for text in ("EVENTS", "02101"):
        booth.text(text)
    assert booth.texts("JOBS") == says(booth, joined("jobs"), placed("jobs", "harbor"))
    assert areas(booth, "jobs") == {"harbor"}
    assert booth.texts("LIST") == says(booth, listed(["events", "jobs"], {"events": ["harbor"], "jobs": ["harbor"]}))
    assert booth.texts("Mill Hill") == says(booth, ("place_set", {"topics": ["events", "jobs"], "areas": ["mill-hill"]}))
    assert (areas(booth), areas(booth, "jobs")) == ({"mill-hill"}, {"mill-hill"})


def test_joining_again_keeps_the_place(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("EVENTS", "02101"):
        booth.text(text)
    assert booth.texts("EVENTS") == says(booth, joined("events"), placed("events", "harbor"))
    assert areas(booth) == {"harbor"}


def test_joining_again_keeps_what_else_was_chosen(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("JOIN events, jobs")
    store, part = booth.services.store, Filters(categories=frozenset({"music"}))
    for one in booth.person().subscriptions:
        store.table.transact(store.subscriptions.choice_writes(replace(one, filters=part)))
    booth.text("JOIN events 02101, jobs")
    assert {one.topic: one.filters for one in booth.person().subscriptions} == {"jobs": part, "events": replace(part, areas=frozenset({"harbor"}))}
    booth.text("ALTO")
    booth.text("JOIN jobs")
    assert [one.filters for one in booth.person().subscriptions] == [part], "and so does a join after a stop"


def test_stop_and_start_bring_the_place_back(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("EVENTS", "02101", "ALTO", "ALTA"):
        booth.text(text)
    assert areas(booth) == {"harbor"}
    assert read_detail(booth.ledger()[-1].detail)[0] == Filters(areas=frozenset({"harbor"}))


def test_another_topic_instead_of_a_place_leaves_it_the_whole_city(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("EVENTS")
    assert booth.texts("JOBS") == says(booth, joined("jobs"))
    assert (set(booth.follows()), areas(booth)) == ({"events", "jobs"}, set())


def test_a_place_after_the_language_question_shows_what_there_is_and_is_remembered(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.texts("hello") == says(booth, ("which_language", {}))
    assert booth.texts("02101") == says(booth, listed([]))
    assert booth.texts("3") == says(booth, joined("events"), placed("events", "harbor"))


def test_a_place_that_holds_a_stop_word_is_a_place(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("EVENTS", "north end"):
        booth.text(text)
    assert areas(booth) == {"north-end"}
    assert not booth.person().opted_out


def test_a_city_without_areas_asks_for_none(tmp_path: Path) -> None:
    start, end = CITY.index("# Parts of the city"), CITY.index("# A word texted to us")
    booth = Booth(tmp_path, city=CITY[:start] + CITY[end:])
    assert booth.texts("EVENTS") == says(booth, joined("events"))


# --- pauses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("PAUSE until Dec 15", 15),
        ("PAUSE 2 weeks", 15),
        ("pause for two weeks please", 15),
        ("PAUSE 14", 15),
        ("pause 12/15", 15),
        ("PAUSE until Friday", 4),
        ("pause until tomorrow", 2),
        ("PAUSA hasta 15 diciembre", 15),
        ("pausa hasta el 15 de diciembre", 15),
        ("pausa dos semanas", 15),
        ("PAUSA 15/12", 15),
        ("كتم حتى 15 ديسمبر", 15),
        ("كتم أسبوعين", 15),
        ("كتم ٣ أيام", 4),
        ("静音到12月15日", 15),
        ("静音两个星期", 15),
        ("暂停到12月15日", 15),
        ("靜音 3天", 4),
        ("쉬기 12월 15일까지", 15),
        ("NGHỈ đến 15 tháng 12", 15),
        ("ПАУЗА до 15 декабря", 15),
        ("pause jusqu'au 15 décembre", 15),
        ("pausa até 15 de dezembro", 15),
        ("poz jiska 15 desanm", 15),
        ("pahinga hanggang Disyembre 15", 15),
    ],
)
def test_a_pause_is_understood_in_every_language(tmp_path: Path, text: str, day: int) -> None:
    booth = Booth(tmp_path)
    booth.text("JOBS")
    until = datetime(2026, 12, day, 13, 0, tzinfo=UTC)
    assert booth.texts(text) == says(booth, paused(booth, until))
    assert [one.preferences.paused_until for one in booth.person().subscriptions] == [until]


def test_a_pause_holds_for_all_that_is_followed_and_what_is_joined_then_and_is_on_record(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("JOIN jobs, red line")
    booth.text("PAUSE until Dec 15")
    assert booth.texts("EMERGENCY") == says(booth, joined("emergency"), paused(booth, MORNING))
    assert {one.preferences.paused_until for one in booth.person().subscriptions} == {MORNING}
    [entry] = [one for one in booth.ledger() if one.step is Step.PREFERENCES]
    assert (entry.topic, entry.detail) == ("*", detail_of(EVERYTHING, Preferences(paused_until=MORNING)))
    assert booth.texts("LIST") == says(booth, paused(booth, MORNING), listed(["emergency", "jobs", "transit/red-line"]))
    assert booth.texts("RESUME") == says(booth, ("resumed", {"follows": ["emergency", "jobs", "transit/red-line"]}))
    assert {one.preferences.paused_until for one in booth.person().subscriptions} == {None}
    assert booth.texts("JOIN transit") == says(booth, joined("transit"))
    assert booth.ledger()[-1].detail == ""


def test_a_pause_ends_by_itself(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("JOBS", "PAUSE tomorrow"):
        booth.text(text)
    booth.clock.advance(timedelta(hours=25, minutes=1))
    assert booth.texts("LIST") == says(booth, listed(["jobs"]))
    assert booth.texts("RESUME") == says(booth, listed(["jobs"]))


def test_pause_alone_asks_until_when(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("JOBS")
    days = [datetime(2026, 12, 2, 13, tzinfo=UTC), datetime(2026, 12, 8, 13, tzinfo=UTC), datetime(2027, 1, 1, 13, tzinfo=UTC)]
    question = says(booth, ("which_pause", {"moments": days, "zone": booth.services.city.zone}))
    assert booth.texts("PAUSE") == question
    assert booth.texts("3") == says(booth, paused(booth, days[2]))
    assert booth.texts("PAUSE for a bit") == question
    assert booth.texts("Dec 15") == says(booth, paused(booth, MORNING))
    assert booth.texts("PAUSE until Dec 1") == question, "today is no day to wait for"
    assert booth.texts("10") == says(booth, paused(booth, datetime(2026, 12, 11, 13, tzinfo=UTC)))


def test_a_choice_that_has_passed_when_it_is_made_is_asked_for_again(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("JOBS")
    booth.clock.moment = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
    question = booth.texts("PAUSE")
    booth.clock.moment = datetime(2026, 12, 2, 13, 30, tzinfo=UTC)
    asked_again = booth.texts("1")
    assert asked_again[0].splitlines()[0] == question[0].splitlines()[0]
    assert asked_again != question, "with the days as they are now"
    assert booth.person().subscriptions[0].preferences.paused_until is None


@pytest.mark.parametrize("text", ["PAUSE 400 days", "PAUSE 60 weeks", "PAUSE 14 months", "PAUSE until Dec 1 2029"])
def test_nobody_pauses_for_more_than_a_year(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    booth.text("JOBS")
    booth.text(text)
    until = booth.person().subscriptions[0].preferences.paused_until
    assert until == datetime(2027, 12, 1, 13, tzinfo=UTC)


def test_whoever_follows_nothing_has_nothing_to_pause(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.texts("PAUSE 2 weeks") == says(booth, listed([]))
    assert booth.texts("PAUSE") == says(booth, listed([]))
    assert booth.texts("RESUME") == says(booth, listed([]))


def test_a_pause_keeps_what_else_was_chosen_and_holds_on_every_channel(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("JOBS")
    store, [one] = booth.services.store, booth.person().subscriptions
    chosen = Preferences(zone="America/Los_Angeles", quiet=(0, 0), digest=Digest.DAILY)
    mail = replace(one, channel=Channel.EMAIL, topic="transit")
    store.table.transact([*store.subscriptions.choice_writes(replace(one, preferences=chosen)), *store.subscriptions.join_writes(mail)])
    store.table.transact([store.preferences.write(one.subscriber, chosen)])
    booth.text("PAUSE until Dec 15")
    until = datetime(2026, 12, 15, 16, 0, tzinfo=UTC)
    kept = {found.channel: found.preferences for found in store.subscriptions.of(one.subscriber)}
    assert kept == {Channel.SMS: replace(chosen, paused_until=until), Channel.EMAIL: Preferences(paused_until=until)}
    assert store.preferences.of(one.subscriber) == replace(chosen, paused_until=until)
    booth.text("EVENTS")
    assert booth.person().subscriptions[0].preferences == replace(chosen, paused_until=until), "what is joined next begins with it"


@pytest.mark.parametrize("text", ["일시정지", "暂停", "ايقاف مؤقت", "suspender"])
def test_a_word_for_a_pause_that_holds_a_stop_word_is_asked_about_unless_it_names_a_day(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    booth.text("JOBS")
    assert booth.texts(text) == says(booth, ("stop_or_leave", {"follows": ["jobs"]}))
    assert booth.follows() == {"jobs": "en"}
    assert not booth.person().opted_out


def test_resume_after_a_stop_word_of_ours_is_start(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("JOBS", "PAUSE until Dec 15", "ALTO"):
        booth.text(text)
    assert booth.texts("RESUME") == says(booth, ("restored", {"follows": ["jobs"]}), paused(booth, MORNING))
    booth.text("STOP")
    assert booth.texts("RESUME") == says(booth, ("start_first", {"topics": []}))


def test_some_words_for_start_end_a_pause_where_there_is_one(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("JOBS", "PAUSE until Dec 15"):
        booth.text(text)
    assert booth.texts("START") == says(booth, paused(booth, MORNING), listed(["jobs"])), "START alone does not end a pause"
    assert booth.texts("reprendre") == says(booth, ("resumed", {"follows": ["jobs"]}))


# --- what is none of our words ----------------------------------------------------------------------------------------


def test_a_phone_that_texts_nonsense_a_hundred_times_gets_help_once_a_day(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    assert [booth.texts(f"I am driving {number}.") for number in range(100)] == [says(booth, ("not_understood", {}))] + [[]] * 99
    booth.clock.advance(DAY)
    assert [booth.text("I am driving.") for _ in range(3)] == [booth.says("not_understood", "en"), None, None]


def test_a_strangers_nonsense_is_asked_for_a_language_once_a_day(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert [booth.texts("asdf") for _ in range(100)] == [says(booth, ("which_language", {}))] + [[]] * 99
    booth.clock.advance(DAY)
    assert booth.texts("asdf") == says(booth, ("which_language", {}))


def test_help_leads_whoever_follows_something_to_their_page_and_nobody_else(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert len(booth.texts("HELP")) == 1
    booth.text("ALERTS")
    _, way = booth.texts("HELP")
    assert booth.get(way.splitlines()[-1].removeprefix(URL)).status == 200
    booth.text("STOP")
    assert len(booth.texts("HELP")) == 1


def test_help_that_is_asked_for_is_always_given(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    for _ in range(3):
        booth.text("I am driving.")
        assert booth.texts("HELP")[:1] == says(booth, ("help", {}))
    assert booth.texts("I am driving.") == []


@pytest.mark.parametrize("text", ["I said stop it already, the bus!", "fuck off", "YES", "ok", "the end", "you assholes"])
def test_an_unclear_stop_that_is_said_again_in_any_way_is_believed(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    assert booth.texts("STOP 14 bus?") == says(booth, ("stop_or_leave", {"follows": ["transit"]}))
    assert booth.texts(text) == says(booth, ("stopped", {}))
    assert booth.person().opted_out


def test_a_no_to_the_question_whether_to_stop_shows_what_is_followed(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("TRANSIT", "STOP 14 bus?"):
        booth.text(text)
    assert booth.texts("no") == says(booth, listed(["transit"]))
    assert booth.follows() == {"transit": "en"}


def test_an_angry_stop_is_not_asked_about(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    assert booth.texts("stop this damn bus spam, I will get a lawyer") == says(booth, ("stopped", {}))


def test_a_curse_alone_is_asked_about(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    assert booth.texts("this is bullshit") == says(booth, ("stop_or_leave", {"follows": ["transit"]}))
    booth.text("STOP")
    assert booth.texts("this is bullshit") == []


@pytest.mark.parametrize(("text", "verb"), [("STOP jobs", "stopped"), ("cancelar empleos", "stopped"), ("LEAVE jobs", "left")])
def test_where_the_city_has_it_so_a_stop_word_before_a_topic_ends_everything(tmp_path: Path, text: str, verb: str) -> None:
    booth = Booth(tmp_path, city="revoke_all = true\n" + CITY)
    booth.text("JOIN jobs, red line")
    values = {} if verb == "stopped" else {"topics": ["jobs"], "follows": ["transit/red-line"]}
    assert booth.texts(text) == says(booth, (verb, values))
    assert booth.person().opted_out is (verb == "stopped")


# --- sign-ups that wait for a yes -------------------------------------------------------------------------------------


def a_sign_up(booth: Booth, *topics: str, locale: str = "en", how: How = How.WEB) -> SignUp:
    """A phone was signed up, and asked by text."""
    store = booth.services.store
    known = store.addresses.claim(Address(Channel.SMS, ANA), subscriber=booth.new_id(), verified=False)
    made = SignUp(booth.new_id(), known.hash, known.subscriber, topics, locale, booth.clock(), channel=Channel.SMS, how=how, wording="w" * 20)
    store.table.transact([store.sign_ups.put_write(made)])
    store.sign_ups.ask(made, booth.person().memory.turn)
    return made


@pytest.mark.parametrize("text", ["YES", "yes!", "Sí", "OK", "好的", "نعم", "oui", "Да", "sim", "wi", "opo", "vâng", "네"])
def test_a_yes_confirms_the_sign_up_that_waits_in_its_language(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    made = a_sign_up(booth, "jobs", "transit", locale="es", how=How.STAFF)
    assert booth.texts(text) == says(booth, joined("jobs", "transit"), locale="es")
    assert booth.follows() == {"jobs": "es", "transit": "es"}
    assert {(one.how, one.source, one.step, one.wording) for one in booth.ledger()} == {(How.STAFF, made.id, Step.JOINED, "w" * 20)}
    assert booth.services.store.sign_ups.waiting(made.address, booth.clock()) is None
    assert booth.person().known and booth.person().known.verified  # type: ignore[union-attr]


def test_a_confirmed_sign_up_asks_for_the_place(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    a_sign_up(booth, "events")
    assert booth.texts("YES") == says(booth, joined("events"), where("events"))


def test_a_yes_that_comes_twice_is_the_same_yes(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    a_sign_up(booth, "jobs")
    first = booth.texts("YES", sid="SMyes")
    assert booth.texts("YES", sid="SMyes") == first
    assert booth.steps() == [("joined", "jobs")]
    assert booth.texts("YES") == says(booth, listed(["jobs"])), "after that, YES is START"


def test_a_no_declines_and_nothing_waits_any_more(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    made = a_sign_up(booth, "jobs")
    assert booth.texts("No, thanks") == says(booth, ("declined", {}))
    assert (booth.follows(), booth.services.store.sign_ups.waiting(made.address, booth.clock())) == ({}, None)
    booth.text("YES")
    assert booth.follows() == {}


def test_stop_makes_a_sign_up_void(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    a_sign_up(booth, "jobs")
    assert booth.texts("STOP") == says(booth, ("stopped", {}))
    booth.text("YES")
    assert booth.follows() == {}
    assert booth.texts("YES") == says(booth, listed([])), "START does not bring it back"
    booth.text("ALTO")
    a_sign_up(booth, "jobs")
    booth.text("ok")
    assert booth.follows() == {}


def test_a_yes_after_a_day_is_start(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    a_sign_up(booth, "jobs")
    booth.clock.advance(DAY)
    assert booth.texts("YES") == says(booth, listed([]))
    assert booth.follows() == {}


@pytest.mark.parametrize("text", ["EVNTS", "02101", "Mill Hill", "this is bullshit", "STOP 14 bus?", "what is this", "STOP"])
@pytest.mark.parametrize("question", ["JOBS", "EVENTS"])
def test_after_stop_there_is_silence_but_for_help_start_a_topic_or_a_command(tmp_path: Path, question: str, text: str) -> None:
    booth = Booth(tmp_path)
    for heard in (question, "STOP"):
        booth.text(heard)
    assert booth.texts(text) == []
    assert booth.person().opted_out


@pytest.mark.parametrize("text", ["ok", "bueno", "好的", "no"])
def test_a_mere_yes_or_no_starts_and_ends_nothing(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    for heard in ("ALERTAS", "ALTO"):
        booth.text(heard)
    assert booth.texts(text) == []
    assert booth.person().opted_out


def test_a_sign_up_of_topics_that_the_city_dropped_is_used_up_and_shows_what_there_is(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    made = a_sign_up(booth, "circus")
    assert booth.texts("YES") == says(booth, listed([]))
    assert booth.services.store.sign_ups.waiting(made.address, booth.clock()) is None


# --- once, and whole --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["JOIN events, jobs", "02103", "PAUSE 2 weeks", "RESUME", "LIST", "JOIN evnts", "LEAVE jobs", "LANG es", "I am driving"])
def test_a_text_delivered_again_gets_the_same_messages_and_changes_nothing(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    for heard in ("JOBS", "EVENTS", "PAUSE 3"):
        booth.text(heard)
    first = booth.texts(text, sid="SMagain")
    rows, ledger, found = booth.rows(), booth.ledger(), booth.person()
    assert [booth.texts(text, sid="SMagain") for _ in range(2)] == [first] * 2
    assert (booth.rows(), booth.ledger(), booth.person()) == (rows, ledger, found)


def test_the_reply_of_an_earlier_release_is_given_again(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.state.table.transact([Put(Row(Key("IN#SMold", "TEXT"), {"at": 1, "reply": "You joined."}))])
    booth.state.table.transact([Put(Row(Key("IN#SMmute", "TEXT"), {"at": 1}))])
    assert booth.texts("STOP", sid="SMold") == ["You joined."]
    assert booth.texts("STOP", sid="SMmute") == []


@pytest.mark.parametrize("text", ["02101", "PAUSE 2 weeks", "LEAVE events", "RESUME"])
def test_a_change_that_a_stop_overtakes_brings_nothing_back(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    for heard in ("EVENTS", "PAUSE 3", "EVENTS"):
        booth.text(heard)
    plain = booth.services

    def stop() -> None:
        meddling, booth.services = booth.services, plain
        booth.text("STOP")
        booth.services = meddling

    undo = meddle(booth, {1: stop})
    booth.text(text)
    undo()
    assert booth.follows() == {}
    assert booth.person().opted_out


def test_a_pause_of_many_topics_survives_a_death_between_transactions(tmp_path: Path) -> None:
    rows = "\n".join(f'[[topics]]\nid = "t{number}"\nkeywords = ["T{number}"]\nnames = {{ en = "Topic {number}" }}' for number in range(60))
    booth = Booth(tmp_path, city=f'name = "W"\nprogramme = "W"\nzone = "UTC"\nlanguages = ["en"]\nhelp_contact = "311"\n{rows}')
    for start in range(0, 60, 12):
        booth.text("JOIN " + ", ".join(f"T{number}" for number in range(start, start + 12)))
    assert len(booth.follows()) == 60
    undo = meddle(booth, {2: die})
    with pytest.raises(Died):
        booth.text("PAUSE 14", sid="SM1")
    undo()
    assert booth.texts("PAUSE 14", sid="SM1") == booth.texts("PAUSE 14", sid="SM1")
    assert {one.preferences.paused_until for one in booth.person().subscriptions} == {from_ms(1797321600000)}
    assert [one.step for one in booth.ledger()].count(Step.PREFERENCES) == 1


def test_more_topics_than_one_transaction_takes_are_joined_by_one_text(tmp_path: Path) -> None:
    rows = "\n".join(f'[[topics]]\nid = "t{number}"\nkeywords = ["T{number}"]\nnames = {{ en = "Topic {number}" }}' for number in range(40))
    booth = Booth(tmp_path, city=f'name = "W"\nprogramme = "W"\nzone = "UTC"\nlanguages = ["en"]\nhelp_contact = "311"\n{rows}')
    assert booth.text("JOIN " + " ".join(f"T{number}" for number in range(40)))
    assert len(booth.follows()) == 40
