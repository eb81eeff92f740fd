"""Rhythms: whatever somebody changes between one by one and digests, each notice reaches them once: nothing twice, and nothing lost."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.digests import DIGEST, Slot
from chalicelib.domain.message import SmsMessage
from chalicelib.domain.notice import Act
from chalicelib.domain.preferences import Digest, Preferences
from chalicelib.flows.digesting import make_digest
from chalicelib.flows.erasing import forget
from chalicelib.flows.set_preferences import Choice, set_preferences
from chalicelib.flows.unsubscribe import unsubscribe
from chalicelib.store.erasures import Erasure
from chalicelib.store.stores import Stores
from chalicelib.store.subscriptions import Subscription, Subscriptions, roster_keys
from tests.engine.correcting import corrected
from tests.engine.street import MAIL, NEW_MAIL, NEW_PHONE, PHONE, Street
from tests.engine.town import Killer, Told, Town
from tests.tables import NOON

SMS = Channel.SMS
NOW = Preferences()
AT_8, AT_18 = Preferences(digest=Digest.DAILY, digest_hour=8), Preferences(digest=Digest.DAILY, digest_hour=18)
LASTS = timedelta(days=20)
MIDNIGHT = NOON.astimezone(ZoneInfo("America/New_York")).replace(hour=0)
"""Of the day on which the town's clock begins, at seven."""


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def weekly(town: Town, days: int, hour: int = 8) -> Preferences:
    """Each week on the weekday that comes in so many days."""
    today = town.clock().astimezone(town.services.city.zone).weekday()
    return Preferences(digest=Digest.WEEKLY, digest_hour=hour, digest_day=(today + days) % 7)


def told(town: Town, person: str) -> list[str]:
    """All that somebody got, in order."""
    to = town.address(person, SMS)
    found = [one.message for one in town.providers[SMS].truth if one.to == to and isinstance(one, Told)]
    return [one.body for one in found if isinstance(one, SmsMessage)]


def say(town: Town, title: str, *topics: str, **said: Any) -> str:
    """A notice, launched a second from now."""
    town.clock.advance(timedelta(seconds=1))
    name = town.broadcast(*(topics or ("transit",)), title=title, notice=f"nt_{title}", lasts=LASTS, **said)
    town.work()
    return name


def choose(town: Town, person: str, preferences: Preferences, *topics: str) -> None:
    """As on the page of their choices."""
    town.clock.advance(timedelta(seconds=1))
    choice = Choice({SMS: list(topics or ("transit",))}, "en", "en", preferences=preferences)
    set_preferences(person, choice, services=town.services)


def leave(town: Town, person: str) -> None:
    town.state.table.transact(town.plain.subscriptions.leave_writes(person, "transit", SMS))


def until(town: Town, day: int, hour: float) -> None:
    """The city lives on to an hour of a day, a tick every twenty minutes."""
    end = MIDNIGHT + timedelta(days=day, hours=hour)
    while town.clock() < end:
        town.work()
        town.deliver_receipts(again=False)
        town.tick()
        town.work()
        town.clock.advance(min(timedelta(minutes=20), end - town.clock()))


Step = tuple[int, float, Any]
"""A day, an hour, and what happens then: a title is said, preferences are chosen."""

