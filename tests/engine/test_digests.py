"""Digests: those who chose so are told together, at their hour, of what concerns them; once, and of nothing twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.digests import MOST_ITEMS
from chalicelib.domain.filters import Filters
from chalicelib.domain.message import SmsMessage
from chalicelib.domain.notice import Act, Severity
from chalicelib.domain.preferences import Digest, Preferences
from chalicelib.flows.sweep import sweep
from chalicelib.state.table import Change, Key, Row
from chalicelib.store.addresses import address_key
from chalicelib.store.subscriptions import roster_keys
from tests.engine.correcting import corrected
from tests.engine.town import Killer, Told, Town

SMS, EMAIL = Channel.SMS, Channel.EMAIL
DAILY = Preferences(digest=Digest.DAILY, digest_hour=8)
"""The town's clock begins at seven."""


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def until(town: Town, hours: float) -> None:
    """The city lives on, a tick every five minutes."""
    end = town.clock() + timedelta(hours=hours)
    while town.clock() < end:
        town.work()
        town.tick()
        town.work()
        town.clock.advance(timedelta(minutes=5))


def told(town: Town, person: str, channel: Channel = SMS) -> list[str]:
    """The titles of all that somebody got."""
    to = town.address(person, channel)
    found = [one.message for one in town.providers[channel].truth if one.to == to and isinstance(one, Told)]
    return [one.body for one in found if isinstance(one, SmsMessage)]


def say(town: Town, *topics: str, **said: Any) -> str:
    """A broadcast, launched a second after the last."""
    town.clock.advance(timedelta(seconds=1))
    name = town.broadcast(*topics, **said)
    town.work()
    return name


def digests(town: Town) -> list[str]:
    return [one.id for one in town.plain.broadcasts.page(limit=100)[0] if one.author == "digest"]


def test_each_is_told_once_at_their_hour_of_what_concerns_them(town: Town) -> None:
    both, rider, at_once = town.follower("transit", "events", preferences=DAILY), town.follower("transit", preferences=DAILY), town.follower("transit")
    train = say(town, "transit", title="Train", notice="nt_train")
    fair = say(town, "events", title="Fair", notice="nt_fair")
    until(town, 0.5)
    assert (told(town, both), told(town, rider), told(town, at_once)) == ([], [], ["Train"])
    assert town.counts(train)[SMS] == {Mark(State.ACCEPTED): 1, Mark(State.SKIPPED, SkipReason.DIGEST): 2}
    until(town, 1)
    assert (told(town, both), told(town, rider), told(town, at_once)) == (["Fair + Train"], ["Train"], ["Train"])
    until(town, 26)
    assert (told(town, both), told(town, rider)) == (["Fair + Train"], ["Train"])
    assert len(digests(town)) == 1
    assert town.state_of(fair) is BroadcastState.COMPLETED
    assert town.broken() == []


def test_what_is_urgent_waits_for_no_digest_and_is_not_told_again_in_it(town: Town) -> None:
    person = town.follower("transit", preferences=DAILY)
    say(town, "transit", urgent=True, title="Fire", notice="nt_fire")
    until(town, 2)
    assert told(town, person) == ["Fire"]


def test_a_week_comes_on_its_day(town: Town) -> None:
    town_day = town.clock().astimezone(town.services.city.zone)
    person = town.follower("transit", preferences=Preferences(digest=Digest.WEEKLY, digest_hour=9, digest_day=(town_day.weekday() + 2) % 7))
    say(town, "transit", title="One", notice="nt_1", lasts=timedelta(days=9))
    until(town, 47)
    say(town, "transit", title="Two", notice="nt_2", lasts=timedelta(days=9))
    until(town, 2)
    assert told(town, person) == []
    until(town, 2)
    assert told(town, person) == ["Two + One"]
    until(town, 7 * 24)
    assert told(town, person) == ["Two + One"]


def test_only_what_still_holds_and_in_its_last_words_is_told(town: Town) -> None:
    person = town.follower("transit", preferences=DAILY)
    say(town, "transit", title="Over by eight", notice="nt_over", lasts=timedelta(minutes=20))
    say(town, "transit", title="First words", notice="nt_changed")
    say(town, "transit", title="Taken back", notice="nt_back")
    say(town, "transit", title="Stays", notice="nt_stays")
    until(town, 0.3)
    say(town, "transit", title="Last words", notice="nt_changed", act=Act.UPDATED, revision=2)
    say(town, "transit", title="Withdrawn", notice="nt_back", act=Act.CANCELLED, revision=2)
    until(town, 1.5)
    assert told(town, person) == ["Last words + Stays"]


