"""A delivery's state: the higher of what the worker wrote and what receipts proved, in any order, and never back."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chalicelib.domain.delivery import SETTLED, UNTRIED, Mark, SkipReason, State, read_mark, standing

RECEIPTS = (State.ACCEPTED, State.DELIVERED, State.FAILED)
ATTEMPTED = ("unknown", "unconfirmed", "accepted", "failed:21211", "delivered")
"""Cells of an entry that somebody attempted, each later one above those before."""


@pytest.mark.parametrize(
    ("cell", "mark"),
    [
        (UNTRIED, None),
        ("accepted", Mark(State.ACCEPTED)),
        ("skipped:opted_out", Mark(State.SKIPPED, "opted_out")),
        ("failed:5.1.1:bad", Mark(State.FAILED, "5.1.1:bad")),
    ],
)
def test_a_cell_is_read(cell: str, mark: Mark | None) -> None:
    assert read_mark(cell) == mark


@pytest.mark.parametrize("mark", [Mark(State.ACCEPTED), Mark(State.SKIPPED, SkipReason.CAP), Mark(State.FAILED, "30007:x")])
def test_a_mark_is_written_as_it_is_read(mark: Mark) -> None:
    assert read_mark(str(mark)) == mark


def test_a_mark_without_a_reason_is_its_state_alone() -> None:
    assert [str(Mark(State.ACCEPTED)), str(Mark(State.SKIPPED, SkipReason.CAP))] == ["accepted", "skipped:cap"]


def test_a_cell_that_says_no_state_is_our_fault_and_said_so() -> None:
    with pytest.raises(ValueError, match="sent"):
        read_mark("sent")


def test_an_entry_that_nobody_tried_and_no_receipt_speaks_of_stands_nowhere() -> None:
    assert standing(UNTRIED, []) is None


@pytest.mark.parametrize(("lower", "higher"), [*itertools.combinations(ATTEMPTED, 2)])
def test_later_states_stand_above_earlier_ones(lower: str, higher: str) -> None:
    low, high = read_mark(lower), read_mark(higher)
    assert low and high
    assert standing(lower, [high.state]) == Mark(high.state)
    assert standing(higher, [low.state]) == high


@pytest.mark.parametrize("cell", ["skipped:opted_out", "expired"])
@pytest.mark.parametrize("receipt", RECEIPTS)
def test_a_receipt_stands_above_a_decision_not_to_call(cell: str, receipt: State) -> None:
    assert standing(cell, [receipt]) == Mark(receipt)


def test_a_receipt_never_takes_the_reason_from_the_workers_own_word() -> None:
    assert standing("failed:21211", [State.ACCEPTED, State.FAILED]) == Mark(State.FAILED, "21211")


@given(some.sampled_from([UNTRIED, *ATTEMPTED]), some.lists(some.sampled_from(RECEIPTS)), some.sampled_from(RECEIPTS))
def test_no_receipt_moves_a_delivery_back_whatever_came_before(cell: str, receipts: list[State], news: State) -> None:
    order = [None, *(read_mark(one) for one in ATTEMPTED)]
    ranks = {mark.state if mark else None: rank for rank, mark in enumerate(order)}
    before, after = standing(cell, receipts), standing(cell, [*receipts, news])
    assert after and after == standing(cell, [news, *reversed(receipts)])
    assert ranks[after.state] >= ranks[before.state if before else None]


def test_settled_is_every_state_that_only_evidence_may_change() -> None:
    assert set(State) - SETTLED == {State.HELD, State.QUEUED, State.ATTEMPTING, State.UNKNOWN}
