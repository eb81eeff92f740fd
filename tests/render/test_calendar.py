"""Dates, times and ranges as each language writes them, and no other's."""

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from chalicelib.domain.locale import SPOKEN
from chalicelib.domain.sms_parts import GSM7, count, tidy
from chalicelib.domain.talk_dates import Dates
from chalicelib.render.calendar import day_names, format_date, format_moment, format_time, hour_name, zone_names
from chalicelib.render.environment import Templates
from chalicelib.render.locales import Spoken
from tests.render.notices import ROOT, TEMPLATES, a_city

AT = datetime(2026, 12, 5, 12, 30, tzinfo=UTC)
MAY_DAY = datetime(2026, 5, 1, 21, 5, tzinfo=UTC)
GSM = ("en", "es", "fil", "ht", "fr", "pt")
"""Languages whose texts are worded for the GSM alphabet."""

# language: a date, a time before noon, a moment as texts say it, and the usual quiet hours
SAID = {
    "en": ("Saturday, December 5, 2026", "7:30 AM", "Dec 5, 7:30 AM", "As usual here: from 9:00 PM to 8:00 AM"),
    "es": ("sábado, 5 de diciembre de 2026", "7:30", "5 dic, 7:30", "Como es habitual aquí: de 21:00 a 8:00"),
    "ar": ("السبت، 5 ديسمبر 2026", "7:30 ص", "5 ديسمبر، 7:30 ص", "كالمعتاد هنا: من 9:00 م إلى 8:00 ص"),
    "zh-Hans": ("2026年12月5日星期六", "07:30", "12月5日 07:30", "按本市惯例：21:00 到 08:00"),
    "zh-Hant": ("2026年12月5日 星期六", "清晨7:30", "12月5日 清晨7:30", "本市預設：晚上9:00 至 上午8:00"),
    "vi": ("Thứ Bảy, 5 tháng 12, 2026", "07:30", "07:30 5 thg 12", "Như thường lệ ở đây: từ 21:00 đến 08:00"),
    "fil": ("Sabado, Disyembre 5, 2026", "7:30 AM", "Dis 5, 7:30 AM", "Gaya ng karaniwan dito: mula 9:00 PM hanggang 8:00 AM"),
    "ko": ("2026년 12월 5일 토요일", "오전 7:30", "12월 5일 오전 7:30", "이 도시의 기본 시간: 오후 9:00부터 오전 8:00까지"),
    "ru": ("суббота, 5 декабря 2026 года", "07:30", "5 дек., 07:30", "Как принято здесь: с 21:00 до 08:00"),
    "ht": ("samdi 5 desanm 2026", "07:30", "5 des., 07:30", "Jan sa fèt isit la dabitid: depi 21:00 jiska 08:00"),
    "fr": ("samedi 5 décembre 2026", "07:30", "5 déc., 07:30", "Comme d’habitude ici : de 21:00 à 08:00"),
    "pt": ("sábado, 5 de dezembro de 2026", "07:30", "5 de dez. 07:30", "Como de costume aqui: de 21:00 a 08:00"),
}
CREOLE_MONTHS = ("janvye", "fevriye", "mas", "avril", "me", "jen", "jiyè", "out", "septanm", "oktòb", "novanm", "desanm")
OUR_TEMPLATES = Templates(TEMPLATES, city=a_city(), public_url="https://x.example")


def read_in(locale: str) -> dict[str, object]:
    """What a template in this language knows."""
    return {"chrome": OUR_TEMPLATES.chrome(locale), "city": a_city()}


def test_every_language_is_in_the_table():
    assert tuple(SAID) == SPOKEN


@pytest.mark.parametrize("locale", SAID)
def test_a_date_a_time_and_a_range_are_written_as_readers_write_them(locale):
    day, time, moment, hours = SAID[locale]
    here = read_in(locale)
    assert (format_date(here, AT), tidy(format_time(here, AT)), tidy(format_moment(here, AT))) == (day, time, moment)
    usual = OUR_TEMPLATES.chrome(locale).sentences.gettext("As usual here: from %(start)s to %(end)s")
    assert tidy(usual % {"start": hour_name(here, 21 * 60), "end": hour_name(here, 8 * 60)}) == tidy(hours)


@pytest.mark.parametrize("locale", SAID)
def test_a_whole_moment_holds_the_whole_date(locale):
    said = format_moment(read_in(locale), AT, "full")
    assert SAID[locale][0] in said
    assert SAID[locale][1] in tidy(said)


def test_creole_has_its_own_days_and_months():
    here = read_in("ht")
    assert [name for _, name in day_names(here)] == ["lendi", "madi", "mèkredi", "jedi", "vandredi", "samdi", "dimanch"]
    assert tuple(format_date(here, AT.replace(month=month)).split()[2] for month in range(1, 13)) == CREOLE_MONTHS


def test_creole_names_zones_in_creole_and_others_by_their_city():
    zones = ["America/New_York", "America/Puerto_Rico", "America/Port-au-Prince"]
    assert [name for _, name in zone_names(read_in("ht"), zones)] == ["Lè Lès", "Lè Atlantik (Pòtoriko)", "Lè Port-au-Prince"]


@pytest.mark.parametrize(
    ("locale", "full", "short"),
    [
        pytest.param("fr", "vendredi 1er mai 2026", "1er mai, 17:05", id="fr"),
        pytest.param("ht", "vandredi premye me 2026", "premye me, 17:05", id="ht"),
        pytest.param("es", "viernes, 1 de mayo de 2026", "1 may, 17:05", id="as every day elsewhere"),
    ],
)
def test_the_first_of_a_month_has_its_word(locale, full, short):
    assert (format_date(read_in(locale), MAY_DAY), format_moment(read_in(locale), MAY_DAY)) == (full, short)


def test_a_russian_sentence_that_ends_with_a_date_has_one_full_stop():
    said = OUR_TEMPLATES.chrome("ru").sentences.gettext("Paused until %(day)s. Before then only emergencies come.")
    assert ".." not in said % {"day": format_date(read_in("ru"), AT)}


def test_a_zone_without_summer_time_is_not_called_by_it():
    assert zone_names(read_in("ru"), ["Pacific/Guam"]) == [("Pacific/Guam", "Гуам")]


@pytest.mark.parametrize("locale", GSM)
@pytest.mark.parametrize("month", range(1, 13))
def test_no_month_doubles_what_a_text_costs(locale, month):
    assert count(tidy(format_moment(read_in(locale), AT.replace(month=month)))).encoding == GSM7


@pytest.mark.parametrize("locale", SPOKEN)
def test_a_day_as_our_texts_show_it_is_understood_when_it_is_texted_back(locale):
    rows = tomllib.loads(Path(ROOT / "chalicelib/domain/words.toml").read_text("utf-8"))
    heard, days = Dates.parse(rows["dates"][locale]), [datetime(2026, month, day, tzinfo=UTC) for month in range(1, 13) for day in (1, 5, 28)]
    assert [heard.until(Spoken.of(locale).date(day, "short"), date(2025, 12, 31)) for day in days] == [day.date() for day in days]
