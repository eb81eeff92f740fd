"""Many confirmed subscribers and kiosks at once, written as the store writes them, without a text or an email to anybody."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import KioskPlan
from chalicelib.domain.parsing import parse_email, parse_phone
from chalicelib.domain.preferences import NO_QUIET, Preferences
from chalicelib.flows.register_kiosk import register_kiosk
from chalicelib.flows.services import Services
from chalicelib.state.table import MOST_PUT, Row
from chalicelib.store.addresses import address_key
from chalicelib.store.subscriptions import Subscription, audience_row, person_row
from local.world.around import Seeded, Seeding
from local.world.ledger import Kiosk, Ledger

_AREAS = (406, 701, 605, 307, 208, 907, 808, 802, 603, 207, 401, 302, 402, 316, 515, 608, 612, 816, 918, 505)
_LINES = 10_000


@dataclass(frozen=True)
class Resident:
    """Somebody made up: one phone, one inbox, one language."""

    phone: Address
    email: Address
    locale: str


def resident(number: int, locale: str) -> Resident:
    """The resident with this number. Phones are possible numbers that nobody has: 555 in twenty area codes."""
    area, line = divmod(number + 100, _LINES)
    phone = parse_phone(f"+1{_AREAS[area % len(_AREAS)]}{555 + area // len(_AREAS)}{line:04d}")
    return Resident(phone, parse_email(f"resident{number + 1:04d}@example.org"), locale)


def seed(seeding: Seeding, *, services: Services, ledger: Ledger) -> Seeded:
    """Make them, and say how to reach them. Languages go round; everybody follows every topic on every channel, at any hour: what is measured or
    drilled at night is not held until the morning."""
    numbers = ledger.take_numbers("resident", seeding.subscribers)
    people = [resident(number, seeding.locales[at % len(seeding.locales)]) for at, number in enumerate(numbers)]
    _put(services, (row for one in people for row in _rows(one, seeding, services)))
    return {
        "subscribers": [_spoken(one, seeding.channels) for one in people],
        "kiosks": [_kiosk(number, seeding, services, ledger) for number in ledger.take_numbers("kiosk", seeding.kiosks)],
    }


def _rows(one: Resident, seeding: Seeding, services: Services) -> Iterator[Row]:
    subscriber = services.new_id()
    for channel, address in ((Channel.SMS, one.phone), (Channel.EMAIL, one.email)):
        if channel not in seeding.channels:
            continue
        vault = services.store.vault
        name = vault.hash(address)
        yield Row(address_key(name), {"subscriber": subscriber, "sealed": vault.seal_address(address), "channel": str(channel), "verified": True})
        for topic in seeding.topics:
            subscription = Subscription(subscriber, topic, channel, name, one.locale, Preferences(quiet=NO_QUIET))
            yield audience_row(subscription)
            yield person_row(subscription)


def _put(services: Services, rows: Iterator[Row]) -> None:
    waiting: list[Row] = []
    for row in rows:
        waiting.append(row)
        while len(waiting) >= MOST_PUT:
            waiting = [*services.store.table.put_many(waiting[:MOST_PUT]), *waiting[MOST_PUT:]]
    while waiting:
        waiting = [*services.store.table.put_many(waiting)]


def _spoken(one: Resident, channels: Sequence[str]) -> dict[str, str]:
    phone = {"phone": one.phone.value} if Channel.SMS in channels else {}
    email = {"email": one.email.value} if Channel.EMAIL in channels else {}
    return {**phone, **email, "locale": one.locale}


def _kiosk(number: int, seeding: Seeding, services: Services, ledger: Ledger) -> dict[str, str]:
    plan = KioskPlan(f"kiosk-{number + 1:03d}", f"Kiosk {number + 1}", seeding.topics, seeding.locales)
    token = secrets.token_urlsafe(24)
    register_kiosk(plan, services=services, token=token)
    ledger.keep_kiosk(Kiosk(plan.id, plan.name, token))
    return {"id": plan.id, "token": token}
