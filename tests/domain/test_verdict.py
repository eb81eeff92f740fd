"""The look: who may still have it, right before the call. The first reason against it wins."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import Entry
from chalicelib.domain.broadcast import Audience, Broadcast, BroadcastState, SendAt
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.quiet import Window
from chalicelib.domain.reception import Hold
from chalicelib.domain.verdict import Looked, ends, verdict

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
ZONE = ZoneInfo("America/New_York")  # 07:00 there
GOING = Broadcast("bc_1", BroadcastState.SENDING, "ana", NOW, SendAt(NOW), Audience(("t",), ("t",), (Channel.SMS,)), False, NOW + timedelta(hours=1), "hash")
URGENT, STOPPED, OVER = replace(GOING, urgent=True), replace(GOING, stop_at=NOW), replace(GOING, expires_at=NOW)
WILLING = Looked("sealed", verified=True, opted_out=False)
PLAIN = Entry("s1", "hash", "t")
QUIET = replace(PLAIN, quiet=(6 * 60, 8 * 60))


def skipped(reason: SkipReason) -> Mark:
    return Mark(State.SKIPPED, reason)


@pytest.mark.parametrize(
    ("broadcast", "mark"),
    [
        pytest.param(GOING, None, id="goes on"),
        pytest.param(replace(GOING, expires_at=NOW + MOMENT), None, id="until the last moment"),
        pytest.param(OVER, Mark(State.EXPIRED), id="expired"),
        pytest.param(replace(OVER, urgent=True), Mark(State.EXPIRED), id="also when urgent"),
        pytest.param(STOPPED, skipped(SkipReason.BROADCAST_STOPPED), id="stopped"),
        pytest.param(replace(OVER, stop_at=NOW), skipped(SkipReason.BROADCAST_STOPPED), id="stopped, then expired"),
        pytest.param(None, skipped(SkipReason.BROADCAST_STOPPED), id="gone"),
    ],
)
def test_a_broadcast_that_ended_is_over_for_everybody(broadcast: Broadcast | None, mark: Mark | None) -> None:
    assert ends(broadcast, NOW) == mark
    assert verdict(PLAIN, WILLING, broadcast, zone=ZONE, now=NOW) == mark


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param(WILLING, None, id="willing"),
        pytest.param(None, skipped(SkipReason.NO_ADDRESS), id="no row"),
        pytest.param(replace(WILLING, opted_out=True), skipped(SkipReason.OPTED_OUT), id="opted out"),
        pytest.param(replace(WILLING, subscriber="s1"), None, id="theirs who was planned"),
        pytest.param(replace(WILLING, subscriber="s2"), skipped(SkipReason.OPTED_OUT), id="somebody else's by now"),
        pytest.param(replace(WILLING, sealed=None), skipped(SkipReason.ERASED), id="erased"),
        pytest.param(replace(WILLING, bad=True), skipped(SkipReason.NO_ADDRESS), id="proven bad"),
        pytest.param(replace(WILLING, verified=False), skipped(SkipReason.UNVERIFIED), id="never verified"),
        pytest.param(Looked(None, verified=False, opted_out=True, bad=True), skipped(SkipReason.OPTED_OUT), id="opting out comes before all"),
        pytest.param(Looked(None, verified=False, opted_out=False, bad=True), skipped(SkipReason.ERASED), id="then erasure"),
        pytest.param(Looked("x", verified=False, opted_out=False, bad=True), skipped(SkipReason.NO_ADDRESS), id="then a bad address"),
    ],
)
@pytest.mark.parametrize("broadcast", [GOING, URGENT], ids=["routine", "urgent"])
def test_an_address_that_must_not_be_called_is_not(broadcast: Broadcast, address: Looked | None, expected: Mark | None) -> None:
    assert verdict(PLAIN, address, broadcast, zone=ZONE, now=NOW) == expected


@pytest.mark.parametrize(
    ("entry", "broadcast", "expected"),
    [
        pytest.param(QUIET, GOING, Hold(NOW + timedelta(hours=1)), id="held until it is over"),
        pytest.param(QUIET, URGENT, None, id="an urgent one wakes people"),
        pytest.param(replace(PLAIN, quiet=(6 * 60, 7 * 60)), GOING, None, id="over just now"),
        pytest.param(replace(QUIET, zone="Europe/Madrid"), GOING, None, id="by the subscriber's own zone"),
        pytest.param(replace(PLAIN, quiet=(12 * 60, 14 * 60), zone="Europe/Madrid"), GOING, Hold(NOW + timedelta(hours=1)), id="quiet there, not here"),
    ],
)
def test_quiet_hours_hold_what_is_not_urgent(entry: Entry, broadcast: Broadcast, expected: Hold | None) -> None:
    assert verdict(entry, WILLING, broadcast, zone=ZONE, now=NOW) == expected


def test_of_whoever_was_erased_with_their_row_it_is_said_so() -> None:
    assert verdict(replace(PLAIN, subscriber="", address=""), None, GOING, zone=ZONE, now=NOW) == skipped(SkipReason.ERASED)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        pytest.param(None, Hold(NOW + timedelta(hours=2)), id="who chose none"),
        pytest.param((6 * 60, 8 * 60), Hold(NOW + timedelta(hours=1)), id="who chose theirs"),
        pytest.param((0, 0), None, id="who wants no quiet"),
    ],
)
def test_the_quiet_hours_of_a_city_hold_for_those_alone_who_chose_none(own: Window | None, expected: Hold | None) -> None:
    assert verdict(replace(PLAIN, quiet=own), WILLING, GOING, zone=ZONE, now=NOW, quiet=(6 * 60, 9 * 60)) == expected


def test_whoever_opted_out_in_quiet_hours_is_not_held_but_left_alone() -> None:
    assert verdict(QUIET, replace(WILLING, opted_out=True), GOING, zone=ZONE, now=NOW) == skipped(SkipReason.OPTED_OUT)
