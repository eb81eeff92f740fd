"""Sign-up by text: a phone that was given on a page, or at a counter, is asked once, reminded once, and left alone until its YES."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import How, wording_id
from chalicelib.domain.message import Advice, Answer, Outcome
from chalicelib.errors import Invalid
from chalicelib.flows.send_reply import send_reply
from chalicelib.flows.services import Sender
from chalicelib.flows.signing import Origin
from chalicelib.flows.turn_switch import turn_switch
from chalicelib.state.table import Change
from chalicelib.store.addresses import address_key
from chalicelib.store.sign_ups import SignUp
from tests.conversation.booth import ANA, BEN
from tests.flows.counter import Counter

ASKED = "Larkhaven Alerts: reply YES to get texts about Transit alerts. Msg frequency varies. Msg & data rates may apply. HELP for help, STOP to end."
REMINDED = "Larkhaven Alerts: reply YES if you still want texts about Transit alerts. If not, do nothing. HELP for help, STOP to end."


def hash_of(counter: Counter, phone: str = ANA) -> str:
    return counter.services.store.vault.hash(Address(Channel.SMS, phone))


def waiting(counter: Counter, phone: str = ANA) -> SignUp | None:
    return counter.services.store.sign_ups.waiting(hash_of(counter, phone), counter.clock())


def at(counter: Counter, hour: int) -> None:
    """The next time that the city's clocks show this hour."""
    local = counter.clock().astimezone(counter.services.city.zone)
    there = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    counter.clock.advance((there if there > local else there + timedelta(days=1)).astimezone(UTC) - counter.clock())


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_phone_is_asked_by_text_and_follows_nothing_before_its_yes(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.sign_up(phone="(202) 555-0101")
    assert counter.work() == 1
    assert counter.got == [(ANA, ASKED)]
    assert counter.follows() == {}
    found = waiting(counter)
    assert found
    assert (found.topics, found.channel, found.how, found.locale) == (("transit",), Channel.SMS, How.WEB, "en")


@pytest.mark.parametrize("locale", ["en", "es", "ar", "zh-Hans"])
def test_the_text_is_in_their_language_and_names_yes_and_stop(tmp_path: Path, locale: str) -> None:
    counter = Counter(tmp_path)
    counter.sign_up(locale=locale, topics=["transit", "jobs"])
    counter.work()
    [(_, said)] = counter.got
    names = [counter.services.city.topics[topic].names[locale] for topic in ("transit", "jobs")]
    assert all(word in said for word in ["YES", "STOP", "Larkhaven Alerts", *names])


def test_what_a_yes_agrees_to_is_kept_word_by_word(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.sign_up()
    counter.sign_up(phone=BEN, origin=Origin(shown="Yes, text me."))
    counter.work()
    for phone, words in ((ANA, ASKED), (BEN, "Yes, text me.")):
        found = waiting(counter, phone)
        assert found
        assert found.wording == wording_id(words)
        assert counter.services.store.consents.wording(found.wording) == words


def test_what_staff_wrote_down_stays_with_the_sign_up(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.sign_up(origin=Origin(how=How.STAFF, proof={"how": "paper form 12"}))
    counter.work()
    found = waiting(counter)
    assert found
    assert (found.how, json.loads(found.detail)) == (How.STAFF, {"proof": {"how": "paper form 12"}})


def test_a_yes_is_about_what_was_asked_last(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.sign_up(topics=["transit"])
    counter.work()
    counter.clock.advance(timedelta(minutes=10))
    counter.sign_up(topics=["jobs"])
    first = waiting(counter)
    counter.work()
    second = waiting(counter)
    assert first
    assert second
    assert (first.topics, second.topics) == (("transit",), ("jobs",))


def test_a_yes_counts_for_24_hours_and_once(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    assert waiting(counter) is None
    counter.sign_up()
    counter.work()
    counter.clock.advance(timedelta(hours=23, minutes=59))
    found = waiting(counter)
    assert found
    counter.services.store.table.transact([counter.services.store.sign_ups.confirm_write(found.id)])
    assert waiting(counter) is None
    counter.sign_up(phone=BEN)
    counter.work()
    counter.clock.advance(timedelta(hours=24))
    assert waiting(counter, BEN) is None


# --- whose phone ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        *("+12025550101", "2025550101", "202-555-0101", "(202) 555-0101", " 1 202 555 0101 ", "202.555.0101", "+1 (202) 555 0101"),
        *("٢٠٢٥٥٥٠١٠١", "\u202a+1 202\u2011555\u20110101\u202c", "202\u00a0555\u00a00101", "＋１２０２５５５０１０１"),
    ],
)
def test_a_number_is_taken_as_people_write_it(tmp_path: Path, typed: str) -> None:
    counter = Counter(tmp_path)
    counter.sign_up(phone=typed)
    counter.work()
    assert [to for to, _ in counter.got] == [ANA]


@pytest.mark.parametrize("typed", ["+1 416 555 0123", "+1 604 555 0100"], ids=["Toronto", "Vancouver"])
def test_numbers_of_canada_are_taken(tmp_path: Path, typed: str) -> None:
    counter = Counter(tmp_path)
    counter.sign_up(phone=typed)
    assert counter.work() == 1


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("+1 900 555 1234", id="premium"),
        pytest.param("+1 800 555 1234", id="toll-free"),
        pytest.param("+1 888 555 1234", id="toll-free too"),
        pytest.param("911", id="911"),
        pytest.param("202 911 0101", id="like 911"),
        pytest.param("411", id="411"),
        pytest.param("12345", id="a short code"),
        pytest.param("+1 500 555 0006", id="personal"),
        pytest.param("+1 600 555 0100", id="satellite"),
        pytest.param("+881 6 1234 5678", id="a satellite's own country"),
        pytest.param("+1 710 555 0100", id="an area that nobody was given"),
        pytest.param("+1 999 555 0100", id="no area at all"),
        pytest.param("+1 876 555 1234", id="Jamaica"),
        pytest.param("+1 809 220 1234", id="Dominican Republic"),
        pytest.param("+44 7911 123456", id="another country"),
        pytest.param("+252 61 5551234", id="a country whose calls cost"),
        pytest.param("202 555 0101 x5", id="an extension"),
        pytest.param("202 555 0101, 202 555 0102", id="two"),
        pytest.param("202-HEY-LARK", id="letters"),
        pytest.param("2" * 60, id="endless"),
        pytest.param("2" * 5000, id="far too long"),
        pytest.param("+1", id="a country alone"),
        pytest.param("+00 202 555 0101", id="no country"),
    ],
)
def test_a_number_that_is_no_mobile_of_ours_is_refused_by_its_form(tmp_path: Path, typed: str) -> None:
    counter = Counter(tmp_path)
    with pytest.raises(Invalid) as refused:
        counter.sign_up(phone=typed)
    assert [(one.pointer, one.code) for one in refused.value.problems] == [("#/phone", "invalid_phone")]
    assert typed not in refused.value.detail
    assert (counter.rows(), counter.work()) == (0, 0)


# --- the reminder -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked_at", "reminded_at"),
    [pytest.param(7, 19, id="by day"), pytest.param(9, 8, id="it would be 21:00"), pytest.param(13, 8, id="it would be night"), pytest.param(20, 8, id="by 8")],
)
def test_a_phone_that_says_nothing_is_reminded_once_in_waking_hours(tmp_path: Path, asked_at: int, reminded_at: int) -> None:
    counter = Counter(tmp_path)
    at(counter, asked_at)
    counter.sign_up()
    began = counter.clock()
    counter.live(hours=72)
    assert [said for _, said in counter.got] == [ASKED, REMINDED]
    when: datetime = counter.carrier.took[1][2]
    assert timedelta(hours=12) <= when - began < timedelta(hours=24)
    assert when.astimezone(counter.services.city.zone).hour == reminded_at


