"""Erasing: nothing is left of a person but the keyed hash of their address among those that must not be written to.

row that says so → addresses closed → subscriptions → places in batches → all rows of theirs → once more, for what a worker wrote meanwhile

Safe to repeat, and to die anywhere: the row is there until the second look found nothing to do.
"""

from collections.abc import Iterable
from datetime import timedelta

from chalicelib.domain.batch import BatchKey
from chalicelib.domain.ids import shard_of
from chalicelib.flows.services import Services
from chalicelib.state.table import Delete, Key, Row
from chalicelib.store.erasures import Erasure
from chalicelib.store.moves import moves_beside
from chalicelib.store.replies import reply_key
from chalicelib.store.sign_ups import sign_up_key
from chalicelib.store.subscriptions import audience_key, read_subscription, roster_keys

AGAIN = timedelta(minutes=15)
"""By then every worker that had read the person has ended."""
_FOREVER = timedelta(days=3650)


def forget(erasure: Erasure, *, services: Services) -> None:
    """Take all rows of a person away, and look again in a while; then the erasure itself."""
    subscriber, store = erasure.subscriber, services.store
    rows = list(store.erasures.rows(f"S#{subscriber}"))
    names = [*([erasure.address] if erasure.address else []), *(str(row.values["address"]) for row in rows if "address" in row.values)]
    for name in dict.fromkeys(names):
        _forget_address(name, subscriber, services)
    _leave(rows, services)
    _forget_moves(rows, services)
    _forget_batches(subscriber, rows, services)
    for row in rows:
        store.table.delete(row.key)
    if erasure.again:
        store.erasures.finish(erasure)
    else:
        store.erasures.once_more(erasure, services.now() + AGAIN)


def _forget_address(name: str, subscriber: str, services: Services) -> None:
    """Close an address: from then on nobody is called there. One that somebody has since signed up with again is theirs."""
    store = services.store
    if not store.addresses.erase(name, subscriber, services.now()):
        return
    for row in store.erasures.rows(f"A#{name}"):
        if row.key.sort == "ADDRESS":
            continue
        for key in _of_sign_up(row):
            store.table.delete(key)
        store.table.delete(row.key)


def _of_sign_up(row: Row) -> list[Key]:
    """The sign-up that a row beside an address is about, and its letters."""
    kind, _, name = row.key.sort.partition("#")
    return [sign_up_key(name), *(reply_key(letter) for letter in str(row.values["letters"]).split())] if kind == "ASK" else []


def _leave(rows: Iterable[Row], services: Services) -> None:
    """The audience's rows go before the person's, from which they are found."""
    for row in rows:
        if row.key.sort.startswith("SUB#"):
            one = read_subscription(row.values)
            keys = [audience_key(one.subscriber, one.topic, one.channel), *roster_keys(one)]
            services.store.table.transact([Delete(key) for key in keys])


def _forget_moves(rows: Iterable[Row], services: Services) -> None:
    """What stands elsewhere of their moves to another address; one that waits for its yes ends."""
    sign_ups, keys = moves_beside(rows)
    for key in [*(sign_up_key(name) for name in sign_ups), *keys]:
        services.store.table.delete(key)


def _forget_batches(subscriber: str, rows: Iterable[Row], services: Services) -> None:
    """Their places in what is being sent, which nothing points to yet; then in what was sent. Of the texts they sent that changed anything,
    what we answered: that they were answered stays, so that none delivered again joins them again."""
    store, shard = services.store, shard_of(subscriber)
    for broadcast in store.broadcasts.due(services.now() + _FOREVER):
        for key, _ in store.batches.of_shard(broadcast, shard):
            store.erasures.forget_entry(key, subscriber)
    for row in rows:
        if row.key.sort.startswith("H#"):
            broadcast = row.key.sort.split("#")[1]
            store.erasures.forget_entry(BatchKey(broadcast, int(str(row.values["shard"])), str(row.values["batch"])), subscriber)
            store.table.delete(row.key)  # what is done is not done again, however often a worker runs out of time
        elif row.key.sort.startswith("C#"):
            store.inbound.hollow(str(row.values["source"]))
