"""Everybody a drill is about: seeded, and then looked for among what providers took."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from chalicelib import wiring
from chalicelib.domain.address import Address, Channel
from local.drill.city import DrilledCity
from local.drill.sizes import Sizes
from local.proof.everyone import Recipient

TOPIC = "events"
_AT_ONCE = 1000

Reached = tuple[str, str]
"""A channel, and the number, address or kiosk on it."""


def seed(city: DrilledCity, sizes: Sizes, say: Callable[[int, int], None]) -> list[Reached]:
    """Make them; `say` is told how many of how many there are. Kiosks of the city's own file belong to it."""
    made: list[Reached] = []
    total = sizes.texts + sizes.emails
    for channel, field, count in (("sms", "phone", sizes.texts), ("email", "email", sizes.emails)):
        for size in _parts(count):
            seeded = city.world("POST", "/seed", {"subscribers": size, "topics": [TOPIC], "channels": [channel]})
            made += [(channel, one[field]) for one in seeded["subscribers"]]
            say(len(made), total)
    city.world("POST", "/seed", {"subscribers": 0, "kiosks": sizes.kiosks, "topics": [TOPIC]})
    return made + [("kiosk", kiosk) for kiosk in _followers(city)]


def _parts(count: int) -> Iterator[int]:
    for start in range(0, count, _AT_ONCE):
        yield min(_AT_ONCE, count - start)


def _followers(city: DrilledCity) -> list[str]:
    return [kiosk.id for kiosk in wiring.build(city.options.settings()).store.kiosks.all() if TOPIC in kiosk.topics]


def recipients(city: DrilledCity, everybody: Sequence[Reached]) -> list[Recipient]:
    """The same by subscriber id, as the checker wants them."""
    addresses = wiring.build(city.options.settings()).store.addresses
    found: list[Recipient] = []
    for channel, name in everybody:
        known = addresses.find(Address(Channel(channel), name))
        found.append((known.subscriber if known else name, Channel(channel)))
    return found


def handed_over(city: DrilledCity) -> Counter[Reached]:
    """How many copies of anything each of them got."""
    messages: Sequence[Mapping[str, Any]] = city.world("GET", "/outbox")["messages"]
    return Counter((one["channel"], one["to"]) for one in messages)
