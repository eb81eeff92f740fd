"""A carrier that takes a broadcast's texts for spam: from a point on it is our words or our links, and going on costs the city its number.

What is routine pauses by its own switch until a person has looked; an emergency goes on. Somebody is told of both.
"""

import logging

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.flows.services import Services
from chalicelib.flows.switching import turn
from chalicelib.store.audit import ENGINE
from chalicelib.store.switches import broadcast_switch

FEW = 20
"""So many filtered texts say nothing yet."""
SHARE = 0.01
"""Above this share of all texts it is what we wrote."""

_log = logging.getLogger("belfry")


def note_filtered(name: str, texts: int, *, services: Services) -> None:
    """So many texts of a broadcast were filtered. Beyond one in a hundred it pauses, once: whoever lets it go on has looked."""
    filtered, told = services.store.filtered.add(name, texts, services.now())
    broadcast = None if told or filtered <= FEW else services.store.broadcasts.get(name)
    if broadcast is None or filtered <= most_filtered(broadcast):
        return
    pauses = not broadcast.urgent and broadcast.state is BroadcastState.SENDING
    _log.error("carriers filter a broadcast", extra={"fields": {"broadcast": name, "texts": filtered, "paused": pauses}})
    if pauses:
        turn(broadcast_switch(name), stopped=True, why=f"{filtered} texts filtered by carriers", by=ENGINE, services=services)
    services.store.filtered.told(name)  # last: whoever dies before it leaves the receipts, and the telling, to the next


def most_filtered(broadcast: Broadcast) -> int:
    """How many of its texts may be filtered before somebody has to look."""
    return max(FEW, int((broadcast.planned or {}).get(Channel.SMS, 0) * SHARE))
