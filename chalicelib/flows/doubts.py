"""Unknown outcomes of a batch, decided from evidence."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.address import Address
from chalicelib.domain.batch import LEASE, MOST_TRIES, decided_at, unknown
from chalicelib.domain.delivery import State
from chalicelib.domain.doubt import Ruling, rule, rule_answer
from chalicelib.domain.verdict import ends
from chalicelib.errors import Misconfigured, RenderFailed
from chalicelib.flows.task import Progress, Task

SKEW = timedelta(seconds=10)
"""How far the provider's clock may be from ours, and whole seconds from what happened. An equal text from longer before the mark is no evidence."""
ASKING = timedelta(seconds=20)
"""A worker asks the provider no longer than this; its remaining time is for handing over."""


def resolve_unknown(task: Task, progress: Progress) -> tuple[Progress, list[int]]:
    """Decide unknown entries from evidence; those to be sent again come back."""
    entries = unknown(progress.answers.cells)
    if not entries or progress.answers.in_doubt_since is None:
        return progress, []
    if task.far.tries > MOST_TRIES:
        return progress.with_cells({entry: str(State.UNCONFIRMED) for entry in entries}), []
    when = decided_at(progress.answers.in_doubt_since, urgent=task.broadcast.urgent)
    rulings = {entry: rule(receipts=task.far.receipts_of(entry), decided_at=when, now=task.services.now()) for entry in entries}
    asked = [entry for entry, ruling in rulings.items() if ruling is Ruling.ASK]
    rulings |= _ask(task, progress, asked)
    decided = {entry: str(ruling) for entry, ruling in rulings.items() if ruling in {Ruling.ACCEPTED, Ruling.UNCONFIRMED}}
    return progress.with_cells(decided), [entry for entry, ruling in rulings.items() if ruling is Ruling.RESEND]


def _ask(task: Task, progress: Progress, entries: Sequence[int]) -> dict[int, Ruling]:
    """What the provider says of those whose window is over."""
    if not entries:
        return {}
    since = (progress.answers.doubt_from or task.started - LEASE) - SKEW
    known = task.services.store.addresses.read([task.what.entries[entry].address for entry in entries])
    return {entry: _rule(task, progress, entry, address.sealed if address else None, since) for entry, address in zip(entries, known, strict=True)}


def _rule(task: Task, progress: Progress, entry: int, sealed: str | None, since: datetime) -> Ruling:
    """What becomes of one. Whom there is no time left to ask about waits for the next worker."""
    if task.services.now() - task.started > ASKING:
        return Ruling.WAIT
    to, topic = task.services.store.vault.open_address_or_none(sealed), task.what.entries[entry].topic
    found = _found(task, to, topic, since) if to else None
    ended = ends(task.broadcast, task.services.now())
    return rule_answer(found=found, resent=entry in progress.answers.resent or ended is not None, urgent=task.broadcast.urgent)


def _locales(task: Task) -> Sequence[str]:
    """Of an old batch some may have been told in a language they chose since."""
    return list(dict.fromkeys([task.what.locale, *(task.services.city.languages if task.stale else ())]))


def _found(task: Task, to: Address, topic: str, since: datetime) -> bool | None:
    """Whether the provider holds what we tried to hand over, in any language they may have been told in: one question for all. None where nobody can
    say: also where what we said cannot be made again, or nobody can be asked, which keeps no broadcast open that ended."""
    try:
        return task.sender.find(to, *(task.message(topic, locale) for locale in _locales(task)), since=since)
    except (RenderFailed, Misconfigured):
        return None
