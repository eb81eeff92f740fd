"""A sender's row: slots one after the other for all workers, urgent ones first, and news that only the latest view of it may write."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.pace import News, Tempo
from chalicelib.domain.times import to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Change, Key, Row
from chalicelib.store.pace import MOST_TRIES, Pace, Slots, Wanted, find_tempo, read_tempo, tempo_key
from tests.tables import NOON, memory_city

SMS = Channel.SMS
KEY = Key("PACE#sms", "TEMPO")
NOW = to_ms(NOON)
TENTH = timedelta(seconds=0.1)
WANTED = Wanted(chunk=5, burst=10, horizon=timedelta(seconds=2), urgent=False)
URGENT = replace(WANTED, urgent=True)
ALONE = replace(URGENT, alone=True)
SLOW = Tempo(version=1, speed=10_000, changed_at=NOW - 60_000)
"""Ten slots a second, one each tenth."""
PACE = 100
THROTTLED, GOOD = News(throttled=1), News(answered=5)


@dataclass
class Sender:
    """One sender's row, and a worker at it."""

    row: Tempo | None

    def __post_init__(self) -> None:
        self.table = memory_city().table
        self.pace = Pace(self.table)
        if self.row:
            self.table.put(Row(KEY, {name: value for name, value in vars(self.row).items() if value}))

    def reserve(self, wanted: Wanted, seen: Tempo | None = None) -> Slots:
        return self.pace.reserve(SMS, wanted, pace=PACE, seen=seen or self.kept(), now=NOON)

    def tell(self, news: News, seen: Tempo | None = None) -> Tempo:
        return self.pace.tell(SMS, news, pace=PACE, seen=seen or self.kept(), now=NOON)

    def kept(self) -> Tempo:
        return find_tempo(SMS, self.table.get_many([KEY]))


class Contended:
    """A table on which somebody else is always faster."""

    def __init__(self, old: Mapping[str, object] | None) -> None:
        self.old, self.tries = old, 0

    def update(self, _key: Key, _change: Change, *, expect: object) -> None:
        assert expect
        self.tries += 1
        raise WriteRefused(self.old)


# --- slots -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "wanted", "starts_in", "count", "after"),
    [
        pytest.param(SLOW, WANTED, 0, 10, replace(SLOW, next=NOW + 1000), id="a sender that nobody used yet"),
        pytest.param(replace(SLOW, next=NOW - 1), WANTED, 0, 10, replace(SLOW, next=NOW + 1000), id="one whose slots are used up"),
        pytest.param(replace(SLOW, next=NOW), WANTED, 0, 5, replace(SLOW, next=NOW + 500), id="one that others use: a chunk, after theirs"),
        pytest.param(replace(SLOW, next=NOW + 2000), WANTED, 2000, 5, replace(SLOW, next=NOW + 2500), id="up to the horizon"),
        pytest.param(SLOW, URGENT, 0, 10, replace(SLOW, next=NOW + 1000, urgent_until=NOW + 4000), id="urgent ones keep three more seconds"),
        pytest.param(
            replace(SLOW, next=NOW + 700),
            URGENT,
            700,
            5,
            replace(SLOW, next=NOW + 1200, urgent_until=NOW + 3500),
            id="urgent ones queue behind slots given away",
        ),
        pytest.param(
            replace(SLOW, urgent_until=NOW), WANTED, 0, 10, replace(SLOW, next=NOW + 1000, urgent_until=NOW), id="routine goes when their time is over"
        ),
        pytest.param(
            replace(SLOW, urgent_until=NOW + 3000),
            URGENT,
            0,
            10,
            replace(SLOW, next=NOW + 1000, urgent_until=NOW + 4000),
            id="urgent ones make way for no other",
        ),
        pytest.param(
            replace(SLOW, urgent_until=NOW + 3000),
            ALONE,
            0,
            10,
            replace(SLOW, next=NOW + 1000, urgent_until=NOW + 3000),
            id="a message that stands alone keeps nobody back behind it",
        ),
    ],
)
def test_slots_are_given_away_one_after_the_other(before: Tempo, wanted: Wanted, starts_in: int, count: int, after: Tempo) -> None:
    sender = Sender(before)
    assert sender.reserve(wanted) == Slots(NOON + timedelta(milliseconds=starts_in), TENTH, count, None, after)
    assert sender.kept() == after


