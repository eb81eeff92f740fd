"""`python -m local.drill`: the drill, from a fresh city to a report. Exit status 0 only where everything is as promised."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from local.drill.audience import TOPIC, Reached, handed_over, recipients, seed
from local.drill.city import CityFailed, DrilledCity
from local.drill.report import Report, report
from local.drill.sizes import USUAL, Sizes
from local.drill.standing import Standing
from local.drill.watch import Watch, answered
from local.proof.checker import broken
from local.proof.evidence import evidence

_INTERRUPTED = 130
_TEXT = {"title": "A drill", "body": "Nobody needs to do anything."}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a drill. Returns the exit status."""
    asked = _read(arguments)
    sizes, began = Sizes(asked.recipients), time.monotonic()
    _line(f"A drill with {sizes.texts:,} texts, {sizes.emails:,} emails and some kiosks: faults switched on, and the app killed half way.\n")
    try:
        found = _run(asked.directory, sizes)
    except KeyboardInterrupt:
        _line("\nStopped before the end. Nothing is proven.")
        return _INTERRUPTED
    except CityFailed as failed:
        _line(f"\n{failed}\nRed.")
        return 1
    _line("")
    for name, words in found.lines():
        _say(name, words)
    _say("Time", f"{time.monotonic() - began:.0f} s")
    _line("\nGreen." if found.green else f"\nRed. The city is kept in {asked.directory}.")
    return 0 if found.green else 1


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.drill", description="Prove in a city of its own that a broadcast survives faults and a kill.")
    parser.add_argument("--recipients", type=_count, default=USUAL, help="how many get a text; a fifth as many get an email")
    parser.add_argument("--directory", type=Path, default=Path(".local/drill"), help="where the city is kept; what was there is removed")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdecimal() or not 100 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError("give a number from 100 to 100000")
    return int(text)


def _run(directory: Path, sizes: Sizes) -> Report:
    city = DrilledCity(directory)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _say("City", f"of its own, in {directory}; its logs are {directory}/*.log")
    try:
        return _drill(city, sizes)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave it running
        city.stop()


def _drill(city: DrilledCity, sizes: Sizes) -> Report:
    city.start()
    _say("City", f"is up, at {city.options.world_url}")
    everybody = seed(city, sizes, lambda made, total: _say("Subscribers", f"{made:,} of {total:,} made"))
    for fault in sizes.faults():
        city.world("POST", "/faults", fault)
    _say("Faults", sizes.fault_words())
    name = _post(city)
    standing = Watch(city, name, sizes.texts, len(everybody), _say, _line).until_settled()
    got = handed_over(city)
    city.stop()
    return report(standing, everybody, got, _check(city, name, everybody, standing))


def _post(city: DrilledCity) -> str:
    with answered(city):
        body = {"topics": [TOPIC], "kind": "event", "severity": "minor", "content": {"en": _TEXT}}
        said = city.app.post("/v1/broadcasts", body)
        if not said.good:
            raise CityFailed(f"The app answered {said.status}: {said.body.get('detail', said.body)}")
        name, approved = str(said.body["id"]), ""
        if said.body["state"] == "awaiting_approval":
            city.app.post(f"/v1/broadcasts/{name}/approve", {}, key="approver")
            approved = ", and approved by a second person"
    _say("Broadcast", f"{name} is posted{approved}")
    return name


def _check(city: DrilledCity, name: str, everybody: Sequence[Reached], standing: Standing) -> list[str]:
    """What the checker finds in the state file of the stopped city, and in its logs."""
    found = evidence(city.options)
    logs = [line for log in sorted(city.options.state_dir.glob("*.log")) for line in log.read_text("utf-8", "replace").splitlines()]
    return broken(
        found.truth,
        found.rows,
        vault=found.vault,
        tokens=found.tokens,
        audiences={name: recipients(city, everybody)},
        shown={name: standing.shown},
        texts=[*found.texts, *logs],
    )


def _say(name: str, words: str) -> None:
    _line(f"{name:<12} {words}")


def _line(text: str) -> None:
    for one in text.split("\n"):
        print(f"  {one}".rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
