"""Workers that stall for long and wake in a city that went on without them. Each is the shortest run that broke something."""

from collections.abc import Iterator

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.jobs import FanOutJob
from tests.engine.watched_town import WatchedTown


@pytest.fixture
def town() -> Iterator[WatchedTown]:
    found = WatchedTown()
    yield found
    found.crew.dismiss()


def test_a_planner_that_wakes_after_the_end_leaves_nothing_open(town: WatchedTown) -> None:
    person = town.follower("transit", shard=5)
    name = town.broadcast("transit")
    town.work_all(most=1)
    body = FanOutJob(name, 5).body
    late = town.start("planner", lambda: town.handle("fan-out-routine", body), points=2)
    town.run_on()
    assert town.state_of(name) is BroadcastState.COMPLETED
    town.crew.finish(late)
    assert town.broken({name: {(person, Channel.SMS)}}) == []
