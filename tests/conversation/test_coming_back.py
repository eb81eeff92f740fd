"""A text from the handset itself is a new consent, unless the provider blocks it; and START brings back what the last STOP ended, where nobody chose anew since."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.message import Advice
from chalicelib.flows.heeding import Word, heed
from chalicelib.store.addresses import address_key
from tests.conversation.booth import ANA, Booth
from tests.conversation.crossing import Died, die, meddle
from tests.conversation.test_transcripts import TOPICS
from tests.engine.street import NEW_PHONE, PHONE, Street
from tests.engine.test_nothing_is_left import erased

# --- closed by a page, a move, an erasure -----------------------------------------------------------------------------


def stop_by_choices(street: Street) -> None:
    street.submit(street.link(PHONE), [("language", "en")])


def stop_by_link(street: Street) -> None:
    subscriber = street.person().subscriptions[0].subscriber
    street.submit(f"/unsubscribe/{street.services.tokens.sign('unsubscribe', subscriber, 'transit', 'sms')}", [("all", "yes")])


def move_away(street: Street) -> None:
    street.moves_to(NEW_PHONE, PHONE)
    street.town.work()
    street.text("YES", phone=NEW_PHONE)


def erase(street: Street) -> None:
    erased(street, PHONE)


CLOSINGS = pytest.mark.parametrize("close", [stop_by_choices, stop_by_link, move_away, erase])


@CLOSINGS
@pytest.mark.parametrize(
    ("text", "locale", "topic"),
    [
        ("JOIN JOBS", "en", "jobs"),
        ("EMPLEOS", "es", "jobs"),
        ("TRANSIT", "en", "transit"),
        ("ALERTAS", "es", "transit"),
        ("加入 城市活动", "zh-Hans", "events"),
    ],
)
def test_a_text_after_a_page_closed_a_phone_joins(tmp_path: Path, close: Callable[[Street], None], text: str, locale: str, topic: str) -> None:
    street = Street(tmp_path)
    street.text("TRANSIT" if locale == "en" else f"LANG {locale}")
    street.text("TRANSIT")
    close(street)
    assert (street.opted_out(), street.follows()) == (True, {})
    assert street.text(text) == street.says("joined", locale, topics=[topic])
    assert list(street.follows()) == [topic]
    assert not street.opted_out()


@CLOSINGS
@pytest.mark.parametrize(("text", "locale"), [("START", "en"), ("EMPEZAR", "es"), ("시작", "ko"), ("UNSTOP", "en")])
def test_a_word_for_start_after_a_page_closed_a_phone_opens_it_and_says_what_there_is(
    tmp_path: Path, close: Callable[[Street], None], text: str, locale: str
) -> None:
    street = Street(tmp_path)
    street.text("TRANSIT")
    street.text(f"LANG {locale}")
    close(street)
    assert street.text(text) == street.says("topics", locale, follows=[], others=TOPICS, places={})
    assert (street.opted_out(), street.follows()) == (False, {})
    assert street.text("1") == street.says("joined", locale, topics=TOPICS[:1])


@CLOSINGS
def test_a_text_that_asks_for_nothing_opens_nothing(tmp_path: Path, close: Callable[[Street], None]) -> None:
    street = Street(tmp_path)
    street.text("TRANSIT")
    close(street)
    for text in ("HELP", "LIST", "hello", "STOP"):
        street.text(text)
    assert (street.opted_out(), street.follows()) == (True, {})


# --- blocked by the provider ------------------------------------------------------------------------------------------


def say_stop(street: Street) -> None:
    street.text("STOP")


def say_alto_then_stop(street: Street) -> None:
    street.text("ALTO")
    street.text("STOP")


def be_refused(street: Street) -> None:
    """The provider answers 21610 to a text."""
    name = street.person().hash
    heed(Word("bc_1", "21610", Advice.OPTED_OUT), name, Channel.SMS, services=street.services)


def leave_and_be_refused(street: Street) -> None:
    """As before, of somebody who follows nothing any more."""
    stop_by_choices(street)
    be_refused(street)


def tell_the_provider(street: Street) -> None:
    street.text("no quiero", OptOutType="STOP")


def stop_and_have_the_worker_die(street: Street) -> None:
    undo = meddle(street, {1: die})
    with pytest.raises(Died):
        street.text("STOP")
    undo()


BLOCKS = pytest.mark.parametrize("block", [say_stop, say_alto_then_stop, be_refused, leave_and_be_refused, tell_the_provider, stop_and_have_the_worker_die])


@BLOCKS
@pytest.mark.parametrize("forgotten", [False, True], ids=["known", "erased since"])
def test_whom_the_provider_blocks_is_told_to_text_start_first(tmp_path: Path, block: Callable[[Street], None], forgotten: bool) -> None:
    street = Street(tmp_path)
    street.text("TRANSIT")
    street.text("LANG es")
    block(street)
    if forgotten:
        erased(street, PHONE)
    assert street.text("EMPLEOS") == street.says("start_first", "es", topics=["jobs"])
    assert street.text("EMPEZAR") == street.says("start_first", "es", topics=[])
    assert street.opted_out()
    assert street.text("START") == street.says("joined", "es", topics=["jobs"])
    assert (street.opted_out(), street.follows()) == (False, {"jobs": "es"})


@BLOCKS
def test_once_start_lifted_the_block_a_page_closes_no_more_than_our_own_door(tmp_path: Path, block: Callable[[Street], None]) -> None:
    street = Street(tmp_path)
    street.text("TRANSIT")
    block(street)
    street.text("START")
    street.text("JOBS")
    stop_by_choices(street)
    assert street.text("EVENTS") == street.says("joined", "en", topics=["events"])


def test_of_whoever_is_erased_it_is_kept_whether_the_provider_blocks_them_and_nothing_else(tmp_path: Path) -> None:
    street = Street(tmp_path)
    left = {}
    for block in (None, say_stop):
        street.text("START")
        street.text("JOIN TRANSIT")
        name = street.person().hash
        if block:
            block(street)
        erased(street, PHONE)
        left[block] = street.town.state.table.get(address_key(name))
    assert [sorted(row or ()) for row in left.values()] == [["opted_out"], ["blocked", "opted_out"]]


def test_a_stop_of_ours_does_not_lift_what_the_provider_holds_back(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("ALERTAS")
    be_refused(street)
    street.text("ALTO")
    assert street.text("ALERTAS") == street.says("start_first", "es", topics=["transit"])


# --- stop, join, leave, start: each order -----------------------------------------------------------------------------

EN = {"join a": "JOIN TRANSIT", "join b": "JOBS", "leave a": "LEAVE TRANSIT", "stop": "Stop texting me", "block": "STOP", "start": "START"}
ES = {"join a": "ALERTAS", "join b": "EMPLEOS", "leave a": "DEJAR TRANSPORTE", "stop": "ALTO", "block": "STOP", "start": "START"}
A, B = "transit", "jobs"


@pytest.mark.parametrize(("locale", "words"), [("en", EN), ("es", ES)])
@pytest.mark.parametrize(
    ("acts", "said", "follows"),
    [
        pytest.param("start", "topics", [], id="nothing before"),
        pytest.param("join a|start", "topics", [A], id="no stop"),
        pytest.param("join a|join b|leave a|start", "topics", [B], id="what was left stays left"),
        pytest.param("join a|leave a|stop|start", "topics", [], id="nothing was followed when it stopped"),
        pytest.param("join a|stop|start", "restored", [A], id="stop"),
        pytest.param("join a|block|start", "restored", [A], id="block"),
        pytest.param("join a|join b|leave a|stop|start", "restored", [B], id="only what stop ended"),
        pytest.param("join a|stop|stop|start", "restored", [A], id="stop said twice"),
        pytest.param("join a|stop|block|start", "restored", [A], id="stop said twice, then as the provider hears it"),
        pytest.param("join a|stop|start|start", "topics", [A], id="start said twice"),
        pytest.param("join a|stop|join b|start", "topics", [B], id="joined anew"),
        pytest.param("join a|stop|join a|start", "topics", [A], id="joined the same anew"),
        pytest.param("join a|join b|stop|join a|start", "topics", [A], id="joined one of two anew"),
        pytest.param("join a|stop|join b|stop|start", "restored", [B], id="joined anew and stopped that"),
        pytest.param("join a|stop|join b|block|start", "restored", [B], id="joined anew and blocked that"),
        pytest.param("join a|stop|start|join b|stop|start", "restored", [A, B], id="brought back, more joined, stopped again"),
        pytest.param("join a|stop|start|leave a|start", "topics", [], id="brought back and left"),
        pytest.param("join a|stop|join b|stop|start|start", "topics", [B], id="nothing older comes later"),
        pytest.param("join a|block|join b|start", "joined", [B], id="asked for anew while blocked"),
        pytest.param("join a|block|join b|start|start", "topics", [B], id="asked for anew while blocked, start said twice"),
        pytest.param("join a|block|join b|block|start", "restored", [A], id="asked for anew while blocked, and thought better of it"),
        pytest.param("join a|block|join b|start|stop|start", "restored", [B], id="asked for anew while blocked, and stopped that"),
    ],
)
def test_start_brings_back_what_the_last_stop_ended_and_nothing_older(
    tmp_path: Path, acts: str, said: str, follows: list[str], locale: str, words: dict[str, str]
) -> None:
    booth = Booth(tmp_path)
    booth.text(f"LANG {locale}")
    replies = [booth.text(words[act]) for act in acts.split("|")]
    values = {
        "topics": {"follows": sorted(follows), "others": [topic for topic in TOPICS if topic not in follows], "places": {}},
        "restored": {"follows": sorted(follows)},
        "joined": {"topics": follows},
    }
    assert replies[-1] == booth.says(said, locale, **values[said])
    assert (sorted(booth.follows()), booth.person().opted_out) == (sorted(follows), False)


def test_what_was_asked_for_while_blocked_comes_with_its_place_or_the_question_where(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("STOP")
    booth.text("JOIN EVENTS Harbor")
    assert booth.texts("START") == [
        booth.says("joined", "en", topics=["events"]),
        booth.says("place_set", "en", topics=["events"], areas=["harbor"]),
    ]
    assert booth.person().subscriptions[0].filters.areas == {"harbor"}


def test_a_join_ends_what_a_stop_whose_worker_died_left_behind(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTAS")
    undo = meddle(booth, {1: die})
    with pytest.raises(Died):
        booth.text("ALTO")
    undo()
    assert booth.follows(ANA) == {"transit": "es"}
    assert booth.text("EMPLEOS") == booth.says("joined", "es", topics=["jobs"])
    assert booth.follows() == {"jobs": "es"}
    assert sorted(booth.steps()[1:]) == [("joined", "jobs"), ("left", "transit")]