def test_filters_count_in_a_digest_too(town: Town) -> None:
    person = town.follower("transit", preferences=DAILY, filters=Filters(severity=Severity.SEVERE))
    say(town, "transit", title="Little", notice="nt_little")
    say(town, "transit", title="Much", notice="nt_much", severity=Severity.SEVERE)
    until(town, 1.5)
    assert told(town, person) == ["Much"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda one: replace(one, preferences=replace(DAILY, paused_until=datetime(2027, 6, 1, tzinfo=UTC))), id="paused"),
        pytest.param(None, id="left"),
    ],
)
def test_whoever_pauses_or_leaves_gets_no_digest(town: Town, change: object) -> None:
    person = town.follower("transit", preferences=DAILY)
    [one] = town.plain.subscriptions.of(person)
    say(town, "transit", title="Train", notice="nt_train")
    until(town, 0.5)
    town.state.table.transact(
        town.plain.subscriptions.choice_writes(change(one)) if callable(change) else town.plain.subscriptions.leave_writes(person, "transit", SMS)
    )
    until(town, 2)
    assert told(town, person) == []


def test_the_roster_forgets_whoever_left_or_changed_their_hour(town: Town) -> None:
    gone, moved = town.follower("transit", preferences=DAILY, shard=1), town.follower("transit", preferences=DAILY, shard=2)
    [one], [other] = town.plain.subscriptions.of(gone), town.plain.subscriptions.of(moved)
    town.state.table.transact(town.plain.subscriptions.leave_writes(gone, "transit", SMS))
    town.state.table.transact(town.plain.subscriptions.choice_writes(replace(other, preferences=replace(DAILY, digest_hour=20)), before=other))
    say(town, "transit", title="Train", notice="nt_train")
    until(town, 2)
    rows = {row.key for row in town.state.rows()}
    assert not {*roster_keys(one), *roster_keys(other)} & rows
    assert town.handed_over() == {}


def test_both_channels_of_one_person_get_one_each(town: Town) -> None:
    person = town.follower("transit", channels=(SMS, EMAIL), preferences=DAILY)
    say(town, "transit", title="Train", notice="nt_train")
    until(town, 1.5)
    assert set(town.handed_over().values()) == {1}
    assert len(town.handed_over()) == 2
    assert told(town, person) == ["Train"]


def test_a_day_without_news_sends_nothing(town: Town) -> None:
    town.follower("transit", preferences=DAILY)
    until(town, 26)
    assert digests(town) == []


@pytest.mark.parametrize("at", range(1, 60, 7))
def test_a_digest_that_dies_anywhere_is_made_and_sent_once(tmp_path: Path, at: int) -> None:
    killer = Killer()
    town = Town(tmp_path, killer=killer)
    people = [town.follower("transit", preferences=DAILY) for _ in range(4)]
    say(town, "transit", title="Train", notice="nt_train")
    until(town, 0.9)
    killer.at, killer.calls, killer.after = at, 0, at % 2 == 0
    until(town, 0.5)
    killer.at = 0
    until(town, 1)
    assert killer.deaths == 1
    assert [told(town, person) for person in people] == [["Train"]] * 4
    assert town.broken() == []


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_more_than_a_page_of_readers_are_all_told(tmp_path: Path, rows: int) -> None:
    """A page may end within a person, and a person may fill one."""
    town = Town(tmp_path, page_rows=rows)
    people = [town.follower("transit", "events", "jobs", preferences=DAILY, shard=4) for _ in range(5)]
    say(town, "transit", "events", title="Train", notice="nt_train")
    until(town, 2)
    assert [told(town, person) for person in people] == [["Train"]] * 5


def test_nobody_is_crowded_out_by_what_concerns_others(town: Town) -> None:
    person = town.follower("events", preferences=DAILY)
    say(town, "events", title="Fair", notice="nt_fair")
    for number in range(MOST_ITEMS + 1):
        say(town, "transit", title=f"Train {number}", notice=f"nt_{number}")
    until(town, 1.5)
    assert told(town, person) == ["Fair"]


def test_one_digest_holds_so_many_and_no_more(town: Town) -> None:
    person = town.follower("transit", preferences=DAILY)
    for number in range(MOST_ITEMS + 3):
        say(town, "transit", title=f"{number}", notice=f"nt_{number}")
    until(town, 1.5)
    [text] = told(town, person)
    assert text.split(" + ") == [f"{number}" for number in range(MOST_ITEMS + 2, 2, -1)]


