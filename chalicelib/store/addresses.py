"""Address rows: `A#<hash>` / `ADDRESS`. Found by keyed hash; the address itself is sealed.

The row outlives its subscriptions, so that one phone keeps one subscriber id over STOP and JOIN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.address import Address
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import MOST_GET, Change, Exists, Key, Lacks, Row, Table, Update, Values, Write, equals, every
from chalicelib.store.sealed import Vault


@dataclass(frozen=True)
class KnownAddress:
    """An address as stored. `sealed` is None once erased."""

    hash: str
    subscriber: str
    sealed: str | None
    verified: bool
    opted_out: datetime | None


@dataclass(frozen=True)
class Addresses:
    """Reads and writes address rows."""

    table: Table
    vault: Vault

    def find(self, address: Address) -> KnownAddress | None:
        """What is known of an address."""
        found = self.table.get(address_key(self.vault.hash(address)))
        return _known(self.vault.hash(address), found) if found else None

    def read(self, hashes: Sequence[str]) -> list[KnownAddress | None]:
        """Addresses by hash, in order; None where there is no row."""
        keys, rows = list(dict.fromkeys(address_keys(hashes))), dict[Key, Values]()
        for start in range(0, len(keys), MOST_GET):
            rows |= self.table.get_many(keys[start : start + MOST_GET])
        return read_addresses(hashes, rows)

    def claim(self, address: Address, *, subscriber: str, verified: bool) -> KnownAddress:
        """The row of an address, made with `subscriber` if there is none. The id it holds is the one to use. A row that only says
        "opted out", of an address we had never met or have erased, keeps saying so and gets the id."""
        name = self.vault.hash(address)
        change = Change(set=self.row(address, subscriber=subscriber, verified=verified).values)
        try:
            return _known(name, self.table.update(address_key(name), change, expect=Lacks("subscriber")))
        except WriteRefused as refused:
            if refused.old is None:
                raise
            return _known(name, refused.old)

    def row(self, address: Address, *, subscriber: str, verified: bool) -> Row:
        """The row of an address that nobody has yet: what bulk loading writes."""
        values: Values = {"subscriber": subscriber, "sealed": self.vault.seal_address(address), "channel": str(address.channel), "verified": verified}
        return Row(address_key(self.vault.hash(address)), values)

    def welcome_write(self, known: KnownAddress) -> Write:
        """The write that proves an address its owner's and lets messages go there again, for a transaction. Refused where
        the owner said stop after `known` was read."""
        still = equals("opted_out", to_ms(known.opted_out)) if known.opted_out else every(Exists(), Lacks("opted_out"))
        return Update(address_key(known.hash), Change(set={"verified": True}, remove=("opted_out",)), expect=still)

    def opt_out(self, hash: str, now: datetime) -> None:
        """Nothing may be sent to this address from now on. Also for an address we never met, so that it stays said."""
        self.table.update(address_key(hash), Change(set={"opted_out": to_ms(now)}))


def address_key(hash: str) -> Key:
    """Where an address is kept."""
    return Key(f"A#{hash}", "ADDRESS")


def address_keys(hashes: Sequence[str]) -> list[Key]:
    """Where these addresses are kept."""
    return [address_key(name) for name in hashes]


def read_addresses(hashes: Sequence[str], rows: Mapping[Key, Values]) -> list[KnownAddress | None]:
    """The addresses among rows already read, in order; None where the row is gone."""
    return [_known(name, rows[address_key(name)]) if address_key(name) in rows else None for name in hashes]


def _known(name: str, values: Values) -> KnownAddress:
    opted_out, sealed = values.get("opted_out"), values.get("sealed")
    return KnownAddress(
        hash=name,
        subscriber=str(values.get("subscriber", "")),
        sealed=str(sealed) if sealed else None,
        verified=bool(values.get("verified")),
        opted_out=from_ms(opted_out) if isinstance(opted_out, int) else None,
    )
