"""How many recipients a second of CPU plans and renders."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.town import FAST, HERE
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.batch import BatchKey
from chalicelib.domain.broadcast import Content
from chalicelib.domain.city import parse_city
from chalicelib.domain.message import Parcel
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.domain.plan import Follower, TopicRead, bound_of, merge, plan
from chalicelib.domain.tokens import Tokens
from chalicelib.render.renderer import CityRenderer
from chalicelib.store.batches import new_rows

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
FOLLOWERS = 20_000
BATCH = 50
"""Recipients per rendering: the fewest that share one in a broadcast that is worth measuring."""


def per_cpu_second() -> dict[str, int]:
    """Recipients per CPU second: planned into batch rows; rendered as texts with parts counted; rendered as emails."""
    return {"plan": _rate(FOLLOWERS, _plan), "render_sms": _rate(20_000, _render_sms), "render_email": _rate(2000, _render_email)}


def _rate(units: int, work: Callable[[int], None]) -> int:
    work(units // 10)
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        work(units)
        best = max(best, units / (time.process_time() - start))
    return round(best)


def _plan(count: int) -> None:
    """Three topics that everybody follows: merged, planned and made into rows."""
    ids = [f"{number:032x}" for number in range(count // 3)]
    reads = [TopicRead([Follower(one, Channel.SMS, f"1.{one}", topic, "en") for one in ids], None) for topic in ("a", "b", "c")]
    followers = merge(reads, bound_of(reads))
    planned = plan(followers, channels=(Channel.SMS,), urgent=False, zone=ZoneInfo("UTC"), pace=FAST, now=NOW)
    for number, one in enumerate(planned):
        new_rows(BatchKey("bc", 0, f"P0000#t#{number:04d}"), one.what, not_before=None, due=NOW, now=NOW)


def _render_sms(count: int) -> None:
    renderer, tokens = _renderer(), Tokens([b"t" * 32])
    for number in range(count // BATCH):
        message = renderer.sms(_content(number), ("en", "es", "ar", "zh-Hans")[number % 4])
        for entry in range(BATCH):
            Parcel(Address(Channel.SMS, "+12025550100"), message, tokens.sign("delivery", "bc", "0", "P0000#t#0", str(entry), "1"))


def _render_email(count: int) -> None:
    renderer, tokens = _renderer(), Tokens([b"t" * 32])
    for number in range(count // BATCH):
        message = renderer.email(_content(number), ("en", "es", "ar", "zh-Hans")[number % 4], "transit")
        for entry in range(BATCH):
            values = {"unsubscribe_url": tokens.sign("unsubscribe", "s", "transit", "email"), "preferences_url": tokens.sign("preferences", "s")}
            parcel = Parcel(Address(Channel.EMAIL, "a@example.org"), message, tokens.sign("delivery", "bc", "0", "P0", str(entry), "1"), values)
            for part in (message.subject, message.text, message.html):
                _fill(part, {**message.values, **parcel.values})


def _fill(template: str, values: dict[str, str]) -> str:
    """What SES does for us; counted here, so that the figure is of whole messages."""
    for name, value in values.items():
        template = template.replace("{{" + name + "}}", value)
    return template


def _renderer() -> CityRenderer:
    city = parse_city((HERE / "city.toml").read_text("utf-8"))
    return CityRenderer(city=city, templates=Path(HERE / "templates"), public_url="https://alerts.example.org")


def _content(number: int) -> Content:
    texts = {
        "en": Text(f"Red Line: shuttle buses {number}", "Buses replace trains from 10 pm.\n\n* Allow more time\n* Stops stay open"),
        "es": Text(f"Linea Roja: autobuses {number}", "Autobuses sustituyen a los trenes entre Bell Square y Harbor desde las 22:00."),
    }
    return Content(f"nt_{number}", 1, Act.PUBLISHED, Kind.TRANSIT, Severity.MODERATE, Urgency.EXPECTED, texts, "en", "https://a.example/r", None, NOW)
