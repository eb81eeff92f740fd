"""What a person may choose when they start the city: ports, first time, city file, and where its state is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chalicelib.domain.times import parse_moment
from chalicelib.errors import Invalid, Misconfigured
from chalicelib.settings import Settings, Stage

NUMBER = "+15005550006"
EMAIL_FROM = "alerts@city.example"
SMS_PACE = 100
EMAIL_PACE = 200


@dataclass(frozen=True)
class Options:
    """The choices, read."""

    port: int
    world_port: int
    city_time: datetime | None
    city: str | None
    state_dir: Path

    @property
    def app_url(self) -> str:
        """Where the app answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def world_url(self) -> str:
        """Where the world answers."""
        return f"http://127.0.0.1:{self.world_port}"

    @property
    def state_file(self) -> Path:
        """The one file that holds the table, the queues, the clock and the world."""
        return self.state_dir / "city.db"

    @property
    def secrets_file(self) -> Path:
        """The keyring's file."""
        return self.state_dir / "secrets.json"

    @property
    def card(self) -> Path:
        """What scripts read to find the city: addresses, keys, process ids."""
        return self.state_dir / "city.json"

    def settings(self) -> Settings:
        """The app's settings in this city."""
        return Settings(
            stage=Stage.LOCAL,
            public_url=self.app_url,
            secrets=f"file:{self.secrets_file}",
            table="belfry",
            queue_prefix="",
            city=self.city,
            state_file=str(self.state_file),
            twilio_url=self.world_url,
            ses_url=self.world_url,
            twilio_number=NUMBER,
            email_from=EMAIL_FROM,
            sms_pace=SMS_PACE,
            email_pace=EMAIL_PACE,
            sms_price_micros=11_000,
        )


def read_options(env: Mapping[str, str]) -> Options:
    """Options from the environment. Raises Misconfigured in words for the person who typed them."""
    port, world_port = _port(env, "PORT", "8000"), _port(env, "WORLD_PORT", "8001")
    if port == world_port:
        raise Misconfigured(f"PORT and WORLD_PORT are both {port}; give two different ones.")
    return Options(port, world_port, _moment(env.get("CITY_TIME", "")), env.get("CITY") or None, Path(env.get("STATE_DIR") or ".local"))


def _port(env: Mapping[str, str], name: str, default: str) -> int:
    text = env.get(name) or default
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise Misconfigured(f"{name} is a port from 1 to 65535, not {text!r}.")
    return int(text)


def _moment(text: str) -> datetime | None:
    try:
        return parse_moment(text, "#/CITY_TIME") if text else None
    except Invalid as error:
        raise Misconfigured(f"CITY_TIME={text!r}: {error.detail}") from error
