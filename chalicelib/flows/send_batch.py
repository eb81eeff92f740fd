"""Send: one batch is handed over, once to each recipient.

    read → reserve pace → claim (marks the first chunk) → unknown ones: evidence → per chunk: mark, look, hand over → history → settle

Every write is conditional on our claim. Whoever loses it reports what it knows through the receipts' column and ends.
A crash anywhere leaves a batch that the next worker can read: what was marked and has no answer is unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import (
    LAST_CALL,
    LEASE,
    MOST_TRIES,
    BatchKey,
    BatchState,
    HowFar,
    What,
    after_crash,
    decided_at,
    may_claim,
    unknown,
    untried,
)
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.delivery import UNTRIED, Mark, State
from chalicelib.domain.doubt import Ruling, rule, rule_answer
from chalicelib.domain.jobs import SendJob, send_queue
from chalicelib.domain.message import Advice, Answer, Message, Outcome, Parcel
from chalicelib.domain.verdict import Hold, Looked, ends, verdict
from chalicelib.flows.services import Sender, Services
from chalicelib.flows.slots import SlotGate
from chalicelib.state.queue import MOST_DELAY, Outgoing
from chalicelib.state.sending import send_all
from chalicelib.store.addresses import address_key, read_addresses
from chalicelib.store.batches import Answers, far_key, put_all, read_far, read_what, what_key
from chalicelib.store.broadcasts import broadcast_key, content_key, read_broadcast, read_content
from chalicelib.store.history import history_rows
from chalicelib.store.pace import Slots

HORIZON = timedelta(seconds=10)
"""How far ahead a worker may wait for its slots; further ahead, the job goes back to the queue with a delay."""
TIME = timedelta(seconds=35)
"""After this long a worker starts no further chunk."""
AGAIN = timedelta(seconds=30)
"""How long to leave a batch whose provider said: later."""


@dataclass(frozen=True)
class Task:
    """One batch in one worker's hands. `far` is the row as claimed."""

    key: BatchKey
    claim: str
    what: What
    far: HowFar
    broadcast: Broadcast
    content: Content
    sender: Sender
    gate: SlotGate
    started: datetime
    services: Services


@dataclass(frozen=True)
class Progress:
    """What came of the batch so far in this worker's hands."""

    answers: Answers
    marked_at: datetime
    held: frozenset[int] = frozenset()
    hold_until: datetime | None = None
    later: bool = False
    ended: Mark | None = None
    lost: bool = False

    def with_cells(self, cells: dict[int, str]) -> "Progress":
        """The same with some cells decided."""
        return replace(self, answers=replace(self.answers, cells=tuple(cells.get(n, cell) for n, cell in enumerate(self.answers.cells))))


def send_batch(job: SendJob, *, services: Services) -> None:
    """Hand a batch over and settle it, as far as time, pace and quiet hours let it. Safe to repeat and to die anywhere."""
    opened = _open(job, services)
    if opened is None:
        return
    task, progress = opened
    progress, again = _resolve_unknown(task, progress)
    for number, chunk in enumerate(_chunks(task, progress, again)):
        progress = _send_chunk(task, progress, chunk, marked=number == 0 and not _is_resend(progress, chunk))
        if progress.lost:
            return
        if progress.later or progress.ended or services.now() - task.started > TIME:
            break
    _lay_down(task, progress)


# --- opening ---------------------------------------------------------------------------------------------------------


