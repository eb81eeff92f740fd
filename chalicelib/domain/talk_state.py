"""All that we may know of whoever texts us, as the conversation sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain.conversation import NOTHING_ASKED, Asked, Question
from chalicelib.domain.filters import EVERYTHING, Filters

ANSWER_WITHIN = timedelta(hours=24)
"""As long as a question of ours is open."""

HELP_EVERY = timedelta(hours=24)
"""How often a text that says nothing to us gets help: two machines that answer each other must come to an end."""


@dataclass(frozen=True)
class Memory:
    """What we remember of a talk. `asked`, `options` are our last question and its menu; `tries` how often it was asked. `helped_at` is when a text
    that we did not understand last got an answer. `blocked` says whether the provider itself acts on the word that stopped us; None where no such
    word was texted to us. `ended` is what START brings back, `parts` the part of it that was followed; `wanted` was asked for while only START
    could help. `places` were named last. `turn` counts how often the talk went on."""

    locale: str | None = None
    asked: Asked = Asked.NOTHING
    asked_at: datetime | None = None
    options: tuple[str, ...] = ()
    tries: int = 0
    helped_at: datetime | None = None
    ended: tuple[str, ...] = ()
    parts: Mapping[str, Filters] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    blocked: bool | None = None
    places: tuple[str, ...] = ()
    turn: int = 0

    def understood(self) -> "Memory":
        """The same after a text that we understood: nothing is asked any more."""
        return replace(self, asked=Asked.NOTHING, asked_at=None, options=(), tries=0)

    def asking(self, asked: Asked, now: datetime, options: tuple[str, ...] = (), *, tries: int = 0) -> "Memory":
        """The same after a question: the one before it counts no more."""
        return replace(self, asked=asked, asked_at=now, options=options, tries=tries)

    def question(self, now: datetime) -> Question:
        """What we asked, while an answer still counts as one."""
        fresh = self.asked_at is not None and now - self.asked_at < ANSWER_WITHIN
        return Question(self.asked, self.options) if fresh else NOTHING_ASKED

    def was_helped(self, now: datetime) -> bool:
        """Whether a text that we did not understand got an answer within a day."""
        return self.helped_at is not None and now - self.helped_at < HELP_EVERY


@dataclass(frozen=True)
class Follow:
    """A topic that is followed, or the part of it, and in which language."""

    topic: str
    locale: str
    filters: Filters = EVERYTHING


@dataclass(frozen=True)
class Waiting:
    """A sign-up that waits for this phone's YES. `at`: when it was asked for. `parts`: which part of a topic it asks for, where it is not all of it;
    `beside`: it asks for one page with an email address too."""

    id: str
    topics: tuple[str, ...]
    locale: str
    parts: Mapping[str, Filters] = field(default_factory=dict)
    at: datetime | None = None
    beside: bool = False


@dataclass(frozen=True)
class Talk:
    """The state of a talk. `paused_until` is None where nothing is paused now; `page` is the address of the page of their choices, empty for whoever
    follows nothing. `held_back`: the provider blocks them too, as their address says, which stays when they are erased."""

    memory: Memory = Memory()
    follows: tuple[Follow, ...] = ()
    opted_out: bool = False
    held_back: bool = False
    paused_until: datetime | None = None
    waiting: Waiting | None = None
    page: str = ""

    @property
    def blocked(self) -> bool:
        """Whether the provider blocks them too. Where only we do, after a page, a move, or a word of ours, a text of theirs is a new consent."""
        return self.opted_out and (self.held_back or self.memory.blocked is True)

    @property
    def locale(self) -> str | None:
        """Their language, where they have told it."""
        return self.memory.locale or next((one.locale for one in self.follows), None)

    @property
    def topics(self) -> list[str]:
        """What they follow."""
        return [one.topic for one in self.follows]

    def part_of(self, topic: str) -> Filters:
        """The part of a topic that they follow, or followed before STOP; all of it for any other."""
        return next((one.filters for one in self.follows if one.topic == topic), None) or self.memory.parts.get(topic, EVERYTHING)
