"""What came of a drill, in numbers and in one word."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from local.drill.audience import Reached
from local.drill.standing import SETTLED, Standing


@dataclass(frozen=True)
class Report:
    """The numbers. `broken` is what the checker found, one sentence each."""

    standing: Standing
    everybody: int
    handed_over: int
    doubled: int
    strangers: int
    lost: int
    broken: Sequence[str]

    @property
    def green(self) -> bool:
        """Whether everything is as promised: all settled, nobody twice, nobody lost, nothing broken."""
        settled = self.standing.state == "completed" and self.standing.sum(*SETTLED) == self.everybody == sum(self.standing.counts.values())
        return settled and not (self.doubled or self.strangers or self.lost or self.broken)

    def lines(self) -> Iterator[tuple[str, str]]:
        """For a person: what, and how many."""
        yield "Handed over", f"{self.handed_over:,} of {self.everybody:,}"
        yield "Doubled", f"{self.doubled:,}"
        yield "Lost", f"{self.lost:,}"
        yield "Unconfirmed", f"{self.standing.sum('unconfirmed'):,}"
        for state in ("failed", "skipped", "expired"):
            if self.standing.sum(state):
                yield state.capitalize(), f"{self.standing.sum(state):,}"
        if self.standing.state != "completed":
            yield "State", self.standing.state
        if self.strangers:
            yield "Strangers", f"{self.strangers:,} got it and should not have"
        yield "Checker", f"{len(self.broken):,} promises broken" if self.broken else "nothing is broken"
        for sentence in self.broken[:10]:
            yield "", sentence


def report(standing: Standing, everybody: Sequence[Reached], got: Mapping[Reached, int], broken: Sequence[str]) -> Report:
    """Hold what was to be against what providers took. Lost is who got nothing and is in no state that says so."""
    wanted = Counter(everybody)
    missing = sum(1 for one in wanted if not got.get(one))
    return Report(
        standing=standing,
        everybody=len(everybody),
        handed_over=sum(1 for one in wanted if got.get(one)),
        doubled=sum(count - 1 for count in got.values() if count > 1),
        strangers=sum(1 for one in got if one not in wanted),
        lost=max(0, missing - standing.sum("failed", "skipped", "expired", "unconfirmed")),
        broken=broken,
    )
