"""What every part of the world needs to know of the city around it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.city import City
from local.keyring import Keyring
from local.world.faults import Faults
from local.world.ledger import Ledger


@dataclass(frozen=True)
class Seeding:
    """How many subscribers and kiosks to make, and what they follow, in which languages."""

    subscribers: int
    kiosks: int
    topics: tuple[str, ...]
    locales: tuple[str, ...]
    channels: tuple[str, ...]


Seeded = Mapping[str, Sequence[Mapping[str, str]]]
"""`{"subscribers": [{"phone", "email", "locale"}], "kiosks": [{"id", "token"}]}`"""


@dataclass(frozen=True)
class World:
    """The world and the city it surrounds."""

    city: City
    keyring: Keyring
    ledger: Ledger
    faults: Faults
    app_url: str
    twilio_number: str
    email_from: str
    now: Callable[[], datetime]
    move_clock: Callable[[timedelta], datetime]
    seed: Callable[[Seeding], Seeded]
