"""Import subscribers: rows of another system, with the evidence of their consent, become subscriptions and entries in the ledger.

some rows at a time: their addresses → what they follow → what they left → (apply) one transaction for each address of a row

Repeated as often as one likes: an entry of the ledger names the act (address, topic, time of the consent), so that a file that was imported half, or
twice, or after its people left, writes what is missing and nothing else. No text asks for a confirmation: docs/decisions/0024-imports-bring-their-proof.md
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from chalicelib.domain.address import Address
from chalicelib.domain.consent import EVERYTHING, Consent, How, Step, wording_id
from chalicelib.domain.importing import Finding, Good, Row, Wrong, fate, proof_detail
from chalicelib.domain.preferences import UNCHOSEN, Preferences
from chalicelib.domain.times import to_ms
from chalicelib.errors import StateLater, TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.flows.sharing import has_another
from chalicelib.state.table import MOST_GET, Key, Values, Write
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.audit import AuditEntry
from chalicelib.store.packing import packed
from chalicelib.store.subscriptions import Subscription, audience_key

SUBJECT = "subscribers"
"""What the audit keeps imports and exports under."""

_AT_ONCE = 50
_TRIES = 5
_WORDINGS = 100
"""Sentences that a run remembers to have kept; most files have one."""


@dataclass(frozen=True)
class _Wish:
    """One address of a row, and whoever has it."""

    row: Row
    column: str
    address: Address
    known: KnownAddress | None


@dataclass(frozen=True)
class _Judged:
    """What is to be joined, and the codes of what is not."""

    joins: Sequence[str]
    codes: Sequence[str]


@dataclass(frozen=True)
class _Run:
    services: Services
    kept: deque[str] = field(default_factory=lambda: deque(maxlen=_WORDINGS))


def import_subscribers(rows: Iterable[Row | Wrong], *, apply: bool, by: str, services: Services) -> Iterator[Finding]:
    """What becomes, or would become, of each row, in order; written only with `apply`, as they are read. Raises StateLater where others keep writing the
    same rows: run it again."""
    run, written = _Run(services), 0
    if apply:
        _tell("subscribers.import_begun", "", by, services)
    stream = iter(rows)
    while some := list(islice(stream, _AT_ONCE)):
        for finding in _some(some, run, apply=apply):
            written += finding.subscriptions if isinstance(finding, Good) else 0
            yield finding
    if apply:
        _tell("subscribers.imported", f"{written} subscriptions", by, services)


def _tell(what: str, why: str, by: str, services: Services) -> None:
    services.store.table.transact([services.store.audit.write(SUBJECT, AuditEntry(by, what, services.now(), why), id=services.new_id())])


def _some(rows: Sequence[Row | Wrong], run: _Run, *, apply: bool) -> Iterator[Finding]:
    wishes = _wishes([row for row in rows if isinstance(row, Row)], run.services)
    follows = _follows([wish for some in wishes.values() for wish in some], run.services)
    for row in rows:
        if isinstance(row, Wrong):
            yield row
            continue
        for wish in wishes[row.line]:
            judged = _judge(wish, follows, run.services)
            yield from _told(wish, _write(wish, judged, run) if apply and judged.joins else judged)


def _told(wish: _Wish, judged: _Judged) -> Iterator[Finding]:
    if judged.joins:
        yield Good(wish.row.line, wish.column, len(judged.joins))
    yield from (Wrong(wish.row.line, wish.column, code) for code in dict.fromkeys(judged.codes))


# --- reading ---------------------------------------------------------------------------------------------------------


def _wishes(rows: Sequence[Row], services: Services) -> dict[int, list[_Wish]]:
    """Those of each row, by its line."""
    addresses = [(row, column, address) for row in rows for column, address in row.addresses.items()]
    known = services.store.addresses.read([services.store.vault.hash(address) for _, _, address in addresses])
    found: dict[int, list[_Wish]] = {row.line: [] for row in rows}
    for (row, column, address), one in zip(addresses, known, strict=True):
        found[row.line].append(_Wish(row, column, address, one))
    return found


def _follows(wishes: Sequence[_Wish], services: Services) -> dict[Key, Values]:
    """The subscriptions of theirs that there are."""
    known = [(one, one.known.subscriber) for one in wishes if one.known and one.known.subscriber]
    keys = list(dict.fromkeys(audience_key(subscriber, topic, one.address.channel) for one, subscriber in known for topic in one.row.topics))
    rows: dict[Key, Values] = {}
    for start in range(0, len(keys), MOST_GET):
        rows |= services.store.table.get_many(keys[start : start + MOST_GET])
    return rows


def _judge(wish: _Wish, follows: Mapping[Key, Values], services: Services) -> _Judged:
    known, channel = wish.known, wish.address.channel
    opted_out, subscriber = bool(known and known.opted_out), known.subscriber if known else ""
    following = {topic for topic in wish.row.topics if subscriber and audience_key(subscriber, topic, channel) in follows}
    stranger = opted_out or not subscriber or len(following) == len(wish.row.topics)
    ledger = [] if stranger else [one for one in services.store.consents.of(subscriber) if one.channel is channel]
    joins, codes = list[str](), list[str]()
    for topic in wish.row.topics:
        left_at = max((one.at for one in ledger if one.topic in (topic, EVERYTHING) and one.step in (Step.LEFT, Step.STOPPED)), default=None)
        code = fate(opted_out=opted_out, follows=topic in following, left_at=left_at, proof=wish.row.proof)
        codes += [code] if code else []
        joins += [] if code else [topic]
    return _Judged(joins, codes)


# --- writing ---------------------------------------------------------------------------------------------------------


def _write(wish: _Wish, judged: _Judged, run: _Run) -> _Judged:
    """What was written. Whoever came between (a stop, another row of the same person) is heeded: it is looked at again."""
    for _ in range(_TRIES):
        if not judged.joins:
            return judged
        try:
            run.services.store.table.transact(_writes(wish, judged.joins, run))
            return judged
        except TransactionRefused:
            [known] = run.services.store.addresses.read([run.services.store.vault.hash(wish.address)])
            wish = _Wish(wish.row, wish.column, wish.address, known)
            judged = _judge(wish, _follows([wish], run.services), run.services)
    raise StateLater("others are writing the same subscribers: run the import again")


def _writes(wish: _Wish, joins: Sequence[str], run: _Run) -> list[Write]:
    services, row, hash = run.services, wish.row, run.services.store.vault.hash(wish.address)
    store, subscriber = services.store, wish.known.subscriber if wish.known and wish.known.subscriber else _subscriber(wish, services)
    own = _own(wish, subscriber, services)
    preferences = row.preferences if row.preferences != UNCHOSEN else own
    writes = [store.addresses.vouch_write(wish.address, subscriber=subscriber, known=wish.known), store.holds.write(subscriber, wish.address.channel, hash)]
    if wish.known is None and own == UNCHOSEN != preferences:
        writes.append(store.preferences.write(subscriber, preferences))
    for topic in joins:
        joined = Subscription(subscriber, topic, wish.address.channel, hash, row.locale, preferences, row.filters).from_now(services.now(), before=None)
        writes += [*store.subscriptions.join_writes(joined), store.consents.add_write(_entry(row, joined, services))]
    _keep_wording(row.proof.words, run)
    return packed([writes])[0]


def _subscriber(wish: _Wish, services: Services) -> str:
    """Whose a new address is: whoever has another of its row's, or who the file says is one person, by a keyed hash of their name there; but nobody's
    who has another number, or another email address, already."""
    row, vault, channel = wish.row, services.store.vault, wish.address.channel
    others = row.addresses.values() if len(row.addresses) > 1 else ()
    known = services.store.addresses.read([vault.hash(address) for address in others])
    whose = [one.subscriber for one in known if one and one.subscriber]
    whose += [vault.hash_text(f"person:{row.person}").partition(".")[2][:32]] if row.person else []
    name = vault.hash(wish.address)
    return next((one for one in whose if not has_another(one, channel, name, services=services)), None) or services.new_id()


def _own(wish: _Wish, subscriber: str, services: Services) -> Preferences:
    """What somebody whom we may know chose for all they follow."""
    stranger = wish.known is None and len(wish.row.addresses) == 1 and not wish.row.person
    return UNCHOSEN if stranger else services.store.preferences.of(subscriber)


def _entry(row: Row, joined: Subscription, services: Services) -> Consent:
    act = hashlib.sha256(f"{joined.address}\n{joined.topic}\n{to_ms(row.proof.at)}".encode()).hexdigest()[:32]
    return Consent(
        subscriber=joined.subscriber,
        address=joined.address,
        channel=joined.channel,
        topic=joined.topic,
        step=Step.JOINED,
        how=How.IMPORT,
        source=f"import:{act}",
        locale=joined.locale,
        at=services.now(),
        wording=wording_id(row.proof.words),
        detail=proof_detail(row, joined.preferences),
    )


def _keep_wording(words: str, run: _Run) -> None:
    """Before the entry that names it, and once for most files."""
    if wording_id(words) not in run.kept:
        run.services.store.table.transact([run.services.store.consents.wording_write(words)])
        run.kept.append(wording_id(words))
