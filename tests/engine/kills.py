"""Deaths, one by one: a clean run is taped turn by turn, and each death is played from the turn that it falls in.

    tape = Tape(scenario)                       # runs it once, and numbers every state and provider call
    for death in tape.deaths():
        town, *_ = tape.play(death)             # the state as it was, the turn once more, and a BaseException at that call

A turn is what one process does: a job from a queue, the schedule's minute, or an act of a person. Whoever dies in a job leaves its message
to its visibility timeout; whoever dies in an act tries it again, as people do. From one call to the next within a turn nothing outside the
process changes, so dying before a call is dying after the one before it: that case is played once.
"""

import math
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import State
from chalicelib.domain.times import from_ms
from local.proof.everyone import ENDED, Recipient
from tests.engine.town import Crash, Town
from tests.tables import Clock, MemoryFile, SqliteCity, memory_city

MILLISECOND, EVERY = timedelta(milliseconds=1), timedelta(minutes=1)
_SHARD = re.compile(r"(?:SHARD#|T#[a-z/-]+#|B#bc_\w+#)([0-9a-f])(?=/| |$)")
_ALIKE = frozenset("2346789abcdef")
"""Shards with nobody in them are all alike: two stand for the others."""

Names = dict[str, str]
"""The broadcasts there are."""
Step = Callable[["Taped", Names], None]
"""One part of a run; safe to begin again, as the city itself is."""


@dataclass(frozen=True)
class Scenario:
    """What happens in a town: `people` makes it, `wrong` judges how it ended. Before the step `since` nobody dies: others play that."""

    people: Step
    steps: Sequence[Step]
    wrong: Callable[[Town, Names], list[str]]
    since: int = 0
    page_rows: int | None = 7


@dataclass(frozen=True)
class Image:
    """A town at one moment, whole: its state, its index, its clock, and what those outside know."""

    kept: bytes
    moment: datetime
    ids: int
    index: tuple[Any, ...]
    providers: dict[Channel, dict[str, Any]]
    marked: dict[Any, datetime]
    bodies: list[str]
    opt_outs: list[Any]
    names: Names


@dataclass(frozen=True)
class Turn:
    """The beginning of a turn: how many calls came before, which step it belongs to, how the town was, and what to do once more."""

    calls: int
    step: int
    image: Image | None
    again: Callable[[Town], None]


@dataclass(frozen=True)
class Death:
    """To die at a call, before it or after it."""

    call: int
    after: bool
    name: str

    def __str__(self) -> str:
        return f"died {'after' if self.after else 'before'} call {self.call}, {self.name}"


@dataclass(frozen=True)
class Struck:
    """A death as it happened: when, and who was being attempted or in doubt just then."""

    at: datetime
    doubtful: frozenset[Recipient]


class Taped(Town):
    """A town that tells when a turn begins, and in which every call takes a millisecond."""

    on_turn: Callable[[Callable[[Town], None]], None] | None = None

    def __init__(self, *, state: SqliteCity | None = None, page_rows: int | None = None) -> None:
        super().__init__(state=state, page_rows=page_rows)
        self.killer.on_call = lambda: self.clock.advance(MILLISECOND)

    def run(self, message: Any) -> None:
        self._begin(lambda town: town.run(message))
        super().run(message)

    def tick(self) -> None:
        self._begin(lambda town: town.tick())
        super().tick()

    def act(self, what: Callable[[Town], None]) -> None:
        """Somebody does something; where the process dies, they try again."""
        self._begin(what)
        with suppress(Crash):
            what(self)
            return
        self.restart()
        self.act(what)

    def _begin(self, turn: Callable[[Town], None]) -> None:
        if self.on_turn:
            self.on_turn(turn)


