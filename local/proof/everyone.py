"""What must be true of every recipient and every broadcast once the dust has settled: I1, I2, I8, I11, and that rows and truth agree."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, BatchState, HowFar
from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.domain.delivery import SETTLED, State, read_mark
from chalicelib.domain.times import from_ms
from chalicelib.settings import Stage
from chalicelib.state.table import Values
from chalicelib.store.batch_rows import far_key
from chalicelib.store.broadcast_rows import broadcast_key
from local.proof.case import Case
from local.proof.records import Delivery, short

ENDED = frozenset({BroadcastState.COMPLETED, BroadcastState.STOPPED})
UNDER_WAY = frozenset({BroadcastState.SCHEDULED, BroadcastState.SENDING})
NEVER_CALLED = frozenset({State.SKIPPED, State.EXPIRED, State.FAILED})

Recipient = tuple[str, Channel]
"""A subscriber's id, and the channel."""


# --- I1: handed over once --------------------------------------------------------------------------------------------


def handed_over_once(case: Case) -> Iterator[str]:
    """One hand-over for each delivery; two where an urgent one says on its row that it was sent again."""
    for one in case.each():
        times, most = case.times_handed_over(one), 1 + (one.resent and case.records.broadcasts[one.broadcast].urgent)
        if times > most:
            yield f"I1: {one} was handed over {times} times"
        if not one.erased and any(case.vault.hash(call.to) != one.address for call in case.hand_overs.get(one.place, ())):
            yield f"I1: {one} went to another address than planned"
    for stray in case.strays:
        yield f"I1: something was handed over on {stray.to.channel} that no batch which counts knows of"


def planned_once(case: Case) -> Iterator[str]:
    """Nobody has two places in one broadcast on one channel."""
    seen = Counter((one.broadcast, one.subscriber, one.channel) for one in case.each() if not one.erased)
    for (broadcast, subscriber, channel), times in seen.items():
        if times > 1:
            yield f"I1: …{subscriber[-4:]} on {channel} of {short(broadcast)} was planned {times} times"


# --- I2: everybody ends somewhere ------------------------------------------------------------------------------------


def everybody_settled(case: Case) -> Iterator[str]:
    """Once a broadcast ended, everybody is settled, every shard is done, and what is completed was read to its end."""
    ended = {name: one.state for name, one in case.records.broadcasts.items() if one.state in ENDED}
    yield from (f"I2: {one} ended as {one.mark}" for one in case.each() if one.broadcast in ended and one.mark.state not in SETTLED)
    for name, state in ended.items():
        shards = case.records.shards[name]
        read = any(shard.at or shard.done for shard in shards)
        if (read or state is BroadcastState.COMPLETED) and not all(shard.done for shard in shards):
            yield f"I2: {short(name)} is {state} though not all shards are done"
        if state is BroadcastState.COMPLETED and any(shard.cut for shard in shards):
            yield f"I2: {short(name)} is completed though a shard was not read to its end"


def audience_is(case: Case, audiences: Mapping[str, Collection[Recipient]]) -> Iterator[str]:
    """Exactly those expected are in a broadcast."""
    for name, expected in audiences.items():
        planned = {(one.subscriber, one.channel) for one in case.each() if one.broadcast == name}
        yield from (f"I2: …{who[-4:]} on {channel} of {short(name)} is lost" for who, channel in sorted(set(expected) - planned))
        yield from (f"I2: …{who[-4:]} on {channel} of {short(name)} is not of its audience" for who, channel in sorted(planned - set(expected)))


def rows_agree_with_truth(case: Case) -> Iterator[str]:
    """Whoever the rows call reached was handed something; whoever was never called was not. Of a rehearsal there is no truth."""
    if case.truth.stage is Stage.TRAINING:
        return
    for one in case.each():
        times = case.times_handed_over(one)
        if times and _was_never_called(one):
            yield f"I2: {one} was handed over and its worker wrote {one.cell or 'nothing'}"
        if not times and one.mark.state in {State.ACCEPTED, State.DELIVERED}:
            yield f"I2: {one} was not handed over and its row says {one.mark}"


def _was_never_called(one: Delivery) -> bool:
    """As the worker's own column has it: a receipt may still call failed what was handed over."""
    written = read_mark(one.cell)
    if written is None:
        return not one.far.receipts_of(one.place[1]) and not (one.far.state is BatchState.CLAIMED and one.place[1] in one.far.attempting)
    return written.state in NEVER_CALLED


