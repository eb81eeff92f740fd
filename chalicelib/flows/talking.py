"""What a text changes, as writes: each change whole in one group, with its entry in the ledger of consent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import EVERYTHING, Step, detail_of
from chalicelib.domain.filters import EVERYTHING as ALL_OF_IT
from chalicelib.domain.preferences import Preferences
from chalicelib.domain.talk_changes import Change, Confirm, Decline, Join, Leave, Narrow, Pause, Release, SetLocale, StopAll, Welcome
from chalicelib.flows.moving import Move, arrived_writes, leave_groups
from chalicelib.flows.services import Services
from chalicelib.flows.sharing import Shared, settled_writes
from chalicelib.state.table import Write
from chalicelib.store.addresses import KnownAddress
from chalicelib.store.inbound import Inbound
from chalicelib.store.sign_ups import SignUp
from chalicelib.store.subscribers import judged
from chalicelib.store.subscriptions import Subscription

Groups = list[list[Write]]

MOST_AT_ONCE = 90
"""Writes that one transaction takes beside those of a text itself, and of a move."""


@dataclass(frozen=True)
class Acting:
    """A text that is acted on, what its sender chose, and the sign-up that waits for them; with the move that its YES makes, or the
    page that it comes to, if there is one."""

    inbound: Inbound
    preferences: Preferences
    sign_up: SignUp | None
    move: Move | None = None
    shared: Shared | None = None


def writes_of(acting: Acting, changes: Sequence[Change], *, reply: str, services: Services) -> Groups:
    """The changes as groups of writes; `reply` is the sentence that confirms them. What may safely be made twice comes first, because a worker
    that dies between two transactions has its text delivered again."""
    writer = _Writer(acting, reply, services)
    used, groups = writer.confirmed(changes), [group for change in changes for group in writer.changed(change)]
    if acting.move and Confirm(acting.move.sign_up.id) in changes:
        return [*leave_groups(acting.move, services=services), *groups, *writer.moved(acting.move, [one for one in changes if isinstance(one, Join)])]
    shared = acting.shared if acting.shared and Confirm(acting.shared.sign_up.id) in changes else None
    *before, last = writer.joined([change for change in changes if isinstance(change, Join)], welcome=Welcome() in changes, comes_to=shared) or [[]]
    return [group for group in (*groups, *before, [*used, *last]) if group]


@dataclass(frozen=True)
class _Writer:
    """Writes for one text."""

    acting: Acting
    reply: str
    services: Services

    def changed(self, change: Change) -> Groups:
        """The groups of one change; those who come are another matter."""
        match change:
            case StopAll():
                return self._stopped()
            case Release():
                return self._released()
            case Leave():
                return [self._left(change.topic)]
            case SetLocale():
                return self._turned(change)
            case Narrow():
                return [self._narrowed(one, change) for one in self._follows if one.topic == change.topic]
            case Pause():
                return self._paused(change)
            case Decline():
                return [[self.services.store.sign_ups.decline_write(self.acting.inbound.person.hash)]]
        return []

    def confirmed(self, changes: Sequence[Change]) -> list[Write]:
        """The sign-up is used up, with the last of what it wants."""
        return [self.services.store.sign_ups.confirm_write(one.sign_up) for one in changes if isinstance(one, Confirm)]

    def joined(self, joins: Sequence[Join], *, welcome: bool, comes_to: Shared | Move | None = None) -> Groups:
        """The address is welcome again, and follows; all at once where one transaction holds it, else with the welcome last, and without what a worker
        that died has joined before. It may come to a page, or to the place of another address."""
        if not welcome:
            return []
        store, person = self.services.store, self.acting.inbound.person
        found = store.addresses.claim(person.address, subscriber=self.services.new_id(), verified=True)
        welcomed: list[Write] = [store.addresses.welcome_write(judged(person, found))]
        if isinstance(comes_to, Move):
            welcomed = arrived_writes(comes_to, judged(person, found), services=self.services)
            found = replace(found, subscriber=comes_to.old) if comes_to.stays else found
        elif comes_to:
            welcomed = settled_writes(comes_to.subscriber, comes_to.sign_up, judged(person, found), services=self.services)
            found = replace(found, subscriber=comes_to.subscriber)
        groups = {one.topic: self._join(one, found) for one in joins}
        if sum(map(len, groups.values())) <= MOST_AT_ONCE:
            return [[*welcomed, *(write for group in groups.values() for write in group)]]
        acts = {self.acting.inbound.sid, self.acting.sign_up.id if self.acting.sign_up else ""}
        made = {one.topic for one in store.consents.of(found.subscriber) if one.source in acts}
        return [*(group for topic, group in groups.items() if topic not in made), welcomed]

    def moved(self, move: Move, joins: Sequence[Join]) -> Groups:
        """As `joined`, in the place of another address; the sign-up is used up with it. What was followed there only since it asked comes too."""
        since = [Join(one.topic, one.filters, sign_up=move.sign_up.id) for one in move.follows if one.topic not in {join.topic for join in joins}]
        *before, last = self.joined([*joins, *since], welcome=True, comes_to=move)
        return [*before, [self.services.store.sign_ups.confirm_write(move.sign_up.id), *last]]

    @property
    def _follows(self) -> Sequence[Subscription]:
        return self.acting.inbound.person.subscriptions

    @property
    def _subscriber(self) -> str:
        """Empty for a stranger, whose row says all there is to say."""
        known = self.acting.inbound.person.known
        return known.subscriber if known else ""

    def _join(self, join: Join, found: KnownAddress) -> list[Write]:
        store, inbound, sign_up = self.services.store, self.acting.inbound, self.acting.sign_up
        own = next((one for one in self._follows if one.topic == join.topic), None)
        had = own.preferences if own else self._chosen_for(join)
        subscription = Subscription(found.subscriber, join.topic, Channel.SMS, found.hash, inbound.locale, had, join.filters)
        subscription = subscription.from_now(self.services.now(), before=own or self._moving(join.topic))
        consent = inbound.consent(join.step, join.topic, subscriber=found.subscriber, reply=self.reply, detail=detail_of(join.filters, had))
        if sign_up and join.sign_up == sign_up.id:
            detail = detail_of(join.filters, had, proof=sign_up.detail)
            consent = replace(consent, how=sign_up.how, source=sign_up.id, wording=sign_up.wording or consent.wording, detail=detail)
        return [*store.subscriptions.join_writes(subscription), store.consents.add_write(consent)]

    def _moving(self, topic: str) -> Subscription | None:
        """The subscription whose place a new one takes: what waited for that waits for it."""
        return next((one for one in self.acting.move.follows if one.topic == topic), None) if self.acting.move else None

    def _chosen_for(self, join: Join) -> Preferences:
        """What a new subscription begins with: what moves with it, or stands on the page that it comes to, else what they chose for all they follow."""
        move, shared = self.acting.move, self.acting.shared
        if shared and join.sign_up == shared.sign_up.id:
            return shared.chosen
        return (move.preferences(join.topic) if move else None) or self.acting.preferences

    def _stopped(self) -> Groups:
        """Each subscription ends with its entry in the ledger, and what waits for a YES waits no more."""
        store, subscriber = self.services.store, self._subscriber
        if not subscriber:
            return []
        topics = [*self.acting.inbound.person.topics, EVERYTHING]
        entries = [self.acting.inbound.consent(Step.STOPPED, topic, subscriber=subscriber, reply=self.reply) for topic in topics]
        void = [[store.sign_ups.decline_write(self.acting.inbound.person.hash)]] if self.acting.sign_up else []
        return void + [
            [*(store.subscriptions.leave_writes(subscriber, one.topic, Channel.SMS) if one.topic != EVERYTHING else ()), store.consents.add_write(one)]
            for one in entries
        ]

    def _released(self) -> Groups:
        """The number belongs to nobody we know, with the last of what ends; what it was asked about is nothing to whoever has it now."""
        store, name = self.services.store, self.acting.inbound.person.hash
        void = [store.sign_ups.decline_write(name)] if self.acting.sign_up else []
        return [[*void, store.addresses.release_write(name, self._subscriber, self.acting.inbound.at)]] if self._subscriber else []

    def _left(self, topic: str) -> list[Write]:
        store, subscriber = self.services.store, self._subscriber
        entry = self.acting.inbound.consent(Step.LEFT, topic, subscriber=subscriber, reply=self.reply)
        return [*store.subscriptions.leave_writes(subscriber, topic, Channel.SMS), store.consents.leave_write(entry)]

    def _turned(self, change: SetLocale) -> Groups:
        """What is followed comes in another language, and where all was asked for what waits for a YES; then the ledger hears of it, of somebody known."""
        store = self.services.store
        turning = [one for one in self._follows if change.topics is None or one.topic in change.topics]
        groups = [store.subscriptions.locale_writes([one], change.locale) for one in turning]
        if change.topics is None and self.acting.sign_up:  # a YES turns what else is followed, and uses the sign-up in the same breath
            groups.append([store.sign_ups.turn_write(self.acting.sign_up.id, change.locale)])
        known = self.acting.inbound.person.known
        if change.topics is not None or known is None or not known.verified:
            return groups
        entry = self.acting.inbound.consent(Step.LANGUAGE, EVERYTHING, subscriber=self._subscriber, reply=self.reply)
        return [*groups, [store.consents.add_write(entry)]]

    def _narrowed(self, one: Subscription, change: Narrow) -> list[Write]:
        store = self.services.store
        narrowed = replace(one, filters=replace(one.filters, areas=change.areas))
        detail = detail_of(narrowed.filters, narrowed.preferences)
        entry = self.acting.inbound.consent(Step.PREFERENCES, one.topic, subscriber=one.subscriber, reply=self.reply, detail=detail)
        return [*store.subscriptions.choice_writes(narrowed), store.consents.add_write(entry)]

    def _paused(self, change: Pause) -> Groups:
        """All that the person follows, on every channel, and what they follow next."""
        store, subscriber = self.services.store, self._subscriber
        pausing = [replace(one, preferences=replace(one.preferences, paused_until=change.until)) for one in store.subscriptions.of(subscriber)]
        kept = replace(self.acting.preferences, paused_until=change.until)
        detail = detail_of(ALL_OF_IT, kept)
        entry = self.acting.inbound.consent(Step.PREFERENCES, EVERYTHING, subscriber=subscriber, reply=self.reply, detail=detail)
        last = [store.preferences.write(subscriber, kept), store.consents.add_write(entry)]
        return [*(store.subscriptions.choice_writes(one) for one in pausing), last]
