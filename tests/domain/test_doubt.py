"""Doubt: what becomes of an attempt whose answer was lost, by every piece of evidence there can be."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.delivery import State
from chalicelib.domain.doubt import Ruling, rule, rule_answer

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("receipts", "decided_at", "ruling"),
    [
        pytest.param([State.ACCEPTED], NOW + MOMENT, Ruling.ACCEPTED, id="a receipt settles it before the window ends"),
        pytest.param([State.FAILED], NOW - MOMENT, Ruling.ACCEPTED, id="and after it, whatever it says"),
        pytest.param([], NOW + MOMENT, Ruling.WAIT, id="without one we wait"),
        pytest.param([], NOW, Ruling.ASK, id="until the window ends"),
        pytest.param([], NOW - MOMENT, Ruling.ASK, id="or has ended"),
    ],
)
def test_doubt_waits_for_evidence_and_then_asks(receipts: list[State], decided_at: datetime, ruling: Ruling) -> None:
    assert rule(receipts=receipts, decided_at=decided_at, now=NOW) is ruling


@pytest.mark.parametrize(
    ("found", "resent", "urgent", "ruling"),
    [
        (True, False, False, Ruling.ACCEPTED),
        (True, False, True, Ruling.ACCEPTED),
        (True, True, False, Ruling.ACCEPTED),
        (True, True, True, Ruling.ACCEPTED),
        (False, False, False, Ruling.RESEND),
        (False, False, True, Ruling.RESEND),
        (False, True, False, Ruling.UNCONFIRMED),
        (False, True, True, Ruling.UNCONFIRMED),
        (None, False, False, Ruling.UNCONFIRMED),
        (None, False, True, Ruling.RESEND),
        (None, True, False, Ruling.UNCONFIRMED),
        (None, True, True, Ruling.UNCONFIRMED),
    ],
)
def test_only_a_no_or_an_urgent_message_is_sent_again_and_only_once(found: bool | None, resent: bool, urgent: bool, ruling: Ruling) -> None:
    assert rule_answer(found=found, resent=resent, urgent=urgent) is ruling
