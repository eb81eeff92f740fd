"""Counts: sums of batches, and of what a stop left unread."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchState, HowFar
from chalicelib.domain.counts import Unread, all_settled, as_answer, count, unread_sum
from chalicelib.domain.delivery import Mark, SkipReason, State

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def a_batch(*cells: str, channel: Channel | None = Channel.SMS, state: BatchState = BatchState.SETTLED) -> HowFar:
    return HowFar(state, cells, NOW, channel=channel)


def test_counts_are_sums_over_batches_of_known_channel_with_reasons_for_skipped_ones_alone() -> None:
    batches = [a_batch("accepted", "failed:21211"), a_batch("skipped:cap", "accepted"), a_batch("accepted", channel=None)]
    counts = count(batches, Channel)
    assert counts[Channel.SMS] == {Mark(State.ACCEPTED): 2, Mark(State.FAILED): 1, Mark(State.SKIPPED, SkipReason.CAP): 1}
    assert counts[Channel.EMAIL] == Counter()
    assert as_answer(counts)["sms"] | {"skipped": None} == dict.fromkeys(as_answer(counts)["sms"], 0) | {"accepted": 2, "failed": 1, "skipped": None}
    assert as_answer(counts)["sms"]["skipped"] == {"cap": 1}


@pytest.mark.parametrize(("cell", "settled"), [("accepted", True), ("skipped:cap", True), ("unknown", False), ("", False)])
def test_all_are_settled_once_nobody_is_on_the_way(cell: str, settled: bool) -> None:
    assert all_settled(count([a_batch("delivered", cell, state=BatchState.QUEUED)], Channel)) is settled


def test_what_shards_left_unread_adds_up_and_is_exact_if_every_part_is() -> None:
    parts = [Unread({Channel.SMS: 3}), Unread(), Unread({Channel.SMS: 4, Channel.EMAIL: 1})]
    assert unread_sum(parts, Channel) == Unread({Channel.SMS: 7, Channel.EMAIL: 1, Channel.KIOSK: 0})
    assert unread_sum([*parts, Unread({Channel.SMS: 1}, exact=False)], Channel) == Unread({Channel.SMS: 8, Channel.EMAIL: 1, Channel.KIOSK: 0}, exact=False)
