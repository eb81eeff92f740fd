"""Erasing somebody leaves nothing of them but the keyed hash among those that must not be written to, whatever is under way."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Consent, How, Step
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.preferences import Digest, Preferences
from chalicelib.flows.erase import erase
from chalicelib.store.addresses import address_key
from tests.engine.town import Crash, Killer, Town

SMS, EMAIL = Channel.SMS, Channel.EMAIL


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def left_of(town: Town, person: str) -> list[str]:
    """Every row and queued body that still knows anything of somebody, the row of their opt-out aside."""
    addresses = [town.address(person, channel) for channel in (SMS, EMAIL)]
    hashes = [town.plain.vault.hash(one) for one in addresses]
    names = [person, *hashes, *(one.value for one in addresses)]
    allowed = {address_key(name) for name in hashes}
    found = []
    for row in town.state.rows():
        text = f"{row.key.partition} {row.key.sort} {dict(row.values)}"
        if row.key in allowed:
            assert set(row.values) == {"opted_out"}, row
        elif any(name in text for name in names):
            found.append(text)
    return [*found, *(body for body in town.notes.bodies if any(name in body for name in names))]


def a_resident(town: Town, **chosen: object) -> str:
    """With both channels, a ledger, preferences and a history."""
    person = town.follower("transit", "events", channels=(SMS, EMAIL), **chosen)  # type: ignore[arg-type]
    for channel in (SMS, EMAIL):
        name = town.plain.vault.hash(town.address(person, channel))
        entry = Consent(person, name, channel, "transit", Step.JOINED, How.WEB, f"source-{channel}", "en", town.clock())
        town.state.table.transact([town.plain.consents.add_write(entry), town.plain.preferences.write(person, Preferences(digest_hour=9))])
    return person


def forget(town: Town, person: str) -> None:
    """Erase, and the second look some minutes later."""
    erase(person, services=town.services)
    town.clock.advance(timedelta(minutes=16))
    town.tick()


def test_of_a_quiet_resident_nothing_is_left(town: Town) -> None:
    person, other = a_resident(town, preferences=Preferences(digest=Digest.DAILY)), a_resident(town)
    town.settle(town.broadcast("transit"))
    forget(town, person)
    assert left_of(town, person) == []
    assert len(town.plain.subscriptions.of(other)) == 4
    assert len(town.plain.consents.of(other)) == 2


def test_an_erased_person_is_not_called_though_they_were_planned_for(town: Town) -> None:
    person, other = a_resident(town, shard=3), a_resident(town, shard=3)
    name = town.broadcast("transit")
    while not any(body for body in town.notes.bodies if "batch" in body):
        assert town.work(most=1)
    erase(person, services=town.services)
    town.settle(name)
    assert set(town.handed_over()) == {town.address(other, SMS).text, town.address(other, EMAIL).text}
    assert town.counts(name)[SMS] == {Mark(State.ACCEPTED): 1, Mark(State.SKIPPED, SkipReason.ERASED): 1}
    town.clock.advance(timedelta(minutes=16))
    town.tick()
    assert left_of(town, person) == []
    assert town.broken() == []


def test_who_is_held_for_the_morning_is_forgotten_too(town: Town) -> None:
    person = a_resident(town, quiet=(6 * 60, 9 * 60), shard=5)
    name = town.broadcast("transit")
    town.work()
    forget(town, person)
    town.settle(name)
    assert town.handed_over() == {}
    assert left_of(town, person) == []


@pytest.mark.parametrize("at", range(1, 60, 3))
def test_an_erasure_that_dies_anywhere_is_finished(tmp_path: Path, at: int) -> None:
    killer = Killer()
    town = Town(tmp_path, killer=killer)
    person, other = a_resident(town, shard=3), a_resident(town, shard=3)
    town.settle(town.broadcast("transit"))
    held = town.broadcast("events")
    town.work(most=10)
    killer.at, killer.calls, killer.after = at, 0, at % 2 == 0
    with suppress(Crash):
        erase(person, services=town.services)
    killer.at = 0
    if killer.deaths and not any(row.key.sort == "ERASURE" for row in town.state.rows()):
        assert at == 1  # it died before it was written down: the person was told that it failed
        return
    town.settle(held)
    for _ in range(2):
        town.tick()
        town.clock.advance(timedelta(minutes=16))
    town.tick()
    assert left_of(town, person) == []
    assert len(town.plain.subscriptions.of(other)) == 4
    assert town.broken() == []


def test_whoever_comes_back_after_it_is_new_and_stays(town: Town) -> None:
    person = a_resident(town)
    address = town.address(person, SMS)
    erase(person, services=town.services)
    again = town.plain.addresses.claim(address, subscriber="a" * 32, verified=True)
    assert again.subscriber == "a" * 32
    town.clock.advance(timedelta(minutes=16))
    town.tick()
    found = town.plain.addresses.find(address)
    assert found
    assert (found.subscriber, found.sealed is not None) == ("a" * 32, True)


def test_a_correction_passes_over_whoever_was_erased(town: Town) -> None:
    person, other = a_resident(town, shard=3), a_resident(town, shard=3)
    name = town.broadcast("transit")
    town.settle(name)
    forget(town, person)
    reached = [entry.subscriber for what in town.plain.reach.everybody(name) for entry in what.entries]
    assert set(reached) == {other}
