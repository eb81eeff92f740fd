"""How many messages a second of CPU renders."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from bench.meter import best_rate
from bench.outside import HERE
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.broadcast import Content
from chalicelib.domain.city import parse_city
from chalicelib.domain.message import Parcel
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.domain.tokens import Tokens
from chalicelib.render.renderer import CityRenderer

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
BATCH = 50
"""Recipients per rendering: the fewest that share one in a broadcast that is worth measuring."""
LOCALES = ("en", "es", "ar", "zh-Hans")
_GAP = re.compile(r"\{\{(\w+)\}\}")


def render_rates(count: int) -> dict[str, int]:
    """Texts with parts counted, and emails (subject, text and HTML, every value filled in), per CPU second."""
    return {"render_sms": best_rate(count, _render_sms), "render_email": best_rate(count // 2, render_email)}


def _render_sms(count: int) -> None:
    renderer, tokens = _renderer(), Tokens([b"t" * 32])
    for number in range(count // BATCH):
        message = renderer.sms(_content(number), LOCALES[number % 4])
        for entry in range(BATCH):
            Parcel(Address(Channel.SMS, "+12025550100"), message, tokens.sign("delivery", "bc", "0", "P0000#t#0", str(entry), "1"))


def render_email(count: int) -> None:
    """So many emails, as recipients get them: what SES does for us is done here, so that the figure is of whole messages."""
    renderer, tokens = _renderer(), Tokens([b"t" * 32])
    for number in range(count // BATCH):
        message = renderer.email(_content(number), LOCALES[number % 4], "transit")
        layouts = [_shared(part, message.values) for part in (message.subject, message.text, message.html)]
        for entry in range(BATCH):
            values = {"unsubscribe_url": tokens.sign("unsubscribe", "s", "transit", "email"), "preferences_url": tokens.sign("preferences", "s")}
            parcel = Parcel(Address(Channel.EMAIL, "a@example.org"), message, tokens.sign("delivery", "bc", "0", "P0", str(entry), "1"), values)
            for layout in layouts:
                "".join([parcel.values[piece] if number % 2 else piece for number, piece in enumerate(layout)])


def _shared(template: str, values: Mapping[str, str]) -> list[str]:
    """The template with what all recipients share filled in, once: text, name of a personal value, text, …"""
    pieces = _GAP.split(template)
    made = [pieces[0]]
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if name in values:
            made[-1] += values[name] + text
        else:
            made += [name, text]
    return made


def _renderer() -> CityRenderer:
    city = parse_city((HERE / "city.toml").read_text("utf-8"))
    return CityRenderer(city=city, templates=HERE / "templates", public_url="https://alerts.example.org")


def _content(number: int) -> Content:
    texts = {
        "en": Text(f"Red Line: shuttle buses {number}", "Buses replace trains from 10 pm.\n\n* Allow more time\n* Stops stay open"),
        "es": Text(f"Linea Roja: autobuses {number}", "Autobuses sustituyen a los trenes entre Bell Square y Harbor desde las 22:00."),
    }
    return Content(f"nt_{number}", 1, Act.PUBLISHED, Kind.TRANSIT, Severity.MODERATE, Urgency.EXPECTED, texts, "en", "https://a.example/r", None, NOW)