def everybody_has_history(case: Case) -> Iterator[str]:
    """Each entry of a settled batch is found again from its recipient, unless they were erased."""
    for one in case.each():
        pointer = case.records.history.get((one.subscriber, one.broadcast, one.channel))
        if one.far.state is BatchState.SETTLED and pointer != one.place and not one.erased:
            yield f"I2: {one} has {'no history' if pointer is None else 'a history that points elsewhere'}"


# --- I8: counts are rows ---------------------------------------------------------------------------------------------

_RISING = (State.UNCONFIRMED, State.ACCEPTED, State.FAILED, State.DELIVERED)
"""How evidence may still move what is settled: only to the right."""
_STATES = frozenset(str(state) for state in State)


def counts_are_rows(case: Case, shown: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    """What the API shows equals the rows; what an ended broadcast keeps may lag behind them, by late receipts only."""
    for name, broadcast in case.records.broadcasts.items():
        rows = _sums(case, broadcast)
        if name in shown and _flat(shown[name]) != rows:
            yield f"I8: {short(name)} shows other counts than its rows have"
        if broadcast.state in ENDED and not _may_lag(_flat(broadcast.counts or {}), rows):
            yield f"I8: {short(name)} keeps other counts than its rows have"


def _sums(case: Case, broadcast: Broadcast) -> Counter[tuple[str, str]]:
    marks = ((str(one.channel), one.mark) for one in case.each() if one.broadcast == broadcast.id)
    return Counter((channel, str(mark) if mark.state is State.SKIPPED else str(mark.state)) for channel, mark in marks)


def _flat(counts: Mapping[str, object]) -> Counter[tuple[str, str]]:
    """Counts in the API's shape, as one number for each channel and state; zeros are left out, and what is no state of a delivery."""
    found: Counter[tuple[str, str]] = Counter()
    for channel, states in counts.items():
        for state, number in states.items() if isinstance(states, Mapping) else ():
            if isinstance(number, Mapping):
                found.update({(channel, f"{state}:{reason}"): int(many) for reason, many in number.items()})
            elif state in _STATES:
                found[channel, state] = int(number)
    return +found


def _may_lag(kept: Counter[tuple[str, str]], rows: Counter[tuple[str, str]]) -> bool:
    """Whether receipts alone lead from the one to the other."""
    rising = {str(state) for state in _RISING}
    channels = {channel for channel, _ in [*kept, *rows]}
    still = {name: number for name, number in kept.items() if name[1] not in rising} == {name: number for name, number in rows.items() if name[1] not in rising}

    def at_least(counts: Counter[tuple[str, str]], channel: str, start: int) -> int:
        return sum(counts[channel, str(state)] for state in _RISING[start:])

    moved = all(at_least(kept, channel, start) <= at_least(rows, channel, start) for channel in channels for start in range(len(_RISING)))
    return still and moved and all(at_least(kept, channel, 0) == at_least(rows, channel, 0) for channel in channels)


# --- I11: nothing is stuck -------------------------------------------------------------------------------------------


def nothing_stuck(case: Case, patience: timedelta) -> Iterator[str]:
    """What has work left is where the sweep finds it; what ended has none; and nothing goes on long after its end was due."""
    for name, broadcast in case.records.broadcasts.items():
        under_way, is_open = broadcast.state in UNDER_WAY, _is_open(case.records.rows[broadcast_key(name)])
        if under_way and broadcast.expires_at + patience < case.truth.at:
            yield f"I11: {short(name)} is still {broadcast.state}, long after its expiry"
        if under_way != is_open:
            yield f"I11: {short(name)} is {broadcast.state} and {'' if is_open else 'not '}open to the sweep"
    for key, far in case.records.batches.items():
        yield from _stuck_batch(case, key, far)
    for row, values in case.records.rows.items():
        if not row.partition.startswith("B#") and _is_open(values) and from_ms(int(str(values["due"]))) + patience < case.truth.at:
            yield f"I11: a row under {row.partition.split('#')[0]}# has been due for long"


def _stuck_batch(case: Case, key: BatchKey, far: HowFar) -> Iterator[str]:
    found, is_open = case.records.broadcasts.get(key.broadcast), _is_open(case.records.rows[far_key(key)])
    if is_open and (found is None or found.state not in UNDER_WAY):
        yield f"I11: a batch of {short(key.broadcast)}, which ended, is still open{' and never counted' if key in case.records.orphans else ''}"
    if not is_open and far.state is not BatchState.SETTLED:
        yield f"I11: a batch of {short(key.broadcast)} is {far.state} and not open to the sweep"


def _is_open(values: Values) -> bool:
    return "open" in values and "due" in values
