"""Envelopes go on the kiosk's own queue, one each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from chalicelib.channels.kiosk import KioskSender, screen_queue
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import Answer, KioskMessage, Outcome, Parcel, SmsMessage
from chalicelib.errors import StateLater, StateLimit
from chalicelib.state.queue import Outgoing
from tests.channels.wire import open_gate
from tests.render.notices import FOUR, a_notice, a_renderer
from tests.tables import sqlite_city


def a_parcel(kiosk: str = "bell-square") -> Parcel:
    return Parcel(Address(Channel.KIOSK, kiosk), a_renderer().kiosk(a_notice(FOUR), "bc_1"), "tok")


@dataclass
class Stubborn:
    """Queues that fail in one way."""

    how: Exception | None

    def named(self, name: str) -> "Stubborn":
        return self

    def make(self, name: str) -> None: ...

    def drop(self, name: str) -> None: ...

    def send(self, messages: Sequence[Outgoing]) -> Sequence[Outgoing]:
        if self.how:
            raise self.how
        return messages


def test_the_envelope_lands_on_the_kiosks_queue_with_its_token_and_every_language(tmp_path: Path):
    city = sqlite_city(tmp_path)
    city.queues.make(screen_queue("bell-square"))
    city.queues.make(screen_queue("harbor"))
    assert list(KioskSender(city.queues).hand_over([a_parcel(), a_parcel("harbor")], gate=open_gate)) == [Outcome(Answer.ACCEPTED)] * 2
    [message] = city.queues.receive(["screen-bell-square"], 10, 30)
    envelope = json.loads(message.body)
    assert (envelope["kiosk"], envelope["token"], envelope["op"]) == ("bell-square", "tok", "put")
    assert {tag: text["title"] for tag, text in envelope["item"]["langs"].items()} == {tag: text.title for tag, text in FOUR.items()}


def test_a_kiosk_that_was_removed_is_refused_and_may_come_back(tmp_path: Path):
    queues = sqlite_city(tmp_path).queues
    assert list(KioskSender(queues).hand_over([a_parcel("gone")], gate=open_gate)) == [Outcome(Answer.REFUSED, "no_queue")]
    queues.make(screen_queue("gone"))
    assert list(KioskSender(queues).hand_over([a_parcel("gone")], gate=open_gate)) == [Outcome(Answer.ACCEPTED)]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param(StateLater("throttled"), Outcome(Answer.LATER, "busy"), id="throttled"),
        pytest.param(None, Outcome(Answer.LATER, "busy"), id="not taken"),
        pytest.param(StateLimit("too large"), Outcome(Answer.REFUSED, "too_large"), id="too large"),
    ],
)
def test_what_a_queue_answers(how, expected):
    assert list(KioskSender(Stubborn(how)).hand_over([a_parcel()], gate=open_gate)) == [expected]


def test_a_closed_gate_and_a_stray_message_reach_no_queue():
    sender = KioskSender(Stubborn(AssertionError("nothing may be sent")))
    stray = Parcel(Address(Channel.KIOSK, "bell-square"), SmsMessage("x", 1, "GSM-7"), "t")
    assert list(sender.hand_over([a_parcel()], gate=lambda: False)) == [Outcome(Answer.NOT_SENT, "not_tried")]
    assert list(sender.hand_over([stray], gate=open_gate)) == [Outcome(Answer.REFUSED, "not_an_envelope")]


def test_a_queue_cannot_be_asked_what_it_holds():
    assert KioskSender(Stubborn(None)).find(Address(Channel.KIOSK, "x"), KioskMessage({}), since=None) is None  # type: ignore[arg-type]
