"""The checker: everything that is broken, one sentence each. Nobody's address is in any of them."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.tokens import Tokens
from chalicelib.state.table import Row
from chalicelib.store.sealed import Vault
from local.proof.truth import Truth

Recipient = tuple[str, Channel]
"""A subscriber's id, and the channel."""


def broken(
    truth: Truth,
    rows: Iterable[Row],
    *,
    vault: Vault,
    tokens: Tokens,
    audiences: Mapping[str, Collection[Recipient]] | None = None,
    shown: Mapping[str, Mapping[str, object]] | None = None,
    texts: Iterable[str] = (),
    patience: timedelta = timedelta(hours=2),
) -> list[str]:
    """What is wrong, given the ground truth and every row of the table; empty where all promises were kept.

    `audiences`: by broadcast, exactly who must be in it. `shown`: by broadcast, the `counts` that the API shows. `texts`: log lines, URLs,
    bodies of queues and dead letters. `patience`: how long after its expiry a broadcast may still be unfinished."""
    raise NotImplementedError
