"""`python -m bench`: one JSON object on standard output; what is going on, on standard error."""

import json
import sys
import tempfile
from pathlib import Path

from bench.calls import calls_of_a_broadcast
from bench.size import bundle_mb
from bench.work import per_cpu_second
from chalicelib.domain.address import Channel

RECIPIENTS = 24_000


def main() -> None:
    """Measure everything and print it."""
    per_1000: dict[str, float] = {}
    by_operation: dict[str, dict[str, float]] = {}
    for channel in (Channel.SMS, Channel.EMAIL):
        _say(f"a broadcast to {RECIPIENTS} by {channel}, launch to settled")
        with tempfile.TemporaryDirectory() as folder:
            calls = calls_of_a_broadcast(Path(folder), channel, RECIPIENTS)
        by_operation[channel] = {name: round(count * 1000 / RECIPIENTS, 2) for name, count in sorted(calls.items())}
        per_1000[channel] = round(sum(calls.values()) * 1000 / RECIPIENTS, 1)
    _say("work per CPU second")
    work = per_cpu_second()
    _say("the bundle")
    print(
        json.dumps(
            {
                "recipients": RECIPIENTS,
                "aws_calls_per_1000": per_1000,
                "aws_calls_by_operation": by_operation,
                "per_cpu_second": work,
                "bundle_mb": bundle_mb(),
            },
            indent=1,
        )
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