STORIES: dict[str, tuple[Callable[[Town], Preferences], Callable[[Town], Sequence[Step]], list[str]]] = {
    "one by one, then daily": (
        lambda town: NOW,
        lambda town: [(0, 7.1, "A"), (0, 7.3, AT_8), (0, 7.5, "B"), (0, 9, "C"), (2, 9, None)],
        ["A", "B", "C"],
    ),
    "daily, then one by one": (
        lambda town: AT_8,
        lambda town: [(0, 9, "A"), (0, 12, NOW), (0, 13, "B"), (1, 9, "C"), (2, 9, None)],
        ["B", "A", "C"],
    ),
    "weekly, then daily": (
        lambda town: weekly(town, 4),
        lambda town: [(0, 9, "A"), (1, 9, "B"), (1, 12, AT_8), (1, 13, "C"), (2, 9, "D"), (9, 9, None)],
        ["C + B + A", "D"],
    ),
    "weekly, then daily, with no news since": (
        lambda town: weekly(town, 4),
        lambda town: [(0, 9, "A"), (2, 12, AT_8), (9, 9, None)],
        ["A"],
    ),
    "daily, then weekly": (
        lambda town: AT_8,
        lambda town: [(0, 7.2, "A"), (0, 9, "B"), (0, 12, weekly(town, 3)), (0, 13, "C"), (2, 9, "D"), (9, 9, None)],
        ["A", "D + C + B"],
    ),
    "weekly, then one by one": (
        lambda town: weekly(town, 2),
        lambda town: [(0, 9, "A"), (0, 12, NOW), (0, 13, "B"), (9, 9, None)],
        ["B", "A"],
    ),
    "daily in the morning, then in the evening": (
        lambda town: AT_8,
        lambda town: [(0, 7.2, "A"), (0, 9, "B"), (0, 12, AT_18), (0, 13, "C"), (2, 19, None)],
        ["A", "C + B"],
    ),
    "daily in the evening, then in the morning": (
        lambda town: AT_18,
        lambda town: [(0, 17, "A"), (0, 19, "B"), (1, 12, AT_8), (1, 13, "C"), (3, 19, None)],
        ["A", "C + B"],
    ),
    "to one by one and back before the digest": (
        lambda town: AT_8,
        lambda town: [(0, 9, "A"), (0, 10, NOW), (0, 11, "B"), (0, 12, AT_8), (0, 13, "C"), (2, 9, None)],
        ["B", "C + A"],
    ),
    "to one by one and back at once": (
        lambda town: AT_8,
        lambda town: [(0, 9, "A"), (0, 10, NOW), (0, 10.001, AT_8), (0, 11, "B"), (2, 9, None)],
        ["B + A"],
    ),
    "weekly, daily, and one by one before that came": (
        lambda town: weekly(town, 4),
        lambda town: [(0, 9, "A"), (0, 12, AT_8), (0, 13, "B"), (0, 14, NOW), (0, 15, "C"), (9, 9, None)],
        ["C", "B + A"],
    ),
    "weekly, daily, and weekly again before that came": (
        lambda town: weekly(town, 4),
        lambda town: [(0, 9, "A"), (0, 12, AT_8), (0, 13, "B"), (0, 14, weekly(town, 4)), (0, 15, "C"), (9, 9, None)],
        ["C + B + A"],
    ),
    "another zone": (
        lambda town: AT_8,
        lambda town: [(0, 9, "A"), (0, 12, replace(AT_8, zone="Asia/Tokyo")), (0, 13, "B"), (3, 9, None)],
        ["B + A"],
    ),
    "within the minute before the digest": (
        lambda town: AT_8,
        lambda town: [(0, 7.2, "A"), (0, 7.99, AT_18), (0, 9, "B"), (2, 9, None)],
        ["A", "B"],
    ),
    "one by one within the minute before the digest": (
        lambda town: AT_8,
        lambda town: [(0, 7.2, "A"), (0, 7.99, NOW), (0, 9, "B"), (2, 9, None)],
        ["A", "B"],
    ),
    "paused over an hour, then told of what comes after": (
        lambda town: AT_8,
        lambda town: [(0, 7.2, "A"), (0, 7.5, (1, 7)), (0, 9, "B"), (1, 7.5, "C"), (2, 9, None)],
        ["C + B"],
    ),
    "another part of it chosen, and nothing of when": (
        lambda town: AT_8,
        lambda town: [(0, 7.2, "A"), (0, 7.5, AT_8), (2, 9, None)],
        ["A"],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_whatever_is_chosen_each_notice_comes_once(town: Town, story: str) -> None:
    first, steps, expected = STORIES[story]
    chosen = first(town)
    person = town.follower("transit", preferences=chosen)
    others = {name: town.follower("transit", preferences=wish) for name, wish in {"daily": AT_8, "evening": AT_18}.items()}
    town.tick()
    titles = []
    for day, hour, what in steps(town):
        until(town, day, hour)
        if isinstance(what, str):
            say(town, what)
            titles.append(what)
        elif isinstance(what, tuple):
            chosen = replace(chosen, paused_until=MIDNIGHT + timedelta(days=what[0], hours=what[1]))
            choose(town, person, chosen)
        elif what:
            chosen = what
            choose(town, person, chosen)
    assert told(town, person) == expected
    for other in others.values():  # nothing old comes to whoever was in the slot before
        assert sorted(title for text in told(town, other) for title in text.split(" + ")) == titles
    assert town.broken() == []


# --- in between -------------------------------------------------------------------------------------------------------


def launched(town: Town, title: str) -> None:
    """A notice that is launched, and that nobody was planned for yet."""
    town.clock.advance(timedelta(seconds=1))
    town.broadcast("transit", title=title, notice=f"nt_{title}", lasts=LASTS)
    assert town.work(most=1) == 1


@pytest.mark.parametrize(("first", "then", "expected"), [(NOW, AT_8, ["A", "B"]), (AT_8, NOW, ["A"]), (AT_8, AT_18, ["A"])], ids=["daily", "now", "evening"])
def test_a_change_between_launch_and_planning_counts_for_the_next(town: Town, first: Preferences, then: Preferences, expected: list[str]) -> None:
    person = town.follower("transit", preferences=first)
    launched(town, "A")
    choose(town, person, then)
    town.clock.advance(timedelta(seconds=90))
    if expected[1:]:
        say(town, "B")
    until(town, 2, 9)
    assert told(town, person) == expected


def test_what_was_held_when_somebody_chose_a_digest_still_comes_by_itself(town: Town) -> None:
    person = town.follower("transit", quiet=(6 * 60, 12 * 60))
    say(town, "A")
    until(town, 0, 9)
    choose(town, person, replace(AT_18, quiet=(6 * 60, 12 * 60)))
    until(town, 2, 9)
    assert told(town, person) == ["A"]


@pytest.mark.parametrize("then", [NOW, AT_18, replace(AT_8, digest=Digest.WEEKLY)], ids=["now", "evening", "weekly"])
@pytest.mark.parametrize("jobs", range(4))
def test_a_change_while_a_digest_is_made_takes_nothing_from_it_and_adds_nothing(town: Town, then: Preferences, jobs: int) -> None:
    person = town.follower("transit", preferences=AT_8)
    until(town, 0, 7.5)
    say(town, "A")
    until(town, 0, 7.9)
    town.clock.advance(MIDNIGHT + timedelta(hours=8, seconds=10) - town.clock())
    town.tick()
    town.work(most=jobs)
    choose(town, person, then)
    until(town, 9, 9)
    assert told(town, person) == ["A"]


def test_somebody_who_comes_to_a_new_slot_before_an_outage_of_its_hour_loses_nothing(town: Town) -> None:
    person = town.follower("transit")
    choose(town, person, AT_8)
    town.clock.advance(timedelta(minutes=2))
    say(town, "A")
    town.clock.advance(timedelta(hours=2))  # nobody ticks before eight, nor at eight
    until(town, 2, 9)
    assert told(town, person) == ["A"]


def test_a_joiner_hears_nothing_of_what_was_before(town: Town) -> None:
    early = town.follower("transit", preferences=AT_8)
    say(town, "A")
    late = town.follower()
    known = town.plain.addresses.claim(town.address(late, SMS), subscriber=late, verified=True)
    town.state.table.transact([town.plain.preferences.write(late, AT_8)])
    joined = Subscription(late, "transit", SMS, known.hash, "en", AT_8).from_now(town.clock(), before=None)
    town.state.table.transact(town.plain.subscriptions.join_writes(joined))
    say(town, "B")
    until(town, 1, 9)
    assert (told(town, early), told(town, late)) == (["B + A"], ["B"])


def test_leaving_forgets_what_waited_and_coming_back_brings_none_of_it(town: Town) -> None:
    person = town.follower("transit", "events", preferences=AT_8)
    say(town, "A")
    choose(town, person, AT_8, "events")
    say(town, "B")
    choose(town, person, AT_8, "events", "transit")
    say(town, "C")
    until(town, 1, 9)
    assert told(town, person) == ["C"]


def test_a_launch_that_died_and_came_again_after_a_digest_is_told_in_one(town: Town) -> None:
    person = town.follower("transit", preferences=AT_8)
    name = say(town, "A")
    until(town, 0, 9)
    town.plain.digests.list_sent(name, town.clock())
    until(town, 2, 9)
    assert told(town, person) == ["A"]
    assert [one.author for one in town.plain.broadcasts.page(limit=9)[0]] == ["digest", "ana"]


def test_of_two_who_make_a_digest_at_once_one_does(town: Town) -> None:
    person = town.follower("transit", preferences=AT_8)
    town.tick()
    say(town, "A")
    town.clock.advance(MIDNIGHT + timedelta(hours=8, seconds=5) - town.clock())
    make = partial(make_digest, "daily-08-0-")
    other = replace(town.services, store=Stores(town.state.table, town.plain.vault))
    slower = Stores(Between(town.state.table, lambda: make(services=other)), town.plain.vault)
    make(services=replace(town.services, store=slower))
    until(town, 1, 9)
    assert told(town, person) == ["A"]


# --- last words -------------------------------------------------------------------------------------------------------


def test_what_was_taken_back_is_told_to_those_who_had_heard_of_it(town: Town) -> None:
    """Even if the digest looks back further, for somebody who has come from another slot."""
    comes, heard = town.follower("transit", preferences=weekly(town, 5)), town.follower("transit", preferences=AT_8)
    until(town, 0, 7.5)
    for title in "AB":
        say(town, title)
    say(town, "B", act=Act.CANCELLED, revision=2)
    until(town, 0, 19)
    say(town, "A", act=Act.CANCELLED, revision=2)
    for title in "CD":
        say(town, title)
    say(town, "C", act=Act.CANCELLED, revision=2)
    choose(town, comes, AT_8)
    until(town, 3, 9)
    assert told(town, heard) == ["A", "D + A"]
    assert told(town, comes) == ["D + A"]


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        pytest.param(NOW, AT_8, ["Wrong", "Sorry"], id="who got the wrong one by itself"),
        pytest.param(AT_8, NOW, ["Sorry"], id="whom the wrong one waited for"),
        pytest.param(AT_8, AT_8, ["Sorry"], id="whoever changed nothing"),
    ],
)
def test_a_correction_comes_once_to_whoever_changed_between(town: Town, first: Preferences, then: Preferences, expected: list[str]) -> None:
    person = town.follower("transit", preferences=first)
    town.follower("transit")
    wrong = say(town, "Wrong")
    town.settle(wrong)
    choose(town, person, then)
    town.clock.advance(timedelta(minutes=2))
    corrected(town, wrong)
    until(town, 2, 9)
    assert told(town, person) == expected


