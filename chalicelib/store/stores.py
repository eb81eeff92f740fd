"""All stores of one table, in one hand."""

from dataclasses import dataclass
from functools import cached_property

from chalicelib.state.table import Table
from chalicelib.store.addresses import Addresses
from chalicelib.store.broadcasts import Broadcasts
from chalicelib.store.sealed import Vault
from chalicelib.store.subscriptions import Subscriptions


@dataclass(frozen=True)
class Stores:
    """One of each store, on one table."""

    table: Table
    vault: Vault

    @cached_property
    def addresses(self) -> Addresses:
        """Addresses, found by keyed hash."""
        return Addresses(self.table, self.vault)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """Who follows what."""
        return Subscriptions(self.table)

    @cached_property
    def broadcasts(self) -> Broadcasts:
        """Broadcasts and what they say."""
        return Broadcasts(self.table)
