"""Where a broadcast stands, as its counts say it, and the line that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SETTLED = ("accepted", "delivered", "failed", "skipped", "expired", "unconfirmed")
WAITING = ("held", "queued")
IN_HAND = "attempting"
IN_DOUBT = "unknown"
_WORDS = {"handed over": ("accepted", "delivered"), "waiting": WAITING, "in hand": (IN_HAND,), "in doubt": (IN_DOUBT,)}
_ENDED = ("completed", "stopped", "needs_review")


@dataclass(frozen=True)
class Standing:
    """A broadcast's state, how many recipients of all channels are in which, and the counts as the API shows them."""

    state: str
    counts: Mapping[str, int]
    shown: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in _ENDED

    def sum(self, *states: str) -> int:
        """How many are in these states."""
        return sum(self.counts.get(state, 0) for state in states)

    def line(self, seconds: float, everybody: int) -> str:
        """One line for a person: time, percent settled, and where the others are."""
        percent = 100 * self.sum(*SETTLED) // max(1, everybody)
        others = {state: count for state, count in self.counts.items() if state in SETTLED[2:] and count}
        parts = [f"{word} {self.sum(*states):,}" for word, states in _WORDS.items()] + [f"{state} {count:,}" for state, count in others.items()]
        return f"{seconds:5.0f} s  {percent:3d} %   {' · '.join(parts)}"


def read_standing(broadcast: Mapping[str, Any]) -> Standing:
    """The standing in an answer of the API."""
    counts: dict[str, int] = {}
    shown = broadcast.get("counts") or {}
    for channel in shown.values():
        for state, found in channel.items():
            counts[state] = counts.get(state, 0) + (sum(found.values()) if isinstance(found, Mapping) else int(found))
    return Standing(str(broadcast.get("state", "")), counts, shown)
