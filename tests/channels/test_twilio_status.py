"""Twilio's status callbacks: what each word of theirs proves."""

import pytest

from chalicelib.channels.twilio_status import RECEIPTS, read_callback
from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("accepted", State.ACCEPTED),
        ("queued", State.ACCEPTED),
        ("sending", State.ACCEPTED),
        ("sent", State.ACCEPTED),
        ("delivered", State.DELIVERED),
        ("read", State.DELIVERED),
        ("undelivered", State.FAILED),
        ("failed", State.FAILED),
        ("canceled", State.FAILED),
    ],
)
def test_callbacks(status, state):
    assert list(read_callback({"MessageStatus": status, "token": "tok", "To": "+12025550000"})) == [ReceiptJob("tok", str(state))]
    assert RECEIPTS[status] is state


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({"MessageStatus": "partially_delivered", "token": "t"}, [], id="a word we do not know proves nothing"),
        pytest.param({"MessageStatus": "delivered"}, [], id="no token"),
        pytest.param({}, [], id="nothing"),
        pytest.param({"MessageStatus": "failed", "ErrorCode": "21610", "token": "t"}, [ReceiptJob("t", "failed", "21610", "opted_out")], id="opted out"),
        pytest.param(
            {"MessageStatus": "undelivered", "ErrorCode": "30006", "token": "t"}, [ReceiptJob("t", "failed", "30006", "bad_address")], id="a landline"
        ),
        pytest.param({"MessageStatus": "undelivered", "ErrorCode": "30007", "token": "t"}, [ReceiptJob("t", "failed", "30007", "our_words")], id="filtered"),
        pytest.param({"MessageStatus": "Delivered", "ErrorCode": "", "token": "t"}, [ReceiptJob("t", "delivered")], id="an empty code"),
    ],
)
def test_what_a_callback_proves(said, expected):
    assert list(read_callback(said)) == expected
