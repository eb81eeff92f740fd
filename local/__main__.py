"""`python -m local`: the whole city on this machine."""

import fcntl
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TextIO

from chalicelib.domain.city import City, parse_city
from chalicelib.errors import Misconfigured
from local import founding, supervisor
from local.options import Options, read_options
from local.supervisor import HERE, Child

_START_SECONDS = 60.0

_WELCOME = """
  {name} is up.

  Open   {world}  the desk, phones, inboxes, kiosks, faults and the clock
         {app}  the app itself: pages for residents, the API, the webhooks

  Try    1. Phones: text ALERTS from one phone, ALERTAS from another.
         2. Desk: post the example alert. It arrives as a text in each language.
         3. Clock: move it an hour, and what was planned happens now.

  For scripts: {card}.  Logs: {logs}.
  Ctrl-C stops the city; its state stays in {state}, and make fresh forgets it.
"""


def main() -> int:
    """Run the city until Ctrl-C. Returns the exit status: 0, or what stopped it from running."""
    try:
        options = read_options(os.environ)
        city = _city(options)
    except Misconfigured as error:
        return _fail(str(error))
    options.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _lock(options)
    if lock is None:
        return _fail(_runs_already(options))
    with lock:
        for name, port in (("PORT", options.port), ("WORLD_PORT", options.world_port)):
            if not supervisor.is_free(port, patience=2):
                return _fail(f"Port {port} is taken by another program. Choose a free one: {name}={port + 10} make run")
        options.card.unlink(missing_ok=True)
        return _run(options, city)


def _run(options: Options, city: City) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    children: list[Child] = []
    try:
        _say(f"{city.name}, on this machine")
        if options.city_time and founding.has_lived(options):
            _say("CITY_TIME            not used: this city keeps its own clock; make fresh forgets the city and its clock")
        keys = founding.found(options, city)
        _say(f"secrets and keys     ready, kept in {options.secrets_file}")
        children += [_start("app", options), _start("world", options)]
        founding.write_card(options, city, keys, {child.name: child.process.pid for child in children})
        for child in children:
            supervisor.go(child)
        for child, url in zip(children, (f"{options.app_url}/health", f"{options.world_url}/clock"), strict=True):
            if not supervisor.answers(url, children, _START_SECONDS):
                return _report([one for one in children if one.died] or [child])
            _say(f"the {child.name:<16} answers, as process {child.process.pid}")
        where = {"world": options.world_url, "app": options.app_url, "card": options.card, "state": options.state_file}
        _say(_WELCOME.format(name=city.name, logs=options.state_dir / "*.log", **where))
        return _report([supervisor.wait_for_death(children)])
    except KeyboardInterrupt:
        _end_in_peace()
        _say("\nStopping the city.")
        return 0
    finally:
        _end_in_peace()
        supervisor.stop(children)


def _end_in_peace() -> None:
    """A second Ctrl-C must not leave anything running."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)


def _city(options: Options) -> City:
    path = options.city or str(HERE / "city.toml")
    try:
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123
            return parse_city(stream.read())
    except OSError as error:
        raise Misconfigured(f"CITY={path}: {error.strerror}") from error


def _start(name: str, options: Options) -> Child:
    return supervisor.start(name, f"local.{name}_process", options.state_dir / f"{name}.log", os.environ)


def _lock(options: Options, patience: float = 3) -> TextIO | None:
    """Hold the state directory; None where another city does. One that is just ending gets a moment."""
    stream, end = (options.state_dir / "lock").open("w"), time.monotonic() + patience
    while True:
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return stream
        if time.monotonic() >= end:
            stream.close()
            return None
        time.sleep(0.1)


def _runs_already(options: Options) -> str:
    """Where the city is that holds the state directory, as its card says; while it still starts it has none."""
    card = founding.read_card(options)
    where = f", at {card['world']} (the app at {card['app']})" if card else " and is still starting"
    another = f"STATE_DIR=.local-2 PORT={options.port + 10} WORLD_PORT={options.world_port + 10} make run"
    return f"This city already runs{where}; its state is in {options.state_dir}. Stop it there with Ctrl-C, or start another beside it: {another}"


def _report(children: list[Child]) -> int:
    for child in children:
        _fail(_obituary(child))
    return _fail("The city has stopped. Nothing is lost: make run goes on where it was.")


def _obituary(child: Child) -> str:
    """What became of a child. Its last words explain an error of its own; a signal came from outside."""
    code = child.process.returncode
    if child.died and code < 0:
        return f"The {child.name} ended: {signal.Signals(-code).name} from outside. Its log is {child.log}."
    state = f"ended with status {code}" if child.died else "does not answer"
    return f"The {child.name} {state}. The end of {child.log}:\n{child.last_words()}"


def _say(text: str) -> None:
    print(text if text.startswith("\n") else f"  {text}", flush=True)


def _fail(text: str) -> int:
    print(f"\n{text}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
