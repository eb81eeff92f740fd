"""Rhythms: which digest tells whom of what, whatever they choose and whenever; each notice once, and none lost."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.domain.digests import CATCH_UP, KEPT, MARGIN, Slot, last_due, slot_of
from chalicelib.domain.preferences import Digest, Preferences
from chalicelib.domain.rhythms import (
    EVER,
    MOST,
    SOON,
    Period,
    Rhythm,
    Stretch,
    as_of,
    begun,
    carries,
    owes,
    present,
    read_rhythm,
    rhythm_values,
    slot_at,
    slots_of,
    spans,
    turned,
)

ZONE = ZoneInfo("America/New_York")
START = datetime(2026, 10, 28, 16, 0, tzinfo=UTC)
"""A Wednesday; clocks are set back on the Sunday after."""
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NOW, AT_8, AT_18 = Preferences(), Preferences(digest=Digest.DAILY), Preferences(digest=Digest.DAILY, digest_hour=18)
WEEKLY = Preferences(digest=Digest.WEEKLY, digest_day=4)
TOKYO = Preferences(digest=Digest.DAILY, zone="Asia/Tokyo")
WISHES = [NOW, AT_8, AT_18, WEEKLY, TOKYO]
SLOTS = [slot for slot in map(slot_of, WISHES) if slot]
LAST = 30 * DAY
OFFSETS = [timedelta(seconds=seconds) for seconds in (-61, -1, 0, 5, 20, 40, 60, 61, 120)]


def known_at(changes: Sequence[tuple[timedelta, Preferences]], moment: datetime, late: timedelta) -> tuple[Rhythm, Preferences]:
    """The rhythm as rows have it at a moment, each change written so late after it was judged."""
    rhythm: Rhythm = ()
    chosen = changes[0][1]
    for at, wish in changes[1:]:
        if START + at + late <= moment:
            rhythm, chosen = turned(rhythm, chosen, wish, START + at), wish
    return rhythm, chosen


def periods(slot: Slot, outage: tuple[timedelta, timedelta]) -> list[tuple[datetime, Period]]:
    """When the digests of a slot are made, a tick every minute but in an outage, and what each tells of."""
    due = last_due(slot, ZONE, START)
    made, found = due, []
    while due < START + LAST + 8 * DAY:
        due = last_due(slot, ZONE, due + slot.every + timedelta(hours=2))
        tick = START + outage[1] if START + outage[0] <= due <= START + outage[1] else due
        if last_due(slot, ZONE, tick) == due and tick - due <= CATCH_UP:
            found.append((tick, Period(made - MARGIN, due - MARGIN)))
            made = due
    return found


def last_slot(rhythm: Rhythm, moment: datetime) -> Slot | None:
    """The slot that somebody is in at a moment, or was in before they went back to one by one."""
    return slot_at(rhythm, moment) or next(iter(slots_of(rhythm)[::-1]), None)


at_minutes = st.integers(0, int(LAST / MINUTE) - 1)


@settings(max_examples=150, deadline=None)
@given(
    first=st.sampled_from(WISHES),
    later=st.lists(st.tuples(at_minutes, st.sampled_from(WISHES)), max_size=8),
    near=st.lists(st.tuples(st.integers(-70, 70), st.integers(0, 29), st.sampled_from([12, 13, 22, 23]), st.sampled_from(WISHES)), max_size=5),
    outage=st.tuples(at_minutes, st.integers(0, 300)),
    late=st.sampled_from([0, 15, 45]),
    lag=st.sampled_from([0, 10, 3600]),
)
@example(AT_8, [(2639, WEEKLY), (11939, AT_18), (12779, WEEKLY)], [(0, 12, 12, NOW)], (0, 0), 0, 0).via("nobody's slot comes round for ten days")
def test_whatever_is_chosen_each_notice_is_told_once(
    first: Preferences,
    later: list[tuple[int, Preferences]],
    near: list[tuple[int, int, int, Preferences]],
    outage: tuple[int, int],
    late: int,
    lag: int,
) -> None:
    """Changes at any minute, some within seconds of a digest; each written up to 45 s late; planned, or read by a digest, up to an hour after.

    What waits ten days because none of their slots comes round while they are in it may be forgotten, as all is that was launched so long ago."""
    around = [(timedelta(days=day, hours=hour - 16, seconds=off), wish) for off, day, hour, wish in near]
    changes = [
        (-DAY, first),
        *sorted([*((at * MINUTE, wish) for at, wish in later), *((at, wish) for at, wish in around if at >= timedelta(0))], key=lambda one: one[0]),
    ]
    changes = [one for number, one in enumerate(changes) if number == 0 or one[0] - changes[number - 1][0] > timedelta(seconds=late + 1)]
    written, after = timedelta(seconds=late), timedelta(seconds=lag)
    away = (outage[0] * MINUTE, (outage[0] + outage[1]) * MINUTE)
    moments = sorted({START + at + off for at, _ in changes[1:] for off in OFFSETS} | {START + 0.61 * number * DAY for number in range(50)})
    told = Counter({moment: 0 for moment in moments if moment < START + LAST})
    for moment in told:
        rhythm, chosen = known_at(changes, moment + after, written)
        told[moment] += as_of(chosen, rhythm, moment).digest is Digest.NOW
    in_time = {moment for moment, times in told.items() if times}
    for slot in SLOTS:
        for made, period in periods(slot, away):
            rhythm = present(*known_at(changes, made + after, written))
            for lower, upper in spans(rhythm, slot, period, ZONE):
                for moment in told:
                    told[moment] += lower < moment <= upper
            if slot == last_slot(rhythm, period.until):
                in_time |= {moment for moment in told if moment <= period.until and made - moment <= KEPT}
    assert {moment: times for moment, times in told.items() if times > 1 or (times == 0 and moment in in_time)} == {}


# --- by example -------------------------------------------------------------------------------------------------------

AT = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
"""Noon in New York."""


def slot(wish: Preferences) -> Slot:
    found = slot_of(wish)
    assert found
    return found


def test_whoever_never_changed_anything_has_no_rhythm_to_keep() -> None:
    assert begun(NOW, AT) == turned((), NOW, NOW, AT) == ()
    assert begun(AT_8, AT) == (Stretch(slot(AT_8), AT),)
    assert present((), AT_8) == (Stretch(slot(AT_8), EVER),)


def test_a_rhythm_that_does_not_end_with_the_preferences_is_believed_in_nothing() -> None:
    assert present((Stretch(slot(AT_18), AT),), AT_8) == (Stretch(slot(AT_8), EVER),)


def test_a_choice_taken_back_before_it_counts_was_never() -> None:
    chosen = turned((), AT_8, AT_18, AT)
    assert chosen == (Stretch(slot(AT_8), EVER), Stretch(slot(AT_18), AT + SOON))
    assert turned(chosen, AT_18, AT_8, AT + timedelta(seconds=20)) == (Stretch(slot(AT_8), EVER),)
    assert turned(turned((), NOW, AT_8, AT), AT_8, NOW, AT + timedelta(seconds=20)) == ()


@pytest.mark.parametrize(("seconds", "begun_already"), [(49, False), (50, True), (60, True)], ids=["taken back", "as clocks may differ", "begun"])
def test_a_choice_that_counts_by_a_clock_that_is_ahead_was(seconds: int, begun_already: bool) -> None:
    chosen, later = turned((), AT_8, AT_18, AT), AT + timedelta(seconds=seconds)
    back = (*chosen, Stretch(slot(AT_8), later + SOON)) if begun_already else chosen[:1]
    assert turned(chosen, AT_18, AT_8, later) == back


def test_what_ended_long_ago_is_forgotten_and_no_more_than_so_many_are_kept() -> None:
    chosen = turned((), NOW, AT_8, AT)
    assert turned(chosen, AT_8, AT_8, AT + KEPT) == chosen
    assert turned(chosen, AT_8, AT_8, AT + SOON + KEPT) == chosen[1:]
    for number in range(30):
        before, after = (AT_8, AT_18) if number % 2 == 0 else (AT_18, AT_8)
        chosen = turned(chosen, before, after, AT + (number + 2) * timedelta(minutes=10))
    assert len(chosen) == MOST


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(NOW, AT_8, False), (AT_8, NOW, False), (AT_8, AT_18, True), (WEEKLY, AT_8, True)],
    ids=["from now", "to now", "hours", "from weekly"],
)
def test_only_a_slot_that_somebody_comes_to_from_another_looks_back(before: Preferences, after: Preferences, expected: bool) -> None:
    assert carries(turned((), before, after, AT)) is expected


def test_whoever_came_to_a_slot_from_nowhere_or_has_left_all_slots_looks_back_in_none() -> None:
    assert not carries(begun(AT_8, AT))
    gone = turned(turned((), NOW, AT_8, AT), AT_8, NOW, AT + DAY)
    assert slots_of(gone) == [slot(AT_8)]
    assert not carries(gone)


@pytest.mark.parametrize("rhythm", [begun(AT_8, AT), (Stretch(slot(AT_8), AT), Stretch(slot(AT_18), AT + DAY))], ids=["one stretch", "two"])
def test_what_was_launched_before_all_that_is_remembered_belongs_to_the_first_of_it(rhythm: Rhythm) -> None:
    assert slot_at(rhythm, AT - DAY) == slot_at(rhythm, AT) == slot(AT_8)


def test_whoever_comes_in_the_moment_at_which_a_period_ends_is_told_in_it_of_what_waited_and_not_again_in_the_next() -> None:
    on = (Stretch(slot(AT_8), EVER), Stretch(slot(AT_18), AT))
    waited = last_due(slot(AT_8), ZONE, AT) - MARGIN
    assert spans(on, slot(AT_18), Period(AT - DAY, AT), ZONE) == [(waited, AT)]
    assert spans(on, slot(AT_18), Period(AT, AT + DAY), ZONE) == [(AT, AT + DAY)]


def test_a_slot_that_came_round_as_somebody_came_has_told_them_before_they_go_on() -> None:
    came = last_due(slot(AT_18), ZONE, AT + DAY) - MARGIN
    passed = (Stretch(slot(AT_8), EVER), Stretch(slot(AT_18), came), Stretch(slot(WEEKLY), came + 10 * MINUTE))
    waited = last_due(slot(AT_8), ZONE, came) - MARGIN
    assert spans(passed, slot(AT_18), Period(came - DAY, came), ZONE) == [(waited, came)]
    assert spans(passed, slot(WEEKLY), Period(came - DAY, came + DAY), ZONE) == [(came, came + DAY)]


@pytest.mark.parametrize("left", [AT, AT - DAY], ids=["as it began", "before"])
def test_a_period_tells_nothing_to_whoever_left_the_slot_by_its_beginning(left: datetime) -> None:
    assert spans((Stretch(slot(AT_8), EVER), Stretch(None, left)), slot(AT_8), Period(AT, AT + DAY), ZONE) == []


def test_a_slot_that_did_not_come_round_while_somebody_was_in_it_owes_them_nothing() -> None:
    passed = (Stretch(slot(AT_8), EVER), Stretch(slot(AT_18), AT), Stretch(slot(WEEKLY), AT + 10 * MINUTE))
    assert [owes(passed, one, AT - DAY, ZONE) for one in slots_of(passed)] == [True, False, True]


def test_an_old_slot_owes_until_its_next_digest_has_told() -> None:
    away = turned((), AT_8, NOW, AT)
    assert owes(away, slot(AT_8), AT, ZONE)
    assert not owes(away, slot(AT_8), AT + SOON, ZONE)
    on = turned((), AT_8, AT_18, AT)
    at_8 = last_due(slot(AT_8), ZONE, AT) - MARGIN
    assert [owes(on, slot(AT_8), at_8 - MINUTE, ZONE), owes(on, slot(AT_8), at_8, ZONE), owes(on, slot(AT_18), AT + DAY, ZONE)] == [True, False, True]


@pytest.mark.parametrize("first", [False, True])
def test_the_first_digest_of_a_slot_tells_whoever_came_before_it_was_seen_to(first: bool) -> None:
    late = Period(AT, AT + DAY, first)
    came = (Stretch(None, EVER), Stretch(slot(AT_8), AT - DAY))
    assert spans(came, slot(AT_8), late, ZONE) == [(AT - DAY if first else AT, AT + DAY)]
    assert spans(present((), AT_8), slot(AT_8), late, ZONE) == [(AT, AT + DAY)]


def test_a_rhythm_is_read_as_it_was_written() -> None:
    rhythm = turned(turned((), NOW, TOKYO, AT), TOKYO, WEEKLY, AT + DAY)
    assert read_rhythm(rhythm_values(rhythm)) == rhythm
    assert slots_of(rhythm) == [slot(TOKYO), slot(WEEKLY)]
    assert slot_at(rhythm, AT + 2 * MINUTE) == slot(TOKYO)


@pytest.mark.parametrize("kept", [None, "no", [["daily-08-0-Mars/Olympus", 0]], [["never-08-0-", 0]]], ids=["none", "text", "zone", "digest"])
def test_a_rhythm_that_cannot_be_read_is_believed_in_nothing(kept: object) -> None:
    assert read_rhythm(kept) == ()
