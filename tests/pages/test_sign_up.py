"""Sign-up by email: the page, the letter, the yes. Nothing is subscribed before the yes, and nobody learns who is known."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import Answer, Outcome
from chalicelib.domain.pace import Tempo
from chalicelib.domain.tokens import Tokens
from chalicelib.flows.send_reply import send_reply
from chalicelib.flows.services import Services
from chalicelib.state.table import Change
from chalicelib.store.addresses import address_key
from chalicelib.store.pace import Wanted
from tests.conversation.booth import URL, Booth
from tests.conversation.crossing import meddle

ANA = "ana@example.org"
PICKED = [("topic", "transit"), ("topic", "jobs"), ("email", " Ana@Example.org ")]


def letters(booth: Booth) -> int:
    """Work off the queue of letters, as Lambda would; how many were queued."""
    bodies = booth.queued("replies")
    for body in bodies:
        send_reply(json.loads(body)["reply"], services=booth.services)
    return len(bodies)


def link(booth: Booth) -> str:
    """The path of the link in the last letter."""
    _, message = booth.postbox.took[-1]
    [line] = [line for line in message.values["text"].splitlines() if line.startswith(URL)]
    return line.removeprefix(URL)


def follows(booth: Booth, email: str = ANA) -> dict[str, str]:
    person = booth.services.store.subscribers.find(Address(Channel.EMAIL, email))
    return {one.topic: one.locale for one in person.subscriptions}


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_sign_up_is_subscribed_only_after_its_link_was_used(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.submit("/join", PICKED).status == 200
    assert letters(booth) == 1
    [(to, message)] = booth.postbox.took
    assert to == Address(Channel.EMAIL, ANA)
    assert "Transit alerts" in message.values["text"]
    assert link(booth) in message.values["html"]
    assert follows(booth) == {}
    assert booth.get(link(booth)).status == 200
    assert follows(booth) == {}
    done = booth.submit(link(booth))
    assert done.status == 200
    assert "Transit alerts" in done.text
    assert follows(booth) == {"jobs": "en", "transit": "en"}


def test_the_answer_is_the_same_for_known_and_unknown_addresses_and_for_programs(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    first = booth.submit("/join", PICKED)
    letters(booth)
    booth.submit(link(booth))
    booth.clock.advance(timedelta(days=1))
    again, stranger = booth.submit("/join", PICKED), booth.submit("/join", [("topic", "jobs"), ("email", "ben@example.org")])
    program = booth.submit("/join", [*PICKED, ("website", "https://spam.example")])
    assert {answer.text for answer in (again, stranger, program)} == {first.text}
    assert letters(booth) == 2


def test_one_letter_a_day_is_enough(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    answers = {booth.submit("/join", PICKED).text for _ in range(5)}
    assert (len(answers), letters(booth)) == (1, 1)
    booth.clock.advance(timedelta(hours=23, minutes=59))
    booth.submit("/join", PICKED)
    assert letters(booth) == 0
    booth.clock.advance(timedelta(minutes=1))
    booth.submit("/join", PICKED)
    assert letters(booth) == 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        pytest.param([], {"topics", "email"}, id="nothing"),
        pytest.param([("email", ANA)], {"topics"}, id="no topic"),
        pytest.param([("topic", "circus"), ("email", ANA)], {"topics"}, id="an unknown topic"),
        pytest.param([("topic", "transit"), ("topic", "circus"), ("email", ANA)], {"topics"}, id="one of two unknown"),
        pytest.param([("topic", "transit")], {"email"}, id="no address"),
        pytest.param([("topic", "transit"), ("email", "ana")], {"email"}, id="not an address"),
        pytest.param([("topic", "transit"), ("email", f"{ANA}, ben@example.org")], {"email"}, id="two addresses"),
        pytest.param([("topic", "transit"), ("email", "ana@example.org\nBcc: ben@example.org")], {"email"}, id="a header"),
        pytest.param([("topic", "transit"), ("email", "x" * 5000 + "@example.org")], {"email"}, id="endless"),
    ],
)
def test_what_is_missing_is_said_beside_its_field_and_what_was_typed_stays(tmp_path: Path, fields: list[tuple[str, str]], wrong: set[str]) -> None:
    booth = Booth(tmp_path)
    answer = booth.submit("/join", fields)
    assert answer.status == 422
    assert {name for name in ("topics", "email") if f'href="#{name}"' in answer.text} == wrong
    assert (booth.rows(), letters(booth)) == (0, 0)
    assert ('value="transit" checked' in answer.text) == (("topic", "transit") in fields)


def test_more_topics_than_one_transaction_takes_are_refused(tmp_path: Path) -> None:
    rows = "\n".join(f'[[topics]]\nid = "t{number}"\nnames = {{ en = "Topic {number}" }}' for number in range(40))
    booth = Booth(tmp_path, city=f'name = "W"\nprogramme = "W"\nzone = "UTC"\nlanguages = ["en"]\nhelp_contact = "311"\n{rows}')
    assert booth.submit("/join", [*((("topic", f"t{number}")) for number in range(31)), ("email", ANA)]).status == 422
    assert booth.submit("/join", [*((("topic", f"t{number}")) for number in range(30)), ("email", ANA)]).status == 200
    letters(booth)
    assert booth.submit(link(booth)).status == 200
    assert len(follows(booth)) == 30


def test_the_language_of_the_letter_is_the_one_chosen_for_emails_else_the_pages(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for more in ([], [("language", "ar")], [("language", "tlh")]):
        booth.submit("/join?lang=es", [*PICKED, *more])
        letters(booth)
        booth.clock.advance(timedelta(days=1))
    assert [message.locale for _, message in booth.postbox.took] == ["es", "ar", "es"]
    assert 'dir="rtl"' in booth.postbox.took[1][1].values["html"]


# --- the letter -------------------------------------------------------------------------------------------------------


def test_a_letter_queued_twice_goes_once(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.submit("/join", PICKED)
    [body] = booth.queued("replies")
    for _ in range(3):
        send_reply(json.loads(body)["reply"], services=booth.services)
    assert len(booth.postbox.took) == 1


def test_a_letter_that_nobody_queued_is_due_after_two_minutes(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.submit("/join", PICKED)
    [body] = booth.queued("replies")
    assert booth.services.store.replies.due(booth.clock()) == []
    booth.clock.advance(timedelta(minutes=2))
    assert booth.services.store.replies.due(booth.clock()) == [json.loads(body)["reply"]]
    send_reply(json.loads(body)["reply"], services=booth.services)
    assert booth.services.store.replies.due(booth.clock() + timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("outcome", "state", "tries", "took", "due"),
    [
        pytest.param(Outcome(Answer.ACCEPTED), "accepted", 1, 1, False, id="accepted"),
        pytest.param(Outcome(Answer.REFUSED), "failed", 1, 0, False, id="refused"),
        pytest.param(Outcome(Answer.LATER), "waiting", 0, 0, True, id="later"),
        pytest.param(Outcome(Answer.NOT_SENT), "waiting", 0, 0, True, id="not sent"),
        pytest.param(Outcome(Answer.UNKNOWN), "claimed", 1, 1, True, id="unknown"),
    ],
)
def test_what_the_provider_said_decides_whether_a_letter_is_tried_again(tmp_path: Path, outcome: Outcome, state: str, tries: int, took: int, due: bool) -> None:
    booth = Booth(tmp_path)
    booth.postbox.plan = [outcome]
    booth.submit("/join", PICKED)
    [body] = booth.queued("replies")
    name = json.loads(body)["reply"]
    send_reply(name, services=booth.services)
    assert booth.services.store.replies.state(name) == {"state": state, "tries": tries}
    assert len(booth.postbox.took) == took
    booth.clock.advance(timedelta(minutes=2))
    assert (booth.services.store.replies.due(booth.clock()) == [name]) is due
    send_reply(name, services=booth.services)
    assert len(booth.postbox.took) == (took + 1 if due else took)


def test_a_letter_is_given_up_after_five_tries(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.postbox.plan = [Outcome(Answer.UNKNOWN)] * 9
    booth.submit("/join", PICKED)
    [body] = booth.queued("replies")
    for _ in range(8):
        send_reply(json.loads(body)["reply"], services=booth.services)
        booth.clock.advance(timedelta(minutes=2))
    assert len(booth.postbox.took) == 5
    assert booth.services.store.replies.state(json.loads(body)["reply"]) == {"state": "failed", "tries": 6}


def test_a_letter_waits_for_its_slot_and_never_passes_the_pace(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.services = replace(booth.services, pace={Channel.EMAIL: 1})
    others = Wanted(60, 60, timedelta(minutes=9), urgent=True)
    booth.services.store.pace.reserve(Channel.EMAIL, others, pace=1, seen=Tempo(), now=booth.clock())
    booth.submit("/join", PICKED)
    assert letters(booth) == 1
    assert booth.postbox.took == []
    booth.clock.advance(timedelta(minutes=2))
    for name in booth.services.store.replies.due(booth.clock()):
        send_reply(name, services=booth.services)
    assert len(booth.postbox.took) == 1


def test_a_letter_about_nothing_any_more_is_not_sent(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.submit("/join", PICKED)
    booth.clock.advance(timedelta(hours=49))
    letters(booth)
    assert booth.postbox.took == []


def test_a_worker_whose_claim_ran_out_does_not_settle_anothers(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.submit("/join", PICKED)
    [body] = booth.queued("replies")
    name, replies = json.loads(body)["reply"], booth.services.store.replies
    slow = replies.claim(name, booth.clock(), claim="slow")
    assert slow
    assert replies.claim(name, booth.clock(), claim="quick") is None
    booth.clock.advance(timedelta(seconds=91))
    assert replies.claim(name, booth.clock(), claim="quick")
    replies.put_off(slow, booth.clock())
    assert replies.state(name) == {"state": "claimed", "tries": 2}


def test_a_claim_whose_answer_was_lost_is_found_its_own_when_the_call_is_made_again(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.submit("/join", PICKED)
    [body] = booth.queued("replies")
    name, replies = json.loads(body)["reply"], booth.services.store.replies
    first, again = (replies.claim(name, booth.clock(), claim="mine") for _ in range(2))
    assert first
    assert (again, first.tries) == (first, 1)
    assert replies.claim("gone", booth.clock(), claim="mine") is None


def test_a_letter_to_an_address_that_cannot_be_unsealed_is_given_up_at_once(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.submit("/join", PICKED)
    hash = booth.services.store.vault.hash(Address(Channel.EMAIL, ANA))
    booth.state.table.update(address_key(hash), Change(set={"sealed": "1.broken"}))
    [body] = booth.queued("replies")
    send_reply(json.loads(body)["reply"], services=booth.services)
    assert booth.services.store.replies.state(json.loads(body)["reply"]) == {"state": "failed", "tries": 1}
    assert booth.postbox.took == []


@pytest.mark.parametrize(("wait", "seconds"), [(None, 45), (timedelta(seconds=5), 45), (timedelta(hours=1), 3600)], ids=["unsaid", "short", "long"])
def test_a_letter_waits_as_long_as_the_provider_says(tmp_path: Path, wait: timedelta | None, seconds: int) -> None:
    booth = Booth(tmp_path)
    booth.postbox.plan = [Outcome(Answer.LATER, "DailyQuota", wait=wait)]
    booth.submit("/join", PICKED)
    letters(booth)
    due = booth.services.store.replies.due
    assert due(booth.clock() + timedelta(seconds=seconds - 1)) == []
    assert len(due(booth.clock() + timedelta(seconds=seconds))) == 1


def test_no_queue_and_no_row_of_a_letter_holds_the_address(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.submit("/join", PICKED)
    with booth.state.file.reading() as connection:
        kept = str(connection.execute("SELECT * FROM state_rows").fetchall()).lower()
    assert "example.org" not in kept + str(booth.queued("replies"))


# --- the yes ----------------------------------------------------------------------------------------------------------


def signed_up(tmp_path: Path) -> tuple[Booth, str]:
    booth = Booth(tmp_path)
    booth.submit("/join", PICKED)
    letters(booth)
    return booth, link(booth)


def test_the_ledger_keeps_the_sentence_that_was_agreed_to(tmp_path: Path) -> None:
    booth, path = signed_up(tmp_path)
    page = booth.get(path)
    booth.submit(path)
    store = booth.services.store
    [first, second] = store.consents.of(store.subscribers.find(Address(Channel.EMAIL, ANA)).subscriptions[0].subscriber)
    assert {first.topic, second.topic} == {"transit", "jobs"}
    assert (first.step, first.how, first.channel) == ("joined", "web", "email")
    sentence = store.consents.wording(first.wording) or ""
    assert "Larkhaven Alerts may send email to this address about Transit alerts, City jobs" in sentence
    assert sentence.strip() in page.text


def test_confirming_twice_changes_nothing(tmp_path: Path) -> None:
    booth, path = signed_up(tmp_path)
    booth.submit(path)
    rows = booth.rows()
    assert booth.submit(path).status == 200
    assert "already" in booth.get(path).text
    assert booth.rows() == rows


def test_two_clicks_at_once_subscribe_once(tmp_path: Path) -> None:
    booth, path = signed_up(tmp_path)
    quiet = booth.services
    meddle(booth, {1: lambda: _submit(booth, quiet, path)})
    assert booth.submit(path).status == 200
    store = booth.services.store
    subscriber = store.subscribers.find(Address(Channel.EMAIL, ANA)).subscriptions[0].subscriber
    assert len(store.consents.of(subscriber)) == 2


def test_a_stop_that_crosses_the_yes_wins_and_the_yes_can_be_said_again(tmp_path: Path) -> None:
    booth, path = signed_up(tmp_path)
    name = booth.services.store.subscribers.find(Address(Channel.EMAIL, ANA)).hash
    undo = meddle(booth, {1: lambda: booth.services.store.addresses.opt_out(name, booth.clock())})
    assert booth.submit(path).status == 500
    assert follows(booth) == {}
    undo()
    assert booth.submit(path).status == 200
    assert follows(booth) == {"transit": "en", "jobs": "en"}


def _submit(booth: Booth, services: Services, path: str) -> None:
    now, booth.services = booth.services, services
    booth.submit(path)
    booth.services = now


def test_a_link_counts_for_48_hours(tmp_path: Path) -> None:
    booth, path = signed_up(tmp_path)
    booth.clock.advance(timedelta(hours=48))
    for answer in (booth.get(path), booth.submit(path)):
        assert answer.status == 404
        assert "This link has ended" in answer.text
    assert follows(booth) == {}


def test_the_language_switched_to_on_the_page_is_the_one_subscribed_in(tmp_path: Path) -> None:
    booth, path = signed_up(tmp_path)
    assert 'lang="ar" dir="rtl"' in booth.get(f"{path}?lang=ar").text
    booth.submit(f"{path}?lang=ar")
    assert follows(booth) == {"transit": "ar", "jobs": "ar"}


def test_signing_up_again_after_ending_everything_brings_email_back(tmp_path: Path) -> None:
    booth, path = signed_up(tmp_path)
    booth.submit(path)
    person = booth.services.store.subscribers.find(Address(Channel.EMAIL, ANA))
    token = booth.services.tokens.sign("unsubscribe", person.subscriptions[0].subscriber, "transit", "email")
    booth.submit(f"/unsubscribe/{token}", [("end", "all")])
    assert booth.services.store.subscribers.find(Address(Channel.EMAIL, ANA)).opted_out
    booth.clock.advance(timedelta(days=1))
    booth.submit("/join", PICKED)
    letters(booth)
    booth.submit(link(booth))
    again = booth.services.store.subscribers.find(Address(Channel.EMAIL, ANA))
    assert not again.opted_out
    assert again.subscriptions[0].subscriber == person.subscriptions[0].subscriber


def test_an_erased_address_cannot_be_confirmed(tmp_path: Path) -> None:
    booth, path = signed_up(tmp_path)
    person = booth.services.store.subscribers.find(Address(Channel.EMAIL, ANA))
    booth.state.table.delete(address_key(person.hash))
    assert booth.submit(path).status == 404


@pytest.mark.parametrize("purpose", ["preferences", "unsubscribe", "delivery"])
def test_a_token_of_another_purpose_opens_nothing(tmp_path: Path, purpose: str) -> None:
    booth, path = signed_up(tmp_path)
    [name] = booth.services.tokens.read("confirm", path.rsplit("/", 1)[1]) or ("",)
    assert booth.submit(f"/confirm/{booth.services.tokens.sign(purpose, name)}").status == 404
    assert booth.submit(f"/confirm/{Tokens([b'x' * 32]).sign('confirm', name)}").status == 404
    assert follows(booth) == {}
