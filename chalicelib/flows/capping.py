"""Capping: whose day is full, and who was planned for today."""

from collections.abc import Iterable

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.cap import DayPage, Full, code_of, counts_against, full
from chalicelib.domain.plan import Planned
from chalicelib.flows.services import Services
from chalicelib.state.table import Row
from chalicelib.store.days import day_rows


def whose_day_is_full(broadcast: Broadcast, shard: int, *, services: Services) -> Full:
    """Who in a shard gets no more routine messages today. Two broadcasts that are planned at the same moment do not see each other."""
    most = services.city.limits.per_person_per_day
    if most is None or not counts_against(broadcast):
        return {}
    today = services.now().astimezone(services.city.zone).date()
    return full(services.store.days.read(today, shard), besides=broadcast.id, most=most)


def rows_of_today(broadcast: Broadcast, shard: int, page: int, planned: Iterable[Planned], *, services: Services) -> list[Row]:
    """The rows that count a page for the day. Screens are not people."""
    if services.city.limits.per_person_per_day is None or not counts_against(broadcast):
        return []
    now = services.now()
    today = now.astimezone(services.city.zone).date()
    codes: dict[Channel, list[str]] = {}
    for one in planned:
        if one.what.channel is not Channel.KIOSK:
            codes.setdefault(one.what.channel, []).extend(code_of(entry.subscriber) for entry in one.going)
    pages = [DayPage(broadcast.id, channel, tuple(found)) for channel, found in codes.items() if found]
    return [row for one in pages for row in day_rows(one, day=today, shard=shard, number=page, now=now)]