@pytest.mark.parametrize("said", ["HELP", "LIST", "who is this?", "STOP", "JOIN jobs"])
def test_a_phone_that_answered_anything_is_not_reminded(tmp_path: Path, said: str) -> None:
    counter = Counter(tmp_path)
    at(counter, 7)
    counter.sign_up()
    counter.work()
    counter.text(said)
    counter.live(hours=48)
    assert [words for _, words in counter.got] == [ASKED]


def test_a_phone_that_said_yes_is_not_reminded(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.sign_up()
    counter.work()
    found = waiting(counter)
    assert found
    counter.services.store.table.transact([counter.services.store.sign_ups.confirm_write(found.id)])
    counter.live(hours=48)
    assert len(counter.got) == 1


def test_a_phone_that_was_never_asked_is_not_reminded_and_nobody_is_told_of_that(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    counter = Counter(tmp_path)
    counter.carrier.plan = [Outcome(Answer.REFUSED, "21211")]
    counter.sign_up()
    counter.live(hours=48)
    assert (counter.got, waiting(counter)) == ([], None)
    assert "letter given up" not in caplog.text


def test_a_reminder_that_is_late_waits_for_the_morning_and_ends_silently_where_that_is_too_late(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    counter = Counter(tmp_path)
    at(counter, 8)
    counter.sign_up()
    counter.work()
    at(counter, 22)
    counter.live(hours=9)
    assert len(counter.got) == 1
    counter.live(hours=2)
    assert len(counter.got) == 1  # its 24 hours are over by now
    assert counter.services.store.replies.due(counter.clock() + timedelta(days=9)) == []
    assert "letter given up" not in caplog.text


def test_only_the_last_sign_up_reminds(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    at(counter, 7)
    counter.sign_up(topics=["jobs"])
    counter.live(minutes=10)
    counter.sign_up(topics=["transit"])
    counter.live(hours=48)
    assert [said for _, said in counter.got][1:] == [ASKED, REMINDED]


# --- the way there ----------------------------------------------------------------------------------------------------


def test_whoever_texted_stop_gets_no_text(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.text("STOP")
    counter.sign_up()
    counter.live(hours=48)
    assert (counter.got, waiting(counter)) == ([], None)


def test_a_stop_that_comes_before_the_text_goes_holds_it_back(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.sign_up()
    counter.text("STOP")
    counter.work()
    assert counter.got == []


def test_a_number_that_its_provider_says_opted_out_has_opted_out(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.carrier.plan = [Outcome(Answer.REFUSED, "21610", advice=Advice.OPTED_OUT)]
    counter.sign_up()
    counter.work()
    assert counter.person().opted_out


def test_a_text_whose_answer_was_lost_is_not_sent_again_where_its_provider_holds_it(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.carrier.plan = [Outcome(Answer.UNKNOWN, "timeout")]
    counter.sign_up()
    counter.live(minutes=30)
    assert counter.got == [(ANA, ASKED)]
    assert waiting(counter)


def test_a_text_that_never_came_is_sent_again(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.carrier.plan = [Outcome(Answer.UNKNOWN, "lost")]
    counter.sign_up()
    counter.live(minutes=30)
    assert counter.got == [(ANA, ASKED)]


def test_a_text_of_which_nobody_can_say_is_not_sent_again(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.carrier.plan, counter.carrier.knows = [Outcome(Answer.UNKNOWN, "timeout")], False
    counter.sign_up()
    counter.live(hours=2)
    assert counter.got == [(ANA, ASKED)]


@pytest.mark.parametrize("address", [{"phone": ANA}, {"email": "ana@example.org"}], ids=["text", "letter"])
def test_a_sender_that_takes_a_second_to_be_there_misses_no_slot(tmp_path: Path, address: dict[str, str]) -> None:
    counter = Counter(tmp_path)
    senders, plain = [], counter.services.sender

    def slow(channel: Channel) -> Sender:
        if not senders:
            counter.clock.advance(timedelta(seconds=1))
        senders.append(channel)
        return plain(channel)

    counter.services = replace(counter.services, sender=slow, pace={Channel.SMS: 100, Channel.EMAIL: 14})
    counter.sign_up(**address)
    counter.work()
    assert len(counter.got) + len(counter.postbox.took) == 1


def test_under_the_switch_of_texts_none_goes_and_letters_do(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    turn_switch("sms", stopped=True, why="test", by="ana", services=counter.services)
    counter.sign_up()
    counter.sign_up(email="ana@example.org")
    counter.live(minutes=30)
    assert (counter.got, len(counter.postbox.took)) == ([], 1)
    turn_switch("sms", stopped=False, why="test", by="ana", services=counter.services)
    counter.live(minutes=30)
    assert counter.got == [(ANA, ASKED)]


def test_a_text_to_a_number_that_cannot_be_unsealed_is_given_up(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.sign_up()
    counter.state.table.update(address_key(hash_of(counter)), Change(set={"sealed": "1.broken"}))
    [body] = counter.queued("replies")
    send_reply(json.loads(body)["reply"], services=counter.services)
    assert counter.services.store.replies.state(json.loads(body)["reply"]) == {"state": "failed", "tries": 1}


def test_no_row_and_no_queue_of_a_sign_up_holds_the_number(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.sign_up(origin=Origin(network="203.0.113.7"))
    with counter.state.file.reading() as connection:
        stored = str(connection.execute("SELECT * FROM state_rows").fetchall())
    for secret in ("2025550101", "202555", "203.0.113"):
        assert secret not in stored
    counter.work()
    assert len(counter.got) == 1


def test_a_yes_in_another_language_than_that_of_what_they_follow_turns_it_and_joins(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.text("EVENTS")
    counter.sign_up(locale="es")
    counter.work()
    counter.text("YES")
    assert counter.follows() == {"events": "es", "transit": "es"}
    assert waiting(counter) is None