def _open(job: SendJob, services: Services) -> tuple[Task, Progress] | None:
    """Read the batch, wait for its slots, claim it. None where there is nothing for us to do."""
    key, started = job.batch, services.now()
    rows = services.store.table.get_many([far_key(key), what_key(key), broadcast_key(key.broadcast), content_key(key.broadcast)])
    far, what = read_far(key, rows), read_what(key, rows)
    if far is None or what is None or broadcast_key(key.broadcast) not in rows or not may_claim(far, started):
        return None
    broadcast, content = read_broadcast(rows[broadcast_key(key.broadcast)]), read_content(rows[content_key(key.broadcast)])
    slots = _reserve(what.channel, far, services, started)
    if slots.wait:
        seconds = min(MOST_DELAY, max(1, round(slots.wait.total_seconds() - HORIZON.total_seconds() / 2)))
        send_all(services.queues.named(send_queue(what.channel, broadcast.lane)), [Outgoing(job.body, seconds)], sleep=services.sleep)
        return None
    sender = services.sender(what.channel)
    now, claim, cells = services.now(), services.new_id(), after_crash(far)
    doubt = far.in_doubt_since or (now if unknown(cells) else None)
    first = untried(cells)[: sender.most] if far.tries < MOST_TRIES else []
    claimed = services.store.batches.claim(key, far, claim=claim, cells=cells, attempting=first, doubt=doubt, now=now)
    if claimed is None:
        return None
    task = Task(key, claim, what, claimed, broadcast, content, sender, SlotGate(slots, services.now, services.sleep), started, services)
    return task, Progress(Answers(cells, claimed.resent, doubt), marked_at=now)


def _reserve(channel: Channel, far: HowFar, services: Services, now: datetime) -> Slots:
    """Slots for everybody who may be attempted, waited for before the mark."""
    count, rate = len(untried(far.cells)) + len(unknown(far.cells)), services.pace.get(channel)
    if rate is None or count == 0:
        return Slots(now, timedelta(0))
    slots = services.store.pace.reserve(channel, count, per_second=rate, now=now, horizon=HORIZON)
    if slots.wait is None and slots.start > now:
        services.sleep((slots.start - now).total_seconds())
    return slots


# --- unknown outcomes ------------------------------------------------------------------------------------------------


def _resolve_unknown(task: Task, progress: Progress) -> tuple[Progress, list[int]]:
    """Decide unknown entries from evidence; those to be sent again come back."""
    entries = unknown(progress.answers.cells)
    if not entries or progress.answers.in_doubt_since is None:
        return progress, []
    if task.far.tries > MOST_TRIES:
        return progress.with_cells({entry: str(State.UNCONFIRMED) for entry in entries}), []
    when = decided_at(progress.answers.in_doubt_since, None, urgent=task.broadcast.urgent)
    rulings = {entry: rule(receipts=task.far.receipts_of(entry), decided_at=when, now=task.services.now()) for entry in entries}
    asked = [entry for entry, ruling in rulings.items() if ruling is Ruling.ASK]
    rulings |= _ask(task, progress, asked)
    decided = {entry: str(ruling) for entry, ruling in rulings.items() if ruling in {Ruling.ACCEPTED, Ruling.UNCONFIRMED}}
    return progress.with_cells(decided), [entry for entry, ruling in rulings.items() if ruling is Ruling.RESEND]


def _ask(task: Task, progress: Progress, entries: Sequence[int]) -> dict[int, Ruling]:
    if not entries:
        return {}
    services, since = task.services, (progress.answers.in_doubt_since or task.started) - LEASE * 2
    hashes = [task.what.entries[entry].address for entry in entries]
    known = services.store.addresses.read(hashes)
    message = _render(task)
    rulings: dict[int, Ruling] = {}
    for entry, address in zip(entries, known, strict=True):
        sealed = address.sealed if address else None
        found = task.sender.find(services.store.vault.open_address(sealed), message, since=since) if sealed else None
        ended = ends(task.broadcast, services.now())
        rulings[entry] = rule_answer(found=found, resent=entry in progress.answers.resent or ended is not None, urgent=task.broadcast.urgent)
    return rulings


# --- chunks ----------------------------------------------------------------------------------------------------------