@pytest.mark.parametrize(
    ("before", "wanted", "wait"),
    [
        pytest.param(replace(SLOW, next=NOW + 2001), WANTED, 1001, id="too far ahead: until half of it is used"),
        pytest.param(replace(SLOW, urgent_until=NOW + 1), WANTED, 1, id="urgent ones go first"),
        pytest.param(replace(SLOW, shut_until=NOW + 1), WANTED, 1, id="shut"),
        pytest.param(replace(SLOW, shut_until=NOW + 1), URGENT, 1, id="shut for urgent ones too"),
        pytest.param(replace(SLOW, shut_until=NOW + 5, next=NOW + 9000, urgent_until=NOW + 9000), WANTED, 5, id="shut comes before all else"),
    ],
)
@pytest.mark.parametrize("seen", [None, Tempo(), SLOW], ids=["known", "by a view from before all", "by an old view"])
def test_where_there_are_none_a_worker_learns_how_long_to_wait(before: Tempo, wanted: Wanted, wait: int, seen: Tempo | None) -> None:
    sender = Sender(replace(before, version=2))
    assert sender.reserve(wanted, seen) == Slots(NOON, timedelta(0), None, timedelta(milliseconds=wait), sender.kept())
    assert sender.kept() == replace(before, version=2)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [(replace(SLOW, next=NOW + 2001), WANTED), (replace(SLOW, urgent_until=NOW + 3000), WANTED)],
    ids=["slots given away since", "an urgent reservation since"],
)
@pytest.mark.parametrize("seen", [SLOW, replace(SLOW, next=NOW + 500)], ids=["seen idle", "seen busy"])
def test_slots_that_were_given_away_since_a_worker_looked_are_not_its_own(before: Tempo, wanted: Wanted, seen: Tempo) -> None:
    sender = Sender(before)
    assert sender.reserve(wanted, seen).wait is not None
    assert sender.kept() == before


def test_a_worker_that_saw_slots_of_others_where_none_are_left_takes_them_from_now() -> None:
    sender = Sender(replace(SLOW, next=NOW - 5000))
    assert sender.reserve(WANTED, replace(SLOW, next=NOW + 500)) == Slots(NOON, TENTH, 10, None, replace(SLOW, next=NOW + 1000))


@pytest.mark.parametrize("shut_until", [NOW, NOW - 5000], ids=["just now", "long ago"])
def test_a_shut_sender_gives_one_slot_for_a_probe(shut_until: int) -> None:
    sender = Sender(replace(SLOW, shut_until=shut_until))
    after = replace(SLOW, shut_until=NOW + 50_000, version=2)
    assert sender.reserve(WANTED) == Slots(NOON, TENTH, 1, None, after)
    assert sender.kept() == after


def test_of_two_that_would_probe_one_does() -> None:
    sender = Sender(replace(SLOW, shut_until=NOW))
    seen = sender.kept()
    assert [sender.reserve(WANTED, seen).wait for _ in range(2)] == [None, timedelta(seconds=50)]


@pytest.mark.parametrize("version", [1, 2], ids=["by another probe", "by news"])
def test_who_would_probe_a_sender_that_was_shut_again_meanwhile_waits(version: int) -> None:
    sender = Sender(replace(SLOW, shut_until=NOW + 9000, version=version))
    assert sender.reserve(WANTED, replace(SLOW, shut_until=NOW)).wait == timedelta(seconds=9)


def test_a_probe_by_an_old_view_is_counted_after_what_was_told_since() -> None:
    sender = Sender(replace(SLOW, shut_until=NOW, version=2, good=1))
    assert sender.reserve(WANTED, replace(SLOW, shut_until=NOW)).tempo == replace(SLOW, shut_until=NOW + 50_000, version=3, good=1)


@pytest.mark.parametrize(("row", "seen"), [(None, Tempo(version=3, speed=1000)), (None, Tempo())], ids=["its row is gone", "it has none yet"])
def test_a_sender_without_a_row_goes_at_its_pace(row: Tempo | None, seen: Tempo) -> None:
    sender = Sender(row)
    slots = sender.reserve(replace(WANTED, burst=98), seen)
    assert (slots.start, slots.apart, slots.count) == (NOON, timedelta(seconds=1 / 98), 98)
    assert sender.kept() == Tempo(next=NOW + 1000)


