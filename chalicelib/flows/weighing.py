"""Weighing a broadcast: how many it reaches as things stand, what its texts cost, and what its author has used."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import Entry, What
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.correction import headcount as headcount_of
from chalicelib.domain.guards import SourceUse, Spending, Weighed
from chalicelib.domain.ids import SHARDS
from chalicelib.domain.preview import Headcount, cost
from chalicelib.errors import RenderFailed
from chalicelib.flows.rosters import rostered
from chalicelib.flows.services import Services
from chalicelib.flows.task import worded
from chalicelib.store.switches import source_switch

_SOURCE = "source:"


def weigh(broadcast: Broadcast, now: datetime, *, services: Services) -> Weighed:
    """All that a launch is judged by. What the broadcast is going to use is counted as used before it is added up."""
    headcount = count_now(broadcast, services=services)
    source = _source_use(broadcast, headcount, now, services)
    paused = source is not None and source.paused
    spending = None if paused else _spending(broadcast, headcount, now, services)
    return Weighed(broadcast, headcount.channels, now, source, spending)


def count_now(broadcast: Broadcast, *, services: Services) -> Headcount:
    """Who would get it now. A correction is for those who got another broadcast, and they do not change."""
    audience = broadcast.audience
    if audience.digest:
        everybody = (one for shard in range(SHARDS) for one in rostered(broadcast, shard, services=services))
        return headcount_of((What(one.channel, one.locale, [Entry(one.subscriber, one.address, one.topic)]) for one in everybody), audience.channels)
    if audience.corrects is None:
        return services.store.headcounts.count(audience.reached, audience.channels)
    channels = {channel: (broadcast.planned or {}).get(channel, 0) for channel in audience.channels}
    return Headcount(max(channels.values(), default=0), channels, {}, exact=True)


def parts_of(content: Content, headcount: Headcount, *, services: Services) -> dict[str, int]:
    """Parts of the text in each language of the content and of its readers; of a digest, as long as it can get. Raises RenderFailed."""
    renderer, items = services.renderer(), content.items
    texts = {locale: worded(content, items, locale, Channel.SMS, services=services) for locale in {*content.texts, *headcount.texts}}
    return {locale: renderer.sms(text, locale).parts for locale, text in texts.items()}


def source_of(broadcast: Broadcast) -> str | None:
    """The source that wrote it; None for what a person wrote."""
    return broadcast.author.removeprefix(_SOURCE) if broadcast.author.startswith(_SOURCE) else None


def day_of(broadcast: Broadcast, now: datetime, *, services: Services) -> date:
    """The city's day on which a broadcast counts as spent: the same however often its launch is tried."""
    return (broadcast.due or now).astimezone(services.city.zone).date()


def with_counted(broadcast: Broadcast, counted: Mapping[Channel, int]) -> Broadcast:
    """The same, planned for as many as were counted."""
    return replace(broadcast, planned={str(channel): count for channel, count in counted.items()})


def _source_use(broadcast: Broadcast, headcount: Headcount, now: datetime, services: Services) -> SourceUse | None:
    """A source that is paused, or that the city no longer lists, uses nothing: its broadcasts wait."""
    name = source_of(broadcast)
    if name is None:
        return None
    source = services.city.sources.get(name)
    if source is None or source_switch(name) in services.store.switches.thrown():
        return SourceUse(source, paused=True)
    used = services.store.sources.reserve(name, broadcast, sum(headcount.channels.values()), now)
    return SourceUse(source, False, used.broadcasts, used.recipients)


def _spending(broadcast: Broadcast, headcount: Headcount, now: datetime, services: Services) -> Spending | None:
    """None where the city caps nothing, or nothing has a price."""
    limits = services.city.limits
    if not services.sms_price_micros or (limits.spend_per_day is None and limits.spend_per_month is None):
        return None
    micros = _cost(broadcast, headcount, services)
    if not micros:
        return Spending(micros, 0, 0, limits)
    spent = services.store.spendings.reserve(broadcast.id, day_of(broadcast, now, services=services), micros)
    return Spending(micros, spent.day, spent.month, limits)


def _cost(broadcast: Broadcast, headcount: Headcount, services: Services) -> int | None:
    """What its texts cost; None where they cannot be made. Of a correction we know how many, not who reads what: the longest text counts."""
    texts = headcount.channels.get(Channel.SMS, 0)
    if not texts:
        return 0
    content = services.store.broadcasts.content(broadcast.id)
    try:
        parts = parts_of(content, headcount, services=services) if content else {}
    except RenderFailed:
        return None
    if not parts:
        return None
    if headcount.texts:
        return cost(headcount, parts, services.sms_price_micros)
    return texts * max(parts.values()) * services.sms_price_micros
