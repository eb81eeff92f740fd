"""What a provider answered is kept, whatever goes wrong with what else its worker has to do."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.message import Advice, Answer, Outcome
from chalicelib.errors import StateLater
from tests.engine.midway import After, happening
from tests.engine.town import Town

SMS = Channel.SMS
REFUSED = Outcome(Answer.REFUSED, "21610", advice=Advice.OPTED_OUT)
LATER = Outcome(Answer.LATER, "20429")


class Throttled(After):
    """The n-th call whose name holds some words finds the table too busy, even after the SDK's own tries."""

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        if all(word in name for word in self.words):
            self.left -= 1
            if self.left == 0:
                raise StateLater("throttled")
        return call()


WORK_BESIDE = {
    "heeding an opt-out": ("update A#", REFUSED, Mark(State.FAILED, "21610"), {}),
    "ending what an opt-out ends": ("transact", REFUSED, Mark(State.FAILED, "21610"), {}),
    "telling of a sender that throttles": ("update PACE#sms/TEMPO", LATER, Mark(State.ACCEPTED), {SMS: 10}),
}


@pytest.mark.parametrize(("call", "answer", "mark", "pace"), WORK_BESIDE.values(), ids=WORK_BESIDE.keys())
def test_a_busy_table_costs_nobody_the_answer_that_was_heard(call: str, answer: Outcome, mark: Mark, pace: dict[Channel, int]) -> None:
    town = Town(pace=pace)
    people = [town.follower("transit", shard=3) for _ in range(3)]
    town.providers[SMS].answers[town.address(people[1], SMS).value] = [answer]
    nth = 2 if pace else 1  # the first is its slots
    happening(town, Throttled(call, nth=nth, happens=lambda: None))
    name = town.broadcast("transit")
    for message in iter(lambda: next(iter(town.state.queues.receive(["launch", "fan-out-routine", "sms-routine"], 1, 360)), None), None):
        try:
            town.run(message)
        except StateLater:
            continue
    town.settle(name)
    standings = {who: one for who, _, one in town.standings(name)}
    assert [standings[who] for who in people] == [Mark(State.ACCEPTED), mark, Mark(State.ACCEPTED)]
