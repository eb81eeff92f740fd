"""Caps on sign-ups: how many confirmations one number, one address, one network and all of them together may cause. Pure: who asks, and what the city
allows, in; what to count, out.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import SignUpLimits

TEN_MINUTES, HOUR, DAY = timedelta(minutes=10), timedelta(hours=1), timedelta(days=1)
_NEIGHBOURS = {4: 24, 6: 48}
"""Bits of a network address that neighbours share: what one line or one household is given is smaller."""


@dataclass(frozen=True)
class Cap:
    """At most so many of what `about` names within a time. `about` may be a person's: it is hashed before it is written anywhere."""

    about: str
    most: int
    within: timedelta

    @property
    def is_single(self) -> bool:
        """Whether one is the most there may be: then the time since the last one counts, and not a window of the clock."""
        return self.most == 1

    def window(self, now: datetime) -> str:
        """The window that now lies in: each is as long as `within`."""
        length = round(self.within.total_seconds())
        return f"{length}#{int(now.timestamp()) // length}"


def caps(address: Address, network: str, limits: SignUpLimits, *, vouched: bool) -> list[Cap]:
    """What a sign-up counts against, the narrowest first, so that whoever is over theirs takes nothing from all. `network` is where the request came
    from, empty where staff made it; `vouched`: staff did, or somebody who answered the question, so that the hour's reserve is open to it."""
    return [*_of_network(network, limits), *_of_address(address, limits), hourly(address.channel, limits, vouched=vouched)]


def hourly(channel: Channel, limits: SignUpLimits, *, vouched: bool) -> Cap:
    """The cap on everything that goes out on a channel in an hour."""
    return Cap(f"all:{channel}", limits.per_hour if vouched else limits.per_hour - limits.reserve, HOUR)


def _of_network(network: str, limits: SignUpLimits) -> list[Cap]:
    try:
        found = ipaddress.ip_address(network)
    except ValueError:
        return [Cap("network:unknown", limits.neighbours_per_ten_minutes, TEN_MINUTES)] if network else []
    around = ipaddress.ip_network((found, _NEIGHBOURS[found.version]), strict=False)
    return [
        Cap(f"network:{found}", limits.network_per_ten_minutes, TEN_MINUTES),
        Cap(f"neighbours:{around}", limits.neighbours_per_ten_minutes, TEN_MINUTES),
    ]


def _of_address(address: Address, limits: SignUpLimits) -> list[Cap]:
    if address.channel is not Channel.SMS:
        return [Cap(address.text, limits.email_per_day, DAY)]
    return [
        Cap(address.text, limits.number_per_ten_minutes, TEN_MINUTES),
        Cap(address.text, limits.number_per_day, DAY),
        Cap(f"prefix:{address.value[:-4]}", limits.prefix_per_hour, HOUR),
    ]
