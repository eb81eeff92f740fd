"""Everything Belfry raises on purpose. What a caller can do about it is in the name.

BelfryError
├── Refused                 the caller must change something; becomes a 4xx answer
│   ├── Malformed           400  not readable, or a header we need is missing
│   ├── Unsigned            401  no key or signature, or a wrong or stale one
│   ├── Forbidden           403  a known key without the scope
│   ├── NotFound            404
│   ├── Conflict            409  the thing is in another state, or the key is in use
│   ├── TooLarge            413
│   ├── WrongType           415
│   ├── Invalid             422  readable, and wrong in the fields that `problems` names
│   └── Paused              429  stopped for now by a switch: keep it, and try again later
├── StateError
│   ├── WriteRefused        a condition did not hold; carries the old row
│   ├── TransactionRefused  one of several conditions did not hold; carries the old rows
│   ├── StateLater          throttled past our patience: redeliver
│   │   └── StateContended  somebody else was writing some of the same rows
│   └── StateLimit          a size the service refuses: our bug
├── RenderFailed            a template, a catalogue or a value is missing: our bug, found before the hand-over
└── Misconfigured           settings, secrets or city.toml: said at start, naming the key
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class BelfryError(Exception):
    """Base of every error raised on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what a caller sent: where (a JSON pointer such as `#/topics/0`), which code, and a sentence."""

    pointer: str
    code: str
    detail: str


class Refused(BelfryError):
    """The caller's request is refused; nothing was stored and nothing sent."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"

    def __init__(self, detail: str, *, code: str | None = None, problems: Sequence[Problem] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = code or self.code
        self.problems = tuple(problems)


class Malformed(Refused):
    """The request could not be read, or lacks a header it needs."""

    status = 400
    code = "malformed"


class Unsigned(Refused):
    """No key or signature, or one that is wrong or stale."""

    status = 401
    code = "unsigned"


class Forbidden(Refused):
    """The key is known and lacks the scope."""

    status = 403
    code = "forbidden"


class NotFound(Refused):
    """There is no such thing, or the caller may not know of it."""

    status = 404
    code = "not_found"


class Conflict(Refused):
    """The thing is in another state than the request needs."""

    status = 409
    code = "conflict"


class TooLarge(Refused):
    """The body is over the route's limit."""

    status = 413
    code = "too_large"


class WrongType(Refused):
    """The route does not take this content type."""

    status = 415
    code = "wrong_type"


class Invalid(Refused):
    """The request was read, and `problems` names each field that is wrong."""

    status = 422
    code = "invalid"

    @classmethod
    def field(cls, pointer: str, code: str, detail: str) -> "Invalid":
        """One wrong field."""
        return cls(detail, problems=[Problem(pointer, code, detail)])


class Paused(Refused):
    """A switch stops this for now. Nothing is wrong with the request: the caller keeps it and tries again after `retry_after` seconds."""

    status = 429
    code = "paused"
    retry_after = 300


class StateError(BelfryError):
    """A table or queue did not do what was asked."""


class WriteRefused(StateError):
    """A conditional write lost. `old` is the row as it stands, or None where there is none."""

    def __init__(self, old: Mapping[str, Any] | None) -> None:
        super().__init__("the condition did not hold")
        self.old = old


class TransactionRefused(StateError):
    """A transaction lost. `olds` holds, by position, the old row of each write whose condition failed."""

    def __init__(self, olds: Mapping[int, Mapping[str, Any] | None]) -> None:
        super().__init__(f"conditions failed at {sorted(olds)}")
        self.olds = olds


class StateLater(StateError):
    """The service is throttling us; the same call may work later."""


class StateContended(StateLater):
    """Somebody else was writing some of a transaction's rows at this very moment. `at` holds the positions of those writes."""

    def __init__(self, at: frozenset[int]) -> None:
        super().__init__(f"others are writing at {sorted(at)}")
        self.at = at


class StateLimit(StateError):
    """More than the service takes: 26 rows in a batch, 400 KB in a row, 900 s of delay. Our bug."""


class NoQueue(StateError):
    """There is no queue of this name: it was dropped, or never made."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no queue {name}")
        self.name = name


class RenderFailed(BelfryError):
    """A message could not be made: a template, sentence or value is missing."""


class Misconfigured(BelfryError):
    """A setting, secret or line of city.toml is missing or wrong."""
