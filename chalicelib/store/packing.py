"""Groups of writes, packed into as few transactions as hold them."""

from collections.abc import Sequence

from chalicelib.state.table import MOST_TRANSACT, Write


def packed(groups: Sequence[Sequence[Write]], *, beside: int = 0) -> list[list[Write]]:
    """The groups in order, none cut, in lists of at most 100 writes less the `beside` that the caller adds; at least one list."""
    lists: list[list[Write]] = [[]]
    for group in groups:
        if len(lists[-1]) + len(group) > MOST_TRANSACT - beside:
            lists.append([])
        lists[-1] += group
    return lists