# --- rosters and slots ------------------------------------------------------------------------------------------------


def rosters(town: Town) -> set[str]:
    """The slots in whose rosters anybody stands."""
    return {row.key.partition.split("#")[1] for row in town.state.rows() if row.key.partition.startswith("D#")}


def test_a_slot_that_somebody_left_knows_them_until_it_owes_them_nothing_and_is_then_forgotten(town: Town) -> None:
    person = town.follower("transit", preferences=AT_8)
    until(town, 0, 9)
    say(town, "A")
    choose(town, person, NOW)
    until(town, 1, 7.9)
    assert rosters(town) == {"daily-08-0-"}
    until(town, 1, 9)
    assert told(town, person) == ["A"]
    town.follower("transit", preferences=AT_18)
    say(town, "B")  # a digest is made, and its roster read
    until(town, 2, 9)
    assert rosters(town) == {"daily-18-0-"}
    until(town, 3, 9)
    assert town.plain.subscriptions.slots() == ["daily-18-0-"]
    assert told(town, person) == ["A", "B"]


def test_a_forgotten_slot_that_somebody_comes_to_again_goes_on(town: Town) -> None:
    person = town.follower("transit", preferences=AT_8)
    leave(town, person)
    say(town, "A")
    until(town, 3, 9)
    assert town.plain.subscriptions.slots() == []
    again = town.follower("transit")
    choose(town, again, AT_8)
    until(town, 3, 10)
    say(town, "B")
    until(town, 5, 9)
    assert told(town, again) == ["B"]


