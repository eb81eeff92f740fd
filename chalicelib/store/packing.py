"""Groups of writes, packed into as few transactions as hold them."""

from collections.abc import Sequence

from chalicelib.state.table import MOST_TRANSACT, Write


def packed(groups: Sequence[Sequence[Write]], *, beside: int = 0) -> list[list[Write]]:
    """The groups in order, none cut, in lists of at most 100 writes less the `beside` that the caller adds; at least one list. A transaction takes no
    row twice: what is to be written twice just so, such as the slot of a digest that two subscriptions share, is written once."""
    lists: list[list[Write]] = [[]]
    for group in groups:
        fresh = _fresh(group, lists[-1])
        if len(lists[-1]) + len(fresh) > MOST_TRANSACT - beside:
            lists.append([])
            fresh = _fresh(group, [])
        lists[-1] += fresh
    return lists


def _fresh(group: Sequence[Write], written: Sequence[Write]) -> list[Write]:
    fresh: list[Write] = []
    for write in group:
        if write not in written and write not in fresh:
            fresh.append(write)
    return fresh
