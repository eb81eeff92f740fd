"""Watching sign-ups by page: whether one has to answer a question first.

the hour's open share is used up, or the watchdog barked, or an admin said so → yes     else → no

Whoever asks has it look, at most every thirty seconds: without sign-ups there is nothing to watch. It throws a switch, which everybody sees, and
releases what it threw; what an admin threw only an admin releases.
"""

import logging

from chalicelib.domain.address import Channel
from chalicelib.domain.caps import TEN_MINUTES, Cap, hourly
from chalicelib.domain.watchdog import Asked, is_over, sample, suspicion
from chalicelib.flows.services import Services
from chalicelib.flows.switching import turn
from chalicelib.state.table import MOST_GET, Key, Values
from chalicelib.store.caps import read_count
from chalicelib.store.sign_ups import sign_up_key
from chalicelib.store.switches import SIGN_UPS, SWITCHES, Thrown, read_switches
from chalicelib.store.watch import LOOK_BACK, LOOK_EVERY, WATCH, Watch, read_watch

WATCHDOG = "watchdog"
"""By whom the switch is thrown, where no admin did it."""
SHOWN = Cap("questions", 1_000_000_000, TEN_MINUTES)
"""Counts questions that were shown; there may be any number."""

_log = logging.getLogger("belfry")


def is_guarded(channel: Channel, *, services: Services) -> bool:
    """Whether a sign-up by page has to answer a question first."""
    now, share = services.now(), hourly(channel, services.city.limits.sign_ups, vouched=False)
    hour = services.store.caps.key(share, now)
    rows = services.store.table.get_many([SWITCHES, WATCH, hour])
    thrown, watch = read_switches(rows).get(SIGN_UPS), read_watch(rows)
    if read_count(rows.get(hour, {})) >= share.most:
        if services.store.watch.used_up(f"{channel}#{hour.sort}") and not thrown:
            _bark("used_up", services)
        return True
    if now - watch.looked >= LOOK_EVERY and services.store.watch.may_look(now):
        return _look(thrown, watch, services)
    return thrown is not None


def _look(thrown: Thrown | None, watch: Watch, services: Services) -> bool:
    """Look at who was asked of late; and throw the switch or release it."""
    now = services.now()
    if thrown is None:
        if watch.guarded:  # an admin released it: what was before counts no more
            services.store.watch.note(guarded=False, since=now)
            return False
        why = suspicion(_asked(watch, services), now)
        if why:
            _bark(why, services)
        return bool(why)
    if not watch.guarded:
        services.store.watch.note(guarded=True)
    if thrown.by != WATCHDOG or not _is_over(thrown, services):
        return True
    turn(SIGN_UPS, stopped=False, why="over", by=WATCHDOG, services=services)
    services.store.watch.note(guarded=False, since=now)
    return False


def _bark(why: str, services: Services) -> None:
    """Throw the switch, and tell somebody."""
    turn(SIGN_UPS, stopped=True, why=why, by=WATCHDOG, services=services)
    services.store.watch.note(guarded=True)
    _log.error("robots sign up", extra={"fields": {"why": why}})


def _is_over(thrown: Thrown, services: Services) -> bool:
    now = services.now()
    windows = [services.store.caps.key(SHOWN, now), services.store.caps.key(SHOWN, now - TEN_MINUTES)]
    shown = sum(map(read_count, services.store.table.get_many(windows).values()))
    return is_over(_asked(Watch(since=thrown.at), services), shown=shown, barked=thrown.at, now=now)


def _asked(watch: Watch, services: Services) -> list[Asked]:
    """Those who were asked, as far as they tell anything, with what became of it."""
    now = services.now()
    asked = services.store.watch.asked(max(watch.since, now - LOOK_BACK))
    telling = [asked[number] for number in sample([at for at, _ in asked], now)]
    rows: dict[Key, Values] = {}
    for start in range(0, len(telling), MOST_GET):
        rows |= services.store.table.get_many([sign_up_key(name) for _, name in telling[start : start + MOST_GET]])
    return [Asked(at, bool(rows.get(sign_up_key(name), {}).get("confirmed"))) for at, name in telling]
