"""STOP is final at once; START brings back what it ended; nothing is lost or doubled when a worker dies or texts cross."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import wording_id
from chalicelib.domain.message import Advice
from chalicelib.flows.heeding import Word, heed
from tests.conversation.booth import ANA, Booth
from tests.conversation.crossing import Died, die, meddle
from tests.conversation.test_transcripts import TOPICS


def a_wide_city(topics: int = 80) -> str:
    """A city with more topics than one transaction takes."""
    rows = "\n".join(f'[[topics]]\nid = "t{number}"\nkeywords = ["T{number}"]\nnames = {{ en = "Topic {number}" }}' for number in range(topics))
    return f'name = "Wide"\nprogramme = "Wide Alerts"\nzone = "UTC"\nlanguages = ["en"]\nhelp_contact = "311"\n{rows}'


# --- stop -------------------------------------------------------------------------------------------------------------


def test_stop_ends_every_subscription_and_confirms_once(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    booth.text("JOBS")
    assert booth.text("Stop texting me") == booth.says("stopped", "en")
    assert booth.follows() == {}
    assert booth.person().opted_out
    assert booth.text("STOP") is None
    assert booth.text("STOP!") is None


def test_the_ledger_says_when_how_and_in_which_words(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    joined = booth.text("ALERTAS", sid="SMjoin") or ""
    stopped = booth.text("ALTO", sid="SMstop") or ""
    first, *last = booth.ledger()
    assert (first.source, first.step, first.topic, first.word, first.locale, first.how) == ("SMjoin", "joined", "transit", "alertas", "es", "keyword")
    assert {(one.source, one.step, one.word, one.locale) for one in last} == {("SMstop", "stopped", "alto", "es")}
    assert sorted(one.topic for one in last) == ["*", "transit"]
    assert first.at < last[0].at
    assert booth.services.store.consents.wording(first.wording) == joined
    assert booth.services.store.consents.wording(last[0].wording) == stopped
    assert first.wording == wording_id(joined)
    assert ANA not in str(booth.ledger())


def test_opted_out_is_written_before_subscriptions_end_and_before_the_reply(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    seen: list[tuple[bool, dict[str, str]]] = []
    meddle(booth, {1: lambda: seen.append((booth.person().opted_out, booth.follows()))})
    booth.text("STOP")
    assert seen == [(True, {"transit": "en"})]


def test_a_stop_whose_worker_died_is_finished_when_it_comes_again(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    undo = meddle(booth, {1: die})
    with pytest.raises(Died):
        booth.text("STOP", sid="SM1")
    assert booth.person().opted_out
    undo()
    assert booth.text("STOP", sid="SM1") == booth.says("stopped", "en")
    assert booth.follows() == {}
    assert booth.text("START") == booth.says("restored", "en", follows=["transit"])


def test_a_stranger_who_says_stop_stays_stopped_and_is_not_kept(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.text("ALTO") == booth.says("stopped", "es")
    person = booth.person()
    assert person.opted_out
    assert person.known
    assert person.known.sealed is None
    assert booth.text("ALERTAS") == booth.says("joined", "es", topics=["transit"])
    assert booth.follows() == {"transit": "es"}
    assert len(booth.person().subscriptions[0].subscriber) == 32


@pytest.mark.parametrize(("text", "reply"), [("what is this", None), ("STOP the 14 bus?", None), ("", None), ("HELP", "help")])
def test_after_stop_only_questions_that_are_meant_for_us_are_answered(tmp_path: Path, text: str, reply: str | None) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    booth.text("STOP")
    assert booth.text(text) == (booth.says(reply, "en") if reply else None)


def test_an_unclear_stop_is_asked_about_once(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    assert booth.text("STOP 14 bus?") == booth.says("stop_or_leave", "en", follows=["transit"])
    assert booth.follows() == {"transit": "en"}
    assert booth.text("I said stop it already, the bus!") == booth.says("stopped", "en")
    assert booth.follows() == {}


def test_an_unclear_stop_of_a_stranger_names_no_topic(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.text("stop 14?") == booth.says("stop_or_leave", "en", follows=[])


def test_an_answer_in_between_forgets_the_question(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    booth.text("STOP 14 bus?")
    booth.text("LIST")
    assert booth.text("stop 15 bus?") == booth.says("stop_or_leave", "en", follows=["transit"])


# --- start, and join after stop ---------------------------------------------------------------------------------------


def test_start_brings_back_what_stop_ended(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("ALERTAS", "EMPLEOS", "EVENTOS", "DEJAR EMPLEOS", "STOP"):
        booth.text(text)
    assert booth.text("START") == booth.says("restored", "es", follows=["events", "transit"])
    assert booth.follows() == {"events": "es", "transit": "es"}
    assert booth.steps()[-2:] == [("restored", "events"), ("restored", "transit")]
    assert not booth.person().opted_out


def test_start_twice_restores_once(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("TRANSIT", "STOP", "START"):
        booth.text(text)
    before = booth.ledger()
    assert booth.text("START") == booth.says("topics", "en", follows=["transit"], others=[topic for topic in TOPICS if topic != "transit"], places={})
    assert booth.ledger() == before


def test_stop_then_join_keeps_the_subscriber_id(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTAS")
    before = booth.person().subscriptions[0].subscriber
    booth.text("ALTO")
    assert booth.text("ALERTAS") == booth.says("joined", "es", topics=["transit"])
    assert booth.person().subscriptions[0].subscriber == before
    assert not booth.person().opted_out


def test_join_after_a_word_that_the_provider_blocks_on_asks_for_start_first(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    booth.text("STOP")
    assert booth.text("JOIN JOBS") == booth.says("start_first", "en", topics=["jobs"])
    assert booth.follows() == {}
    assert booth.person().opted_out
    assert booth.text("START") == booth.says("joined", "en", topics=["jobs"])
    assert booth.follows() == {"jobs": "en"}
    assert booth.steps()[-1] == ("joined", "jobs")


def test_a_start_word_of_ours_cannot_lift_the_providers_block(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTAS")
    booth.text("STOP")
    assert booth.text("EMPEZAR") == booth.says("start_first", "es", topics=[])
    assert booth.person().opted_out
    assert booth.text("unstop") == booth.says("restored", "es", follows=["transit"])


def test_a_second_stop_in_the_providers_word_counts_as_blocked(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("ALERTAS", "ALTO"):
        booth.text(text)
    assert booth.text("STOP") is None
    assert booth.text("ALERTAS") == booth.says("start_first", "es", topics=["transit"])


def test_an_opt_out_that_the_provider_told_us_of_counts_as_blocked(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    heed(Word("bc_1", "21610", Advice.OPTED_OUT), booth.person().hash, Channel.SMS, services=booth.services)
    assert booth.text("EMPEZAR") == booth.says("start_first", "en", topics=[])
    assert booth.text("START") == booth.says("restored", "en", follows=["transit"])


def test_start_of_somebody_with_nothing_to_restore_shows_what_there_is(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("STOP")
    assert booth.text("START") == booth.says("topics", "en", follows=[], others=TOPICS, places={})
    assert not booth.person().opted_out


def test_a_topic_that_the_city_dropped_is_not_restored(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("TRANSIT", "JOBS", "STOP"):
        booth.text(text)
    city = booth.services.city
    booth.services = replace(booth.services, city=replace(city, topics={name: topic for name, topic in city.topics.items() if name != "jobs"}))
    assert booth.text("START") == booth.says("restored", "en", follows=["transit"])


# --- crossing texts, many topics, early deaths ------------------------------------------------------------------------


def test_a_join_that_a_stop_overtakes_does_not_undo_it(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    quiet = booth.services
    meddle(booth, {1: lambda: _from_elsewhere(booth, quiet, "STOP")})
    assert booth.text("JOBS") == booth.says("start_first", "en", topics=["jobs"])
    assert booth.person().opted_out
    assert booth.follows() == {}


def test_of_two_stops_that_cross_one_is_confirmed_and_on_record(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    quiet = booth.services
    meddle(booth, {1: lambda: _from_elsewhere(booth, quiet, "STOP")})
    assert booth.text("STOP") is None
    assert booth.steps().count(("stopped", "transit")) == 1


def test_a_change_of_language_that_a_stop_overtakes_brings_nothing_back(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("TRANSIT")
    quiet = booth.services
    meddle(booth, {1: lambda: _from_elsewhere(booth, quiet, "STOP")})
    booth.text("LANG es")
    assert booth.follows() == {}


def test_a_text_that_is_overtaken_again_and_again_fails_and_may_be_delivered_again(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.text("ALERTAS")
    booth.text("ALTO")
    name, addresses = booth.person().hash, booth.services.store.addresses

    def stop_again() -> None:
        booth.clock.advance(timedelta(seconds=1))
        addresses.opt_out(name, booth.clock())

    undo = meddle(booth, dict.fromkeys(range(1, 10), stop_again))
    fields = [("MessageSid", "SM1"), ("From", ANA), ("Body", "EMPEZAR")]
    assert booth.twilio(fields).status == 500
    undo()
    assert booth.twilio(fields).status == 200


def _from_elsewhere(booth: Booth, services: Any, text: str) -> None:
    now, booth.services = booth.services, services
    booth.text(text)
    booth.services = now


@pytest.mark.parametrize("death", [1, 2, 3])
def test_stop_and_start_of_eighty_topics_survive_a_death_between_transactions(tmp_path: Path, death: int) -> None:
    booth = Booth(tmp_path, city=a_wide_city())
    for number in range(80):
        booth.text(f"T{number}")
    for text, sid in (("STOP", "SM1stop"), ("START", "SM1start")):
        undo = meddle(booth, {death: die})
        with pytest.raises(Died):
            booth.text(text, sid=sid)
        undo()
        assert booth.text(text, sid=sid)
        assert booth.text(text, sid=sid)
        assert len(booth.follows()) == (0 if text == "STOP" else 80)
    steps = booth.steps()
    assert len(steps) == len(set(steps)) == 80 + 81 + 80


def test_many_names_are_counted_and_a_reply_stays_short(tmp_path: Path) -> None:
    booth = Booth(tmp_path, city=a_wide_city())
    reply = booth.text("LIST") or ""
    assert reply.endswith("12 Topic 11\nand 68 more")
    assert len(reply) < 400
