"""Builders: a city, its renderer, and notices to render."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chalicelib.domain.broadcast import Content
from chalicelib.domain.city import City, parse_city
from chalicelib.domain.locale import SPOKEN
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.render.renderer import CityRenderer

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
STARTS = datetime(2026, 12, 5, 23, 30, tzinfo=UTC)
ENGLISH = {"en": Text("Red Line: shuttle buses", "Buses replace trains between Bell Square and Harbor.")}
FOUR = {
    **ENGLISH,
    "es": Text("Linea Roja: autobuses", "Hay autobuses entre Bell Square y Harbor."),
    "ar": Text("الخط الأحمر: حافلات بديلة", "تحل الحافلة 14 محل قطارات Red Line بين المحطتين."),
    "zh-Hans": Text("红线：接驳巴士", "贝尔广场与港口之间由巴士代替列车。"),
}
ALL = {tag: FOUR.get(tag, Text(f"Red Line {tag}", f"Shuttle buses {tag}.")) for tag in SPOKEN}
"""In every language that we speak; the words do not matter where it is the frame around them that does."""


def a_city() -> City:
    """The demo city."""
    return parse_city((ROOT / "city.toml").read_text("utf-8"))


def a_renderer(public_url: str = "https://alerts.larkhaven.example") -> CityRenderer:
    """Its renderer, on the real templates."""
    return CityRenderer(city=a_city(), templates=TEMPLATES, public_url=public_url)


def a_notice(
    texts: Mapping[str, Text] = ENGLISH,
    *,
    kind: Kind = Kind.TRANSIT,
    act: Act = Act.PUBLISHED,
    severity: Severity = Severity.MODERATE,
    urgency: Urgency = Urgency.EXPECTED,
    language: str = "en",
    link: str | None = "https://larkhaven.example/red?a=1&b=2",
    starts_at: datetime | None = STARTS,
    notice: str = "nt_1",
    revision: int = 1,
    expires_at: datetime = STARTS + timedelta(days=1),
) -> Content:
    """A notice; what a test is about is named, the rest is ordinary."""
    return Content(notice, revision, act, kind, severity, urgency, texts, language, link, starts_at, expires_at)
