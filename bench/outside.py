"""The stub in a process and on a core of its own, and services that reach it through the real adapters."""

import base64
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from bench.stub.seeding import HASH_KEY, SEAL_KEY, SIGN_KEY
from chalicelib import wiring
from chalicelib.domain.address import Channel
from chalicelib.domain.preferences import NO_QUIET
from chalicelib.flows.services import Services
from chalicelib.settings import Settings, Stage

HERE = Path(__file__).resolve().parent.parent
FAST = 10_000_000
"""A pace that never waits, so that reserving slots is measured and waiting for them is not."""
TWILIO = {"account_sid": "AC" + "0" * 32, "auth_token": "a" * 32}
_AWS = {"AWS_ACCESS_KEY_ID": "stand-in", "AWS_SECRET_ACCESS_KEY": "stand-in", "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull}


@dataclass(frozen=True)
class Outside:
    """The stub, as the measured process sees it."""

    url: str
    folder: Path

    def follow(self, topic: str, channel: Channel, count: int, *, first: int = 0) -> None:
        """Have the stub hold so many followers."""
        self._ask("/stub/seed", topic=topic, channel=str(channel), count=count, first=first)

    def forget(self) -> None:
        """Have the stub hold nothing."""
        self._ask("/stub/forget")

    def bill(self) -> dict[str, int]:
        """Calls by name, and units that AWS would charge, since the stub last forgot."""
        found: dict[str, int] = self._ask("/stub/bill")
        return found

    def settings(self) -> Settings:
        """Settings of a city whose outside is the stub."""
        place = self.folder / "secrets.json"
        keys = {"hash": HASH_KEY, "seal": SEAL_KEY, "sign": SIGN_KEY}
        place.write_text(json.dumps({"keys": {name: base64.b64encode(key).decode() for name, key in keys.items()}, "twilio": TWILIO}))
        return Settings(
            stage=Stage.PROD,
            public_url="https://alerts.example.org",
            secrets=f"file:{place}",
            table="belfry",
            queue_prefix="belfry-",
            city=None,
            state_file=None,
            twilio_url=self.url,
            ses_url=self.url,
            twilio_number="+15005550006",
            email_from="a@example.org",
            sms_pace=FAST,
            email_pace=FAST,
            sms_price_micros=11_000,
        )

    def services(self) -> Services:
        """The city's services, wired as on Lambda; at night it measures what it does by day."""
        built = wiring.build(self.settings())
        return replace(built, city=replace(built.city, quiet=NO_QUIET))

    def _ask(self, path: str, **asked: object) -> dict[str, int]:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=300)
        connection.request("GET", f"{path}?{urlencode(asked)}")
        found: dict[str, int] = json.loads(connection.getresponse().read())
        connection.close()
        return found


@contextmanager
def outside() -> Iterator[Outside]:
    """A stub on one core; this process on another, where there are two."""
    ours, *others = sorted(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "bench.stub", *map(str, others[:1])]
    with TemporaryDirectory() as folder, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE) as stub:
        assert stub.stdin and stub.stdout
        url = f"http://127.0.0.1:{int(stub.stdout.readline())}"
        before, all_cores = dict(os.environ), os.sched_getaffinity(0)
        os.environ |= {**_AWS, "AWS_ENDPOINT_URL": url}
        os.sched_setaffinity(0, {ours})
        try:
            yield Outside(url, Path(folder))
        finally:
            os.sched_setaffinity(0, all_cores)
            os.environ.clear()
            os.environ |= before
            stub.stdin.close()
