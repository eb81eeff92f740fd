"""Counts: sums of batches, and of what a stop left unread."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchState, HowFar
from chalicelib.domain.counts import SILENT, Unread, all_settled, as_answer, count, unread_sum
from chalicelib.domain.delivery import Mark, SkipReason, State

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def a_batch(*cells: str, channel: Channel | None = Channel.SMS, state: BatchState = BatchState.SETTLED) -> HowFar:
    return HowFar(state, cells, NOW, channel=channel, settled_at=NOW if state is BatchState.SETTLED else None)


def test_counts_are_sums_over_batches_of_known_channel_with_reasons_for_skipped_ones_alone() -> None:
    batches = [a_batch("accepted", "failed:21211"), a_batch("skipped:cap", "accepted"), a_batch("accepted", channel=None)]
    counts = count(batches, Channel, now=NOW)
    assert counts[Channel.SMS] == {Mark(State.ACCEPTED): 2, Mark(State.FAILED): 1, Mark(State.SKIPPED, SkipReason.CAP): 1}
    assert counts[Channel.EMAIL] == Counter()
    assert as_answer(counts)["sms"] | {"skipped": None} == dict.fromkeys(as_answer(counts)["sms"], 0) | {"accepted": 2, "failed": 1, "skipped": None}
    assert as_answer(counts)["sms"]["skipped"] == {"cap": 1}


@pytest.mark.parametrize(
    ("state", "passed", "expected"),
    [
        pytest.param(BatchState.SETTLED, SILENT, {"accepted": 2, "delivered": 1, "failed": 1}, id="three days to the second"),
        pytest.param(BatchState.SETTLED, SILENT + timedelta(seconds=1), {"unconfirmed": 2, "delivered": 1, "failed": 1}, id="and one more"),
        pytest.param(BatchState.WAITING, SILENT * 2, {"accepted": 2, "delivered": 1, "failed": 1}, id="while others of the batch are waited for"),
    ],
)
def test_whom_no_receipt_ever_spoke_of_is_unconfirmed_after_three_days(state: BatchState, passed: timedelta, expected: dict[str, int]) -> None:
    counts = count([a_batch("accepted", "accepted", "delivered", "failed:30003", state=state)], [Channel.SMS], now=NOW + passed)
    assert {str(mark): number for mark, number in counts[Channel.SMS].items()} == expected


@pytest.mark.parametrize(("cell", "settled"), [("accepted", True), ("skipped:cap", True), ("unknown", False), ("", False)])
def test_all_are_settled_once_nobody_is_on_the_way(cell: str, settled: bool) -> None:
    assert all_settled(count([a_batch("delivered", cell, state=BatchState.QUEUED)], Channel, now=NOW)) is settled


def test_what_shards_left_unread_adds_up_and_is_exact_if_every_part_is() -> None:
    parts = [Unread({Channel.SMS: 3}), Unread(), Unread({Channel.SMS: 4, Channel.EMAIL: 1})]
    assert unread_sum(parts, Channel) == Unread({Channel.SMS: 7, Channel.EMAIL: 1, Channel.KIOSK: 0})
    assert unread_sum([*parts, Unread({Channel.SMS: 1}, exact=False)], Channel) == Unread({Channel.SMS: 8, Channel.EMAIL: 1, Channel.KIOSK: 0}, exact=False)
