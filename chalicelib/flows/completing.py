"""The end of a broadcast: everybody is settled."""

from collections.abc import Mapping

from chalicelib.domain.broadcast import Broadcast
from chalicelib.flows.services import Services
from chalicelib.flows.switching import turn
from chalicelib.state.table import Value
from chalicelib.store.audit import ENGINE
from chalicelib.store.switches import broadcast_switch


def complete(broadcast: Broadcast, counts: Mapping[str, Value], *, services: Services) -> None:
    """Keep the counts and leave the index. A switch of its own has nothing left to stop."""
    name = broadcast_switch(broadcast.id)
    if name in services.store.switches.thrown():
        turn(name, stopped=False, why="", by=ENGINE, services=services)
    services.store.broadcasts.complete(broadcast, counts, services.now())