@pytest.mark.parametrize("at", range(1, 19))
def test_a_slot_is_not_forgotten_under_somebody_who_comes_at_that_moment(tmp_path: Path, at: int) -> None:
    """Between any two of its calls to the table."""
    killer = Killer()
    town = Town(tmp_path, killer=killer)
    person = town.follower("transit", preferences=AT_8)
    [one] = town.plain.subscriptions.of(person)
    leave(town, person)
    town.state.table.delete(roster_keys(one)[0])
    killer.calls = 0

    def come() -> None:
        if killer.calls + 1 == at:
            killer.calls += 1
            town.state.table.transact(town.plain.subscriptions.join_writes(one))

    killer.on_call = come
    town.services.store.subscriptions.drop_empty("daily-08-0-")
    killer.on_call = lambda: None
    came = town.plain.subscriptions.of(person) != []
    assert (town.plain.subscriptions.slots() == ["daily-08-0-"]) == came


def test_whoever_comes_back_while_a_digest_reads_its_roster_stays_in_it(town: Town) -> None:
    person = town.follower("transit", preferences=AT_8)
    [one] = town.plain.subscriptions.of(person)
    gone = replace(one, preferences=NOW)
    town.state.table.transact(town.plain.subscriptions.choice_writes(gone))
    [row] = town.plain.subscriptions.roster_page("daily-08-0-", int(person[0], 16), after=None, limit=1).rows
    behind = Subscriptions(Between(town.state.table, lambda: town.state.table.transact(town.plain.subscriptions.choice_writes(one))))
    assert behind.as_rostered([row], Slot.read("daily-08-0-"), town.clock(), town.services.city.zone) == []
    assert rosters(town) == {"daily-08-0-"}


