"""Keeping a broadcast back until a person has looked, and saying so where somebody hears it."""

import logging

from chalicelib.domain.broadcast import Broadcast, BroadcastState, Review
from chalicelib.domain.guards import BREACHES, Weighed, is_breach
from chalicelib.errors import TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.flows.switching import turn
from chalicelib.flows.weighing import day_of, source_of
from chalicelib.state.table import Write
from chalicelib.store.audit import ENGINE, AuditEntry
from chalicelib.store.switches import source_switch

_log = logging.getLogger("belfry")


def keep_back(weighed: Weighed, review: Review, *, services: Services) -> None:
    """Let a due broadcast wait for a person, unless it was launched or stopped meanwhile. What it was to use is given back; the third breach of
    a source's caps within an hour pauses the source first."""
    broadcast, source = weighed.broadcast, source_of(weighed.broadcast)
    if source and is_breach(review) and services.store.sources.breaches(source, weighed.now) >= BREACHES - 1:
        _pause(source, services)
    writes = [services.store.broadcasts.review_write(broadcast, review), review_entry(broadcast.id, review, services=services)]
    try:
        services.store.table.transact([*writes, *_give_back(weighed, review, source, services)])
    except TransactionRefused:
        return
    report(broadcast.id, review)


def review_entry(broadcast: str, review: Review, *, services: Services) -> Write:
    """The audit entry of a review, for the transaction that begins it."""
    return services.store.audit.write(broadcast, AuditEntry(ENGINE, "broadcast.needs_review", review.at, str(review.reason)), id=services.new_id())


def report(broadcast: str, review: Review) -> None:
    """Tell the operators; an alarm listens for the sentence."""
    _log.error("broadcast waits for review", extra={"fields": {"broadcast": broadcast, "reason": str(review.reason), **review.numbers}})


def report_again(found: Broadcast | None) -> None:
    """Whoever kept it back may have died before they told anybody."""
    if found and found.state is BroadcastState.NEEDS_REVIEW and found.review:
        report(found.id, found.review)


def _give_back(weighed: Weighed, review: Review, source: str | None, services: Services) -> list[Write]:
    """Also what an earlier try of the same launch may have counted, before it died and something else came first."""
    broadcast, now = weighed.broadcast, weighed.now
    writes = [services.store.spendings.release_write(broadcast.id, day_of(broadcast, now, services=services))]
    if source:
        writes.append(services.store.sources.release_write(source, broadcast, now))
    if source and is_breach(review):
        writes.append(services.store.sources.breach_write(source, broadcast, now))
    return writes


def _pause(source: str, services: Services) -> None:
    """Nothing of the source goes, and its posts are sent back to be tried again, until somebody releases the switch."""
    why = f"{BREACHES} broadcasts over a cap within an hour"
    _log.error("source paused by itself", extra={"fields": {"source": source, "why": why}})
    turn(source_switch(source), stopped=True, why=why, by=ENGINE, services=services)