def test_no_two_reservations_share_a_millisecond_however_fast_the_sender() -> None:
    sender, one = Sender(None), replace(WANTED, chunk=1, burst=1)
    starts = [sender.pace.reserve(SMS, one, pace=100_000, seen=sender.kept(), now=NOON).start for _ in range(3)]
    assert starts == [NOON, NOON + timedelta(milliseconds=1), NOON + timedelta(milliseconds=2)]


@pytest.mark.parametrize("old", [None, {"version": 1, "speed": 10_000}], ids=["no row", "another view"])
def test_a_worker_that_always_comes_second_asks_again_in_a_second(old: Mapping[str, object] | None) -> None:
    table = Contended(old)
    slots = Pace(table).reserve(SMS, WANTED, pace=PACE, seen=Tempo(), now=NOON)  # type: ignore[arg-type]
    assert slots == Slots(NOON, timedelta(0), None, timedelta(seconds=1), read_tempo(old or {}))
    assert table.tries == MOST_TRIES


# --- news ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "news", "after"),
    [
        pytest.param(None, THROTTLED, Tempo(version=1, speed=49_000, changed_at=NOW), id="the first news of a sender"),
        pytest.param(SLOW, THROTTLED, Tempo(version=2, speed=5000, changed_at=NOW), id="news after news"),
        pytest.param(
            replace(SLOW, next=NOW + 5, urgent_until=NOW + 7),
            THROTTLED,
            Tempo(version=2, speed=5000, changed_at=NOW, next=NOW + 5, urgent_until=NOW + 7),
            id="slots stay as they are given away",
        ),
        pytest.param(replace(SLOW, version=7, speed=90_000), GOOD, Tempo(version=8, changed_at=NOW), id="back at its pace"),
        pytest.param(Tempo(version=2, bad=9, told=10, since=NOW - 9), News(unanswered=1), None, id="counts that shut it"),
        pytest.param(Tempo(version=2, shut_until=NOW, good=1), GOOD, Tempo(version=3, shut_until=NOW, good=2), id="a good probe"),
        pytest.param(
            Tempo(version=2, shut_until=NOW, good=4, bad=10, told=11, since=5), GOOD, Tempo(version=3, speed=49_000, changed_at=NOW), id="the one that opens it"
        ),
    ],
)
def test_news_is_written_for_all_workers(before: Tempo | None, news: News, after: Tempo | None) -> None:
    sender, shut = Sender(before), Tempo(version=3, bad=10, told=11, since=NOW - 9, shut_until=NOW + 50_000, changed_at=NOW)
    assert sender.tell(news) == sender.kept() == (after or shut)


def test_news_that_changes_nothing_costs_no_write() -> None:
    assert Pace(Contended(None)).tell(SMS, GOOD, pace=PACE, seen=Tempo(), now=NOON) == Tempo()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "seen", "after"),
    [
        pytest.param(SLOW, Tempo(), Tempo(version=2, speed=5000, changed_at=NOW), id="slowed meanwhile"),
        pytest.param(None, SLOW, Tempo(version=1, speed=49_000, changed_at=NOW), id="its row is gone"),
        pytest.param(replace(SLOW, changed_at=NOW), Tempo(), replace(SLOW, changed_at=NOW), id="slowed just now: one piece of news"),
    ],
)
def test_news_by_an_old_view_is_weighed_against_the_row(before: Tempo | None, seen: Tempo, after: Tempo) -> None:
    sender = Sender(before)
    assert sender.tell(THROTTLED, seen) == sender.kept() == after


def test_news_that_always_comes_second_is_dropped() -> None:
    table = Contended({"version": 1, "speed": 10_000})
    assert Pace(table).tell(SMS, THROTTLED, pace=PACE, seen=Tempo(), now=NOON) == Tempo(version=1, speed=10_000)  # type: ignore[arg-type]
    assert table.tries == MOST_TRIES


# --- the row ---------------------------------------------------------------------------------------------------------


def test_a_row_is_read_by_its_numbers_and_nothing_else() -> None:
    assert read_tempo({"next": 5, "version": 2, "speed": None, "good": "3", "other": 7}) == Tempo(next=5, version=2)


def test_each_channel_has_its_own_sender() -> None:
    assert [tempo_key(one) for one in (SMS, Channel.EMAIL)] == [KEY, Key("PACE#email", "TEMPO")]
    assert find_tempo(Channel.EMAIL, {KEY: {"next": 5}}) == Tempo()
