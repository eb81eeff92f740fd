"""Batches: who may claim one, what a crash leaves, and when doubt may be decided."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.batch import (
    LAST_CALL,
    LEASE,
    WINDOW_ROUTINE,
    WINDOW_URGENT,
    BatchKey,
    BatchState,
    HowFar,
    after_crash,
    decided_at,
    may_claim,
    unknown,
    untried,
)
from chalicelib.domain.delivery import Mark, State

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
QUEUED, HELD, CLAIMED, WAITING, SETTLED = BatchState
NEW = HowFar(QUEUED, ("", "", ""), NOW)
TAKEN = replace(NEW, state=CLAIMED, claim="me", lease_until=NOW, attempting=frozenset({0, 1}))


def test_a_batchs_name_says_its_page_and_the_attempt_it_was_planned_in() -> None:
    key = BatchKey("bc_1", 3, "P0012#a1b2#0007")
    assert (key.page, key.token) == (12, "a1b2")


@pytest.mark.parametrize(
    ("batch", "may"),
    [
        pytest.param(NEW, True, id="queued"),
        pytest.param(replace(NEW, not_before=NOW + MOMENT), False, id="queued for later"),
        pytest.param(replace(NEW, state=HELD), True, id="held until now"),
        pytest.param(replace(NEW, state=HELD, not_before=NOW + MOMENT), False, id="held for longer"),
        pytest.param(replace(NEW, state=WAITING), True, id="evidence waited for until now"),
        pytest.param(replace(NEW, state=WAITING, not_before=NOW + MOMENT), False, id="evidence waited for"),
        pytest.param(replace(NEW, state=SETTLED), False, id="settled"),
        pytest.param(TAKEN, False, id="a lease that ends just now still lives"),
        pytest.param(replace(TAKEN, lease_until=NOW - MOMENT), True, id="a lease that has run out"),
        pytest.param(replace(TAKEN, lease_until=NOW - MOMENT, not_before=NOW + MOMENT), False, id="run out, but put off"),
        pytest.param(replace(TAKEN, lease_until=None), False, id="claimed, and no lease to run out"),
    ],
)
def test_only_a_batch_that_nobody_has_in_hand_may_be_claimed(batch: HowFar, may: bool) -> None:
    assert may_claim(batch, NOW) is may


@pytest.mark.parametrize(
    ("cells", "attempting", "receipts", "expected"),
    [
        pytest.param(("", ""), set(), {}, ("", ""), id="nobody was attempted"),
        pytest.param(("", ""), {0}, {}, ("unknown", ""), id="attempted, and no answer"),
        pytest.param(("accepted", "failed:1"), {0, 1}, {}, ("accepted", "failed:1"), id="answers stay"),
        pytest.param(("", ""), {0, 1}, {State.DELIVERED: {0}}, ("accepted", "unknown"), id="a receipt proves the hand-over"),
        pytest.param(("", ""), {0}, {State.FAILED: {1}}, ("unknown", "accepted"), id="also of one that we know no attempt of"),
        pytest.param(("unknown", ""), {1}, {State.ACCEPTED: {0}}, ("unknown", "unknown"), id="an older doubt is not decided here"),
    ],
)
def test_what_a_crash_leaves_is_read_by_the_next_worker(
    cells: tuple[str, ...], attempting: set[int], receipts: dict[State, set[int]], expected: tuple[str, ...]
) -> None:
    sets = {state: frozenset(entries) for state, entries in receipts.items()}
    assert after_crash(replace(TAKEN, cells=cells, attempting=frozenset(attempting), receipts=sets)) == expected


def test_entries_are_found_by_what_became_of_them() -> None:
    cells = ("", "unknown", "accepted", "", "unknown", "skipped:cap", "unconfirmed")
    assert (untried(cells), unknown(cells)) == ([0, 3], [1, 4])


@pytest.mark.parametrize(
    ("batch", "entry", "mark"),
    [
        pytest.param(NEW, 0, Mark(State.QUEUED), id="queued"),
        pytest.param(replace(NEW, state=HELD), 0, Mark(State.HELD), id="held"),
        pytest.param(replace(NEW, state=WAITING), 0, Mark(State.QUEUED), id="untried beside others in doubt"),
        pytest.param(TAKEN, 0, Mark(State.ATTEMPTING), id="in hand"),
        pytest.param(TAKEN, 2, Mark(State.QUEUED), id="in a batch in hand, its turn to come"),
        pytest.param(replace(TAKEN, state=QUEUED), 0, Mark(State.QUEUED), id="laid down again"),
        pytest.param(replace(TAKEN, cells=("unknown", "", "")), 0, Mark(State.UNKNOWN), id="in doubt"),
        pytest.param(replace(NEW, state=HELD, receipts={State.DELIVERED: frozenset({1})}), 1, Mark(State.DELIVERED), id="proven by a receipt"),
        pytest.param(replace(NEW, receipts={State.DELIVERED: frozenset({1})}), 0, Mark(State.QUEUED), id="another one's receipt"),
    ],
)
def test_an_entry_stands_where_people_would_say_it_does(batch: HowFar, entry: int, mark: Mark) -> None:
    assert batch.standing(entry) == mark


@pytest.mark.parametrize(("urgent", "window"), [(False, WINDOW_ROUTINE), (True, WINDOW_URGENT)])
def test_doubt_is_decided_when_its_window_ends(urgent: bool, window: timedelta) -> None:
    assert decided_at(NOW, urgent=urgent) == NOW + window


def test_windows_and_leases_are_as_promised() -> None:
    promised = [timedelta(seconds=90), timedelta(seconds=40), timedelta(minutes=15), timedelta(minutes=2)]
    assert promised == [LEASE, LAST_CALL, WINDOW_ROUTINE, WINDOW_URGENT]
