"""The app's process: `app.py` behind HTTP, its queues, topics and schedule pumped."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib import wiring
from chalicelib.state.queue import Outgoing, Queue, Queues
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from local import child, keyring
from local.clock import CityClock
from local.gateway import make_server
from local.hold import Hold
from local.options import Options, read_options
from local.pumps import Pumps

_MOVE_PATIENCE_SECONDS = 65.0
_STOP_PATIENCE_SECONDS = 10.0
_SETTLE_SECONDS = 10.0


@dataclass(frozen=True)
class _Queues:
    """The city's queues; whoever sends wakes the pumps."""

    inner: Queues
    wake: "_Wake"

    def named(self, name: str) -> Queue:
        return _Queue(self.inner.named(name), self.wake)

    def make(self, name: str) -> None:
        self.inner.make(name)

    def drop(self, name: str) -> None:
        self.inner.drop(name)


@dataclass(frozen=True)
class _Queue:
    inner: Queue
    wake: "_Wake"

    def send(self, messages: Sequence[Outgoing]) -> Sequence[Outgoing]:
        left = self.inner.send(messages)
        self.wake.pumps.notify()
        return left


class _Wake:
    """Stands between queues, which exist first, and pumps, which need them."""

    pumps: Pumps


def run(options: Options) -> None:
    """Serve until the parent says stop."""
    clock = CityClock(SqliteFile(options.state_file))
    own = SqliteQueues(SqliteFile(options.state_file), clock.now)
    wake, hold = _Wake(), Hold()
    services = wiring.build(options.settings(), now=clock.now, counts_age=timedelta(seconds=1))
    wiring.install(replace(services, queues=_Queues(services.queues, wake)))
    from app import app  # the services above are what its handlers will find

    pumps = wake.pumps = Pumps(app, own, hold=hold, now=clock.now)

    def release() -> None:
        clock.refresh()
        hold.release()
        pumps.notify()

    def settle() -> Mapping[str, object]:
        clock.refresh()
        return {"ran": pumps.settle(_SETTLE_SECONDS)}

    def stand() -> None:
        hold.hold(_MOVE_PATIENCE_SECONDS)

    control = {"hold": stand, "settle": settle, "release": release}

    child.wait_for_go()
    server = make_server(app, "127.0.0.1", options.port, control=control, key=keyring.read(options.secrets_file).control)

    def stop() -> None:
        pumps.stop(_STOP_PATIENCE_SECONDS)
        server.shutdown()

    child.end_with_parent(stop)
    own.reclaim()
    pumps.start()
    server.serve_forever()
    os._exit(0)  # what still runs would only be waiting


if __name__ == "__main__":
    child.begin("the app")
    run(read_options(os.environ))
