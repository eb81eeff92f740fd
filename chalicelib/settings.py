"""Settings: the only reader of the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.errors import Misconfigured


class Stage(StrEnum):
    """Where this runs. Training never reaches a provider."""

    LOCAL = "local"
    TRAINING = "training"
    PROD = "prod"


@dataclass(frozen=True)
class Settings:
    """Where things are. Secrets are not here: `secrets` only names their place (`file:<path>` or `ssm:<prefix>`)."""

    stage: Stage
    public_url: str
    secrets: str
    table: str
    queue_prefix: str
    city: str | None
    state_file: str | None
    twilio_url: str | None
    ses_url: str | None
    twilio_number: str
    email_from: str
    sms_pace: int
    email_pace: int
    sms_price_micros: int


def from_env(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises Misconfigured naming the variable that is missing or wrong."""
    env = os.environ if env is None else env
    try:
        return Settings(
            stage=Stage(env.get("STAGE", "prod")),
            public_url=env["PUBLIC_URL"].rstrip("/"),
            secrets=env["SECRETS"],
            table=env.get("TABLE", "belfry"),
            queue_prefix=env.get("QUEUE_PREFIX", "belfry-"),
            city=env.get("CITY") or None,
            state_file=env.get("STATE_FILE") or None,
            twilio_url=env.get("TWILIO_URL") or None,
            ses_url=env.get("SES_URL") or None,
            twilio_number=env["TWILIO_NUMBER"],
            email_from=env["EMAIL_FROM"],
            sms_pace=_count(env, "SMS_PACE", 100),
            email_pace=_count(env, "EMAIL_PACE", 14),
            sms_price_micros=_count(env, "SMS_PRICE_MICROS", 11_000),
        )
    except KeyError as missing:
        raise Misconfigured(f"set {missing.args[0]}") from missing
    except ValueError as wrong:
        raise Misconfigured(str(wrong)) from wrong


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise Misconfigured(f"{name} is a whole number above 0, not {text!r}")
    return int(text)


def serves_http(env: Mapping[str, str] | None = None) -> bool:
    """Whether this process answers HTTP. Lambda names the handler it runs; a queue worker need not load the pages."""
    env = os.environ if env is None else env
    return env.get("_HANDLER", "app.app") == "app.app"
