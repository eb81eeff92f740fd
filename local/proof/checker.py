"""The checker: everything that is broken, one sentence each. Nobody's address is in any of them."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from chalicelib.domain.tokens import Tokens
from chalicelib.state.table import Row
from chalicelib.store.sealed import Vault
from local.proof.case import make_case
from local.proof.everyone import (
    Recipient,
    audience_is,
    counts_are_rows,
    everybody_has_history,
    everybody_settled,
    handed_over_once,
    nothing_stuck,
    planned_once,
    rows_agree_with_truth,
)
from local.proof.records import read_records
from local.proof.rules import (
    all_approved,
    no_address_in_the_open,
    nothing_after_the_end,
    opt_outs_heeded,
    pace_kept,
    people_on_record,
    training_reaches_nobody,
)
from local.proof.truth import Truth


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
    case = make_case(truth, read_records(rows), vault=vault, tokens=tokens)
    return [
        *handed_over_once(case),
        *planned_once(case),
        *everybody_settled(case),
        *audience_is(case, audiences or {}),
        *rows_agree_with_truth(case),
        *everybody_has_history(case),
        *opt_outs_heeded(case),
        *all_approved(case),
        *nothing_after_the_end(case),
        *pace_kept(case),
        *people_on_record(case),
        *counts_are_rows(case, shown or {}),
        *training_reaches_nobody(case),
        *no_address_in_the_open(case, texts),
        *nothing_stuck(case, patience),
    ]
