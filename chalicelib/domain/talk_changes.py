"""What a text changes, and what we say to it: values that a flow turns into writes and words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.consent import Step
from chalicelib.domain.conversation import Meaning
from chalicelib.domain.filters import Filters
from chalicelib.domain.talk_state import Memory


@dataclass(frozen=True)
class Said:
    """A reply: its template and the values of it."""

    template: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class StopAll:
    """Nothing may be sent any more: the address is opted out before anything else happens."""


@dataclass(frozen=True)
class Release:
    """The number is somebody else's by now: it is parted from the person it belonged to."""


@dataclass(frozen=True)
class Welcome:
    """Messages may be sent again."""


@dataclass(frozen=True)
class Join:
    """A part of a topic is followed from now, newly or again. `sign_up` names the sign-up that asked for it."""

    topic: str
    filters: Filters
    step: Step = Step.JOINED
    sign_up: str | None = None


@dataclass(frozen=True)
class Leave:
    """A topic is followed no more."""

    topic: str


@dataclass(frozen=True)
class SetLocale:
    """What is followed comes in another language: all of it, because that was asked for, or these topics, because a new one does."""

    locale: str
    topics: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Narrow:
    """A topic is followed for these areas only; for all of the city where there are none."""

    topic: str
    areas: frozenset[str]


@dataclass(frozen=True)
class Pause:
    """Nothing but emergencies comes before `until`; None: the pause ends now."""

    until: datetime | None


@dataclass(frozen=True)
class Confirm:
    """A sign-up is used up: its phone said YES."""

    sign_up: str


@dataclass(frozen=True)
class Decline:
    """A sign-up is void: its phone said NO."""

    sign_up: str


Change = StopAll | Release | Welcome | Join | Leave | SetLocale | Narrow | Pause | Confirm | Decline


@dataclass(frozen=True)
class Taken:
    """A text, taken: what it means, in which language we answer, what we say, what changes, and what we remember."""

    meaning: Meaning
    locale: str
    memory: Memory
    replies: tuple[Said, ...] = ()
    changes: tuple[Change, ...] = ()
