"""What happened around a city on this machine is read back whole from its state file."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib import wiring
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import EVERYTHING, Consent, How, Step
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from chalicelib.state.table import Key, Row
from local.proof.checker import broken
from local.proof.evidence import Evidence, every_row, evidence
from local.proof.truth import OptOut
from local.world.errands import EVENTS_QUEUE
from local.world.ledger import Errand, Message
from tests.local.worlds import NOON, SmallWorld, a_world

PHONE, EMAIL = "+12025550142", "ana@example.org"
SECOND = timedelta(seconds=1)


@pytest.fixture
def small(tmp_path: Path) -> SmallWorld:
    return a_world(tmp_path)


def services(small: SmallWorld) -> Services:
    return wiring.build(small.options.settings())


def queues(small: SmallWorld) -> SqliteQueues:
    return SqliteQueues(SqliteFile(small.options.state_file), lambda: NOON)


def message(via: str, to: str, *, outcome: str = "accepted", seconds: int = 0, **more: str) -> Message:
    channel = {"api": "sms", "text": "sms", "reply": "sms"}.get(via, via)
    sender, recipient = (to, "+15005550006") if via == "text" else ("+15005550006", to)
    given = {"body": "Hello", "token": "t", **more}
    return Message(channel=channel, via=via, sender=sender, recipient=recipient, at=NOON + seconds * SECOND, outcome=outcome, **given)


def taken(found: Evidence) -> Counter[tuple[str, str, bool]]:
    return Counter((str(one.to.channel), one.to.value, one.timed) for one in found.truth.hand_overs)


def test_what_providers_took_is_handed_over_and_what_they_refused_was_attempted(small: SmallWorld) -> None:
    ledger = small.world.ledger
    ledger.record([message("api", PHONE), message("email", EMAIL), message("api", PHONE, outcome="later"), message("api", PHONE, outcome="hung")])
    ledger.record([message("text", PHONE), message("reply", PHONE)])
    found = evidence(small.options)
    assert taken(found) == {("sms", PHONE, True): 1, ("email", EMAIL, True): 1}
    assert Counter(one.to.value for one in found.truth.attempts) == {PHONE: 3, EMAIL: 1}
    assert {one.at for one in found.truth.attempts} == {NOON}


def test_a_kiosks_message_is_handed_over_once_it_is_queued_and_only_once(small: SmallWorld) -> None:
    lines = queues(small)
    for kiosk in ("one", "two"):
        lines.make(f"screen-{kiosk}")
    lines.named("screen-one").send([Outgoing(json.dumps({"token": "seen"}))])
    [seen] = lines.receive(["screen-one"], 1, 60)
    small.world.ledger.record([message("kiosk", "one", token="seen", provider_id=f"q-{seen.id}")])
    lines.named("screen-two").send([Outgoing(json.dumps({"token": "waits"}))])
    found = evidence(small.options)
    assert {(one.to.value, one.token, one.timed) for one in found.truth.hand_overs} == {("one", "seen", False), ("two", "waits", False)}


def consent(small: SmallWorld, step: Step, source: str, seconds: int, topic: str = EVERYTHING) -> None:
    address = services(small).store.vault.hash(Address(Channel.SMS, PHONE))
    one = Consent("5" * 32, address, Channel.SMS, topic, step, How.KEYWORD, source, "en", NOON + seconds * SECOND)
    services(small).store.table.transact([services(small).store.consents.add_write(one)])


def test_a_stop_word_counts_from_its_answer_until_its_owner_came_back(small: SmallWorld) -> None:
    address = services(small).store.vault.hash(Address(Channel.SMS, PHONE))
    for seconds, step, topic in ((10, Step.STOPPED, EVERYTHING), (10, Step.STOPPED, "transit"), (60, Step.JOINED, "transit"), (90, Step.STOPPED, EVERYTHING)):
        consent(small, step, f"SM{seconds}", seconds, topic)
    for seconds in (10, 90):
        small.world.ledger.record([message("text", PHONE, seconds=seconds, provider_id=f"SM{seconds}"), message("reply", PHONE, seconds=seconds + 1)])
    first, second = NOON + 11 * SECOND, NOON + 91 * SECOND
    assert set(evidence(small.options).truth.opt_outs) == {OptOut(address, first, first, NOON + 60 * SECOND), OptOut(address, second, second)}


def test_texts_are_bodies_of_our_queues_dead_letters_too_and_urls_that_were_given_away(small: SmallWorld) -> None:
    lines = queues(small)
    for name in ("launch", "receipts"):
        lines.make(name)
    lines.named("launch").send([Outgoing("alive")])
    lines.named(EVENTS_QUEUE).send([Outgoing("what SES tells us names its recipient")])
    lines.named("receipts").send([Outgoing("dead")])
    for _ in range(6):
        for one in lines.receive(["receipts"], 1, 0):
            lines.release(one.id)
    assert lines.depth("receipts-dead") == 1
    small.world.ledger.record(
        [
            message(
                "email",
                EMAIL,
                body="Dear Ana, see https://a.example/n/1 now",
                html='<a href="https://a.example/unsubscribe/t">',
                headers={"List-Unsubscribe": "<https://a.example/u/t>"},
            )
        ],  # type: ignore[arg-type]
        lambda _kept: [Errand(0.0, "callback", "sent", "https://a.example/sms/status?t=1")],
    )
    urls = {"https://a.example/n/1", "https://a.example/unsubscribe/t", "https://a.example/u/t", "https://a.example/sms/status?t=1"}
    assert set(evidence(small.options).texts) == {"alive", "dead"} | urls


def test_every_row_is_read_however_large_its_partition(small: SmallWorld) -> None:
    file = SqliteFile(small.options.state_file)
    before, large = len(list(every_row(file))), [Row(Key("LARGE", f"{number:02d}"), {"text": "x" * 300_000}) for number in range(8)]
    for row in large:
        services(small).store.table.put(row)
    assert [row for row in every_row(file) if row.key.partition == "LARGE"] == large
    assert len(list(every_row(file))) == before + 8


def test_a_city_in_which_nothing_happened_is_sound(small: SmallWorld) -> None:
    found = evidence(small.options)
    assert broken(found.truth, found.rows, vault=found.vault, tokens=found.tokens, texts=found.texts) == []
    assert found.truth.pace == {Channel.SMS: 100, Channel.EMAIL: 200}
    assert abs(found.truth.at - NOON) < timedelta(minutes=5)
