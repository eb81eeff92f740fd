"""Reception: whether and when one subscription's holder wants a broadcast."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.about import NOTHING_SAID
from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.filters import EVERYTHING, Facility, Filters, Hours
from chalicelib.domain.matching import Told
from chalicelib.domain.notice import Kind, Severity
from chalicelib.domain.preferences import NO_QUIET, UNCHOSEN, Digest
from chalicelib.domain.reception import CALM, Hold, Occasion, Verdict, Wish, best, calm_until, receive

NEW_YORK = ZoneInfo("America/New_York")
NIGHT = datetime(2026, 12, 2, 4, 30, tzinfo=UTC)
"""A Tuesday, 23:30 in New York."""
NOON = datetime(2026, 12, 1, 17, tzinfo=UTC)
MORNING = datetime(2026, 12, 2, 13, tzinfo=UTC)
"""Eight o'clock after that night."""
ROUTINE = Told(Kind.TRANSIT, Severity.MODERATE, urgent=False, about=NOTHING_SAID)
URGENT = replace(ROUTINE, severity=Severity.SEVERE, urgent=True)
EMERGENCY = replace(URGENT, kind=Kind.EMERGENCY)
SEVERE = Filters(severity=Severity.SEVERE)
WEEKEND = Filters(hours=Hours(frozenset({5, 6})))
WEEKDAYS = Filters(hours=Hours(frozenset(range(5))))
ELEVATORS_AT_NIGHT = Filters(facilities=frozenset({Facility.ELEVATOR}), hours=Hours(frozenset(range(7)), 22 * 60, 2 * 60))
LATE_RIDER = Filters(hours=Hours(frozenset(range(7)), 22 * 60, 2 * 60))


def skipped(reason: SkipReason) -> Mark:
    return Mark(State.SKIPPED, reason)


def an_occasion(told: Told = ROUTINE, calm: datetime | None = None) -> Occasion:
    return Occasion(told, NEW_YORK, (21 * 60, 8 * 60), calm)


def a_wish(channel: Channel = Channel.SMS, filters: Filters = EVERYTHING, *, elsewhere: bool = False, **chosen: object) -> Wish:
    return Wish(channel, replace(UNCHOSEN, **chosen), filters, elsewhere)  # type: ignore[arg-type]


PAUSED = {"paused_until": NOON + timedelta(days=3)}


@pytest.mark.parametrize(
    ("wish", "told", "now", "expected"),
    [
        pytest.param(a_wish(), ROUTINE, NOON, None, id="by day"),
        pytest.param(a_wish(), ROUTINE, NIGHT, Hold(MORNING), id="a text at night waits for the morning"),
        pytest.param(a_wish(Channel.EMAIL), ROUTINE, NIGHT, None, id="an email wakes nobody"),
        pytest.param(a_wish(Channel.EMAIL, quiet=(20 * 60, 8 * 60)), ROUTINE, NIGHT, Hold(MORNING), id="but waits for those who said so"),
        pytest.param(a_wish(Channel.KIOSK, **PAUSED), ROUTINE, NIGHT, None, id="a screen has no wishes"),
        pytest.param(a_wish(quiet=NO_QUIET), ROUTINE, NIGHT, None, id="whoever wants no quiet has none"),
        pytest.param(a_wish(zone="Asia/Tokyo"), ROUTINE, NIGHT, None, id="night is where the resident is"),
        pytest.param(a_wish(), URGENT, NIGHT, None, id="what is urgent goes at night"),
        pytest.param(a_wish(filters=LATE_RIDER), ROUTINE, NIGHT, None, id="whoever asked to be told at night is"),
        pytest.param(
            a_wish(filters=LATE_RIDER, quiet=(23 * 60, 6 * 60)), ROUTINE, NIGHT, Hold(datetime(2026, 12, 2, 11, tzinfo=UTC)), id="unless they said quiet too"
        ),
        pytest.param(a_wish(filters=WEEKDAYS), ROUTINE, NIGHT, Hold(MORNING), id="whoever chose days alone chose no hours"),
        pytest.param(a_wish(filters=ELEVATORS_AT_NIGHT), ROUTINE, NIGHT, Hold(MORNING), id="hours that elevators do not keep are none"),
        pytest.param(a_wish(**PAUSED), ROUTINE, NOON, skipped(SkipReason.PAUSED), id="paused"),
        pytest.param(a_wish(**PAUSED), URGENT, NOON, skipped(SkipReason.PAUSED), id="paused, urgent"),
        pytest.param(a_wish(**PAUSED), EMERGENCY, NOON, None, id="paused, an emergency"),
        pytest.param(a_wish(paused_until=NOON), ROUTINE, NOON, None, id="a pause that is over"),
        pytest.param(a_wish(filters=SEVERE), ROUTINE, NOON, skipped(SkipReason.FILTERED), id="not what they asked for"),
        pytest.param(a_wish(filters=SEVERE), URGENT, NOON, None, id="what they asked for"),
        pytest.param(a_wish(filters=WEEKEND), ROUTINE, NOON, Hold(datetime(2026, 12, 5, 5, tzinfo=UTC)), id="on other days"),
        pytest.param(a_wish(digest=Digest.DAILY), ROUTINE, NOON, skipped(SkipReason.DIGEST), id="it comes in their digest"),
        pytest.param(a_wish(digest=Digest.WEEKLY), URGENT, NOON, None, id="what is urgent waits for no digest"),
        pytest.param(a_wish(email_first=True, elsewhere=True), ROUTINE, NOON, skipped(SkipReason.BY_EMAIL), id="it comes by email"),
        pytest.param(a_wish(email_first=True), ROUTINE, NOON, None, id="no email follows the same"),
        pytest.param(a_wish(Channel.EMAIL, email_first=True, elsewhere=True), ROUTINE, NOON, None, id="that email"),
        pytest.param(a_wish(email_first=True, elsewhere=True), URGENT, NOON, None, id="what is urgent is texted too"),
    ],
)
def test_wishes_are_kept(wish: Wish, told: Told, now: datetime, expected: Verdict) -> None:
    assert receive(wish, an_occasion(told), now) == expected