def _chunks(task: Task, progress: Progress, again: Sequence[int]) -> list[list[int]]:
    """What to attempt, in chunks: first those the claim marked; those sent again come last and have their own mark."""
    if task.far.tries > MOST_TRIES:
        return []
    fresh, most = untried(progress.answers.cells), task.sender.most
    return [entries[start : start + most] for entries in (fresh, list(again)) for start in range(0, len(entries), most)]


def _is_resend(progress: Progress, chunk: Sequence[int]) -> bool:
    return progress.answers.cells[chunk[0]] == State.UNKNOWN


def _send_chunk(task: Task, progress: Progress, chunk: Sequence[int], *, marked: bool) -> Progress:
    """Mark, look, hand over. Opt-outs and stop are read after the mark, so that none can fall between."""
    if not marked:
        progress = _mark(task, progress, chunk)
        if progress.lost:
            return progress
    looked, broadcast = _look(task, chunk)
    now, zone = task.services.now(), task.services.city.zone
    verdicts = {entry: verdict(task.what.entries[entry], found, broadcast, zone=zone, now=now) for entry, (found, _) in looked.items()}
    resend = _is_resend(progress, chunk)
    decided = {entry: str(one) for entry, one in verdicts.items() if isinstance(one, Mark) and not resend}
    progress = _hold(replace(progress.with_cells(decided), ended=ends(broadcast, now)), verdicts)
    going = [entry for entry in chunk if verdicts[entry] is None]
    if not going:
        return progress
    parcels = [_parcel(task, entry, looked[entry][1], message, resend=resend) for message in [_render(task)] for entry in going]
    gate = task.gate.until(progress.marked_at + LAST_CALL)
    outcomes = task.sender.hand_over(parcels, gate=gate)
    _heed(task, going, outcomes)
    return _note(progress, dict(zip(going, outcomes, strict=True)), resend=resend)


def _hold(progress: Progress, verdicts: Mapping[int, Mark | Hold | None]) -> Progress:
    """Whoever has quiet hours now is left untried until the first of them ends."""
    holds = {entry: one.until for entry, one in verdicts.items() if isinstance(one, Hold)}
    if not holds:
        return progress
    until = min([*holds.values(), *([progress.hold_until] if progress.hold_until else [])])
    return replace(progress, held=progress.held | holds.keys(), hold_until=until)


def _mark(task: Task, progress: Progress, chunk: Sequence[int]) -> Progress:
    now = task.services.now()
    answers = progress.answers
    if _is_resend(progress, chunk):
        answers = replace(answers, resent=answers.resent | frozenset(chunk))
    if not task.services.store.batches.mark(task.key, answers, claim=task.claim, attempting=chunk, now=now):
        _report_late(task, progress)
        return replace(progress, lost=True)
    return replace(progress, answers=answers, marked_at=now)


def _look(task: Task, chunk: Sequence[int]) -> tuple[dict[int, tuple[Looked | None, str]], Broadcast | None]:
    """One consistent read of the broadcast and of everybody's address: what is known of each, and the sealed address."""
    hashes = [task.what.entries[entry].address for entry in chunk]
    rows = task.services.store.table.get_many(list(dict.fromkeys([broadcast_key(task.key.broadcast), *map(address_key, hashes)])))
    found = rows.get(broadcast_key(task.key.broadcast))
    looked: dict[int, tuple[Looked | None, str]] = {}
    for entry, address in zip(chunk, read_addresses(hashes, rows), strict=True):
        looked[entry] = (Looked(address.sealed, address.verified, address.opted_out is not None), address.sealed or "") if address else (None, "")
    return looked, read_broadcast(found) if found else None