def test_what_was_corrected_is_told_as_it_is_right(town: Town) -> None:
    person = town.follower("transit", preferences=DAILY)
    town.follower("transit")
    wrong = say(town, "transit", title="Wrong", notice="nt_wrong")
    town.settle(wrong)
    town.clock.advance(timedelta(minutes=1))
    corrected(town, wrong)
    until(town, 1.5)
    [text] = told(town, person)
    assert "Wrong" not in text


def test_after_an_outage_the_next_digest_tells_of_all_of_it(town: Town) -> None:
    person = town.follower("transit", preferences=DAILY)
    until(town, 0.2)
    say(town, "transit", title="Before", notice="nt_before", lasts=timedelta(days=3))
    town.clock.advance(timedelta(hours=6))  # nobody ticks at eight, nor soon after
    until(town, 24)
    assert told(town, person) == ["Before"]


def test_a_slot_that_cannot_be_read_costs_no_other(town: Town) -> None:
    person = town.follower("transit", preferences=DAILY)
    until(town, 0.1)
    say(town, "transit", title="Train", notice="nt_train")
    town.state.table.put(Row(Key("SLOTS", "daily-07-0-America/Gone"), {}))
    town.clock.advance(timedelta(minutes=60))
    with pytest.raises(ExceptionGroup):
        sweep(services=town.services)
    town.work()
    assert told(town, person) == ["Train"]


BY_EMAIL = replace(DAILY, email_first=True)


def emailed(town: Town, person: str) -> int:
    return town.handed_over()[town.address(person, EMAIL).text]


def test_whoever_wants_it_by_email_alone_gets_the_digest_there_alone(town: Town) -> None:
    person, both = (town.follower("transit", channels=(SMS, EMAIL), preferences=wish) for wish in (BY_EMAIL, DAILY))
    say(town, "transit", title="Train", notice="nt_train")
    until(town, 2)
    assert (told(town, person), emailed(town, person)) == ([], 1)
    assert (told(town, both), emailed(town, both)) == (["Train"], 1)
    [digest] = digests(town)
    assert town.counts(digest)[SMS] == {Mark(State.ACCEPTED): 1, Mark(State.SKIPPED, SkipReason.BY_EMAIL): 1}
    assert town.counts(digest)[EMAIL] == {Mark(State.ACCEPTED): 2}
    assert town.broken() == []


@pytest.mark.parametrize("why", ["bounced", "opted out", "left"])
def test_whoever_wants_it_by_email_alone_is_texted_the_digest_where_no_email_comes(town: Town, why: str) -> None:
    person = town.follower("transit", channels=(SMS, EMAIL), preferences=BY_EMAIL)
    [one] = [one for one in town.plain.subscriptions.of(person) if one.channel is EMAIL]
    say(town, "transit", title="Train", notice="nt_train")
    if why == "bounced":
        town.state.table.update(address_key(one.address), Change(set={"bad": "5.1.1"}))
    elif why == "opted out":
        town.opt_out(person, EMAIL)
    else:
        town.state.table.transact(town.plain.subscriptions.leave_writes(person, "transit", EMAIL))
    until(town, 2)
    assert (told(town, person), emailed(town, person)) == (["Train"], 0)


def test_what_only_texts_bring_is_texted_to_whoever_wants_the_rest_by_email(town: Town) -> None:
    person = town.follower("transit", "events", channels=(SMS, EMAIL), preferences=BY_EMAIL)
    town.state.table.transact(town.plain.subscriptions.leave_writes(person, "events", EMAIL))
    say(town, "transit", title="Train", notice="nt_train")
    say(town, "events", title="Fair", notice="nt_fair")
    until(town, 2)
    assert (told(town, person), emailed(town, person)) == (["Fair"], 1)


@pytest.mark.parametrize("why", ["bounced", "opted out", "another part"])
def test_whoever_wants_it_by_email_alone_is_texted_where_no_email_comes(town: Town, why: str) -> None:
    wish = Preferences(email_first=True)
    person = town.follower("transit", channels=(SMS, EMAIL), preferences=wish)
    [one] = [one for one in town.plain.subscriptions.of(person) if one.channel is EMAIL]
    if why == "bounced":
        town.state.table.update(address_key(one.address), Change(set={"bad": "5.1.1"}))
    elif why == "opted out":
        town.opt_out(person, EMAIL)
    else:
        town.state.table.transact(town.plain.subscriptions.choice_writes(replace(one, filters=Filters(severity=Severity.EXTREME))))
    say(town, "transit", title="Train", notice="nt_train")
    until(town, 0.2)
    assert told(town, person) == ["Train"]