def test_only_the_calm_wait_for_what_is_said_again() -> None:
    later = NOON + timedelta(minutes=10)
    assert receive(a_wish(calm=True), an_occasion(calm=later), NOON) == Hold(later)
    assert receive(a_wish(calm=True), an_occasion(URGENT, calm=later), NOON) is None
    assert receive(a_wish(calm=True), an_occasion(calm=later), later) is None
    assert receive(a_wish(), an_occasion(calm=later), NOON) is None


@pytest.mark.parametrize(
    ("wish", "now", "expected"),
    [
        pytest.param(a_wish(digest=Digest.DAILY), NOON, None, id="what comes in a digest is in it"),
        pytest.param(a_wish(digest=Digest.DAILY, filters=SEVERE), NOON, None, id="filters were asked of each notice in it"),
        pytest.param(a_wish(digest=Digest.DAILY), NIGHT, None, id="its hour was chosen, whatever hours are quiet in the city"),
        pytest.param(a_wish(digest=Digest.DAILY, quiet=(20 * 60, 8 * 60)), NIGHT, Hold(MORNING), id="but not against their own"),
        pytest.param(a_wish(digest=Digest.DAILY, **PAUSED), NOON, skipped(SkipReason.PAUSED), id="paused"),
        pytest.param(a_wish(digest=Digest.DAILY, email_first=True, elsewhere=True), NOON, skipped(SkipReason.BY_EMAIL), id="it comes by email"),
        pytest.param(a_wish(digest=Digest.DAILY, email_first=True), NOON, None, id="no email tells the same"),
    ],
)
def test_of_those_in_a_digest_only_their_pause_their_email_and_their_own_quiet_hours_are_asked(wish: Wish, now: datetime, expected: Verdict) -> None:
    assert receive(wish, replace(an_occasion(), digest=True), now) == expected


def test_what_comes_by_email_by_one_topic_does_though_another_asks_for_a_part() -> None:
    filtered, by_email = skipped(SkipReason.FILTERED), skipped(SkipReason.BY_EMAIL)
    assert best([filtered, by_email]) == best([by_email, filtered]) == by_email


def test_the_soonest_that_any_topic_allows_counts() -> None:
    held, later = Hold(NOON + timedelta(hours=1)), Hold(NOON + timedelta(hours=2))
    digest, paused, filtered = (skipped(reason) for reason in (SkipReason.DIGEST, SkipReason.PAUSED, SkipReason.FILTERED))
    ordered = [None, held, later, digest, paused, filtered]
    for number, one in enumerate(ordered):
        assert best(reversed(ordered[number:])) == one


# --- calm ------------------------------------------------------------------------------------------------------------


def at(*minutes: int) -> list[datetime]:
    return [NOON + timedelta(minutes=one) for one in minutes]


@pytest.mark.parametrize(
    ("said", "now", "until"),
    [
        pytest.param([], 0, None, id="the first word"),
        pytest.param([0], 5, 30, id="the second, soon after"),
        pytest.param([0], 30, None, id="the second, half an hour after"),
        pytest.param([0, 5, 20], 25, 30, id="the fourth, all within half an hour"),
        pytest.param([0, 5], 40, 60, id="after the second was told at the end of the first half hour"),
        pytest.param([0, 5, 40], 59, 60, id="the next half hour goes on"),
        pytest.param([0, 5], 61, None, id="long after"),
        pytest.param([0, 35], 40, 65, id="one that went at once begins its own"),
        pytest.param([0, 5], 30, None, id="at the very end of it, in the place of what was held until then"),
        pytest.param([0, 5, 10], 61, None, id="long after two that came together at the end of it"),
        pytest.param([0, 30], 30, 60, id="in the moment of one that went at once"),
    ],
)
def test_what_is_said_again_within_half_an_hour_comes_at_its_end(said: list[int], now: int, until: int | None) -> None:
    assert calm_until(at(*said), *at(now)) == (at(until)[0] if until is not None else None)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=12, unique=True).map(sorted))
def test_the_calm_are_never_told_twice_within_half_an_hour(minutes: list[int]) -> None:
    words = at(*minutes)
    told = [(calm_until(words[:number], word) or word, number) for number, word in enumerate(words)]
    heard = dict(told)  # of those told at one moment the last replaced the others
    moments = sorted(heard)
    assert all(second - first >= CALM for first, second in pairwise(moments))
    assert heard[moments[-1]] == len(words) - 1  # the last word always comes
