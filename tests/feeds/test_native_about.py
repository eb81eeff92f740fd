"""The field `about` of notices and of broadcasts, as it is read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.about import NOTHING_SAID, About, Activity, Entity, Period, Workload, about_values, read_about
from chalicelib.domain.notice import Notice
from chalicelib.errors import Invalid
from chalicelib.feeds.native import read_event, read_fields
from chalicelib.feeds.native_about import fingerprint_of
from tests.intake.desk import a_broadcast, a_notice

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
AREAS = ("harbor", "north-end")
FULL: dict[str, Any] = {
    "entities": [{"route_type": 1, "route": "Red", "direction": 0, "stop": "70061", "trip": "t1", "activities": ["EXIT", "BOARD"]}, {"stop": "9"}],
    "periods": [{"start": "2026-12-01T07:00:00-05:00", "end": "2026-12-01T18:00:00Z"}, {"start": "2026-12-02T07:00:00Z"}],
    "areas": ["harbor"],
    "categories": ["Musik der Straße", "food"],
    "pay": 62_000,
    "workload": "part_time",
    "agency": "Parks",
}


def read(about: Any) -> Notice:
    return read_fields(a_broadcast(about=about), topics=("transit/red-line",), areas=AREAS, sent=NOW)  # type: ignore[arg-type]


def test_all_that_can_be_said_is_read() -> None:
    assert read(FULL).about == About(
        entities=(Entity(1, "Red", 0, "70061", "t1", frozenset({Activity.BOARD, Activity.EXIT})), Entity(stop="9")),
        periods=(Period(NOW, NOW + timedelta(hours=6)), Period(datetime(2026, 12, 2, 7, tzinfo=UTC), None)),
        areas=frozenset({"harbor"}),
        categories=frozenset({"musik der strasse", "food"}),
        pay=62_000,
        workload=Workload.PART_TIME,
        agency="Parks",
    )


@pytest.mark.parametrize("about", [None, {}], ids=["left out", "empty"])
def test_where_nothing_is_said_it_is_about_everything(about: Any) -> None:
    notice = read(about)
    assert (notice.about, notice.periods) == (NOTHING_SAID, ())
    assert notice.fingerprint == read_fields(a_broadcast(), topics=("transit/red-line",), sent=NOW).fingerprint  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        pytest.param({"entities": [{"route_type": 0.0, "route": "Red", "direction": 1.0}]}, About(entities=(Entity(0, "Red", 1),)), id="numbers with a point"),
        pytest.param({"entities": [{"stop": "9"}, {"stop": "9"}]}, About(entities=(Entity(stop="9"),)), id="an entity twice"),
        pytest.param({"pay": 0}, About(pay=0), id="no pay"),
        pytest.param({"pay": 50_000.0}, About(pay=50_000), id="pay with a point"),
        pytest.param({"periods": [{"start": None, "end": "2026-12-01T18:00:00Z"}]}, About(periods=(Period(None, NOW + timedelta(hours=6)),)), id="until"),
    ],
)
def test_it_is_read_as_it_is_meant(about: Any, expected: About) -> None:
    assert read(about).about == expected


@pytest.mark.parametrize(
    ("about", "problems"),
    [
        pytest.param(
            {"areas": ["harbor", "atlantis", "el-dorado"]},
            [("#/about/areas/1", "unknown_area"), ("#/about/areas/2", "unknown_area")],
            id="areas that are none",
        ),
        pytest.param({"entities": [{"stop": "9"}, {"direction": 0}]}, [("#/about/entities/1/direction", "needs_route")], id="a direction of nothing"),
        pytest.param({"periods": [{"start": "tomorrow"}]}, [("#/about/periods/0/start", "invalid_time")], id="no moment"),
        pytest.param({"periods": [{"end": "2026-12-01T18:00"}]}, [("#/about/periods/0/end", "invalid_time")], id="no offset"),
        pytest.param(
            {"periods": [{"start": "2026-12-01T18:00:00Z", "end": "2026-12-01T18:00:00Z"}]},
            [("#/about/periods/0/end", "ends_before_start")],
            id="over when it begins",
        ),
    ],
)
def test_what_a_schema_cannot_see_is_refused_by_name(about: Any, problems: list[tuple[str, str]]) -> None:
    with pytest.raises(Invalid) as refused:
        read(about)
    assert [(one.pointer, one.code) for one in refused.value.problems] == problems


def test_a_source_is_told_where_in_its_post_it_is_wrong() -> None:
    with pytest.raises(Invalid) as refused:
        read_event(a_notice(about={"areas": ["atlantis"]}), topics=("transit/red-line",), areas=AREAS, now=NOW)  # type: ignore[arg-type]
    assert [one.pointer for one in refused.value.problems] == ["#/data/about/areas/0"]


def test_a_source_says_whom_it_is_about() -> None:
    notice = read_event(a_notice(about=FULL), topics=("transit/red-line",), areas=AREAS, now=NOW)  # type: ignore[arg-type]
    assert notice.about == read(FULL).about


# --- what makes a change ---------------------------------------------------------------------------------------------


def shuffled() -> dict[str, Any]:
    other = {name: list(reversed(value)) if isinstance(value, list) else value for name, value in FULL.items()}
    return other | {"entities": [{"stop": "9"}, {**FULL["entities"][0], "activities": ["BOARD", "EXIT"]}]}


def test_the_order_in_which_it_is_said_is_no_change() -> None:
    one, other = read(FULL), read(shuffled())
    assert (one.fingerprint, one.periods) == (other.fingerprint, other.periods)


@pytest.mark.parametrize(
    "change",
    [
        {"entities": [{"stop": "9"}]},
        {"entities": [{**FULL["entities"][0], "activities": ["BOARD"]}, {"stop": "9"}]},
        {"areas": ["north-end"]},
        {"categories": ["food"]},
        {"pay": 62_001},
        {"workload": "full_time"},
        {"agency": "Health"},
    ],
    ids=["entities", "activities", "areas", "categories", "pay", "workload", "agency"],
)
def test_other_people_are_a_change(change: dict[str, Any]) -> None:
    assert read(FULL | change).fingerprint != read(FULL).fingerprint
    assert read(None).fingerprint != read(change).fingerprint


@pytest.mark.parametrize("about", [NOTHING_SAID, About(periods=(Period(NOW, None),))], ids=["nothing", "periods alone"])
def test_what_says_nothing_of_people_leaves_the_fingerprint_as_it_always_was(about: About) -> None:
    assert fingerprint_of(about) == []


def test_periods_are_compared_by_themselves() -> None:
    later = {"periods": [{"start": "2026-12-01T12:00:00Z", "end": "2026-12-01T18:05:00Z"}]}
    assert read(later).fingerprint == read(None).fingerprint
    noon = int(NOW.timestamp())
    assert read(later).periods == ((noon, noon + 6 * 3600 + 300),)
    assert read({"periods": [*FULL["periods"], {"end": "2026-12-01T13:00:00Z"}]}).periods[0] == (None, noon + 3600)


# --- kept ------------------------------------------------------------------------------------------------------------


def test_what_was_read_is_kept_as_it_was() -> None:
    about = read(FULL).about
    assert read_about(about_values(about)) == about
    assert read_about({}) == NOTHING_SAID
