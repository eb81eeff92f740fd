"""Set preferences: what a person chose behind the link to their choices, for every channel that they have.

    read what they follow, and the addresses → what changes (pure) → opt out where nothing is left → write

Joins and leaves, and what changes on what stays, each go with their entry in the ledger. Whatever ended meanwhile is not brought back: the writes lose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import EVERYTHING, Consent, How, Step, detail_of, wording_id
from chalicelib.domain.conversation import known
from chalicelib.domain.filters import EVERYTHING as ALL_OF_IT
from chalicelib.domain.filters import Filters
from chalicelib.domain.preferences import UNCHOSEN, Preferences
from chalicelib.errors import Conflict, NotFound, TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.flows.sharing import current_preferences
from chalicelib.state.table import Write
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.consents import address_of
from chalicelib.store.packing import packed
from chalicelib.store.subscriptions import Subscription

_RANKS = {Step.JOINED: 0, Step.RESTORED: 0, Step.LEFT: 1, Step.STOPPED: 2}
"""What opens or closes an address; of two at one moment, the last counts."""


@dataclass(frozen=True)
class Choice:
    """What a person chose: topics per channel, when and how, and the language, None where they left it as it is. `filters` are the parts of topics that
    they changed; `others` those that they left as they are, which is what a topic begins with on another channel. `read_in` is the language of the page
    whose sentence they agreed to."""

    topics: Mapping[Channel, Sequence[str]]
    locale: str | None
    read_in: str
    filters: Mapping[str, Filters] = field(default_factory=dict)
    others: Mapping[str, Filters] = field(default_factory=dict)
    preferences: Preferences = UNCHOSEN


@dataclass(frozen=True)
class _Case:
    """One channel of a choice: the address, what is followed there, what is wanted, and the sentence that was agreed to, when. `afresh`: preferences
    were changed, so that every subscription gets them. `speech`: the language of what is new on a channel that nothing comes by."""

    address: KnownAddress
    channel: Channel
    follows: Mapping[str, Subscription]
    wanted: Sequence[str]
    choice: Choice
    agreement: str
    source: str
    afresh: bool
    speech: str
    at: datetime

    def made(self, topic: str) -> Subscription:
        """A topic as it is wanted. What nobody changed stays as it is."""
        old, choice = self.follows.get(topic), self.choice
        filters = choice.filters.get(topic, old.filters if old else choice.others.get(topic, ALL_OF_IT))
        chosen = old.preferences if old and not self.afresh else choice.preferences
        name, locale = old.address if old else self.address.hash, self.locale(topic)
        return Subscription(self.address.subscriber, topic, self.channel, name, locale, chosen, filters).from_now(self.at, before=old)

    def locale(self, topic: str) -> str:
        """The language of a topic: the one they chose, else its own, else that of what else comes by this channel."""
        same = [self.follows[topic]] if topic in self.follows else self.follows.values()
        return self.choice.locale or next((one.locale for one in same), self.speech)


def set_preferences(subscriber: str, choice: Choice, *, services: Services) -> None:
    """Follow exactly these topics on these channels, in these parts, at these times, in this language. No topic at all on a channel opts its address out.
    Raises NotFound where the person is gone; Conflict where their phone was closed by more than a page of ours, or something else changed meanwhile."""
    store = services.store
    agreement = services.renderer().page("choice", choice.read_in, channels=[str(channel) for channel in choice.topics])
    follows = store.subscriptions.of(subscriber)
    afresh = choice.preferences != current_preferences(subscriber, follows, services=services)
    speech = next((one.locale for one in follows), choice.read_in)
    cases = [_case(subscriber, channel, choice, agreement, afresh, speech, services) for channel in choice.topics]
    for case in cases:
        if not case.wanted and case.follows:
            store.addresses.opt_out(case.address.hash, services.now())
    groups = [group for case in cases for group in _changes(case, services)]
    if afresh:
        groups.append([store.preferences.write(subscriber, choice.preferences), _entry(cases[0], EVERYTHING, Step.PREFERENCES, services, ALL_OF_IT)])
    try:
        for writes in packed(groups) if groups else ():
            store.table.transact(writes)
    except TransactionRefused as refused:
        raise Conflict("Something else changed at the same time. Look again.", code="changed_meanwhile") from refused


def _case(subscriber: str, channel: Channel, choice: Choice, agreement: str, afresh: bool, speech: str, services: Services) -> _Case:
    store, wanted = services.store, known(choice.topics[channel], services.city)
    follows = {one.topic: one for one in store.subscriptions.of(subscriber, channel)}
    name = next((one.address for one in follows.values()), None) or address_of(store.consents.of(subscriber), channel)
    [address] = store.addresses.read([name]) if name else [None]
    if address is None or address.subscriber != subscriber:
        raise NotFound("This link has ended.", code="link_ended")
    if channel is Channel.SMS and wanted and address.opted_out and not _was_closed_here(address, services):
        raise Conflict("Text START to us first: until then the network holds our texts back.", code="text_start_first")
    return _Case(address, channel, follows, wanted, choice, agreement, services.new_id(), afresh, speech, services.now())


def _was_closed_here(address: KnownAddress, services: Services) -> bool:
    """Whether a phone was closed by nothing but a page of ours, and so may be opened on one. Who stopped by text, and who has the number that somebody
    moved away from, says so themselves, from the handset."""
    ledger = services.store.consents.of(address.subscriber)
    last = max((one for one in ledger if one.address == address.hash and one.step in _RANKS), key=lambda one: (one.at, _RANKS[one.step]), default=None)
    if last is None or address.opted_out is None or address.blocked or services.store.moves.after(address.subscriber):
        return False
    return last.step is Step.LEFT and last.how is How.WEB and last.at >= address.opted_out  # else a word whose entry is not written yet


def _changes(case: _Case, services: Services) -> list[list[Write]]:
    """Leaves, what changes on what stays, and joins, each with its entry in the ledger."""
    store, subscriber = services.store, case.address.subscriber
    joining, leaving = [topic for topic in case.wanted if topic not in case.follows], [topic for topic in case.follows if topic not in case.wanted]
    staying = [(one, case.made(topic)) for topic, one in case.follows.items() if topic in case.wanted]
    groups = [[*store.subscriptions.leave_writes(subscriber, topic, case.channel), _entry(case, topic, Step.LEFT, services)] for topic in leaving]
    groups += [_changed(case, old, new, services) for old, new in staying if old != new]
    turned = any(old.locale != new.locale for old, new in staying)
    groups += [[_entry(case, EVERYTHING, Step.LANGUAGE, services)]] if turned else []
    if joining or (case.wanted and case.address.opted_out):  # closed by a provider's word, or by a worker that died: what is ticked is wanted
        groups.append([store.addresses.welcome_write(case.address), store.consents.wording_write(case.agreement)])
    joins = [(topic, store.subscriptions.join_writes(case.made(topic))) for topic in joining]
    return groups + [[*writes, _entry(case, topic, Step.JOINED, services, case.made(topic).filters)] for topic, writes in joins]


def _changed(case: _Case, old: Subscription, new: Subscription, services: Services) -> list[Write]:
    """A subscription as it is now wanted; the ledger hears of another part by its topic, of all else once for all topics."""
    writes = services.store.subscriptions.change_writes(new, before=old)
    if old.filters == new.filters:
        return writes
    return [*writes, _entry(case, new.topic, Step.PREFERENCES, services, new.filters, new.preferences)]


def _entry(case: _Case, topic: str, step: Step, services: Services, filters: Filters | None = None, preferences: Preferences | None = None) -> Write:
    """An entry of the ledger; with what was chosen, where `filters` are given. `preferences` are those of a subscription that keeps its own."""
    consents = services.store.consents
    write = consents.leave_write if step is Step.LEFT else consents.add_write
    detail = detail_of(filters, preferences or case.choice.preferences) if filters is not None else ""
    wording = wording_id(case.agreement) if step is Step.JOINED else ""
    name, subscriber, locale = case.address.hash, case.address.subscriber, case.locale(topic)
    return write(
        Consent(subscriber, name, case.channel, topic, step, How.WEB, case.source, locale, services.now(), wording=wording, detail=detail),
    )
