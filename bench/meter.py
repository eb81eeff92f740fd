"""What work costs: CPU seconds of this process, and how slow the machine was meanwhile."""

import hmac
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import fmean

_SAMPLE = [{"sk": {"S": f"P0000#{number:032x}"}, "due": {"N": str(number)}} for number in range(100)]


@dataclass
class Meter:
    """CPU seconds, user and system, of all threads, by what they were spent on. `slowness` is what a fixed piece of work took between."""

    spent: dict[str, float] = field(default_factory=Counter)
    _sticks: list[float] = field(default_factory=list)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Count what is done inside."""
        start = time.process_time()
        yield
        self.spent[what] += time.process_time() - start

    def look_at_the_machine(self) -> None:
        """Do the fixed piece of work. Who shares the machine slows it as they slow what is measured."""
        start = time.process_time()
        for _ in range(5):
            text = json.dumps(json.loads(json.dumps(_SAMPLE)))
            for one in _SAMPLE:
                hmac.digest(b"key", f"{one['sk']['S']}.{len(text)}".encode(), "sha256").hex()
        self._sticks.append(time.process_time() - start)

    @property
    def slowness(self) -> float:
        """Milliseconds that the fixed piece of work took on average."""
        return fmean(self._sticks) * 1000


def best_rate(units: int, work: object, *, times: int = 3) -> int:
    """Units per CPU second of `work(units)`: the best of several, for what disturbs only ever slows."""
    assert callable(work)
    work(max(1, units // 10))
    best = 0.0
    for _ in range(times):
        start = time.process_time()
        work(units)
        best = max(best, units / (time.process_time() - start))
    return round(best)
