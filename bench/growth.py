"""Whether a recipient of a large broadcast costs more than one of a small."""

from bench.meter import best_rate
from bench.outside import Outside
from bench.wire import PLAN, Run, run
from bench.work import render_email
from chalicelib.domain.address import Channel


def growth(outside: Outside, sizes: tuple[int, ...]) -> tuple[dict[str, dict[str, int]], float, Run]:
    """Recipients per CPU second by size and step; the cost of one in the largest broadcast as a ratio to the one before; and the run at that
    size. It goes before and after the largest, so that a machine that warms up or fills up does not flatter either."""
    runs = {size: run(outside, Channel.EMAIL, size) for size in sizes}
    middle, largest = sizes[-2:]
    again = run(outside, Channel.EMAIL, middle)
    cost = (runs[middle].cost(*PLAN, "hand_over") + again.cost(*PLAN, "hand_over")) / 2
    rates = {
        str(size): {"plan": one.rate(*PLAN), "render": best_rate(size, render_email, times=1), "hand_over": one.rate("hand_over")} for size, one in runs.items()
    }
    best = max(runs[middle], again, key=lambda one: one.rate("hand_over"))
    return rates, round(runs[largest].cost(*PLAN, "hand_over") / cost, 2), best
