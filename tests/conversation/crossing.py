"""Calls that cross and workers that die, at a chosen transaction."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chalicelib.store.stores import Stores
from tests.conversation.booth import Booth


class Died(BaseException):
    """The process dies here."""


class Meddling:
    """A table that does something before its n-th transaction: dies, or lets another text in first."""

    def __init__(self, inner: Any, before: Mapping[int, Callable[[], object]]) -> None:
        self.inner, self.before, self.count = inner, before, 0

    def transact(self, writes: Any) -> None:
        self.count += 1
        act = self.before.get(self.count)
        if act:
            act()
        self.inner.transact(writes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def die() -> None:
    raise Died


def meddle(booth: Booth, before: Mapping[int, Callable[[], object]]) -> Callable[[], None]:
    """From now on the booth's table meddles; the answer undoes it."""
    plain = booth.services
    booth.services = replace(plain, store=Stores(Meddling(booth.state.table, before), plain.store.vault))

    def undo() -> None:
        booth.services = plain

    return undo
