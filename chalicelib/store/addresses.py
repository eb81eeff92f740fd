"""Address rows: `A#<hash>` / `ADDRESS`. Found by keyed hash; the address itself is sealed.

The row outlives its subscriptions, so that one phone keeps one subscriber id over STOP and JOIN. It also holds what providers said of the
address: `bad` is the code that proved it bad, `faults` how often in a row it failed in a way that may. `heeded` names the last words of
theirs that were acted on, so that a word that comes again undoes nothing that its owner did since. `blocked` stands beside `opted_out` where the
provider, too, holds back what goes there, as far as we know: then its owner's next text alone does not open the way.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.message import Streak
from chalicelib.domain.times import from_ms, spoken, to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import MOST_GET, Change, Condition, Exists, Has, Key, Lacks, Row, Table, Update, Value, Values, Write, equals, every
from chalicelib.store.sealed import Vault

_GOOD_AGAIN = ("bad", "bad_at", "faults", "faulted_at")
_PERSONAL = ("subscriber", "sealed", "channel", "verified", "heeded", "ttl", *_GOOD_AGAIN)
_HEEDED = 8
"""Words of providers that a row remembers. They come again within minutes, not after so many others."""

_SINCE_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_CHANNELS = {str(channel): channel for channel in Channel}
_log = logging.getLogger("belfry")


@dataclass(frozen=True)
class KnownAddress:
    """An address as stored. `sealed` is None once erased; `bad` is None unless a provider proved it bad. `blocked`: opted out, and not only with us."""

    hash: str
    subscriber: str
    sealed: str | None
    verified: bool
    opted_out: datetime | None
    bad: str | None = None
    channel: Channel | None = None
    faults: int = 0
    faulted_at: datetime | None = None
    heeded: tuple[str, ...] = ()
    blocked: bool = False


@dataclass(frozen=True)
class Fault:
    """A provider's word against an address: its code, which delivery it is about, and how many of its kind make the address bad."""

    word: str
    code: str
    streak: Streak


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

    def claim(self, address: Address, *, subscriber: str, verified: bool, until: datetime | None = None) -> KnownAddress:
        """The row of an address, made with `subscriber` if there is none. The id it holds is the one to use. A row that only says
        "opted out", of an address we had never met or have erased, keeps saying so and gets the id. One that nobody has proven theirs by `until`
        is forgotten."""
        name = self.vault.hash(address)
        leaves: Values = {"ttl": round(until.timestamp())} if until else {}
        change = Change(set={**self.row(address, subscriber=subscriber, verified=verified).values, **leaves})
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

    def welcome_write(self, known: KnownAddress) -> Update:
        """The write that proves an address its owner's, good, and willing: messages may go there again. For a transaction; refused
        where the owner said stop after `known` was read."""
        still = equals("opted_out", to_ms(known.opted_out)) if known.opted_out else every(Exists(), Lacks("opted_out"))
        return Update(address_key(known.hash), Change(set={"verified": True}, remove=("opted_out", "blocked", "ttl", *_GOOD_AGAIN)), expect=still)

    def settle_write(self, known: KnownAddress, subscriber: str) -> Write:
        """As `welcome_write`, of an address that nobody had proven theirs: it belongs to `subscriber` from now on. Refused where somebody has proven it
        meanwhile, for then its id stays."""
        write = self.welcome_write(known)
        unproven = every(write.expect or Exists(), equals("subscriber", known.subscriber), equals("verified", False))
        return replace(write, change=replace(write.change, set={**write.change.set, "subscriber": subscriber}), expect=unproven)

    def release_write(self, hash: str, subscriber: str, now: datetime) -> Write:
        """The write that parts an address from a subscriber, for a transaction: nothing may be sent there, and whoever texts from it next is somebody
        new. Refused where it is somebody else's by now."""
        _tell(hash, now)
        return Update(address_key(hash), Change(set={"opted_out": to_ms(now)}, remove=_PERSONAL), expect=equals("subscriber", subscriber))

    def vouch_write(self, address: Address, *, subscriber: str, known: KnownAddress | None) -> Write:
        """The write that makes an address its owner's on a proof from elsewhere, for a transaction. Refused where they have said stop, or it is
        somebody else's by now; what providers hold against it stays."""
        if known and known.subscriber:
            same = every(equals("subscriber", known.subscriber), Lacks("opted_out"))
            return Update(address_key(known.hash), Change(set={"verified": True}, remove=("ttl",)), expect=same)
        row = self.row(address, subscriber=subscriber, verified=True)
        return Update(row.key, Change(set=row.values), expect=every(Lacks("subscriber"), Lacks("opted_out")))

    def opt_out(self, hash: str, now: datetime, *, blocked: bool = False) -> None:
        """Nothing may be sent to this address from now on; `blocked`: nor does the provider let anything through. Also for an address we never met,
        so that it stays said."""
        _tell(hash, now)
        too: Values = {"blocked": True} if blocked else {}
        self.table.update(address_key(hash), Change(set={"opted_out": to_ms(now), **too}, remove=("ttl",)))

    def erase(self, hash: str, subscriber: str, now: datetime) -> bool:
        """Nothing is left of an address of this subscriber but that nothing may be sent to it, and whether the provider says so too. False where it
        is somebody else's by now."""
        [known] = self.read([hash])
        if known is None or known.subscriber != subscriber:
            return known is not None and not known.subscriber
        _tell(hash, now)
        with suppress(WriteRefused):  # erased, as another try of the same: what there is now is nobody's or another's
            self.table.update(address_key(hash), Change(set={"opted_out": to_ms(now)}, remove=_PERSONAL), expect=equals("subscriber", subscriber))
        return True

    def heed_opt_out(self, hash: str, word: str, now: datetime) -> KnownAddress:
        """As `opt_out`, where not the owner says so but a `word` about them: the provider's, or one that says not how they stopped, so that the
        provider may block them. One heeded before changes nothing: its owner may have come back since."""
        [known] = self.read([hash])
        while known is None or word not in known.heeded:
            _tell(hash, now)
            change = Change(set={"opted_out": to_ms(now), "blocked": True, **_heeding(known, word)}, remove=("ttl",))
            try:
                return _known(hash, self.table.update(address_key(hash), change, expect=_as_heeded(known)))
            except WriteRefused as refused:
                known = _known(hash, refused.old) if refused.old is not None else None
        return known

    def note_block(self, hash: str) -> None:
        """The provider, too, holds back what goes to an address that is opted out. One that is welcome again stays so."""
        with suppress(WriteRefused):
            self.table.update(address_key(hash), Change(set={"blocked": True}), expect=Has("opted_out"))

    def heed_fault(self, hash: str, fault: Fault, now: datetime) -> KnownAddress | None:
        """Hold a fault against an address, once: with it, or the last of its streak, the address is bad. None where it is gone."""
        [known] = self.read([hash])
        while known is not None and known.bad is None and fault.word not in known.heeded:
            try:
                return _known(hash, self.table.update(address_key(hash), _fault_change(known, fault, now), expect=every(_as_heeded(known), Exists())))
            except WriteRefused as refused:
                known = _known(hash, refused.old) if refused.old is not None else None
        return known

    def prove_good(self, hash: str) -> None:
        """Something came from this address, so it is good: what providers held against it is forgotten."""
        try:
            self.table.update(address_key(hash), Change(remove=_GOOD_AGAIN), expect=Exists())
        except WriteRefused:
            return


