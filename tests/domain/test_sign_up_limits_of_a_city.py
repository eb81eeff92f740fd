"""Limits on sign-ups in city.toml, and whose numbers may be signed up."""

import pytest

from chalicelib.domain.city import SignUpLimits, parse_city
from chalicelib.errors import Misconfigured
from tests.domain.test_limits_of_a_city import PLAIN


def test_a_city_that_says_nothing_has_them_all() -> None:
    city = parse_city(PLAIN)
    assert (city.limits.sign_ups, city.countries) == (SignUpLimits(), ("US", "CA"))


def test_a_city_says_its_own_and_keeps_the_rest() -> None:
    city = parse_city(f'countries = ["GB"]\n{PLAIN}[limits.sign_ups]\nnetwork_per_ten_minutes = 50\n')
    assert (city.limits.sign_ups, city.countries) == (SignUpLimits(network_per_ten_minutes=50), ("GB",))


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        pytest.param("[limits.sign_ups]\nper_minute = 5\n", r"limits\.sign_ups\.per_minute is no limit", id="unknown"),
        pytest.param("[limits.sign_ups]\nper_hour = 0\n", r"limits\.sign_ups\.per_hour is a whole number", id="none"),
        pytest.param("[limits.sign_ups]\nper_hour = 100\n", r"reserve is less than per_hour", id="nothing but a reserve"),
        pytest.param("[limits]\nsign_ups = 5\n", r"limits\.sign_ups is a table", id="no table"),
    ],
)
def test_what_is_no_limit_is_refused(said: str, wrong: str) -> None:
    with pytest.raises(Misconfigured, match=wrong):
        parse_city(PLAIN + said)


@pytest.mark.parametrize("countries", ['"US"', "[]", '["us"]', '["USA"]', "[1]", "true"])
def test_countries_are_two_capital_letters_each(countries: str) -> None:
    with pytest.raises(Misconfigured, match="countries is a list of two capital letters"):
        parse_city(f"countries = {countries}\n{PLAIN}")
