"""Limits in city.toml: what they are unless said otherwise, and what is no limit."""

from pathlib import Path

import pytest

from chalicelib.domain.city import Limits, parse_city
from chalicelib.errors import Misconfigured

PLAIN = """
name = "A"
programme = "A"
zone = "Europe/Paris"
languages = ["en"]
help_contact = "311"
topics = []
"""
SOURCE = '[sources.wire]\nformat = "notice"\n'


def test_a_city_that_says_nothing_caps_no_money_and_every_source() -> None:
    city = parse_city(PLAIN + SOURCE)
    assert (city.limits.spend_per_day, city.limits.spend_per_month) == (None, None)
    assert (city.sources["wire"].broadcasts_per_hour, city.sources["wire"].recipients_per_day) == (300, 1_000_000)


def test_a_city_says_its_own_limits() -> None:
    city = parse_city(PLAIN + "[limits]\nspend_per_day = 500\nspend_per_month = 9_000\n" + SOURCE + "broadcasts_per_hour = 20\nrecipients_per_day = 1\n")
    assert city.limits == Limits(spend_per_day=500, spend_per_month=9_000)
    assert (city.sources["wire"].broadcasts_per_hour, city.sources["wire"].recipients_per_day) == (20, 1)


@pytest.mark.parametrize("value", ["0", "-5", "1.5", "true", '"500"'])
@pytest.mark.parametrize(
    ("before", "name", "named"),
    [("[limits]\n", "spend_per_day", "limits.spend_per_day"), (SOURCE, "broadcasts_per_hour", "sources.wire.broadcasts_per_hour")],
    ids=["money", "broadcasts"],
)
def test_a_limit_is_a_whole_number_of_at_least_one(before: str, name: str, named: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"{named} is a whole number"):
        parse_city(f"{PLAIN}{before}{name} = {value}\n")


def test_a_limit_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"limits\.spend_per_year is no limit"):
        parse_city(PLAIN + "[limits]\nspend_per_year = 5\n")


def test_the_demo_city_has_generous_limits() -> None:
    limits = parse_city(Path("city.toml").read_text("utf-8")).limits
    assert (limits.spend_per_day, limits.spend_per_month) == (250_000, 2_500_000)
