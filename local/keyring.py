"""The city's secrets on this machine: made once, kept in a file that only its owner may read.

The file is what `SECRETS=file:…` names: `twilio`, `sources` and `keys` are the app's; `api_keys`, `kiosks` and `control` are ours.
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.domain.city import City

API_KEYS = ("communicator", "approver", "admin")


@dataclass(frozen=True)
class Keyring:
    """Everything secret in a city on one machine."""

    account_sid: str
    auth_token: str
    sources: Mapping[str, tuple[str, ...]]
    api_keys: Mapping[str, str]
    kiosks: Mapping[str, str]
    control: str


def make_or_read(file: Path, city: City) -> Keyring:
    """The keyring in a file; what it lacks is made and added, so that a restart keeps every key."""
    data: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    before = json.dumps(data)
    data.setdefault("twilio", {"account_sid": "AC" + secrets.token_hex(16), "auth_token": secrets.token_hex(16)})
    data.setdefault("keys", {name: _base64(32) for name in ("hash", "seal", "sign")})
    data.setdefault("api_keys", {name: f"bf_{name}_{secrets.token_urlsafe(24)}" for name in API_KEYS})
    data.setdefault("control", secrets.token_urlsafe(24))
    for source in city.sources.values():
        data.setdefault("sources", {}).setdefault(source.secret, ["whsec_" + _base64(32)])
    for kiosk in city.kiosks:
        data.setdefault("kiosks", {}).setdefault(kiosk.id, secrets.token_urlsafe(24))
    if json.dumps(data) != before:
        _write_for_owner(file, json.dumps(data, indent=1))
    return _keyring(data)


def read(file: Path) -> Keyring:
    """The keyring in a file that exists."""
    return _keyring(json.loads(file.read_text()))


def _keyring(data: Mapping[str, Any]) -> Keyring:
    return Keyring(
        account_sid=data["twilio"]["account_sid"],
        auth_token=data["twilio"]["auth_token"],
        sources={name: tuple(found) for name, found in data.get("sources", {}).items()},
        api_keys=data["api_keys"],
        kiosks=data.get("kiosks", {}),
        control=data["control"],
    )


def _base64(size: int) -> str:
    return base64.b64encode(secrets.token_bytes(size)).decode()


def _write_for_owner(file: Path, text: str) -> None:
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    fresh.replace(file)
