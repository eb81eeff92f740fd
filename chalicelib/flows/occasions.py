"""Occasions: a broadcast as its followers are judged for it."""

from chalicelib.domain.broadcast import Broadcast, BroadcastState, Content
from chalicelib.domain.matching import Told
from chalicelib.domain.notice import Act
from chalicelib.domain.reception import Occasion, calm_until
from chalicelib.flows.services import Services
from chalicelib.store.broadcast_rows import broadcast_key, read_broadcast

_OVER = frozenset({Act.CANCELLED, Act.ENDED})
_SAID = frozenset({BroadcastState.SENDING, BroadcastState.COMPLETED, BroadcastState.STOPPED})


def occasion_of(broadcast: Broadcast, content: Content, *, services: Services) -> Occasion:
    """What followers are judged for, without what was said before: of what is held that was asked when it was planned."""
    worst = min((one for one in (content.severity, content.worst) if one), key=list(type(content.severity)).index)
    told = Told(content.kind, worst, broadcast.urgent, content.about, services.city.lines)
    return Occasion(told, services.city.zone, services.city.quiet, digest=broadcast.audience.digest is not None)


def told_lately(broadcast: Broadcast, content: Content, occasion: Occasion, *, services: Services) -> Occasion:
    """The same, with when those who want it calm are told of an update. That it is over is told at once."""
    if content.revision < 2 or content.act in _OVER or broadcast.audience.corrects:
        return occasion
    names = [name for name in services.store.notices.broadcasts(content.notice) if name != broadcast.id]
    rows = services.store.table.get_many([broadcast_key(name) for name in names]) if names else {}
    said = sorted(one.send_at.instant for one in map(read_broadcast, rows.values()) if one.state in _SAID and one.send_at.instant <= services.now())
    return Occasion(occasion.told, occasion.zone, occasion.quiet, calm_until(said, services.now()))