class Tape:
    """A clean run of a scenario, with everything one needs to die anywhere in it. With `fresh` it runs on a state made by that, of which
    there are no images: then each death is played from the start."""

    def __init__(self, scenario: Scenario, fresh: Callable[[], Any] | None = None) -> None:
        self.scenario, self._fresh = scenario, fresh
        self.turns: list[Turn] = []
        names: Names = {}
        self.clean = town = self._town(names)
        for number, step in enumerate(scenario.steps):
            town.on_turn = lambda again, number=number: self._begin(town, number, names, again)
            step(town, names)
        self.calls = town.killer.names
        assert scenario.wrong(town, names) == []

    def deaths(self) -> list[Death]:
        """Every death that differs from the others."""
        begins = {turn.calls + 1 for turn in self.turns}
        first = min(turn.calls for turn in self.turns if turn.step >= self.scenario.since)
        calls = [(call, name) for call, name in enumerate(self.calls, 1) if call > first and not _is_alike(name)]
        before = [Death(call, False, name) for call, name in calls if call in begins]
        return sorted([*before, *(Death(call, True, name) for call, name in calls)], key=lambda death: (death.call, death.after))

    def play(self, death: Death, *, then: int = 0) -> tuple[Town, Names, list[Struck]]:
        """The run with this death in it, to its end; with `then`, another process dies so many calls later."""
        turn = next(turn for turn in reversed(self.turns) if turn.calls < death.call)
        names: Names = {}
        town = restored(turn.image, self.scenario, names) if turn.image else self._town(names)
        begun, struck = (turn.calls, turn.step) if turn.image else (0, 0), list[Struck]()

        def note() -> None:
            struck.append(Struck(town.clock(), frozenset(doubtful(town, names))))
            town.killer.at = town.killer.calls + then if then and len(struck) == 1 else 0

        town.killer.at, town.killer.after, town.killer.on_death = death.call - begun[0], death.after, note
        if turn.image:
            with suppress(Crash):
                turn.again(town)
            assert struck, f"nobody {death}"
            town.restart()
        for step in self.scenario.steps[begun[1] :]:
            step(town, names)
        assert struck, f"nobody {death}"
        return town, names, struck

    def _town(self, names: Names) -> Taped:
        """The scenario's town before anything happens, each of its turns in a process of its own."""
        town = Taped(state=self._fresh() if self._fresh else None, page_rows=self.scenario.page_rows)
        town.on_turn = lambda _again: town.restart()
        self.scenario.people(town, names)
        town.killer.calls, town.killer.names = 0, []
        return town

    def _begin(self, town: Town, step: int, names: Names, again: Callable[[Town], None]) -> None:
        town.restart()
        self.turns.append(Turn(town.killer.calls, step, None if self._fresh else image(town, names), again))


def settle(town: Town, *names: str, receipts: bool = False) -> None:
    """Let the city run until these broadcasts ended: a sweep each minute, and once two found nothing to do, one whenever something is due."""
    end, idle = town.clock() + timedelta(hours=30), 0
    while town.clock() < end:
        died, jobs = town.killer.deaths, town.work()
        if receipts:
            town.deliver_receipts(again=False)
        town.tick()
        jobs += town.work()
        if all(town.state_of(name) in ENDED for name in names):
            return
        idle = 0 if jobs or town.killer.deaths > died else idle + 1  # a sweep that died would have found something
        town.clock.advance(EVERY if idle < 2 else _until_due(town))
    raise AssertionError(f"stuck: {[(town.state_of(name), town.counts(name)) for name in names]}")


def _until_due(town: Town) -> timedelta:
    """How many minutes until a row is due or a message shows."""
    now, dues = town.clock(), [from_ms(due) for _, due in town.index._shown.values()]
    shows = town.state.queues.next_visible_at(after=now)
    waits = min([one for one in [*dues, *([shows] if shows else [])] if one > now], default=now) - now
    return max(EVERY, timedelta(minutes=math.ceil(waits / timedelta(minutes=1))))


def _is_alike(name: str) -> bool:
    """Whether a call is about one of those shards and nothing else."""
    shards = set(_SHARD.findall(name))
    return len(shards) == 1 and shards <= _ALIKE


def doubtful(town: Town, names: Names) -> Iterator[Recipient]:
    """Who is being attempted, or was and nobody knows what came of it."""
    for name in names.values():
        yield from ((who, channel) for who, channel, mark in town.standings(name) if mark.state in {State.ATTEMPTING, State.UNKNOWN})


# --- images ----------------------------------------------------------------------------------------------------------

_OUTSIDE = ("truth", "attempts", "answers", "swallowed", "can_find", "confirmed")


def image(town: Town, names: Names) -> Image:
    """A town as it is now."""
    assert isinstance(town.state.file, MemoryFile)
    return Image(
        kept=town.state.file.image(),
        moment=town.clock(),
        ids=town.ids,
        index=(dict(town.index._shown), deque(town.index._behind), town.index._random.getstate()),
        providers={channel: {name: deepcopy(getattr(one, name)) for name in _OUTSIDE} for channel, one in town.providers.items()},
        marked=dict(town.notes.marked),
        bodies=list(town.notes.bodies),
        opt_outs=list(town.opt_outs),
        names=dict(names),
    )


def restored(image: Image, scenario: Scenario, names: Names) -> Taped:
    """A town as an image holds it, with no process running."""
    names.update(image.names)
    town = Taped(state=memory_city(image.kept, Clock(image.moment)), page_rows=scenario.page_rows)
    shown, behind, luck = image.index
    town.index._shown, town.index._behind = dict(shown), deque(behind)
    town.index._random.setstate(luck)
    for channel, provider in town.providers.items():
        for name, value in image.providers[channel].items():
            setattr(provider, name, deepcopy(value))
    town.ids, town.opt_outs = image.ids, list(image.opt_outs)
    town.notes.marked, town.notes.bodies = dict(image.marked), list(image.bodies)
    return town
