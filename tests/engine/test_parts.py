"""Parts of a topic: who asked for one gets what it is about and when they said, through the whole engine; everybody ends settled."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.about import About, Activity, Entity, Period
from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.filters import Facility, Filters, Hours, Journey
from chalicelib.domain.notice import Severity
from tests.engine.town import Town

SMS = Channel.SMS
TAKEN, FILTERED = Mark(State.ACCEPTED), Mark(State.SKIPPED, SkipReason.FILTERED)
EVERY_DAY = frozenset(range(7))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def hours_until_told(town: Town, person: str, since: datetime) -> list[float]:
    """When somebody was handed something."""
    to = town.address(person, SMS)
    return [round((one.at - since) / timedelta(hours=1), 1) for one in town.providers[SMS].truth if one.to == to]


def where(town: Town, name: str) -> dict[str, Mark]:
    return {person: mark for person, _, mark in town.standings(name)}


def on(**names: Any) -> Filters:
    return Filters(journeys=(Journey(**names),))


STOP = About(entities=(Entity(route="Red", direction=0, stop="1011", activities=frozenset({Activity.BOARD})),))


def test_each_gets_what_is_on_their_way(town: Town) -> None:
    asked = {
        "everything": Filters(),
        "the line": on(route="red"),
        "the station of that platform": on(origin="Bell Square", destination="North End"),
        "the other direction": on(route="Red", direction=1),
        "getting off there": on(origin="Harbor", destination="Bell Square"),
        "riding through": on(route="Red", origin="Harbor", destination="North End"),
        "elevators": Filters(facilities=frozenset({Facility.ELEVATOR})),
        "only what is worse": Filters(severity=Severity.SEVERE),
    }
    people = {why: town.follower("transit/red-line", filters=filters) for why, filters in asked.items()}
    name = town.broadcast("transit/red-line", about=STOP)
    town.settle(name)
    got = {why for why, person in people.items() if where(town, name)[person] == TAKEN}
    assert got == {"everything", "the line", "the station of that platform"}
    assert town.counts(name)[SMS] == {TAKEN: 3, FILTERED: 5}
    assert town.broken() == []


def test_an_emergency_is_for_all_of_them(town: Town) -> None:
    people = [town.follower("transit", filters=one) for one in (on(route="Blue"), Filters(hours=Hours(EVERY_DAY, 60, 120), severity=Severity.EXTREME))]
    name = town.broadcast("transit", urgent=True, about=STOP)
    town.settle(name)
    assert [where(town, name)[person] for person in people] == [TAKEN, TAKEN]


def test_who_asked_for_it_on_one_of_two_topics_gets_it_once(town: Town) -> None:
    person = town.follower("transit", filters=on(route="Blue"))
    town.follower("transit", "transit/red-line", filters=on(route="Blue"))
    keyed = town.plain.subscriptions.of(person)[0]
    town.state.table.transact(town.plain.subscriptions.join_writes(type(keyed)(person, "transit/red-line", SMS, keyed.address, "en")))
    name = town.broadcast("transit/red-line", about=STOP)
    town.settle(name)
    assert where(town, name)[person] == TAKEN
    assert town.counts(name)[SMS] == {TAKEN: 1, FILTERED: 1}
    assert town.broken() == []


def test_outside_their_hours_it_waits_until_these_begin(town: Town) -> None:
    seven = town.clock()
    hours = {"now": (6, 8), "at nine": (9, 10), "over midnight": (22, 2), "tomorrow": (5, 6)}
    people = {when: town.follower("transit", filters=Filters(hours=Hours(EVERY_DAY, start * 60, end * 60))) for when, (start, end) in hours.items()}
    name = town.broadcast("transit", lasts=timedelta(hours=20))
    town.settle(name)
    waited = {when: hours_until_told(town, person, seven) for when, person in people.items()}
    assert waited == {"now": [0.0], "at nine": [2.0], "over midnight": [15.0], "tomorrow": []}
    assert where(town, name)[people["tomorrow"]] == Mark(State.EXPIRED)
    assert town.broken() == []


def test_what_is_over_when_their_hours_begin_is_never_told(town: Town) -> None:
    now = town.clock()
    evening = Filters(hours=Hours(EVERY_DAY, 17 * 60, 19 * 60))
    person = town.follower("transit", filters=evening)
    over = town.broadcast("transit", about=About(periods=(Period(now, now + timedelta(hours=9)),)))
    holds = town.broadcast("transit", notice="nt_2", about=About(periods=(Period(now, now + timedelta(hours=11)),)))
    town.settle(over, holds)
    assert (where(town, over)[person], where(town, holds)[person]) == (FILTERED, TAKEN)
