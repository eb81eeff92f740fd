"""What a form of choices means: each field read strictly, nothing lost on the way there and back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.about import Workload
from chalicelib.domain.choosing import read_filters_of, read_preferences_of
from chalicelib.domain.city import parse_city
from chalicelib.domain.fields import Fault, Filled
from chalicelib.domain.filters import EVERYTHING, Facility, Filters, Hours, Journey
from chalicelib.domain.notice import Severity
from chalicelib.domain.offering import MOST_JOURNEYS, Part, is_paused, parts_of, written_filters, written_preferences
from chalicelib.domain.preferences import NO_QUIET, UNCHOSEN, Digest, Preferences

CITY = parse_city((Path(__file__).parents[2] / "city.toml").read_text("utf-8"))
NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)  # 10:00 in the city
ZONES = ("America/New_York", "America/Denver", "Pacific/Honolulu")
WEEK = frozenset(range(7))


def filters(old: Filters = EVERYTHING, **fields: str | list[str]) -> tuple[Filters, dict[str, Fault]]:
    """The filters that these fields of a topic mean, and what is wrong with which; `_` stands for `-`."""
    named = {f"jobs.{name.replace('_', '-')}": [value] if isinstance(value, str) else value for name, value in fields.items()}
    filled = Filled(named, "jobs.")
    return read_filters_of(filled, city=CITY, old=old), {at.removeprefix("jobs."): fault for at, fault in filled.wrong.items()}


def preferences(old: Preferences = UNCHOSEN, **fields: str) -> tuple[Preferences, dict[str, Fault]]:
    filled = Filled({name.replace("_", "-"): [value] for name, value in fields.items()})
    return read_preferences_of(filled, city=CITY, zones=ZONES, old=old, now=NOW), filled.wrong


# --- filters ---------------------------------------------------------------------------------------------------------


def test_nothing_filled_in_is_everything() -> None:
    assert filters() == (EVERYTHING, {})
    assert filters(severity="", route_0="", pay=" ", hours_from="", category=" , ") == (EVERYTHING, {})


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        pytest.param({"severity": "severe"}, Filters(severity=Severity.SEVERE), id="severity"),
        pytest.param({"area": ["harbor", "mill-hill"]}, Filters(areas=frozenset({"harbor", "mill-hill"})), id="areas"),
        pytest.param(
            {"category": " Music,  Street  Fairs ،رياضة、体育,"}, Filters(categories=frozenset({"music", "street fairs", "رياضة", "体育"})), id="kinds"
        ),
        pytest.param({"agency": "Parks; Public Library"}, Filters(agencies=frozenset({"Parks", "Public Library"})), id="agencies"),
        pytest.param({"pay": "45,000"}, Filters(pay=45000), id="pay"),
        pytest.param({"pay": "٤٥٠٠٠"}, Filters(pay=45000), id="pay in other digits"),
        pytest.param({"workload": "part_time"}, Filters(workload=Workload.PART_TIME), id="workload"),
        pytest.param({"facility": ["elevator"]}, Filters(facilities=frozenset({Facility.ELEVATOR})), id="facility"),
        pytest.param({"route_0": " Red ", "direction_0": "1"}, Filters(journeys=(Journey(route="Red", direction=1),)), id="a way"),
        pytest.param({"route_1": "55", "origin_3": "12"}, Filters(journeys=(Journey(route="55"), Journey(origin="12"))), id="ways in any row"),
        pytest.param({"hours_day": ["0", "4"]}, Filters(hours=Hours(frozenset({0, 4}))), id="days"),
        pytest.param({"hours_from": "07:00", "hours_until": "09:30"}, Filters(hours=Hours(WEEK, 420, 570)), id="hours of every day"),
        pytest.param({"travel_from": "22:00", "travel_until": "02:00"}, Filters(travel=Hours(WEEK, 1320, 120)), id="a night"),
        pytest.param({"hours_day": ["0", "1", "2", "3", "4", "5", "6"]}, EVERYTHING, id="every day is all days"),
    ],
)
def test_a_field_means_what_it_says(fields: dict[str, str | list[str]], meant: Filters) -> None:
    assert filters(**fields) == (meant, {})


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        pytest.param({"severity": "awful"}, {"severity": Fault.UNKNOWN}, id="severity"),
        pytest.param({"area": ["harbor", "moon"]}, {"area": Fault.UNKNOWN}, id="area"),
        pytest.param({"facility": ["sauna"]}, {"facility": Fault.UNKNOWN}, id="facility"),
        pytest.param({"workload": "never"}, {"workload": Fault.UNKNOWN}, id="workload"),
        pytest.param({"pay": "a lot"}, {"pay": Fault.PAY}, id="no number"),
        pytest.param({"pay": "-5"}, {"pay": Fault.PAY}, id="less than nothing"),
        pytest.param({"pay": "0"}, {"pay": Fault.PAY}, id="nothing"),
        pytest.param({"pay": "9" * 30}, {"pay": Fault.PAY}, id="endless"),
        pytest.param({"pay": "10000001"}, {"pay": Fault.PAY}, id="over ten million"),
        pytest.param({"category": "x" * 61}, {"category": Fault.LONG}, id="a long word"),
        pytest.param({"agency": ",".join("abcdefghijklmnopqrstu")}, {"agency": Fault.LONG}, id="21 words"),
        pytest.param({"route_0": "x" * 61}, {"route-0": Fault.LONG}, id="a long route"),
        pytest.param({"direction_2": "2"}, {"direction-2": Fault.UNKNOWN}, id="direction"),
        pytest.param({"hours_day": ["7"]}, {"hours-day": Fault.UNKNOWN}, id="an eighth day"),
        pytest.param({"hours_from": "07:00"}, {"hours-until": Fault.HALF}, id="no until"),
        pytest.param({"travel_until": "07:00"}, {"travel-from": Fault.HALF}, id="no from"),
        pytest.param({"hours_from": "24:00", "hours_until": "7"}, {"hours-from": Fault.TIME, "hours-until": Fault.TIME}, id="no times"),
        pytest.param({"hours_from": "soon"}, {"hours-from": Fault.TIME, "hours-until": Fault.HALF}, id="half, and no time"),
        pytest.param({"hours_from": "07:00", "hours_until": "07:00"}, {"hours-until": Fault.SAME}, id="twice the same"),
    ],
)
def test_what_is_wrong_is_said_of_its_field(fields: dict[str, str | list[str]], wrong: dict[str, Fault]) -> None:
    assert filters(**fields)[1] == wrong


def test_what_the_form_does_not_ask_of_a_way_stays() -> None:
    kept = Journey(route="Red", origin="A", destination="C", between=frozenset({"B"}), route_type=1)
    old = Filters(journeys=(Journey(route="55"), kept))
    assert filters(old, route_0="Red", origin_0="A", destination_0="C", pay="1")[0] == Filters(journeys=(kept,), pay=1)


def test_ways_that_the_form_has_no_room_for_stay() -> None:
    old = Filters(journeys=tuple(Journey(route=str(number)) for number in range(MOST_JOURNEYS + 2)))
    shown = written_filters(old)
    assert len(shown) == MOST_JOURNEYS
    changed = {f"jobs.{name}": values for name, values in shown.items()} | {"jobs.severity": ["severe"], "jobs.route-0": ["Red"]}
    read = read_filters_of(Filled(changed, "jobs."), city=CITY, old=old)
    assert read == replace(old, severity=Severity.SEVERE, journeys=(Journey(route="Red"), *old.journeys[1:]))


def test_what_nobody_touched_stays_to_the_letter() -> None:
    old = Filters(hours=Hours(WEEK, 600, 1440), severity=Severity.MINOR, categories=frozenset({"arts, crafts"}), areas=frozenset({"gone"}))
    assert filters(old, **{name.replace("-", "_"): values for name, values in written_filters(old).items()}) == (old, {})


TEXTS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
MINUTES = st.integers(0, 1439)
HOURS = st.one_of(
    st.none(),
    st.builds(Hours, st.frozensets(st.integers(0, 6), min_size=1, max_size=6)),
    st.tuples(st.frozensets(st.integers(0, 6), min_size=1), MINUTES, MINUTES).filter(lambda one: one[1] != one[2]).map(lambda one: Hours(*one)),
)
JOURNEYS = st.builds(
    Journey,
    route=TEXTS,
    direction=st.sampled_from([None, 0, 1]),
    origin=st.none() | TEXTS,
    destination=st.none() | TEXTS,
    between=st.frozensets(TEXTS, max_size=2),
)
FILTERS = st.builds(
    Filters,
    journeys=st.lists(JOURNEYS, max_size=MOST_JOURNEYS - 1, unique_by=lambda one: (one.route, one.direction, one.origin, one.destination)).map(tuple),
    facilities=st.frozensets(st.sampled_from(Facility)),
    severity=st.none() | st.sampled_from(Severity),
    hours=HOURS,
    travel=HOURS,
    areas=st.frozensets(st.sampled_from(sorted(CITY.areas))),
    categories=st.frozensets(TEXTS.map(str.casefold), max_size=4),
    pay=st.none() | st.integers(1, 10_000_000),
    workload=st.none() | st.sampled_from(Workload),
    agencies=st.frozensets(TEXTS, max_size=4),
)


@given(old=FILTERS)
def test_whoever_changes_one_thing_keeps_all_others(old: Filters) -> None:
    fields = {f"jobs.{name}": values for name, values in written_filters(old).items()}
    filled = Filled({**fields, "jobs.severity": [str(Severity.EXTREME)]}, "jobs.")
    assert read_filters_of(filled, city=CITY, old=old) == replace(old, severity=Severity.EXTREME)
    assert filled.wrong == {}


@pytest.mark.parametrize(
    ("topic", "parts"),
    [
        ("transit", {Part.TRANSIT}),
        ("transit/red-line", {Part.TRANSIT}),
        ("events", {Part.AREAS, Part.CATEGORIES}),
        ("jobs", {Part.AREAS, Part.CATEGORIES, Part.JOBS}),
        ("emergency", set()),
    ],
)
def test_a_topic_offers_what_its_kind_has(topic: str, parts: set[Part]) -> None:
    assert parts_of(topic, CITY) == parts


def test_a_city_without_areas_asks_for_none_and_what_was_chosen_otherwise_is_shown() -> None:
    plain = replace(CITY, areas={})
    assert parts_of("events", plain) == {Part.CATEGORIES}
    assert parts_of("emergency", CITY, Filters(areas=frozenset({"harbor"}), pay=1, journeys=(Journey(),), categories=frozenset("a"))) == set(Part)


# --- preferences -----------------------------------------------------------------------------------------------------


def test_no_preferences_are_the_defaults() -> None:
    assert preferences() == (UNCHOSEN, {})
    assert preferences(quiet="usual", zone="America/New_York", digest="now", digest_hour="8", digest_day="0", pause="") == (UNCHOSEN, {})


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        pytest.param({"quiet": "none"}, Preferences(quiet=NO_QUIET), id="no quiet"),
        pytest.param({"quiet": "own", "quiet_from": "23:00", "quiet_until": "06:00"}, Preferences(quiet=(1380, 360)), id="own hours"),
        pytest.param({"quiet": "usual", "quiet_from": "23:00", "quiet_until": "06:00"}, Preferences(quiet=(1380, 360)), id="hours filled in are meant"),
        pytest.param({"zone": "America/Denver"}, Preferences(zone="America/Denver"), id="zone"),
        pytest.param(
            {"digest": "weekly", "digest_hour": "17", "digest_day": "4"}, Preferences(digest=Digest.WEEKLY, digest_hour=17, digest_day=4), id="digest"
        ),
        pytest.param({"calm": "yes", "email_first": "yes"}, Preferences(calm=True, email_first=True), id="fewer"),
        pytest.param({"pause": "2026-12-24"}, Preferences(paused_until=datetime(2026, 12, 24, 5, tzinfo=UTC)), id="a pause ends as the day begins"),
        pytest.param(
            {"pause": "2026-12-24", "zone": "Pacific/Honolulu"},
            Preferences(zone="Pacific/Honolulu", paused_until=datetime(2026, 12, 24, 10, tzinfo=UTC)),
            id="in their zone",
        ),
    ],
)
def test_a_preference_means_what_it_says(fields: dict[str, str], meant: Preferences) -> None:
    assert preferences(**fields) == (meant, {})


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        pytest.param({"quiet": "loud"}, {"quiet": Fault.UNKNOWN}, id="quiet"),
        pytest.param({"quiet": "own"}, {"quiet-from": Fault.HALF}, id="own hours, and none given"),
        pytest.param({"quiet": "own", "quiet_from": "23:00"}, {"quiet-until": Fault.HALF}, id="half"),
        pytest.param({"quiet": "own", "quiet_from": "23:00", "quiet_until": "23:00"}, {"quiet-until": Fault.SAME}, id="the same"),
        pytest.param({"zone": "Mars/Base"}, {"zone": Fault.UNKNOWN}, id="zone"),
        pytest.param({"digest": "yearly"}, {"digest": Fault.UNKNOWN}, id="digest"),
        pytest.param({"digest_hour": "24", "digest_day": "7"}, {"digest-hour": Fault.UNKNOWN, "digest-day": Fault.UNKNOWN}, id="hour and day"),
        pytest.param({"pause": "2026-12-01"}, {"pause": Fault.DAY}, id="today"),
        pytest.param({"pause": "2028-01-01"}, {"pause": Fault.DAY}, id="too far"),
        pytest.param({"pause": "soon"}, {"pause": Fault.DAY}, id="no day"),
        pytest.param({"pause": "0001-01-01"}, {"pause": Fault.DAY}, id="the first day of all"),
    ],
)
def test_a_wrong_preference_is_said_of_its_field(fields: dict[str, str], wrong: dict[str, Fault]) -> None:
    assert preferences(**fields)[1] == wrong


def test_a_pause_that_nobody_touched_ends_when_it_would_have() -> None:
    old = Preferences(paused_until=NOW + timedelta(days=3, hours=2))
    assert preferences(old, pause="2026-12-04")[0].paused_until == old.paused_until
    assert preferences(old, pause="2026-12-05")[0].paused_until == datetime(2026, 12, 5, 5, tzinfo=UTC)
    assert preferences(old, pause="")[0].paused_until is None


def test_a_pause_that_is_over_is_none() -> None:
    assert is_paused(Preferences(paused_until=NOW + timedelta(seconds=1)), NOW)
    assert not is_paused(Preferences(paused_until=NOW), NOW)
    assert not is_paused(UNCHOSEN, NOW)
    assert written_preferences(Preferences(paused_until=NOW), city=CITY, now=NOW)["pause"] == []


def test_whoever_had_hours_of_their_own_can_go_back_to_the_usual_ones() -> None:
    old = Preferences(quiet=(1380, 360))
    assert preferences(old, quiet="usual", quiet_from="23:00", quiet_until="06:00")[0].quiet is None
    assert preferences(old, quiet="none", quiet_from="23:00", quiet_until="06:00")[0].quiet == NO_QUIET


PREFERENCES = st.builds(
    Preferences,
    zone=st.sampled_from([None, "America/New_York", "America/Denver"]),
    quiet=st.one_of(st.none(), st.just(NO_QUIET), st.tuples(MINUTES, MINUTES).filter(lambda one: one[0] != one[1])),
    paused_until=st.none() | st.integers(1, 300 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    digest=st.sampled_from(Digest),
    digest_hour=st.integers(0, 23),
    digest_day=st.integers(0, 6),
    calm=st.booleans(),
    email_first=st.booleans(),
)


@given(old=PREFERENCES)
def test_preferences_as_written_are_read_again(old: Preferences) -> None:
    filled = Filled(written_preferences(old, city=CITY, now=NOW))
    assert read_preferences_of(filled, city=CITY, zones=ZONES, old=old, now=NOW) == old
    assert filled.wrong == {}