def _parcel(task: Task, entry: int, sealed: str, message: Message, *, resend: bool) -> Parcel:
    services, one, batch = task.services, task.what.entries[entry], task.key
    token = services.tokens.sign("delivery", batch.broadcast, str(batch.shard), batch.name, str(entry), "2" if resend else "1")
    values: dict[str, str] = {}
    if task.what.channel is Channel.EMAIL:
        unsubscribe = services.tokens.sign("unsubscribe", one.subscriber, one.topic, str(Channel.EMAIL))
        preferences = services.tokens.sign("preferences", one.subscriber, str(Channel.EMAIL))
        values = {
            "unsubscribe_url": f"{services.public_url}/unsubscribe/{unsubscribe}",
            "preferences_url": f"{services.public_url}/preferences/{preferences}",
        }
    return Parcel(services.store.vault.open_address(sealed), message, token, values)


def _render(task: Task) -> Message:
    renderer, locale = task.services.renderer(), task.what.locale
    if task.what.channel is Channel.SMS:
        return renderer.sms(task.content, locale)
    if task.what.channel is Channel.EMAIL:
        return renderer.email(task.content, locale, task.broadcast.audience.topics[0])
    return renderer.kiosk(task.content, task.broadcast.id)


def _heed(task: Task, entries: Sequence[int], outcomes: Sequence[Outcome]) -> None:
    """A provider that says an address opted out knows something we did not."""
    for entry, outcome in zip(entries, outcomes, strict=True):
        if outcome.advice is Advice.OPTED_OUT:
            task.services.store.addresses.opt_out(task.what.entries[entry].address, task.services.now())


def _note(progress: Progress, outcomes: dict[int, Outcome], *, resend: bool) -> Progress:
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
    answers = progress.answers
    if answers.in_doubt_since is None and str(State.UNKNOWN) in cells.values():
        answers = replace(answers, in_doubt_since=progress.marked_at + LEASE)
    later = any(outcome.answer in {Answer.LATER, Answer.NOT_SENT} for outcome in outcomes.values())
    return replace(replace(progress, answers=answers).with_cells(cells), later=later)


# --- laying down -----------------------------------------------------------------------------------------------------


def _lay_down(task: Task, progress: Progress) -> None:
    """Settle the batch, or say when it is to be taken up again."""
    cells = progress.answers.cells
    if task.far.tries > MOST_TRIES:
        progress = progress.with_cells({entry: str(Mark(State.FAILED, "our_fault")) for entry in untried(cells)})
    elif progress.ended:
        progress = progress.with_cells({entry: str(progress.ended) for entry in untried(cells)})
    services, now = task.services, task.services.now()
    state, when = _next(task, progress, now)
    if state is BatchState.SETTLED:
        put_all(services.store.table, history_rows(task.key, task.what.channel, task.what.entries, now), sleep=services.sleep)
    if not services.store.batches.settle(task.key, progress.answers, claim=task.claim, state=state, not_before=when):
        _report_late(task, progress)
        return
    if state is BatchState.QUEUED:
        delay = min(MOST_DELAY, max(0, round((when - now).total_seconds())))
        send_all(services.queues.named(send_queue(task.what.channel, task.broadcast.lane)), [Outgoing(SendJob(task.key).body, delay)], sleep=services.sleep)


def _next(task: Task, progress: Progress, now: datetime) -> tuple[BatchState, datetime]:
    cells = progress.answers.cells
    if untried(cells):
        if progress.hold_until and progress.held.issuperset(untried(cells)):
            return BatchState.HELD, progress.hold_until
        return BatchState.QUEUED, now + AGAIN if progress.later else now
    if unknown(cells) and progress.answers.in_doubt_since:
        when = decided_at(progress.answers.in_doubt_since, None, urgent=task.broadcast.urgent)
        return BatchState.WAITING, max(now + AGAIN, when)
    return BatchState.SETTLED, now


def _report_late(task: Task, progress: Progress) -> None:
    """We lost the claim. What we handed over is true all the same: say it where any number of writers may."""
    accepted = [entry for entry, cell in enumerate(progress.answers.cells) if cell == State.ACCEPTED]
    if accepted:
        task.services.store.batches.add_receipts(task.key, {State.ACCEPTED: accepted})
