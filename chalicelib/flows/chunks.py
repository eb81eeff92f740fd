"""One chunk of a batch: mark, look, hand over, note."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.batch import LAST_CALL, LEASE, unknown
from chalicelib.domain.delivery import UNTRIED, Mark, State
from chalicelib.domain.digests import DIGEST
from chalicelib.domain.message import NOT_TRIED, Answer, Outcome, Parcel
from chalicelib.domain.pace import SLOW, News
from chalicelib.domain.reception import Hold
from chalicelib.errors import Misconfigured, StateError
from chalicelib.flows.heeding import Word, heed
from chalicelib.flows.looking import Reader, look
from chalicelib.flows.task import Progress, Task, is_resend, report_late

_log = logging.getLogger("belfry")

LAST_START = timedelta(seconds=45)
"""No provider call begins later than this after its worker began: with its ten seconds it ends before the worker's time does."""


def send_chunk(task: Task, progress: Progress, chunk: Sequence[int], *, marked: bool) -> Progress:
    """Mark, look, hand over. Opt-outs and stop are read after the mark, so that none can fall between."""
    if not marked:
        progress = _mark(task, progress, chunk)
        if progress.lost:
            return progress
        chunk = [entry for entry in chunk if progress.answers.cells[entry] != State.ACCEPTED]
        if not chunk:
            return progress
    resend, seen = is_resend(progress, chunk), look(task, chunk)
    decided = {entry: str(one) for entry, one in seen.verdicts.items() if isinstance(one, Mark) and not resend}
    progress = _hold(replace(progress.with_cells(decided), ended=seen.ended, paused=seen.paused), seen.verdicts)
    going = [entry for entry in chunk if seen.verdicts[entry] is None and not seen.paused]
    if resend:
        later = [entry for entry in chunk if entry not in going and not isinstance(seen.verdicts[entry], Mark)]
        progress = _not_resent(progress, later)
    progress, parcels = _parcels(task, progress, {entry: seen.readers[entry] for entry in going}, resend=resend)
    if not parcels:
        return progress
    last = min(progress.marked_at + LAST_CALL, task.started + LAST_START, task.broadcast.expires_at)
    began = task.services.now()
    outcomes = dict(zip(parcels, task.sender.hand_over(list(parcels.values()), gate=task.pacer.gate.until(last)), strict=True))
    progress = _note(progress, outcomes, resend=resend)
    try:
        _tell(task, list(outcomes.values()), began)
        _heed(task, outcomes)
    except StateError as error:  # whom we called, and what was answered, is worth more: a provider says the rest again with its next answer
        _log.warning("what a provider said beside its answers is not kept", exc_info=error)
    return progress


def _not_resent(progress: Progress, entries: Collection[int]) -> Progress:
    """Marked to be sent again, and not called after all: their one more time is still to come."""
    return replace(progress, answers=replace(progress.answers, resent=progress.answers.resent - frozenset(entries)))


def _hold(progress: Progress, verdicts: Mapping[int, Mark | Hold | None]) -> Progress:
    """Whoever has quiet hours now is left untried until the first of them ends."""
    holds = {entry: one.until for entry, one in verdicts.items() if isinstance(one, Hold)}
    if not holds:
        return progress
    until = min([*holds.values(), *([progress.hold_until] if progress.hold_until else [])])
    return replace(progress, held=progress.held | holds.keys(), hold_until=until)


def _mark(task: Task, progress: Progress, chunk: Sequence[int]) -> Progress:
    """The mark; it also tells of receipts that came meanwhile, so that nobody they speak of is called."""
    now, answers = task.services.now(), progress.answers
    if is_resend(progress, chunk):
        answers = replace(answers, resent=answers.resent | frozenset(chunk))
    marked = task.services.store.batches.mark(task.key, answers, claim=task.claim, attempting=chunk, now=now)
    if marked is None:
        report_late(task, progress)
        return replace(progress, lost=True)
    proven = {entry: str(State.ACCEPTED) for entry in chunk if marked.receipts_of(entry)}
    return replace(progress, answers=answers, marked_at=now).with_cells(proven)


