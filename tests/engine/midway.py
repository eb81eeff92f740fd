"""Being there in the middle of a broadcast: a table read a few rows at a time, and something that happens right after a call."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.engine.town import Killer, Town


class SmallPages:
    """A table whose queries end after a few rows, as they do at AWS after a megabyte."""

    def __init__(self, inner: Any, most: int) -> None:
        self.inner, self.most = inner, most

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def query(self, partition: str, *, limit: int | None = None, **rest: Any) -> Any:
        """At most so many rows."""
        return self.inner.query(partition, limit=min(limit or self.most, self.most), **rest)


def in_small_pages(town: Town, most: int) -> Town:
    """The town, read a few rows at a time."""
    watched = town.services.store.table
    object.__setattr__(watched, "inner", SmallPages(watched.inner, most))
    return town


class After(Killer):
    """Kills nobody: lets something happen once, right after the n-th call whose name holds some words."""

    def __init__(self, *words: str, nth: int, happens: Callable[[], object]) -> None:
        super().__init__()
        self.words, self.left, self.happens = words, nth, happens

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        result = call()
        if all(word in name for word in self.words):
            self.left -= 1
            if self.left == 0:
                self.happens()
        return result


class EachTakes(Killer):
    """Kills nobody: each call takes so long."""

    def __init__(self, town: Town, length: timedelta) -> None:
        super().__init__()
        self.clock, self.length = town.clock, length

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        self.clock.advance(self.length)
        return call()


def happening(town: Town, killer: Killer) -> None:
    """From now on every call of the town passes through this."""
    for watched in (town.services.store.table, town.services.queues):
        object.__setattr__(watched, "killer", killer)
    for provider in town.providers.values():
        provider.killer = killer