class Between:
    """A table on which somebody else acts right before the next transaction."""

    def __init__(self, table: Any, act: Callable[[], None]) -> None:
        self._table, self._act = table, act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def transact(self, writes: Sequence[Any]) -> None:
        self._act()
        self._table.transact(writes)


@pytest.mark.parametrize(("after", "ends"), [(timedelta(days=7), ["transit"]), (timedelta(days=11), [])], ids=["last digest", "one of long ago"])
def test_the_link_in_a_last_digest_ends_what_came_in_it(town: Town, after: timedelta, ends: list[str]) -> None:
    person = town.follower("transit", preferences=AT_8)
    choose(town, person, NOW)
    town.clock.advance(after)
    assert unsubscribe(person, DIGEST, SMS, services=town.services) == ends


# --- who joins again, and who moves -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [(PHONE, PHONE), (PHONE, NEW_PHONE), (MAIL, NEW_MAIL)], ids=["joins again", "moves", "moves by email"])
def test_what_waits_stays_theirs_for_whoever(tmp_path: Path, old: str, new: str) -> None:
    street = Street(tmp_path)
    joined(street, old)
    [one] = street.followed(old)
    weekly = replace(one, preferences=Preferences(digest=Digest.WEEKLY))
    daily = replace(weekly, preferences=AT_8).from_now(street.clock(), before=weekly)
    street.state.table.transact(street.services.store.subscriptions.choice_writes(daily))
    street.clock.advance(timedelta(hours=1))
    if new == old:
        joined(street, old)
    else:
        street.moves_to(new, old)
        street.town.work()
        if new == NEW_MAIL:
            street.submit(street.opened(new))
        else:
            street.text("YES", phone=new)
    [now] = street.followed(new)
    assert now.rhythm == daily.rhythm
    keys = {row.key for row in street.state.rows()}
    assert set(roster_keys(now)) <= keys


def joined(street: Street, to: str) -> None:
    if to == PHONE:
        street.text("JOIN transit")
    else:
        street.submit("/join", [("topic", "transit"), ("email", to), ("language", "en")])
        street.town.work()
        street.submit(street.opened(to))


def test_whoever_is_erased_stands_in_no_old_roster(town: Town) -> None:
    person = town.follower("transit", preferences=AT_8)
    choose(town, person, NOW)
    assert rosters(town) == {"daily-08-0-"}
    erasure = Erasure("e1", person)
    town.state.table.transact([town.plain.erasures.put_write(erasure, town.clock())])
    forget(erasure, services=town.services)
    assert rosters(town) == set()


def test_whoever_signs_up_again_for_what_came_weekly_loses_nothing_that_waited(tmp_path: Path) -> None:
    street = Street(tmp_path)
    for _ in range(2):
        joined(street, MAIL)
        street.clock.advance(timedelta(days=2))
        [one] = street.followed(MAIL)
        if one.rhythm == ():
            chosen = replace(one, preferences=Preferences(digest=Digest.WEEKLY))
            street.state.table.transact(street.services.store.subscriptions.choice_writes(chosen))
    assert [stretch.slot is None for stretch in one.rhythm] == [False, True]
