"""When, in the reader's language: dates, times and moments, and the names of days, hours and zones for forms that ask."""

from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from babel import dates
from jinja2 import pass_context
from jinja2.runtime import Context

from chalicelib.render.locales import Spoken

_DAYS, _HOURS = 7, 24


@pass_context
def format_date(context: Context, moment: datetime, zone: ZoneInfo | None = None) -> str:
    """`Tuesday, December 1, 2026`."""
    return _locale(context).date(_there(context, moment, zone), "full")


@pass_context
def format_time(context: Context, moment: datetime, zone: ZoneInfo | None = None) -> str:
    """`7:30 AM`."""
    return dates.format_time(_there(context, moment, zone), "short", locale=_locale(context))


@pass_context
def format_moment(context: Context, moment: datetime, length: str = "short", zone: ZoneInfo | None = None) -> str:
    """`short`, for texts: `Dec 1, 7:30 AM`. `full`: `Tuesday, December 1, 2026, 7:30 AM`."""
    locale = _locale(context)
    day = locale.date(_there(context, moment, zone), length)
    return str(locale.datetime_formats["medium"]).format(format_time(context, moment, zone), day)


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
    names = {zone: _zone_name(zone, _locale(context)) for zone in zones}
    said = list(names.values())
    return [(zone, name if said.count(name) == 1 else f"{name} ({_city(zone, context)})") for zone, name in names.items()]


def _zone_name(zone: str, locale: Spoken) -> str:
    own = locale.own
    if zone in own.zones:
        return own.zones[zone]
    return own.zone.format(city=zone.rpartition("/")[2].replace("_", " ")) or dates.get_timezone_name(ZoneInfo(zone), locale=locale)


def _city(zone: str, context: Context) -> str:
    return dates.get_timezone_location(ZoneInfo(zone), locale=_locale(context), return_city=True)


def _there(context: Context, moment: datetime, zone: ZoneInfo | None) -> datetime:
    return moment.astimezone(zone or context["city"].zone)


def _locale(context: Context) -> Spoken:
    found: Spoken = context["chrome"].babel
    return found
