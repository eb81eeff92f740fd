"""Export: all subscriptions with their proof, the whole ledger, and apart from them who opted out. Read row by row, and nothing is held.

Addresses are opened here and nowhere else for a file. Whoever asks is in the audit before the first row leaves, and with how many it were after the last.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import Consent
from chalicelib.domain.exporting import Exported, Noted, OptedOut, joining, proof_of
from chalicelib.flows.services import Services
from chalicelib.state.table import Row
from chalicelib.store.audit import AuditEntry
from chalicelib.store.everything import address_in, consent_in, subscription_in
from chalicelib.store.subscriptions import Subscription

SUBJECT = "subscribers"
"""What the audit keeps imports and exports under."""

_AT_ONCE = 100
_REMEMBERED = 200

_Kept = Subscription | Consent


def export_subscribers(rows: Iterable[Row], *, by: str, services: Services) -> Iterator[Exported | Noted]:
    """Each subscription by text and email, and each entry of the ledger, in the order of the rows. Raises Misconfigured where the sealing key is not the
    one that addresses were sealed with."""
    _tell("subscribers.export_begun", "", by, services)
    counts = {Exported: 0, Noted: 0}
    words = lru_cache(_REMEMBERED)(lambda name: services.store.consents.wording(name) or "")
    ledger = lru_cache(_REMEMBERED)(services.store.consents.of)
    stream = (kept for row in rows if (kept := subscription_in(row) or consent_in(row)) and kept.channel is not Channel.KIOSK)
    while some := list(islice(stream, _AT_ONCE)):
        for kept, address in zip(some, _addresses(some, services), strict=True):
            if isinstance(kept, Subscription):
                if address is None:
                    continue
                entry = joining(ledger(kept.subscriber), kept.topic, kept.channel)
                proof = proof_of(entry, words(entry.wording)) if entry else None
                yield Exported(address, kept.subscriber, kept.topic, kept.locale, kept.filters, kept.preferences, proof)
                counts[Exported] += 1
            else:
                yield Noted(address, kept, words(kept.wording) if kept.wording else "")
                counts[Noted] += 1
    _tell("subscribers.exported", f"{counts[Exported]} subscriptions, {counts[Noted]} entries of the ledger", by, services)


def export_opt_outs(rows: Iterable[Row], *, by: str, services: Services) -> Iterator[OptedOut]:
    """Every address that said stop."""
    _tell("opt_outs.export_begun", "", by, services)
    count = 0
    for row in rows:
        known = address_in(row)
        if known and known.opted_out:
            yield OptedOut(known.hash, known.opted_out, known.channel, services.store.vault.open_address_or_none(known.sealed))
            count += 1
    _tell("opt_outs.exported", str(count), by, services)


def _tell(what: str, why: str, by: str, services: Services) -> None:
    services.store.table.transact([services.store.audit.write(SUBJECT, AuditEntry(by, what, services.now(), why), id=services.new_id())])


def _addresses(some: Sequence[_Kept], services: Services) -> list[Address | None]:
    known = services.store.addresses.read([one.address for one in some])
    return services.store.vault.open_addresses([one.sealed if one else None for one in known])
