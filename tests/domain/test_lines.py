"""The lines of a city: stations in order, and their platforms."""

import pytest

from chalicelib.domain.city import parse_city
from chalicelib.domain.lines import NO_LINES, Lines
from chalicelib.errors import Misconfigured
from tests.domain.test_limits_of_a_city import PLAIN

RED = """
[[lines]]
route = "Red"
stops = ["Alewife", "harvard", "JFK", "ashmont"]
platforms = { 70061 = "alewife", P2 = "HARVARD" }

[[lines]]
route = "Red"
stops = ["alewife", "harvard", "jfk", "braintree"]
"""


def test_a_city_lists_its_lines_in_any_spelling() -> None:
    trunk = ("alewife", "harvard", "jfk")
    assert parse_city(PLAIN + RED).lines == Lines({"red": ((*trunk, "ashmont"), (*trunk, "braintree"))}, {"70061": "alewife", "p2": "harvard"})


def test_a_city_without_lines_has_none() -> None:
    lines = parse_city(PLAIN).lines
    assert lines == NO_LINES
    assert (lines.station("Alewife"), lines.between("Red", "a", "b")) == ("alewife", frozenset())


@pytest.mark.parametrize(("stop", "station"), [("70061", "alewife"), ("p2", "harvard"), ("JFK", "jfk"), ("Nowhere", "nowhere")])
def test_a_platform_is_part_of_its_station(stop: str, station: str) -> None:
    assert parse_city(PLAIN + RED).lines.station(stop) == station


@pytest.mark.parametrize(
    ("origin", "destination", "between"),
    [
        pytest.param("alewife", "ashmont", {"harvard", "jfk"}, id="one way"),
        pytest.param("Ashmont", "70061", {"harvard", "jfk"}, id="the other way, from a platform"),
        pytest.param("alewife", "harvard", set(), id="the next stop"),
        pytest.param("harvard", "braintree", {"jfk"}, id="on the other branch"),
        pytest.param("ashmont", "braintree", set(), id="from branch to branch: no row has both"),
        pytest.param("alewife", "alewife", set(), id="nowhere"),
        pytest.param("alewife", "70061", set(), id="within a station"),
        pytest.param("alewife", "moon", set(), id="beyond the line"),
    ],
)
def test_one_rides_through_the_stations_between(origin: str, destination: str, between: set[str]) -> None:
    assert parse_city(PLAIN + RED).lines.between("RED", origin, destination) == between


@pytest.mark.parametrize(
    ("line", "named"),
    [
        pytest.param('route = "R"\nstops = ["a"]\nplatforms = { 1 = "b" }', "platform '1' is part of 'b'", id="a platform of no stop"),
        pytest.param('route = "R"\nstops = ["a", "A"]', "stops of 'R'", id="a stop twice"),
        pytest.param('route = "R"\nstops = "a, b"', "stops of 'R'", id="no list"),
        pytest.param('route = "R"', "lacks 'stops'", id="no stops"),
        pytest.param('stops = ["a"]', "lacks 'route'", id="no route"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(line: str, named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        parse_city(f"{PLAIN}\n[[lines]]\n{line}\n")
