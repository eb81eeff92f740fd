"""Days, hours and zones by name, as CLDR has them in the reader's language: for forms that ask when."""

from collections.abc import Sequence
from datetime import time
from zoneinfo import ZoneInfo

from babel import Locale, dates
from jinja2 import pass_context
from jinja2.runtime import Context

_DAYS, _HOURS = 7, 24


@pass_context
def day_names(context: Context) -> list[tuple[str, str]]:
    """(`0`, `Monday`) and on, in the order of the week; Monday is 0."""
    names = dates.get_day_names("wide", "stand-alone", locale=_locale(context))
    return [(str(day), names[day]) for day in range(_DAYS)]


@pass_context
def hour_name(context: Context, minutes: int) -> str:
    """A minute of the day as clocks show it: `9:00 PM`."""
    return dates.format_time(time(minutes // 60 % _HOURS, minutes % 60), "short", locale=_locale(context))


@pass_context
def hour_names(context: Context) -> list[tuple[str, str]]:
    """(`0`, `12:00 AM`) and on."""
    return [(str(hour), hour_name(context, hour * 60)) for hour in range(_HOURS)]


@pass_context
def zone_names(context: Context, zones: Sequence[str]) -> list[tuple[str, str]]:
    """Each zone with its name: (`America/New_York`, `Eastern Time`). One whose name another has too says its city with it."""
    names = {zone: dates.get_timezone_name(ZoneInfo(zone), locale=_locale(context)) for zone in zones}
    said = list(names.values())
    return [(zone, name if said.count(name) == 1 else f"{name} ({_city(zone, context)})") for zone, name in names.items()]


def _city(zone: str, context: Context) -> str:
    return dates.get_timezone_location(ZoneInfo(zone), locale=_locale(context), return_city=True)


def _locale(context: Context) -> Locale:
    found: Locale = context["chrome"].babel
    return found