def address_key(hash: str) -> Key:
    """Where an address is kept."""
    return Key(f"A#{hash}", "ADDRESS")


def address_keys(hashes: Sequence[str]) -> list[Key]:
    """Where these addresses are kept."""
    return [address_key(name) for name in hashes]


def read_addresses(hashes: Sequence[str], rows: Mapping[Key, Values]) -> list[KnownAddress | None]:
    """The addresses among rows already read, in order; None where the row is gone."""
    return [_known(name, rows[address_key(name)]) if address_key(name) in rows else None for name in hashes]


def _tell(hash: str, now: datetime) -> None:
    """Said before it is written: after a restore from a backup, the log is what still knows of it."""
    _log.info("opted out", extra={"fields": {"address": hash, "at": spoken(now)}})


def _heeding(known: KnownAddress | None, word: str) -> Values:
    return {"heeded": " ".join([*(known.heeded if known else ()), word][-_HEEDED:])}


def _as_heeded(known: KnownAddress | None) -> Condition:
    """Nothing was heeded since `known` was read."""
    return equals("heeded", " ".join(known.heeded)) if known and known.heeded else Lacks("heeded")


def _fault_change(known: KnownAddress, fault: Fault, now: datetime) -> Change:
    goes_on = known.faulted_at is not None and now - known.faulted_at <= fault.streak.apart
    faults = known.faults + 1 if goes_on else 1
    if faults >= fault.streak.enough:
        bad: Values = {"bad": fault.code, "bad_at": to_ms(now)}
        return Change(set={**bad, **_heeding(known, fault.word)}, remove=("faults", "faulted_at"))
    return Change(set={"faults": faults, "faulted_at": to_ms(now), **_heeding(known, fault.word)})


def _known(name: str, values: Values) -> KnownAddress:
    """The address of a row. One that cannot be read in part is read on the safe side, for it must not cost anybody else their message."""
    sealed, faults = values.get("sealed"), values.get("faults")
    return KnownAddress(
        hash=name,
        subscriber=str(values.get("subscriber", "")),
        sealed=str(sealed) if sealed else None,
        verified=values.get("verified") is True,
        opted_out=_moment(values["opted_out"]) or _SINCE_EVER if "opted_out" in values else None,
        bad=str(values["bad"]) if "bad" in values else None,
        channel=_CHANNELS.get(str(values.get("channel"))),
        faults=faults if isinstance(faults, int) else 0,
        faulted_at=_moment(values.get("faulted_at")),
        heeded=tuple(str(values.get("heeded", "")).split()),
        blocked=values.get("blocked") is True,
    )


def _moment(stored: Value) -> datetime | None:
    try:
        return from_ms(stored) if isinstance(stored, int) else None
    except (ValueError, OverflowError, OSError):  # no year that a calendar has
        return None
