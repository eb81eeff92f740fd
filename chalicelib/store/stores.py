"""All stores of one table, in one hand."""

from dataclasses import dataclass
from functools import cached_property

from chalicelib.state.table import Table
from chalicelib.store.addresses import Addresses
from chalicelib.store.api_keys import ApiKeys
from chalicelib.store.audit import Audit
from chalicelib.store.batches import Batches
from chalicelib.store.broadcasts import Broadcasts
from chalicelib.store.consents import Consents
from chalicelib.store.contents import Contents
from chalicelib.store.days import Days
from chalicelib.store.headcounts import Headcounts
from chalicelib.store.history import History
from chalicelib.store.inbound import InboundTexts
from chalicelib.store.kiosks import Kiosks
from chalicelib.store.notices import Notices
from chalicelib.store.pace import Pace
from chalicelib.store.posts import Posts
from chalicelib.store.progress import ProgressReader
from chalicelib.store.reach import Reach
from chalicelib.store.replies import Replies
from chalicelib.store.requests import Requests
from chalicelib.store.sayings import Sayings
from chalicelib.store.sealed import Vault
from chalicelib.store.shards import Shards
from chalicelib.store.sign_ups import SignUps
from chalicelib.store.sources import Sources
from chalicelib.store.spending import Spendings
from chalicelib.store.subscribers import Subscribers
from chalicelib.store.subscriptions import Subscriptions
from chalicelib.store.switches import Switches


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

    @cached_property
    def shards(self) -> Shards:
        """How far fan-out read."""
        return Shards(self.table)

    @cached_property
    def batches(self) -> Batches:
        """Who is in which batch, and how far it is."""
        return Batches(self.table)

    @cached_property
    def history(self) -> History:
        """Which broadcasts a person was in."""
        return History(self.table)

    @cached_property
    def pace(self) -> Pace:
        """Slots of a sender."""
        return Pace(self.table)

    @cached_property
    def progress(self) -> ProgressReader:
        """Sums of a broadcast's rows."""
        return ProgressReader(self.table, self.batches)

    @cached_property
    def days(self) -> Days:
        """Who was planned for today."""
        return Days(self.table)

    @cached_property
    def reach(self) -> Reach:
        """Who got a broadcast, or may have."""
        return Reach(self.table, self.batches, self.progress)

    @cached_property
    def notices(self) -> Notices:
        """What sources said."""
        return Notices(self.table)

    @cached_property
    def posts(self) -> Posts:
        """Signed posts, and what of them is still to be published."""
        return Posts(self.table)

    @cached_property
    def sources(self) -> Sources:
        """What sources used of their caps."""
        return Sources(self.table)

    @cached_property
    def spendings(self) -> Spendings:
        """What texts are reckoned to cost."""
        return Spendings(self.table)

    @cached_property
    def sayings(self) -> Sayings:
        """What was said lately, and to whom."""
        return Sayings(self.table)

    @cached_property
    def requests(self) -> Requests:
        """Idempotency keys and the answers they got."""
        return Requests(self.table)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """Who may call the API."""
        return ApiKeys(self.table)

    @cached_property
    def audit(self) -> Audit:
        """Who did what, when."""
        return Audit(self.table)

    @cached_property
    def subscribers(self) -> Subscribers:
        """People, as a conversation needs them."""
        return Subscribers(self.table, self.addresses, self.subscriptions)

    @cached_property
    def inbound(self) -> InboundTexts:
        """Texts that were answered."""
        return InboundTexts(self.table, self.subscribers, self.consents)

    @cached_property
    def consents(self) -> Consents:
        """Who agreed to what."""
        return Consents(self.table)

    @cached_property
    def sign_ups(self) -> SignUps:
        """Sign-ups that wait for their link."""
        return SignUps(self.table)

    @cached_property
    def replies(self) -> Replies:
        """Letters to one person."""
        return Replies(self.table)

    @cached_property
    def headcounts(self) -> Headcounts:
        """How many follow."""
        return Headcounts(self.table)

    @cached_property
    def kiosks(self) -> Kiosks:
        """Public screens."""
        return Kiosks(self.table)

    @cached_property
    def switches(self) -> Switches:
        """What is stopped by hand, or by a guard."""
        return Switches(self.table)

    @cached_property
    def contents(self) -> Contents:
        """What broadcasts say, kept in memory."""
        return Contents(self.table)
