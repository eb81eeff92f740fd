"""The process dies before and after every state and provider call of a broadcast on three channels. Nobody is missed, nobody twice."""

import re
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import State
from tests.engine.town import Killer, Town

SLICES = 4
EMPTY = re.compile(r"(?:SHARD#|T#[a-z/-]+#)[2-46-9a-f]$")
"""Shards with nobody in them are all alike: two stand for the fourteen others."""


def a_broadcast(folder: Path, killer: Killer) -> tuple[Town, str, set[tuple[str, Channel]]]:
    """Seven recipients in one shard on three channels, one of them held, one who follows two topics; receipts come late."""
    folder.mkdir(parents=True, exist_ok=True)
    town = Town(folder, killer=Killer())
    people = [town.follower("transit", channels=list(Channel), shard=5) for _ in range(4)]
    people.append(town.follower("transit", "transit/red-line", channels=list(Channel), shard=5))
    people.append(town.follower("transit", channels=list(Channel), locale="es", shard=5))
    people.append(town.follower("transit", channels=list(Channel), quiet=(6 * 60, 7 * 60 + 3), shard=5))
    name = town.broadcast("transit/red-line")
    for watched in (town.services.store.table, town.services.queues):
        object.__setattr__(watched, "killer", killer)
    for provider in town.providers.values():
        provider.killer = killer
    return town, name, {(person, channel) for person in people for channel in Channel}


def calls_of_a_clean_run(folder: Path) -> list[tuple[int, str]]:
    """The calls there are to die at: their numbers and what they did."""
    killer = Killer()
    town, name, _ = a_broadcast(folder, killer)
    town.settle(name)
    calls = [(number, call) for number, call in enumerate(killer.names, 1) if not EMPTY.search(call)]
    assert len(calls) > 100
    return calls


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("slice_", range(SLICES))
def test_a_death_at_any_call_neither_loses_nor_doubles(tmp_path: Path, after: bool, slice_: int) -> None:
    calls = calls_of_a_clean_run(tmp_path / "clean")
    for at, call in calls[slice_::SLICES]:
        town, name, audience = a_broadcast(tmp_path / f"{at}", Killer(at=at, after=after))
        town.settle(name)
        assert town.broken({name: audience}) == [], f"died {'after' if after else 'before'} call {at}, {call}"
        town.state.file.close()


@pytest.mark.parametrize("slice_", range(SLICES))
def test_a_death_after_the_first_hand_over_with_receipts_ends_all_delivered(tmp_path: Path, slice_: int) -> None:
    calls = calls_of_a_clean_run(tmp_path / "clean")
    first = next(place for place, (_, call) in enumerate(calls) if call.startswith("provider"))
    calls = calls[first:]
    for at, call in calls[slice_::SLICES]:
        town, name, audience = a_broadcast(tmp_path / f"{at}", Killer(at=at, after=True))
        town.settle(name, receipts=True)
        assert town.broken({name: audience}) == [], f"died after call {at}, {call}"
        states = {mark.state for _, _, mark in town.standings(name)}
        assert states <= {State.DELIVERED, State.UNCONFIRMED}
        town.state.file.close()
