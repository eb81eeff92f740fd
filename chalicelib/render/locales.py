"""Babel's locales, with the names of `locales.toml` over CLDR's: how days, months and hours are written in each language."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, dates
from babel.localedata import LocaleDataDict

_SHORT = "MMMd"
_DAY_OF_MONTH = re.compile(r"\bd\b")
_LINES = Path(__file__).with_name("locales.toml")


@dataclass(frozen=True)
class Own:
    """What we write otherwise than CLDR in one language. Days and months go by their numbers: Monday is 0, January 1."""

    first: str = ""
    full: str = ""
    zone: str = ""
    days: Mapping[int, str] = field(default_factory=dict)
    months: Mapping[int, str] = field(default_factory=dict)
    short_months: Mapping[int, str] = field(default_factory=dict)
    periods: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> "Own":
        """Read a language's table of `locales.toml`."""
        numbered = {name: {int(number): said for number, said in row.get(name, {}).items()} for name in ("days", "months", "short_months")}
        return cls(**{**row, **numbered})


@cache
def _owns() -> Mapping[str, Own]:
    return {language: Own.parse(row) for language, row in tomllib.loads(_LINES.read_text("utf-8")).items()}


class Spoken(Locale):
    """A locale as we write it."""

    @classmethod
    def of(cls, tag: str) -> "Spoken":
        """The locale of one of our languages: `es`, `zh-Hans`."""
        language, _, script = tag.partition("-")
        return cls(language, script=script or None)

    @property
    def own(self) -> Own:
        """What we write otherwise than CLDR."""
        return _owns().get(self.language, Own())

    @property
    def days(self) -> LocaleDataDict:
        """Names of days, by context and width."""
        return _over(super().days, "wide", self.own.days)

    @property
    def months(self) -> LocaleDataDict:
        """Names of months, by context and width."""
        return _over(_over(super().months, "wide", self.own.months), "abbreviated", self.own.short_months)

    @property
    def day_periods(self) -> LocaleDataDict:
        """Names of the parts of a day, by context and width."""
        return _over(super().day_periods, "abbreviated", self.own.periods)

    def date(self, day: datetime, length: str) -> str:
        """`short`, for texts: `Dec 1`. `full`: `Tuesday, December 1, 2026`."""
        pattern = self.datetime_skeletons[_SHORT].pattern if length == "short" else self.own.full or self.date_formats[length].pattern
        if self.own.first and day.day == 1:
            pattern = _DAY_OF_MONTH.sub(f"'{self.own.first}'", pattern)
        return dates.format_date(day, pattern, locale=self)


def _over(names: LocaleDataDict, width: str, own: Mapping[Any, str]) -> LocaleDataDict:
    """Names with ours in their place, in every context."""
    if not own:
        return names
    return LocaleDataDict({context: {**names[context], width: {**names[context].get(width, {}), **own}} for context in names})
