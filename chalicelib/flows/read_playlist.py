"""Read a playlist: what one kiosk shows now, from the rows alone.

history of the kiosk → contents (kept in memory) → of those not expired, which were stopped → playlist
"""

from chalicelib.domain.address import Channel
from chalicelib.domain.playlist import Sent, playlist
from chalicelib.flows.services import Services
from chalicelib.state.table import MOST_GET
from chalicelib.store.broadcast_rows import broadcast_key, read_broadcast
from chalicelib.store.history import Pointer
from chalicelib.store.kiosks import Kiosk


def read_playlist(kiosk: Kiosk, *, services: Services) -> list[Sent]:
    """What is up on a kiosk."""
    now = services.now()
    pointers = {one.batch.broadcast: one for one in services.store.history.every(kiosk.subscriber, Channel.KIOSK)}
    contents = services.store.contents.of(pointers)
    stopped = _stopped([name for name, content in contents.items() if content.expires_at > now], services)
    sent = [Sent(name, content, name in stopped, _token(pointers[name], services)) for name, content in contents.items()]
    return playlist(sent, now)


def _stopped(broadcasts: list[str], services: Services) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(broadcasts), MOST_GET):
        rows = services.store.table.get_many([broadcast_key(name) for name in broadcasts[start : start + MOST_GET]])
        found |= {one.id for one in map(read_broadcast, rows.values()) if one.stop_at}
    return found


def _token(pointer: Pointer, services: Services) -> str:
    batch = pointer.batch
    return services.tokens.sign("delivery", batch.broadcast, str(batch.shard), batch.name, str(pointer.entry), "1")
