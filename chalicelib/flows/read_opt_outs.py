"""Read opt-outs back: whoever stands in a file as stopped is stopped, and nobody is ever started. For a city that was restored, or begins anew.

Who is stopped already stays so since then. Who came back by their own act after the stop in the file, by a text or on a page, is left alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.consent import How, Step
from chalicelib.domain.exporting import OptedOut
from chalicelib.domain.times import to_ms
from chalicelib.flows.heeding import end_all
from chalicelib.flows.services import Services
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.audit import AuditEntry

SUBJECT = "subscribers"
"""What the audit keeps imports and exports under."""

_THEIR_OWN = frozenset({How.KEYWORD, How.WEB})


class Heeded(StrEnum):
    """What became of an opt-out."""

    STOPPED = "stopped"
    ALREADY = "already"
    CAME_BACK = "came_back"


@dataclass(frozen=True)
class Line:
    """An opt-out and the line it stands in."""

    line: int
    opted_out: OptedOut


def read_opt_outs(lines: Iterable[Line], *, by: str, services: Services) -> Iterator[tuple[int, Heeded]]:
    """Heed each, and say by its line what became of it. Safe to repeat, and to die anywhere."""
    stopped = 0
    for one in lines:
        heeded = _heed(one.opted_out, services)
        stopped += heeded is Heeded.STOPPED
        yield one.line, heeded
    entry = AuditEntry(by, "opt_outs.read", services.now(), f"{stopped} stopped")
    services.store.table.transact([services.store.audit.write(SUBJECT, entry, id=services.new_id())])


def _heed(said: OptedOut, services: Services) -> Heeded:
    """An address is known by its hash here, whatever it was in the file, as long as the file names the address."""
    hash = services.store.vault.hash(said.address) if said.address else said.hash
    [known] = services.store.addresses.read([hash])
    if known and _came_back(known, said, services):
        return Heeded.CAME_BACK
    source, before = f"log:{to_ms(said.at)}", bool(known and known.opted_out)
    stopped = known if known and before else services.store.addresses.heed_opt_out(hash, source, said.at)
    if not stopped.opted_out:
        return Heeded.CAME_BACK  # heeded from this very file once, and its owner has come back since
    channel = stopped.channel or said.channel
    if channel:
        end_all(stopped, channel, how=How.LOG, source=source, services=services)
    return Heeded.ALREADY if before else Heeded.STOPPED


def _came_back(known: KnownAddress, said: OptedOut, services: Services) -> bool:
    """Whether its owner has joined by an act of their own since."""
    if known.opted_out or not known.subscriber:
        return False
    ledger = services.store.consents.of(known.subscriber)
    return any(one.at > said.at and one.how in _THEIR_OWN and one.step in (Step.JOINED, Step.RESTORED) and one.address == known.hash for one in ledger)