def _parcels(task: Task, progress: Progress, readers: Mapping[int, Reader], *, resend: bool) -> tuple[Progress, dict[int, Parcel]]:
    """What to hand over. An address that cannot be read costs its own recipient and nobody else; where none can, it is our key that is
    wrong: all are left as they were, and somebody is told."""
    try:
        opened = task.services.store.vault.open_addresses([one.address.sealed if one.address else None for one in readers.values()])
    except Misconfigured as error:
        _log.error("addresses cannot be opened", exc_info=error)
        progress = _not_resent(progress, readers) if resend else progress
        return replace(progress, later=True, answers=replace(progress.answers, laters=progress.answers.laters + 1)), {}
    found = dict(zip(readers, opened, strict=True))
    unreadable = {entry: str(State.UNKNOWN if resend else Mark(State.FAILED, "our_fault")) for entry, to in found.items() if to is None}
    return progress.with_cells(unreadable), {entry: _parcel(task, entry, readers[entry], to, resend=resend) for entry, to in found.items() if to}


def _parcel(task: Task, entry: int, reader: Reader, to: Address, *, resend: bool) -> Parcel:
    services, one, batch = task.services, reader.entry, task.key
    token = services.tokens.sign("delivery", batch.broadcast, str(batch.shard), batch.name, str(entry), "2" if resend else "1")
    values: dict[str, str] = {}
    if task.what.channel is Channel.EMAIL:
        ends = DIGEST if task.broadcast.audience.digest else one.topic
        unsubscribe = services.tokens.sign("unsubscribe", one.subscriber, ends, str(Channel.EMAIL))
        preferences = services.tokens.sign("preferences", one.subscriber, str(Channel.EMAIL))
        values = {
            "unsubscribe_url": f"{services.public_url}/unsubscribe/{unsubscribe}",
            "preferences_url": f"{services.public_url}/preferences/{preferences}",
        }
    return Parcel(to, task.message(one.topic, reader.locale), token, values)


def _tell(task: Task, outcomes: Sequence[Outcome], began: datetime) -> None:
    """What the chunk told of the sender, for all its workers."""
    tried = [outcome.answer for outcome in outcomes if outcome.code != NOT_TRIED]
    throttled = tried.count(Answer.LATER)
    unanswered = tried.count(Answer.UNKNOWN) + tried.count(Answer.NOT_SENT)
    answered = len(tried) - throttled - unanswered
    if task.services.now() - began > SLOW + len(outcomes) * task.pacer.gate.apart:
        answered, unanswered = 0, unanswered + answered
    task.pacer.tell(News(answered, throttled, unanswered))


def _heed(task: Task, outcomes: Mapping[int, Outcome]) -> None:
    """A provider that says an address opted out, or is bad, knows something we did not."""
    for entry, outcome in outcomes.items():
        if outcome.advice.is_about_address:
            heed(Word(task.key.broadcast, outcome.code, outcome.advice), task.what.entries[entry].address, task.what.channel, services=task.services)


def _note(progress: Progress, outcomes: Mapping[int, Outcome], *, resend: bool) -> Progress:
    """Outcomes become cells. Once in doubt an entry can only become accepted, or stay unknown."""
    cells: dict[int, str] = {}
    for entry, outcome in outcomes.items():
        if outcome.answer is Answer.ACCEPTED:
            cells[entry] = str(State.ACCEPTED)
        elif outcome.answer is Answer.UNKNOWN or resend:
            cells[entry] = str(State.UNKNOWN)
        elif outcome.answer is Answer.REFUSED:
            cells[entry] = str(Mark(State.FAILED, outcome.code))
        else:
            cells[entry] = UNTRIED
    if resend:  # one that was not handed over may be sent again still
        progress = _not_resent(progress, [entry for entry, outcome in outcomes.items() if outcome.answer in {Answer.LATER, Answer.NOT_SENT}])
    answers = progress.answers
    if any(outcome.answer is Answer.UNKNOWN for outcome in outcomes.values()):
        known = answers.doubt_from if unknown(answers.cells) else None
        start = min(progress.marked_at, known or progress.marked_at)
        answers = replace(answers, in_doubt_since=progress.marked_at + LEASE, doubt_from=start)
    later = any(outcome.answer in {Answer.LATER, Answer.NOT_SENT} and outcome.code != NOT_TRIED for outcome in outcomes.values())
    answers = replace(answers, laters=answers.laters + 1 if later else 0)
    wait = max((outcome.wait for outcome in outcomes.values() if outcome.wait), default=None)
    return replace(replace(progress, answers=answers).with_cells(cells), later=later, wait=wait)
