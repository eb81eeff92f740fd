"""Planning: pages of followers become batches, each recipient once; whose day is full is in them, decided."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.about import NOTHING_SAID
from chalicelib.domain.address import Channel
from chalicelib.domain.cap import DayPage, code_of, full
from chalicelib.domain.matching import Told
from chalicelib.domain.notice import Kind, Severity
from chalicelib.domain.plan import SLACK, SLACK_URGENT, Follower, TopicRead, bound_of, merge, plan, recipients, stuck_at
from chalicelib.domain.preferences import NO_QUIET, UNCHOSEN, Digest, Preferences
from chalicelib.domain.reception import Occasion
from chalicelib.store.days import MOST_CODES, day_rows

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
SMS = Channel.SMS
ROUTINE = Occasion(Told(Kind.TRANSIT, Severity.MODERATE, urgent=False, about=NOTHING_SAID), ZoneInfo("UTC"), NO_QUIET)


def a_follower(number: int, channel: Channel = SMS, locale: str = "en", quiet: tuple[int, int] | None = None) -> Follower:
    return Follower(f"{number:032x}", channel, "1.a", "transit", locale, Preferences(quiet=quiet) if quiet else UNCHOSEN)


# --- batches ---------------------------------------------------------------------------------------------------------


def test_those_whose_day_is_full_are_in_their_batches_and_decided() -> None:
    followers = [a_follower(number, channel) for number in range(5) for channel in (SMS, Channel.EMAIL)]
    codes = {SMS: frozenset({code_of(f"{number:032x}") for number in (1, 4)})}
    texts, emails = plan(followers, ROUTINE, channels=tuple(Channel), pace={}, now=NOW, full=codes)
    assert texts.cells == ("", "skipped:cap", "", "", "skipped:cap")
    assert [int(entry.subscriber, 16) for entry in texts.going] == [0, 2, 3]
    assert (set(emails.cells), len(emails.going)) == ({""}, 5)


def test_channels_that_the_audience_lacks_are_left_out() -> None:
    followers = [a_follower(1, channel) for channel in Channel]
    planned = plan(followers, ROUTINE, channels=(Channel.EMAIL,), pace={}, now=NOW)
    assert recipients(planned) == {Channel.EMAIL: 1}


@pytest.mark.parametrize(
    ("first", "unreachable", "texted"),
    [
        pytest.param(True, False, {("b",): ""}, id="what the email does not tell"),
        pytest.param(True, True, {("a", "b"): ""}, id="all where the mailbox takes no email"),
        pytest.param(False, False, {("a", "b"): ""}, id="all to whoever wants both"),
    ],
)
def test_a_digest_by_text_tells_whoever_wants_emails_first(first: bool, unreachable: bool, texted: dict[tuple[str, ...], str]) -> None:
    wish = Preferences(email_first=first, digest=Digest.DAILY)
    mine = [replace(a_follower(1, channel), preferences=wish, items=items) for channel, items in ((SMS, ("a", "b")), (Channel.EMAIL, ("a",)))]
    wanting = replace(a_follower(2), preferences=Preferences(email_first=True), items=("c",))  # somebody else on the page
    planned = plan(
        [*mine, wanting], replace(ROUTINE, digest=True), channels=tuple(Channel), pace={}, now=NOW, unreachable=[mine[0].subscriber] if unreachable else ()
    )
    assert {one.what.items: one.cells[0] for one in planned if one.what.channel is SMS} == {**texted, ("c",): ""}
    assert [one.what.items for one in planned if one.what.channel is Channel.EMAIL] == [("a",)]


def test_recipients_are_counted_per_channel() -> None:
    followers = [a_follower(number, quiet=(0, 1439) if number % 2 else None) for number in range(7)] + [a_follower(9, Channel.KIOSK)]
    planned = plan(followers, ROUTINE, channels=tuple(Channel), pace={}, now=NOW)
    assert recipients(planned) == {SMS: 7, Channel.KIOSK: 1}


@pytest.mark.parametrize(
    ("so_far", "pace", "seconds"),
    [
        pytest.param({SMS: 100}, {SMS: 16}, 100, id="sixteen shards at the sender's pace"),
        pytest.param({SMS: 100, Channel.EMAIL: 9000}, {SMS: 16, Channel.EMAIL: 1}, 100, id="other channels do not count"),
        pytest.param({SMS: 100}, {}, 0, id="a sender without a pace"),
        pytest.param({}, {SMS: 16}, 0, id="nobody"),
    ],
)
def test_a_batch_counts_as_stuck_once_all_before_it_could_have_gone(so_far: dict[Channel, int], pace: dict[Channel, int], seconds: int) -> None:
    assert stuck_at(SMS, so_far, pace, NOW, urgent=False) == NOW + timedelta(seconds=seconds) + SLACK
    assert stuck_at(SMS, so_far, pace, NOW, urgent=True) == NOW + timedelta(seconds=seconds) + SLACK_URGENT


@given(st.lists(st.lists(st.integers(0, 60), unique=True), min_size=1, max_size=3), st.integers(2, 7))
def test_every_follower_is_on_one_page_however_topics_end(topics: list[list[int]], most: int) -> None:
    ordered, after, seen = [sorted(topic) for topic in topics], -1, list[str]()
    for _ in range(100):
        lefts = [[number for number in topic if number > after] for topic in ordered]
        reads = [TopicRead([a_follower(one) for one in left[:most]], f"{left[most - 1]:032x}#sms" if len(left) > most else None) for left in lefts]
        bound = bound_of(reads)
        seen += [one.subscriber for one in merge(reads, bound)]
        if bound is None:
            break
        assert int(bound, 16) - 1 > after
        after = int(bound, 16) - 1  # a page starts with the id that the one before left to it
    assert seen == sorted({f"{number:032x}" for topic in topics for number in topic})


# --- the cap ---------------------------------------------------------------------------------------------------------


def a_page(broadcast: str, *people: int, channel: Channel = SMS) -> DayPage:
    return DayPage(broadcast, channel, tuple(code_of(f"{number:032x}") for number in people))


def test_a_day_is_full_with_as_many_as_the_city_allows() -> None:
    pages = [a_page("a", 1, 2), a_page("b", 2, 3), a_page("b", 4), a_page("c", 2, channel=Channel.EMAIL), a_page("mine", 1, 2, 3)]
    found = full(pages, besides="mine", most=2)
    assert found == {SMS: {code_of(f"{2:032x}")}, Channel.EMAIL: frozenset()}


@pytest.mark.parametrize("most", [3, 4])
def test_fewer_broadcasts_than_the_cap_fill_nobodys_day(most: int) -> None:
    assert full([a_page("a", 1), a_page("b", 1), a_page("mine", 1)], besides="mine", most=most) == {}


def test_a_large_page_is_kept_in_several_rows() -> None:
    codes = tuple(f"{number:010x}" for number in range(MOST_CODES + 1))
    rows = day_rows(DayPage("bc", SMS, codes), day=NOW.date(), shard=3, number=0, now=NOW)
    assert [len(str(row.values["codes"])) for row in rows] == [MOST_CODES * 10, 10]
    assert len({row.key for row in rows}) == 2
