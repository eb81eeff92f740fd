"""What must be there before the city's first request: its keys and kiosks in the table, its clock, and `city.json` for scripts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib import wiring
from chalicelib.domain.city import City
from chalicelib.flows.register_kiosk import register_kiosk
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.store.api_keys import SCOPES
from local import keyring
from local.clock import CityClock
from local.keyring import Keyring
from local.options import NUMBER, Options
from local.world.ledger import Kiosk, Ledger

_SCOPES: Mapping[str, Sequence[str]] = {
    "communicator": [
        scope for scope in SCOPES if scope not in {"broadcasts:approve", "kiosks:write", "subscribers:import", "subscribers:erase", "switches:write"}
    ],
    "approver": ["topics:read", "broadcasts:read", "broadcasts:approve"],
    "admin": SCOPES,
}


def found(options: Options, city: City) -> Keyring:
    """Make what is missing; doing it again changes nothing. Returns the keyring."""
    keys = keyring.make_or_read(options.secrets_file, city)
    file = SqliteFile(options.state_file)
    clock = CityClock(file)
    clock.begin(options.city_time)
    services = wiring.build(options.settings(), now=clock.now)
    for name, key in keys.api_keys.items():
        services.store.api_keys.put(key, name=name, scopes=_SCOPES[name], now=clock.now())
    ledger = Ledger(file)
    for kiosk in city.kiosks:
        register_kiosk(kiosk, services=services, token=keys.kiosks[kiosk.id])
        ledger.keep_kiosk(Kiosk(kiosk.id, kiosk.name, keys.kiosks[kiosk.id]))
    return keys


def has_lived(options: Options) -> bool:
    """Whether the city was founded before, so that its clock already goes."""
    return options.state_file.exists() and CityClock(SqliteFile(options.state_file)).has_begun()


def read_card(options: Options) -> Mapping[str, Any] | None:
    """`city.json` as it stands; None where there is none."""
    try:
        found: Mapping[str, Any] = json.loads(options.card.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return found


def write_card(options: Options, city: City, keys: Keyring, pids: Mapping[str, int]) -> None:
    """Write `city.json`, whole or not at all."""
    fresh = options.card.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(_card(options, city, keys, pids), ensure_ascii=False, indent=1) + "\n", "utf-8")
    fresh.replace(options.card)


def _card(options: Options, city: City, keys: Keyring, pids: Mapping[str, int]) -> dict[str, object]:
    return {
        "app": options.app_url,
        "world": options.world_url,
        "state": str(options.state_file),
        "pids": dict(pids),
        "twilio": {"account_sid": keys.account_sid, "auth_token": keys.auth_token, "number": NUMBER},
        "api_keys": dict(keys.api_keys),
        "sources": {name: {"format": source.format, "secret": keys.sources[source.secret][0]} for name, source in city.sources.items()},
        "topics": list(city.topics),
        "kiosks": [{"id": kiosk.id, "token": keys.kiosks[kiosk.id]} for kiosk in city.kiosks],
    }
