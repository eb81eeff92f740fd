"""Unknown outcomes: what to do with an attempt whose answer was lost. Decided from evidence, never from hope."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.delivery import State


class Ruling(StrEnum):
    """What becomes of an unknown entry."""

    WAIT = "wait"
    ACCEPTED = "accepted"
    ASK = "ask"
    RESEND = "resend"
    UNCONFIRMED = "unconfirmed"


def rule(*, receipts: Collection[State], decided_at: datetime, now: datetime) -> Ruling:
    """A receipt settles it at once. Before the window ends we wait; after it, ask the provider."""
    if receipts:
        return Ruling.ACCEPTED
    if now < decided_at:
        return Ruling.WAIT
    return Ruling.ASK


def rule_answer(*, found: bool | None, resent: bool, urgent: bool) -> Ruling:
    """After asking: yes settles it. No, or an urgent message that cannot be asked about, is sent again once. Else it stays unconfirmed."""
    if found:
        return Ruling.ACCEPTED
    if resent:
        return Ruling.UNCONFIRMED
    return Ruling.RESEND if found is False or urgent else Ruling.UNCONFIRMED
