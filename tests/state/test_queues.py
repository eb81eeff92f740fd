"""What queues promise on both adapters: sending, names, and refusing what SQS refuses."""

import pytest

from chalicelib.errors import NoQueue, StateLimit
from chalicelib.state.queue import MOST_BYTES, MOST_DELAY, Outgoing
from tests.state.conftest import Mailroom

ELEVEN = [Outgoing("{}")] * 11


def test_what_is_sent_can_be_received(mailroom: Mailroom) -> None:
    queue = mailroom.queues.named(mailroom.name)
    sent = [Outgoing(f'{{"broadcast": "bc_{n}", "in": "é红\U0001f514\t\\n"}}') for n in range(10)]
    assert list(queue.send(sent)) == []
    assert sorted(mailroom.bodies(mailroom.name)) == sorted(message.body for message in sent)


def test_a_delayed_message_is_not_there_yet(mailroom: Mailroom) -> None:
    mailroom.queues.named(mailroom.name).send([Outgoing("later", MOST_DELAY), Outgoing("now")])
    assert mailroom.bodies(mailroom.name) == ["now"]


def test_sending_nothing_does_nothing(mailroom: Mailroom) -> None:
    assert list(mailroom.queues.named(mailroom.name).send([])) == []
    assert mailroom.bodies(mailroom.name) == []


def test_queues_are_apart(mailroom: Mailroom) -> None:
    mailroom.queues.named(mailroom.name).send([Outgoing("mine")])
    mailroom.queues.make(f"{mailroom.name}-other")
    assert mailroom.bodies(f"{mailroom.name}-other") == []


def test_making_a_queue_again_keeps_its_messages(mailroom: Mailroom) -> None:
    mailroom.queues.named(mailroom.name).send([Outgoing("kept")])
    mailroom.queues.make(mailroom.name)
    assert mailroom.bodies(mailroom.name) == ["kept"]


def test_a_dropped_queue_is_gone_for_those_who_hold_it_too(mailroom: Mailroom) -> None:
    held = mailroom.queues.named(mailroom.name)
    held.send([Outgoing("lost")])
    mailroom.queues.drop(mailroom.name)
    for queue in (held, mailroom.queues.named(mailroom.name)):
        with pytest.raises(NoQueue):
            queue.send([Outgoing("{}")])


def test_dropping_what_is_not_there_is_no_error(mailroom: Mailroom) -> None:
    mailroom.queues.drop("screen-never")
    with pytest.raises(NoQueue):
        mailroom.queues.named("screen-never").send([Outgoing("{}")])


REFUSED: dict[str, list[Outgoing]] = {
    "eleven": ELEVEN,
    "long delay": [Outgoing("{}", MOST_DELAY + 1)],
    "delay below zero": [Outgoing("{}", -1)],
    "no body": [Outgoing("")],
    "large body": [Outgoing("x" * (MOST_BYTES + 1))],
    "large in bytes": [Outgoing("é" * (MOST_BYTES // 2 + 1))],
    "large together": [Outgoing("x" * (MOST_BYTES // 2 + 1))] * 2,
    "NUL": [Outgoing("a\0b")],
    "no character": [Outgoing("a\uffffb")],
    "half a character": [Outgoing("\ud800")],
}


@pytest.mark.parametrize("messages", REFUSED.values(), ids=REFUSED.keys())
def test_what_sqs_refuses_is_refused_and_nothing_is_queued(mailroom: Mailroom, messages: list[Outgoing]) -> None:
    with pytest.raises(StateLimit):
        mailroom.queues.named(mailroom.name).send([*messages[:-1], messages[-1]])
    assert mailroom.bodies(mailroom.name) == []


def test_a_body_of_one_mebibyte_is_taken(mailroom: Mailroom) -> None:
    mailroom.queues.named(mailroom.name).send([Outgoing("x" * MOST_BYTES)])
    assert [len(body) for body in mailroom.bodies(mailroom.name)] == [MOST_BYTES]


@pytest.mark.parametrize("name", ["", "a b", "a.fifo", "é", "x" * 61], ids=["empty", "space", "dot", "accent", "long"])
def test_a_name_that_no_queue_has_is_refused(mailroom: Mailroom, name: str) -> None:
    for call in (mailroom.queues.named, mailroom.queues.make, mailroom.queues.drop):
        with pytest.raises(StateLimit):
            call(name)
