"""All stores of one table, in one hand; each is loaded when it is first asked for, so that a cold start loads only its own part."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.state.table import Table
from chalicelib.store.sealed import Vault

if TYPE_CHECKING:
    from chalicelib.store.addresses import Addresses
    from chalicelib.store.api_keys import ApiKeys
    from chalicelib.store.audit import Audit
    from chalicelib.store.batches import Batches
    from chalicelib.store.broadcasts import Broadcasts
    from chalicelib.store.caps import Caps
    from chalicelib.store.consents import Consents
    from chalicelib.store.contents import Contents
    from chalicelib.store.days import Days
    from chalicelib.store.digests import Digests
    from chalicelib.store.erasures import Erasures
    from chalicelib.store.filtered import Filtered
    from chalicelib.store.headcounts import Headcounts
    from chalicelib.store.history import History
    from chalicelib.store.holds import Holds
    from chalicelib.store.inbound import InboundTexts
    from chalicelib.store.kiosks import Kiosks
    from chalicelib.store.moves import Moves
    from chalicelib.store.notices import Notices
    from chalicelib.store.pace import Pace
    from chalicelib.store.posts import Posts
    from chalicelib.store.preferences import PreferenceRows
    from chalicelib.store.progress import ProgressReader
    from chalicelib.store.reach import Reach
    from chalicelib.store.replies import Replies
    from chalicelib.store.requests import Requests
    from chalicelib.store.sayings import Sayings
    from chalicelib.store.shards import Shards
    from chalicelib.store.sign_ups import SignUps
    from chalicelib.store.sources import Sources
    from chalicelib.store.spending import Spendings
    from chalicelib.store.subscribers import Subscribers
    from chalicelib.store.subscriptions import Subscriptions
    from chalicelib.store.switches import Switches
    from chalicelib.store.watch import Watches


@dataclass(frozen=True)
class Stores:
    """One of each store, on one table."""

    table: Table
    vault: Vault

    @cached_property
    def addresses(self) -> "Addresses":
        """Addresses, found by keyed hash."""
        from chalicelib.store.addresses import Addresses

        return Addresses(self.table, self.vault)

    @cached_property
    def subscriptions(self) -> "Subscriptions":
        """Who follows what."""
        from chalicelib.store.subscriptions import Subscriptions

        return Subscriptions(self.table)

    @cached_property
    def broadcasts(self) -> "Broadcasts":
        """Broadcasts and what they say."""
        from chalicelib.store.broadcasts import Broadcasts

        return Broadcasts(self.table)

    @cached_property
    def shards(self) -> "Shards":
        """How far fan-out read."""
        from chalicelib.store.shards import Shards

        return Shards(self.table)

    @cached_property
    def batches(self) -> "Batches":
        """Who is in which batch, and how far it is."""
        from chalicelib.store.batches import Batches

        return Batches(self.table)

    @cached_property
    def holds(self) -> "Holds":
        """Which address an id has."""
        from chalicelib.store.holds import Holds

        return Holds(self.table)

    @cached_property
    def history(self) -> "History":
        """Which broadcasts a person was in."""
        from chalicelib.store.history import History

        return History(self.table)

    @cached_property
    def pace(self) -> "Pace":
        """Slots of a sender."""
        from chalicelib.store.pace import Pace

        return Pace(self.table)

    @cached_property
    def progress(self) -> "ProgressReader":
        """Sums of a broadcast's rows."""
        from chalicelib.store.progress import ProgressReader

        return ProgressReader(self.table, self.batches)

    @cached_property
    def days(self) -> "Days":
        """Who was planned for today."""
        from chalicelib.store.days import Days

        return Days(self.table)

    @cached_property
    def digests(self) -> "Digests":
        """What digests tell of, and which went."""
        from chalicelib.store.digests import Digests

        return Digests(self.table)

    @cached_property
    def erasures(self) -> "Erasures":
        """Who is to be forgotten."""
        from chalicelib.store.erasures import Erasures

        return Erasures(self.table)

    @cached_property
    def filtered(self) -> "Filtered":
        """What carriers took for spam."""
        from chalicelib.store.filtered import Filtered

        return Filtered(self.table)

    @cached_property
    def reach(self) -> "Reach":
        """Who got a broadcast, or may have."""
        from chalicelib.store.reach import Reach

        return Reach(self.table, self.batches, self.progress)

    @cached_property
    def moves(self) -> "Moves":
        """Who moves to another address."""
        from chalicelib.store.moves import Moves

        return Moves(self.table)

    @cached_property
    def notices(self) -> "Notices":
        """What sources said."""
        from chalicelib.store.notices import Notices

        return Notices(self.table)

    @cached_property
    def posts(self) -> "Posts":
        """Signed posts, and what of them is still to be published."""
        from chalicelib.store.posts import Posts

        return Posts(self.table)

    @cached_property
    def sources(self) -> "Sources":
        """What sources used of their caps."""
        from chalicelib.store.sources import Sources

        return Sources(self.table)

    @cached_property
    def spendings(self) -> "Spendings":
        """What texts are reckoned to cost."""
        from chalicelib.store.spending import Spendings

        return Spendings(self.table)

    @cached_property
    def sayings(self) -> "Sayings":
        """What was said lately, and to whom."""
        from chalicelib.store.sayings import Sayings

        return Sayings(self.table)

    @cached_property
    def requests(self) -> "Requests":
        """Idempotency keys and the answers they got."""
        from chalicelib.store.requests import Requests

        return Requests(self.table)

    @cached_property
    def api_keys(self) -> "ApiKeys":
        """Who may call the API."""
        from chalicelib.store.api_keys import ApiKeys

        return ApiKeys(self.table)

    @cached_property
    def audit(self) -> "Audit":
        """Who did what, when."""
        from chalicelib.store.audit import Audit

        return Audit(self.table)

    @cached_property
    def subscribers(self) -> "Subscribers":
        """People, as a conversation needs them."""
        from chalicelib.store.subscribers import Subscribers

        return Subscribers(self.table, self.addresses, self.subscriptions)

    @cached_property
    def preferences(self) -> "PreferenceRows":
        """What people chose for all they follow."""
        from chalicelib.store.preferences import PreferenceRows

        return PreferenceRows(self.table)

    @cached_property
    def inbound(self) -> "InboundTexts":
        """Texts that were answered."""
        from chalicelib.store.inbound import InboundTexts

        return InboundTexts(self.table, self.subscribers, self.consents)

    @cached_property
    def consents(self) -> "Consents":
        """Who agreed to what."""
        from chalicelib.store.consents import Consents

        return Consents(self.table)

    @cached_property
    def sign_ups(self) -> "SignUps":
        """Sign-ups that wait for their link."""
        from chalicelib.store.sign_ups import SignUps

        return SignUps(self.table)

    @cached_property
    def caps(self) -> "Caps":
        """What sign-ups used of their caps."""
        from chalicelib.store.caps import Caps

        return Caps(self.table, self.vault)

    @cached_property
    def watch(self) -> "Watches":
        """What the watchdog over sign-ups remembers."""
        from chalicelib.store.watch import Watches

        return Watches(self.table)

    @cached_property
    def replies(self) -> "Replies":
        """Letters to one person."""
        from chalicelib.store.replies import Replies

        return Replies(self.table)

    @cached_property
    def headcounts(self) -> "Headcounts":
        """How many follow."""
        from chalicelib.store.headcounts import Headcounts

        return Headcounts(self.table)

    @cached_property
    def kiosks(self) -> "Kiosks":
        """Public screens."""
        from chalicelib.store.kiosks import Kiosks

        return Kiosks(self.table)

    @cached_property
    def switches(self) -> "Switches":
        """What is stopped by hand, or by a guard."""
        from chalicelib.store.switches import Switches

        return Switches(self.table)

    @cached_property
    def contents(self) -> "Contents":
        """What broadcasts say, kept in memory."""
        from chalicelib.store.contents import Contents

        return Contents(self.table)
