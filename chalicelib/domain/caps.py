"""Caps on sign-ups: how many confirmations one number, one address, one network and all of them together may cause. Pure: who asks, and what the city
allows, in; what to count, out.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import SignUpLimits

TEN_MINUTES, HOUR, DAY = timedelta(minutes=10), timedelta(hours=1), timedelta(days=1)
_NETWORK, _NEIGHBOURS = {4: 32, 6: 64}, {4: 24, 6: 48}
"""Bits of a network address that one line has to itself, and that it shares with its neighbours."""
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})


@dataclass(frozen=True)
class Cap:
    """At most so many of what `about` names within a time; `since_last`: counted from the last one, and not in windows of the clock. `about` may be a
    person's: it is hashed before it is written anywhere."""

    about: str
    most: int
    within: timedelta
    since_last: bool = False

    def window(self, now: datetime) -> str:
        """The window that now lies in: each is as long as `within`."""
        length = round(self.within.total_seconds())
        return f"{length}#{'LAST' if self.since_last else int(now.timestamp()) // length}"


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
    line, around = (ipaddress.ip_network((found, bits[found.version]), strict=False) for bits in (_NETWORK, _NEIGHBOURS))
    return [
        Cap(f"network:{line}", limits.network_per_ten_minutes, TEN_MINUTES),
        Cap(f"neighbours:{around}", limits.neighbours_per_ten_minutes, TEN_MINUTES),
    ]


def _of_address(address: Address, limits: SignUpLimits) -> list[Cap]:
    if address.channel is not Channel.SMS:
        return [_of_one(f"mailbox:{_mailbox(address.value)}", limits.email_per_day, DAY)]
    return [
        _of_one(address.text, limits.number_per_ten_minutes, TEN_MINUTES),
        _of_one(address.text, limits.number_per_day, DAY),
        Cap(f"prefix:{address.value[:-4]}", limits.prefix_per_hour, HOUR),
    ]


def _of_one(about: str, most: int, within: timedelta) -> Cap:
    """Where one is the most, two must not come on either side of midnight."""
    return Cap(about, most, within, since_last=most == 1)


def _mailbox(email: str) -> str:
    """The mailbox that an address leads to: what stands after a plus is its owner's business, and to Gmail dots are nothing."""
    local, _, host = email.rpartition("@")
    name = local.partition("+")[0] or local
    return f"{name.replace('.', '') if host in _DOTLESS else name}@{host}"
