"""How many calls to AWS a broadcast costs, from launch to settled, receipts apart."""

from collections import Counter
from pathlib import Path

from bench.town import BenchTown
from chalicelib.domain.address import Channel
from chalicelib.domain.counts import all_settled


def calls_of_a_broadcast(folder: Path, channel: Channel, recipients: int) -> Counter[str]:
    """Calls by operation. Fails where anybody is left unsettled, so that a fast wrong answer is no answer."""
    town = BenchTown(folder)
    town.follow("transit", channel, recipients)
    made = town.broadcast("transit", channel)
    town.calls.clear()
    town.work()
    calls = Counter(town.calls)
    counts = town.plain.progress.read(made).counts
    if sum(counts[channel].values()) != recipients or not all_settled(counts):
        raise SystemExit(f"the broadcast did not settle: {counts}")
    return calls
