"""Wiring: settings become services. The only maker of clients; imports them inside functions, so that each process loads what it uses."""

import base64
import functools
import json
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chalicelib import logs
from chalicelib.domain.address import Channel
from chalicelib.domain.city import City, parse_city
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.domain.tokens import Tokens
from chalicelib.domain.words import Words
from chalicelib.errors import Misconfigured
from chalicelib.flows.services import Renderer, Sender, Services
from chalicelib.settings import Settings, Stage, from_env
from chalicelib.state.queue import Queues
from chalicelib.state.table import Table
from chalicelib.store.sealed import Vault
from chalicelib.store.stores import Stores

HERE = Path(__file__).resolve().parent.parent
SECRETS_FRESH = timedelta(minutes=5)
_installed: list[Services] = []


def services() -> Services:
    """The services of this process, built on first use from the environment."""
    if not _installed:
        logs.set_up()
        install(build(from_env()))
    return _installed[0]


def install(built: Services) -> None:
    """Use these services in this process."""
    _installed[:] = [built]


def build(
    settings: Settings,
    *,
    now: Callable[[], datetime] | None = None,
    new_id: Callable[[], str] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    counts_age: timedelta = timedelta(seconds=15),
) -> Services:
    """Services from settings. The clock, ids and sleep are handed in where they are not the machine's."""
    clock = now or _utc_now
    secret = _secrets(settings, clock)
    table, queues = _state(settings, clock, sleep)
    city = _city(settings)
    keys = secret("keys")
    vault = Vault(hash_key=_key(keys, "hash"), seal_key=_key(keys, "seal"))
    return Services(
        city=city,
        words=functools.cache(_words),
        store=Stores(table, vault),
        queues=queues,
        tokens=Tokens([_key(keys, "sign"), *([_key(keys, "sign_old")] if "sign_old" in keys else [])]),
        sender=functools.cache(lambda channel: _sender(channel, settings, secret, queues, city)),
        renderer=functools.cache(lambda: _renderer(city, settings)),
        secret=secret,
        now=clock,
        new_id=new_id or _random_id,
        sleep=sleep,
        public_url=settings.public_url,
        pace={Channel.SMS: settings.sms_pace, Channel.EMAIL: settings.email_pace},
        random=random.random,
        sms_number=settings.twilio_number,
        sms_price_micros=settings.sms_price_micros,
        counts_age=counts_age,
        signed_by_twilio=_twilio_check(secret),
        read_receipts=_read_receipts,
    )


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _random_id() -> str:
    return uuid.uuid4().hex


def _city(settings: Settings) -> City:
    path = Path(settings.city) if settings.city else HERE / "city.toml"
    if not path.is_file():
        raise Misconfigured(f"there is no city file at {path}")
    return parse_city(path.read_text("utf-8"))


def _words() -> Words:
    return Words.parse((HERE / "chalicelib" / "domain" / "words.toml").read_text("utf-8"))


def _key(keys: Mapping[str, object], name: str) -> bytes:
    try:
        return base64.b64decode(str(keys[name]), validate=True)
    except (KeyError, ValueError) as error:
        raise Misconfigured(f"secret keys.{name} is missing or not base64") from error


# --- secrets ---------------------------------------------------------------------------------------------------------


def _secrets(settings: Settings, now: Callable[[], datetime]) -> Callable[[str], Mapping[str, object]]:
    """Secrets by name, read again after five minutes, so that a rotation needs no deployment."""
    scheme, _, place = settings.secrets.partition(":")
    if scheme not in {"file", "ssm"}:
        raise Misconfigured("SECRETS is file:<path> or ssm:<prefix>")
    read = _from_file(Path(place)) if scheme == "file" else _from_ssm(place)
    kept: dict[str, tuple[datetime, Mapping[str, object]]] = {}

    def secret(name: str) -> Mapping[str, object]:
        found = kept.get(name)
        if found is None or now() - found[0] > SECRETS_FRESH:
            found = kept[name] = (now(), read(name))
        return found[1]

    return secret


def _from_file(path: Path) -> Callable[[str], Mapping[str, object]]:
    def read(name: str) -> Mapping[str, object]:
        found: Mapping[str, Mapping[str, object]] = json.loads(path.read_text("utf-8"))
        return found[name]

    return read


def _from_ssm(prefix: str) -> Callable[[str], Mapping[str, object]]:
    def read(name: str) -> Mapping[str, object]:
        answer = _aws("ssm").get_parameter(Name=f"{prefix}/{name}", WithDecryption=True)
        found: Mapping[str, object] = json.loads(answer["Parameter"]["Value"])
        return found

    return read


# --- state -----------------------------------------------------------------------------------------------------------


def _state(settings: Settings, now: Callable[[], datetime], sleep: Callable[[float], None]) -> tuple[Table, Queues]:
    if settings.state_file:
        from chalicelib.state.sqlite_file import SqliteFile
        from chalicelib.state.sqlite_queue import SqliteQueues
        from chalicelib.state.sqlite_table import SqliteTable

        file = SqliteFile(Path(settings.state_file))
        return SqliteTable(file), SqliteQueues(file, now)
    from chalicelib.state.dynamodb import DynamoTable
    from chalicelib.state.sqs import SqsQueues

    table = DynamoTable(_aws("dynamodb"), settings.table, sleep=sleep, random=random.random)
    return table, SqsQueues(_aws("sqs"), settings.queue_prefix)


def _aws(service: str) -> Any:
    """A client of AWS's own state: its calls may be repeated, so the SDK does; providers' clients never do."""
    from botocore.config import Config

    from chalicelib.state.straight import straight_client

    return straight_client(service, Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 5}))


# --- channels and rendering ------------------------------------------------------------------------------------------


def _sender(channel: Channel, settings: Settings, secret: Callable[[str], Mapping[str, object]], queues: Queues, city: City) -> Sender:
    if settings.stage is Stage.TRAINING:
        from chalicelib.channels.rehearsal import Rehearsal

        return Rehearsal()
    if channel is Channel.SMS:
        from chalicelib.channels.sms import sms_sender

        return sms_sender(settings, secret("twilio"))
    if channel is Channel.EMAIL:
        from chalicelib.channels.email import email_sender

        return email_sender(settings, city)
    from chalicelib.channels.kiosk import KioskSender

    return KioskSender(queues)


def _renderer(city: City, settings: Settings) -> Renderer:
    from chalicelib.render.renderer import CityRenderer

    return CityRenderer(city=city, templates=HERE / "templates", public_url=settings.public_url)


def _twilio_check(secret: Callable[[str], Mapping[str, object]]) -> Any:
    def check(url: str, pairs: Any, signature: str) -> bool:
        from chalicelib.channels.twilio_signature import signed_by_twilio

        return signed_by_twilio(url, pairs, signature, secret=secret("twilio"))

    return check


def _read_receipts(channel: Channel, said: Mapping[str, object]) -> Sequence[ReceiptJob]:
    if channel is Channel.SMS:
        from chalicelib.channels.twilio_status import read_callback

        return read_callback(said)
    from chalicelib.channels.ses_events import read_event

    return read_event(said)
