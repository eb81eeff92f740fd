"""Until when: days and spans as residents write them, read in the words of one language."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.talk_dates import LONGEST_DAYS, in_months
from tests.conversation.booth import the_words

TODAY = date(2026, 12, 1)
"""A Tuesday."""


@pytest.mark.parametrize(
    ("locale", "text", "day"),
    [
        ("en", "until Dec 15", "2026-12-15"),
        ("en", "15 December", "2026-12-15"),
        ("en", "Dec 15th, 2026", "2026-12-15"),
        ("en", "12/15", "2026-12-15"),
        ("en", "12/15/26", "2026-12-15"),
        ("en", "15/12", "2026-12-15"),
        ("en", "2026-12-15", "2026-12-15"),
        ("en", "Nov 30", "2027-11-30"),
        ("en", "Feb 29", None),
        ("en", "Feb 30", None),
        ("en", "Dec 1", None),
        ("en", "Nov 30 2026", None),
        ("en", "13/13", None),
        ("en", "1 2 3 4", None),
        ("en", "Dec", None),
        ("en", "Dec Dec", None),
        ("en", "tomorrow", "2026-12-02"),
        ("en", "today", None),
        ("en", "Monday", "2026-12-07"),
        ("en", "Tuesday", "2026-12-08"),
        ("en", "Wednesday", "2026-12-02"),
        ("en", "3 days", "2026-12-04"),
        ("en", "a couple weeks", "2026-12-15"),
        ("en", "one month", "2027-01-01"),
        ("en", "week", "2026-12-08"),
        ("en", "10", "2026-12-11"),
        ("en", "0", None),
        ("en", "0 months", None),
        ("en", "", None),
        ("en", "2 weeks or so", None),
        ("en", "15 diciembre", None),
        ("es", "hasta el 15 de diciembre", "2026-12-15"),
        ("es", "15/12", "2026-12-15"),
        ("es", "1/2", "2027-02-01"),
        ("es", "por dos semanas", "2026-12-15"),
        ("es", "mañana", "2026-12-02"),
        ("es", "lunes", "2026-12-07"),
        ("zh-Hans", "到12月15日", "2026-12-15"),
        ("zh-Hans", "12月15号为止", "2026-12-15"),
        ("zh-Hans", "两周", "2026-12-15"),
        ("zh-Hans", "1个月", "2027-01-01"),
        ("zh-Hant", "3天", "2026-12-04"),
        ("zh-Hant", "星期一", "2026-12-07"),
        ("ar", "حتى ١٥ ديسمبر", "2026-12-15"),
        ("ar", "لمدة أسبوعين", "2026-12-15"),
        ("ar", "غدا", "2026-12-02"),
        ("ko", "12월 15일까지", "2026-12-15"),
        ("ko", "2주", "2026-12-15"),
        ("ko", "내일까지", "2026-12-02"),
        ("ru", "до 15 декабря", "2026-12-15"),
        ("ru", "на 2 недели", "2026-12-15"),
        ("vi", "đến ngày 15 tháng 12", "2026-12-15"),
        ("vi", "2 tuần", "2026-12-15"),
        ("fil", "hanggang Disyembre 15", "2026-12-15"),
        ("ht", "jiska 15 desanm", "2026-12-15"),
        ("ht", "de semèn", "2026-12-15"),
        ("fr", "jusqu'au 15 décembre", "2026-12-15"),
        ("fr", "7 sept", "2027-09-07"),
        ("fr", "sept jours", "2026-12-08"),
        ("pt", "até 15 de dezembro", "2026-12-15"),
        ("pt", "dez dias", "2026-12-11"),
    ],
)
def test_a_day_as_it_is_written(locale: str, text: str, day: str | None) -> None:
    found = the_words().dates[locale].until(text, TODAY)
    assert (found.isoformat() if found else None) == day


@given(st.sampled_from(sorted(the_words().dates)), st.text(max_size=60), st.dates(date(2025, 1, 1), date(2040, 1, 1)))
def test_whatever_is_written_a_day_is_to_come_and_at_most_a_year_away(locale: str, text: str, today: date) -> None:
    found = the_words().dates[locale].until(text, today)
    assert found is None or 0 < (found - today).days <= LONGEST_DAYS


@given(st.integers(0, 99_999), st.sampled_from(["days", "weeks", "months", ""]), st.dates(date(2025, 1, 1), date(2040, 1, 1)))
def test_a_span_ends_within_a_year(count: int, unit: str, today: date) -> None:
    found = the_words().dates["en"].until(f"{count} {unit}", today)
    assert (found is None) == (count == 0 or count > 9999)
    assert found is None or 0 < (found - today).days <= LONGEST_DAYS


@pytest.mark.parametrize("text", ["일" * 1600, "el " * 800 + "x", "1 " * 800, "一" * 1600, "a an the " * 500 + "?!x"])
def test_a_long_text_that_is_no_date_is_given_up(text: str) -> None:
    assert all(dates.until(text, TODAY) is None for dates in the_words().dates.values())


@pytest.mark.parametrize(("today", "count", "day"), [("2026-01-31", 1, "2026-02-28"), ("2027-12-31", 2, "2028-02-29"), ("2026-12-01", 12, "2027-12-01")])
def test_a_month_on_is_the_same_day_or_the_months_last(today: str, count: int, day: str) -> None:
    assert in_months(date.fromisoformat(today), count).isoformat() == day
