"""The invariants, proven from the providers' ground truth and the table. Returns what is broken, in words."""

from collections import Counter
from collections.abc import Collection

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.delivery import SETTLED, Mark, State
from tests.engine.town import Town

Recipient = tuple[str, Channel]


def broken(town: Town, name: str, audience: Collection[Recipient], *, may_resend: bool = False) -> list[str]:
    """Everything that is wrong with an ended broadcast to this audience."""
    found: list[str] = []
    standings = list(town.standings(name))
    handed = Counter(one.to.text for provider in town.providers.values() for one in provider.truth)
    seen = Counter((subscriber, channel) for subscriber, channel, _ in standings)
    found += [f"planned {count} times: {who}" for who, count in seen.items() if count != 1]
    found += [f"lost: {who}" for who in set(audience) - set(seen)]
    found += [f"not of the audience: {who}" for who in set(seen) - set(audience)]
    for subscriber, channel, mark in standings:
        found += _of(subscriber, channel, mark, handed[town.address(subscriber, channel).text], town, name, most=2 if may_resend else 1)
    shown = town.counts(name)
    rows: dict[Channel, Counter[Mark]] = {channel: Counter() for channel in shown}
    for _, channel, mark in standings:
        rows[channel][mark if mark.state is State.SKIPPED else Mark(mark.state)] += 1
    if shown != rows:
        found.append(f"shown {shown}, rows {rows}")
    if town.state_of(name) is not BroadcastState.COMPLETED:
        found.append(f"never completed: {town.state_of(name)}")
    return found


def _of(subscriber: str, channel: Channel, mark: Mark, handed: int, town: Town, name: str, *, most: int) -> list[str]:
    who, found = f"{subscriber[-3:]} on {channel}", []
    if handed > most:
        found.append(f"{who} was handed over {handed} times")
    if mark.state not in SETTLED:
        found.append(f"{who} is not settled: {mark}")
    if handed and mark.state in {State.SKIPPED, State.FAILED, State.EXPIRED}:
        found.append(f"{who} was handed over and shows {mark}")
    if not handed and mark.state in {State.ACCEPTED, State.DELIVERED}:
        found.append(f"{who} was not handed over and shows {mark}")
    pointer = town.plain.history.find(subscriber, name, channel)
    if pointer is None:
        found.append(f"{who} has no history")
    return found
