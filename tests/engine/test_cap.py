"""The cap on what one person gets in a day: planned as skipped, counted so, and never for what is urgent or sets something right."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.city import Limits
from chalicelib.domain.delivery import Mark, SkipReason, State
from tests.engine.correcting import corrected
from tests.engine.midway import After, happening, in_small_pages
from tests.engine.town import Crash, Town

CAPPED = Mark(State.SKIPPED, SkipReason.CAP)
ACCEPTED = Mark(State.ACCEPTED)
SMS = Channel.SMS


def town_with(folder: Path, most: int | None) -> Town:
    town = Town(folder)
    town.services = replace(town.services, city=replace(town.services.city, limits=Limits(per_person_per_day=most)))
    return town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """At most two a day."""
    return town_with(tmp_path, 2)


def sent(town: Town, topic: str = "transit", *, urgent: bool = False) -> str:
    town.settle(name := town.broadcast(topic, urgent=urgent))
    return name


def test_who_had_their_days_messages_is_skipped_and_everybody_else_is_not(town: Town) -> None:
    often = town.follower("transit", "events", shard=3)
    seldom = [town.follower("transit", shard=3), town.follower("transit", shard=4)]
    sent(town, "events")
    sent(town)
    name = sent(town)
    assert town.counts(name)[SMS] == {ACCEPTED: 2, CAPPED: 1}
    assert town.handed_over() == {town.address(often, SMS).text: 2, **{town.address(one, SMS).text: 2 for one in seldom}}
    assert town.state_of(name) is BroadcastState.COMPLETED


def test_a_capped_recipient_has_a_place_in_history(town: Town) -> None:
    person = town.follower("transit")
    for _ in range(2):
        sent(town)
    name = sent(town)
    pointer = town.plain.history.find(person, name, SMS)
    assert pointer
    assert town.plain.batches.read([pointer.batch])[pointer.batch].standing(pointer.entry) == CAPPED


def test_each_channel_has_its_own_count_and_screens_have_none(town: Town) -> None:
    town.follower("transit", channels=list(Channel))
    town.follower("events", channels=[SMS])
    for _ in range(2):
        sent(town)
    name = sent(town)
    assert town.counts(name) == {SMS: Counter({CAPPED: 1}), Channel.EMAIL: Counter({CAPPED: 1}), Channel.KIOSK: Counter({ACCEPTED: 1})}


def test_what_is_urgent_or_sets_something_right_goes_and_does_not_count(town: Town) -> None:
    town.follower("transit", "emergency")
    wrong = sent(town)
    for name in (sent(town, "emergency", urgent=True), corrected(town, wrong)):
        town.settle(name)
    assert town.counts(sent(town))[SMS] == {ACCEPTED: 1}
    assert town.counts(sent(town))[SMS] == {CAPPED: 1}
    assert town.counts(sent(town, "emergency", urgent=True))[SMS] == {ACCEPTED: 1}
    town.settle(right := corrected(town, wrong := sent_to(town, wrong)))
    assert town.counts(right)[SMS] == {ACCEPTED: 1}


def sent_to(town: Town, wrong: str) -> str:
    """The correction of what was corrected: that one may be corrected in turn."""
    found = town.plain.broadcasts.get(wrong)
    assert found and found.corrected_by
    return found.corrected_by


def test_what_was_skipped_for_the_cap_does_not_count_for_it(town: Town) -> None:
    town.follower("transit", shard=3)
    names = [sent(town) for _ in range(4)]
    assert {page.broadcast for page in town.plain.days.read(town.clock().date(), 3)} == set(names[:2])


def test_a_new_day_in_the_city_begins_at_its_own_midnight(town: Town) -> None:
    town.follower("transit")
    town.clock.advance(timedelta(hours=12))  # 19:00 in the city, and midnight in UTC
    for _ in range(2):
        sent(town)
    town.clock.advance(timedelta(hours=4))
    assert town.counts(sent(town))[SMS] == {CAPPED: 1}
    town.clock.advance(timedelta(hours=1, minutes=30))
    assert town.counts(sent(town))[SMS] == {ACCEPTED: 1}


def test_many_that_wait_for_their_turn_count_before_they_are_handed_over(tmp_path: Path) -> None:
    town = town_with(tmp_path, 2)
    person = town.follower("transit", quiet=(6 * 60, 9 * 60))  # it is 7 in the city: all are held
    names = [town.broadcast("transit") for _ in range(5)]
    town.settle(*names)
    assert town.handed_over() == {town.address(person, SMS).text: 2}


def test_a_day_of_many_pages_is_read_whole(town: Town) -> None:
    for _ in range(5):
        town.follower("transit", shard=3)
    in_small_pages(town, 2)
    for _ in range(2):
        sent(town)
    assert town.counts(sent(town))[SMS] == {CAPPED: 5}


def test_a_page_that_was_planned_twice_counts_once(town: Town) -> None:
    def die() -> None:
        raise Crash

    town.follower("transit", shard=3)
    name = town.broadcast("transit")
    happening(town, After("put_many", "DAY#", nth=1, happens=die))
    town.settle(name)
    assert [page.broadcast for page in town.plain.days.read(town.clock().date(), 3)] == [name]
    assert [set(town.counts(sent(town))[SMS]) for _ in range(2)] == [{ACCEPTED}, {CAPPED}]


@pytest.mark.parametrize("most", [None, 20], ids=["no cap", "a cap far off"])
def test_below_the_cap_nobody_is_skipped(tmp_path: Path, most: int | None) -> None:
    town = town_with(tmp_path, most)
    town.follower("transit", shard=3)
    names = [sent(town) for _ in range(5)]
    assert {frozenset(town.counts(name)[SMS]) for name in names} == {frozenset({ACCEPTED})}
    assert bool(town.plain.days.read(town.clock().date(), 3)) is (most is not None)
