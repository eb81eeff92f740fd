"""What rows of a whole table hold, for whoever reads all of them: an export. Which rows there are is for a table's own way to tell."""

from chalicelib.domain.consent import Consent
from chalicelib.state.table import Row
from chalicelib.store.addresses import KnownAddress, read_addresses
from chalicelib.store.consents import read_consent
from chalicelib.store.subscriptions import Subscription, read_subscription


def subscription_in(row: Row) -> Subscription | None:
    """A person's subscription, if this row is one."""
    return read_subscription(row.values) if row.key.partition.startswith("S#") and row.key.sort.startswith("SUB#") else None


def consent_in(row: Row) -> Consent | None:
    """An entry of the ledger, if this row is one."""
    return read_consent(row.values) if row.key.partition.startswith("S#") and row.key.sort.startswith("C#") else None


def address_in(row: Row) -> KnownAddress | None:
    """An address, if this row is one."""
    if not row.key.partition.startswith("A#") or row.key.sort != "ADDRESS":
        return None
    return read_addresses([row.key.partition.removeprefix("A#")], {row.key: row.values})[0]
