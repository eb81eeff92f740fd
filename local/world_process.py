"""The world's process: providers, phones, inboxes, kiosks and the clock, on a port of their own."""

import os
from dataclasses import dataclass
from functools import partial
from typing import Any

import waitress  # type: ignore[import-untyped]

from chalicelib import wiring
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from chalicelib.state.sqlite_table import SqliteTable
from local import child, keyring
from local.clock import CityClock
from local.moves import AppHandlers, Moments, Mover
from local.options import Options, read_options
from local.world.around import World
from local.world.errands import EVENTS_QUEUE, Errands, TwilioCallbacks
from local.world.faults import Faults
from local.world.ledger import Ledger
from local.world.screens import Screens
from local.world.seeding import seed
from local.world.server import make_world

_THREADS = 64


@dataclass(frozen=True)
class Parts:
    """The world, and what goes on in it by itself."""

    world: World
    errands: Errands
    screens: Screens


def assemble(options: Options) -> Parts:
    """The parts of a world around the city that `options` name, which must be founded."""
    file = SqliteFile(options.state_file)
    clock = CityClock(file)
    services = wiring.build(options.settings(), now=clock.now)
    keys = keyring.read(options.secrets_file)
    ledger, faults, queues = Ledger(file), Faults(file), SqliteQueues(file, clock.now)
    queues.make(EVENTS_QUEUE)
    callback = TwilioCallbacks(ledger, app_url=options.app_url, account_sid=keys.account_sid, auth_token=keys.auth_token)
    world = World(
        city=services.city,
        keyring=keys,
        ledger=ledger,
        faults=faults,
        app_url=options.app_url,
        twilio_number=options.settings().twilio_number,
        email_from=options.settings().email_from,
        now=clock.now,
        move_clock=Mover(clock, Moments(SqliteTable(file), queues), AppHandlers(options.app_url, keys.control)),
        seed=partial(seed, services=services, ledger=ledger),
    )
    return Parts(world, Errands(ledger, callback=callback, events=queues.named(EVENTS_QUEUE)), Screens(queues, ledger, faults, clock.now))


def run(options: Options) -> None:
    """Serve until the parent says stop."""
    parts = assemble(options)
    child.wait_for_go()
    server = serve(parts.world, options.world_port)
    child.end_with_parent(lambda: os._exit(0))
    parts.errands.start()
    parts.screens.start()
    server.run()


def serve(world: World, port: int) -> Any:
    """A server of the world; `run` it. Looking ahead on a connection is how it notices that a caller left."""
    return waitress.create_server(make_world(world), host="127.0.0.1", port=port, threads=_THREADS, channel_request_lookahead=1, ident="world")


if __name__ == "__main__":
    child.begin("the world")
    run(read_options(os.environ))
