"""Preferences: when and how somebody wants to be told. Each of their subscriptions holds them; the person's own row gives them to the next one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.quiet import Window
from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import from_ms, to_ms

NO_QUIET: Window = (0, 0)
"""Quiet hours of somebody who wants none."""


class Digest(StrEnum):
    """Whether notices come one by one, or together on a schedule."""

    NOW = "now"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True)
class Preferences:
    """What somebody chose; the defaults are those of whoever chose nothing.

    `quiet` None: the city's quiet hours. A digest comes at `digest_hour` in their zone, a weekly one on `digest_day` (Monday is 0). `calm`: the first
    word of an alert at once, what changes within half an hour together at its end. `email_first`: what only informs comes by email alone, where
    there is one. Nothing but emergencies comes before `paused_until`."""

    zone: str | None = None
    quiet: Window | None = None
    paused_until: datetime | None = None
    digest: Digest = Digest.NOW
    digest_hour: int = 8
    digest_day: int = 0
    calm: bool = False
    email_first: bool = False


UNCHOSEN = Preferences()
"""Those of whoever chose nothing."""


def preference_values(one: Preferences) -> dict[str, Json]:
    """What `read_preferences` reads: only what differs from the defaults."""
    values: dict[str, Json] = {
        "zone": one.zone,
        "quiet": list(one.quiet) if one.quiet is not None else None,
        "paused_until": to_ms(one.paused_until) if one.paused_until else None,
        "digest": str(one.digest) if one.digest is not Digest.NOW else None,
        "digest_hour": one.digest_hour if one.digest_hour != UNCHOSEN.digest_hour else None,
        "digest_day": one.digest_day if one.digest_day != UNCHOSEN.digest_day else None,
        "calm": one.calm or None,
        "email_first": one.email_first or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def read_preferences(values: Mapping[str, Json]) -> Preferences:
    """The preferences that `preference_values` wrote."""
    zone, quiet, paused = values.get("zone"), values.get("quiet"), values.get("paused_until")
    return Preferences(
        zone=str(zone) if zone else None,
        quiet=(int(str(quiet[0])), int(str(quiet[1]))) if isinstance(quiet, list) else None,
        paused_until=from_ms(paused) if isinstance(paused, int) else None,
        digest=Digest(str(values.get("digest", Digest.NOW))),
        digest_hour=int(str(values.get("digest_hour", UNCHOSEN.digest_hour))),
        digest_day=int(str(values.get("digest_day", UNCHOSEN.digest_day))),
        calm=values.get("calm") is True,
        email_first=values.get("email_first") is True,
    )
