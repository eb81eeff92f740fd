"""GTFS-realtime alerts in every shape publishers give them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.notice import Severity, Text
from chalicelib.errors import Invalid, Malformed, Refused
from chalicelib.feeds.gtfs_rt import read_feed
from tests.feeds.feeds import NOON, NOW, a_feed, a_source, an_alert, as_protobuf, read, read_one


def camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.split("_")[0] + "".join(part.title() for part in key.split("_")[1:]): camel(inner) for key, inner in value.items()}
    return [camel(inner) for inner in value] if isinstance(value, list) else value


def pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {"".join(part.title() for part in key.split("_")): pascal(inner) for key, inner in value.items()}
    return [pascal(inner) for inner in value] if isinstance(value, list) else value


def long(seconds: int) -> dict[str, Any]:
    return {"low": seconds & 0xFFFFFFFF, "high": seconds >> 32, "unsigned": True}


PERIOD = {"start": NOON - 3600, "end": NOON + 3600}
BARE = {"timestamp": NOON, "alerts": [{"id": "a1", **an_alert()["alert"]}]}
SHAPES: dict[str, Any] = {
    "snake case": a_feed(),
    "camel case": camel(a_feed()),
    "Pascal case": pascal(a_feed()),
    "protobuf": as_protobuf(a_feed()),
    "enum as number": a_feed(an_alert(effect=4)),
    "enum as digits": a_feed(an_alert(effect="4")),
    "enum in camel case": a_feed(an_alert(effect="detour")),
    "timestamps as text": a_feed(an_alert(active_period=[{"start": str(PERIOD["start"]), "end": str(PERIOD["end"])}])),
    "timestamps as low and high": a_feed(an_alert(active_period=[{"start": long(PERIOD["start"]), "end": long(PERIOD["end"])}])),
    "timestamps in milliseconds": a_feed(an_alert(active_period=[{"start": PERIOD["start"] * 1000, "end": PERIOD["end"] * 1000}])),
    "one period, no list": a_feed(an_alert(active_period=PERIOD)),
    "translations as a list of translations": a_feed(an_alert(header_text=[{"translation": {"text": "Detour", "language": "en"}}])),
    "text and language, no translation": a_feed(an_alert(header_text={"text": "Detour", "language": "en"})),
    "mere text": a_feed(an_alert(header_text="Detour")),
    "alerts beside a timestamp": BARE,
    "alerts that hold an alert": {"timestamp": NOON, "alerts": [an_alert()]},
    "id as a number": a_feed(an_alert() | {"id": "a1"}),
    "a byte order mark": None,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_one_alert_reads_the_same(shape: str) -> None:
    expected = read_one(a_feed())
    if shape == "a byte order mark":
        body = b"\xef\xbb\xbf" + json.dumps(a_feed()).encode()
        assert read_feed(body, media_type="application/json", source=a_source(), now=NOW) == [expected]
    else:
        assert read_one(SHAPES[shape]) == expected


def test_an_alert_becomes_a_notice_with_its_routes_times_and_text() -> None:
    notice = read_one(a_feed())
    assert (notice.ref, notice.routes, notice.language, notice.severity) == ("a1", ("Red",), "en", Severity.MODERATE)
    assert notice.content == {"en": Text("Detour", "Buses go around.")}
    assert (notice.starts_at, notice.expires_at) == (NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    assert not notice.ended
    assert not notice.include_below


# --- which entities --------------------------------------------------------------------------------------------------


def test_what_is_no_alert_is_skipped() -> None:
    vehicle = {"id": "v", "vehicle": {"position": {"latitude": 1.0, "longitude": 2.0}}}
    trip = {"id": "t", "trip_update": {"trip": {"trip_id": "x"}}}
    feed = a_feed(vehicle, an_alert(), trip)
    assert [notice.ref for notice in read(feed)] == ["a1"]
    assert [notice.ref for notice in read(as_protobuf(feed))] == ["a1"]


def test_an_id_that_comes_twice_is_read_once_as_it_came_first() -> None:
    notices = read(a_feed(an_alert("x", header_text="First"), an_alert("y"), an_alert("x", header_text="Second")))
    assert [(one.ref, one.content["en"].title) for one in notices] == [("x", "First"), ("y", "Detour")]


@pytest.mark.parametrize("feed", [a_feed({"id": "a1", "is_deleted": True}), a_feed(an_alert() | {"is_deleted": True})], ids=["alone", "with its alert"])
def test_a_deleted_alert_is_over(feed: dict[str, Any]) -> None:
    assert read_one(feed).ended
    assert read_one(as_protobuf(feed)).ended


def test_a_deleted_vehicle_is_no_alert() -> None:
    assert read(a_feed({"id": "v", "is_deleted": True, "vehicle": {}})) == []


def test_an_empty_feed_has_no_notices() -> None:
    assert read({"header": {"gtfs_realtime_version": "2.0"}}) == []


def test_a_differential_feed_is_read_like_a_full_one() -> None:
    feed = a_feed()
    feed["header"]["incrementality"] = "DIFFERENTIAL"
    assert read_one(feed) == read_one(a_feed())


# --- when ------------------------------------------------------------------------------------------------------------

PAST = {"start": NOON - 7200, "end": NOON - 3600}
LATER = {"start": NOON + 7200, "end": NOON + 9000}


@pytest.mark.parametrize(
    ("times", "ended"),
    [
        ({"active_period": [PAST]}, True),
        ({"active_period": [PAST, LATER]}, False),
        ({"active_period": [{"end": NOON}]}, True),
        ({"active_period": [{"start": NOON - 9}]}, False),
        ({"active_period": [{"start": NOON - 9, "end": 0}]}, False),
        ({"active_period": None}, False),
        ({"active_period": [PAST], "impact_period": [PERIOD]}, False),
        ({"active_period": [PERIOD], "impact_period": [PAST]}, True),
        ({"active_period": [PERIOD], "communication_period": [PAST]}, True),
        ({"active_period": [PAST], "communication_period": [PERIOD]}, False),
        ({"closed_timestamp": NOON - 5}, True),
        ({"closed_timestamp": 0}, False),
    ],
    ids=[
        "all past",
        "one to come",
        "ends now",
        "open end",
        "end 0 is open",
        "no period",
        "impact alone counts, not ended",
        "impact alone counts, ended",
        "told no longer",
        "to be told",
        "closed",
        "closed 0 is open",
    ],
)
def test_an_alert_is_over_when_its_periods_are(times: dict[str, Any], ended: bool) -> None:
    assert read_one(a_feed(an_alert(**times))).ended is ended


@pytest.mark.parametrize(
    ("times", "not_before"),
    [
        ({"active_period": [LATER]}, None),
        ({"impact_period": [LATER]}, None),
        ({"communication_period": [LATER], "impact_period": [LATER]}, NOW + timedelta(hours=2)),
        ({"communication_period": [PERIOD, LATER]}, None),
        ({"communication_period": [PAST, LATER]}, NOW + timedelta(hours=2)),
    ],
    ids=["active later: told now", "impact later: told now", "to be told later", "to be told now", "between two"],
)
def test_only_a_communication_period_delays_an_alert(times: dict[str, Any], not_before: Any) -> None:
    assert read_one(a_feed(an_alert(**times))).not_before == not_before


@pytest.mark.parametrize(
    ("times", "starts", "ends"),
    [
        ({"active_period": [PAST, LATER]}, NOW + timedelta(hours=2), NOW + timedelta(hours=2.5)),
        ({"active_period": [{"start": NOON - 9}]}, NOW - timedelta(seconds=9), None),
        ({"active_period": None}, None, None),
        ({"communication_period": [PERIOD], "impact_period": [{"start": NOON + 60, "end": NOON + 120}]}, NOW + timedelta(minutes=1), NOW + timedelta(hours=1)),
        ({"active_period": [{"start": NOON - 9, "end": 2**63}]}, NOW - timedelta(seconds=9), None),
    ],
    ids=["next period", "open end", "no period", "told longer than it lasts", "an end beyond all calendars"],
)
def test_start_and_expiry_come_from_the_periods(times: dict[str, Any], starts: Any, ends: Any) -> None:
    notice = read_one(a_feed(an_alert(**times)))
    assert (notice.starts_at, notice.expires_at) == (starts, ends)


# --- what ------------------------------------------------------------------------------------------------------------


def tr(*pairs: tuple[str, str | None]) -> dict[str, Any]:
    return {"translation": [{"text": text, **({"language": tag} if tag is not None else {})} for text, tag in pairs]}


@pytest.mark.parametrize(
    ("header", "titles"),
    [
        (tr(("Umleitung", None)), {"de": "Umleitung"}),
        (tr(("Umleitung", None), ("Detour", None)), {"de": "Umleitung"}),
        (tr(("Detour", "en"), ("Umleitung", "de")), {"de": "Umleitung", "en": "Detour"}),
        (tr(("Umleitung", None), ("Tagged", "de")), {"de": "Tagged"}),
        (tr(("<b>Rich</b>", "en-html"), ("Plain", "en")), {"en": "Plain"}),
        (tr(("<b>Rich</b>", "en-html")), {"en": "Rich"}),
        (tr(("绕行", "zh_CN"), ("繞行", "zh-TW")), {"zh-Hans": "绕行", "zh-Hant": "繞行"}),
        (tr(("Umleitung", "../x")), {"de": "Umleitung"}),
        (tr(("", "en"), ("Umleitung", "de")), {"de": "Umleitung"}),
    ],
    ids=["untagged", "two untagged", "tagged", "tagged over untagged", "plain over html", "html alone", "scripts", "broken tag", "empty text"],
)
def test_texts_are_kept_per_language_the_sources_own_first(header: dict[str, Any], titles: dict[str, str]) -> None:
    notice = read_one(a_feed(an_alert(header_text=header, description_text=None)), source=a_source(language="de"))
    assert [(tag, text.title) for tag, text in notice.content.items()] == list(titles.items())


def test_html_and_entities_become_plain_lines() -> None:
    body = "<p>L&iacute;nea 1&nbsp;&amp; 2<br>desviada</p><p></p><ul><li>A<li>B</ul><script>alert(1)</script>5 < 7 <Line>"
    notice = read_one(a_feed(an_alert(description_text=body)))
    assert notice.content["en"].body == "Línea 1 & 2\ndesviada\n\nA\nB\n5 < 7 <Line>"


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        ("", "Line 1 is closed. Use buses.", Text("Line 1 is closed.", "Line 1 is closed. Use buses.")),
        ("", "Line 1 is closed.", Text("Line 1 is closed.", "")),
        ("Detour", "Detour", Text("Detour", "")),
        ("Detour", "", Text("Detour", "")),
        ("Line 1: There i", "There is no service.", Text("Line 1", "There is no service.")),
        ("Line 1: No service", "No service today.", Text("Line 1: No service", "No service today.")),
        ("Two\nlines", "x", Text("Two lines", "x")),
    ],
    ids=["no header", "no header, one sentence", "the same twice", "no description", "cut header", "whole header", "header in lines"],
)
def test_title_and_body_are_made_of_what_there_is(header: str, body: str, expected: Text) -> None:
    assert read_one(a_feed(an_alert(header_text=header, description_text=body))).content["en"] == expected


def test_an_alert_without_text_has_no_content() -> None:
    assert read_one(a_feed(an_alert(header_text={}, description_text=None))).content == {}


def test_text_is_cut_at_a_word_to_what_we_keep() -> None:
    notice = read_one(a_feed(an_alert(header_text="word " * 100, description_text="word " * 2000)))
    text = notice.content["en"]
    assert len(text.title) <= 200
    assert text.title.endswith("word…")
    assert len(text.body) <= 4000


@pytest.mark.parametrize(
    ("url", "link"),
    [
        (tr(("https://x.org/a", "en")), "https://x.org/a"),
        (tr(("https://x.org/a", None)), "https://x.org/a"),
        ("https://x.org/a", "https://x.org/a"),
        ({}, None),
        (tr(("javascript:alert(1)", "en")), None),
        (tr(("data:text/html,x", "en")), None),
        (tr(("https://user@x.org/", "en")), None),
        (tr(("see our page", "en")), None),
        (tr(("https://x.org:99999/", "en")), None),
        (tr(("https://[::1/", "en")), None),
    ],
    ids=["tagged", "untagged", "mere text", "empty", "javascript", "data", "with a name in it", "no link", "no such port", "broken host"],
)
def test_only_a_web_address_becomes_the_link(url: Any, link: str | None) -> None:
    assert read_one(a_feed(an_alert(url=url))).link == link


def test_each_language_keeps_its_own_link() -> None:
    notice = read_one(a_feed(an_alert(header_text=tr(("D", "en"), ("U", "de")), url=tr(("https://x.org/en", "en"), ("https://x.org/de", "de")))))
    assert {tag: text.link for tag, text in notice.content.items()} == {"en": "https://x.org/en", "de": "https://x.org/de"}


@pytest.mark.parametrize(
    ("alert", "severity"),
    [
        ({"severity_level": "SEVERE"}, Severity.SEVERE),
        ({"severity_level": "WARNING"}, Severity.MODERATE),
        ({"severity_level": 2}, Severity.MINOR),
        ({"severity_level": "UNKNOWN_SEVERITY"}, Severity.MODERATE),
        ({"severity_level": 99}, Severity.MODERATE),
        ({"severity": 10}, Severity.EXTREME),
        ({"severity": 7}, Severity.SEVERE),
        ({"severity": 5}, Severity.MODERATE),
        ({"severity": 3}, Severity.MINOR),
        ({"severity": 0, "severity_level": "SEVERE"}, Severity.SEVERE),
        ({}, Severity.MODERATE),
    ],
    ids=["severe", "warning", "info by number", "unknown", "unheard of", "10", "7", "5", "3", "level over number", "none"],
)
def test_severity_is_said_in_cap_words(alert: dict[str, Any], severity: Severity) -> None:
    assert read_one(a_feed(an_alert(**alert))).severity is severity


@pytest.mark.parametrize(
    ("selectors", "routes", "below"),
    [
        ([{"route_id": "Red"}, {"route_id": "1", "stop_id": "9"}, {"route_id": "Red", "stop_id": "8"}], ("Red", "1"), False),
        ([{"trip": {"trip_id": "t", "route_id": "Red"}}], ("Red",), False),
        ([{"stop_id": "9"}], (), True),
        ([{"agency_id": "MBTA"}], (), True),
        (None, (), True),
    ],
    ids=["each once", "by trip", "stops only", "the agency", "nothing"],
)
def test_routes_are_named_or_the_alert_is_for_all_below(selectors: Any, routes: tuple[str, ...], below: bool) -> None:
    notice = read_one(a_feed(an_alert(informed_entity=selectors)))
    assert (notice.routes, notice.include_below) == (routes, below)


# --- what makes a change ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"cause": "STRIKE"},
        {"url": "https://x.org"},
        {"informed_entity": [{"route_id": "Red"}, {"route_id": "Red"}]},
        {"description_text": "Buses  go\taround. "},
        {"header_text": {"translation": [{"text": "<b>Detour</b>", "language": "en"}]}},
        {"image": {}},
    ],
    ids=["cause", "link", "selector twice", "white space", "markup", "unknown field"],
)
def test_what_riders_do_not_see_is_no_change(changes: dict[str, Any]) -> None:
    before = read_one(a_feed(an_alert(description_text="Buses go around.")))
    assert read_one(a_feed(an_alert(**({"description_text": "Buses go around."} | changes)))).fingerprint == before.fingerprint


def test_the_order_of_translations_and_selectors_is_no_change() -> None:
    texts, selectors = [("Detour", "en"), ("Umleitung", "de")], [{"route_id": "Red"}, {"stop_id": "9"}]
    one = read_one(a_feed(an_alert(header_text=tr(*texts), informed_entity=selectors)))
    other = read_one(a_feed(an_alert(header_text=tr(*texts[::-1]), informed_entity=selectors[::-1])))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "changes",
    [{"header_text": "Other"}, {"description_text": "Other"}, {"effect": "NO_SERVICE"}, {"severity_level": "SEVERE"}, {"informed_entity": [{"route_id": "1"}]}],
    ids=["header", "description", "effect", "severity", "selectors"],
)
def test_what_riders_see_is_a_change(changes: dict[str, Any]) -> None:
    assert read_one(a_feed(an_alert(**changes))).fingerprint != read_one(a_feed()).fingerprint


# --- what is no feed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feed", "pointer"),
    [
        ({"x": 1}, "#"),
        ({"entity": "x"}, "#/entity"),
        ({"entity": [an_alert(), 5]}, "#/entity/1"),
        ({"entity": [{"alert": {}}]}, "#/entity/0/id"),
        ({"entity": [an_alert("x" * 600)]}, "#/entity/0/id"),
        ({"alerts": [{"header_text": "x"}]}, "#/alerts/0/id"),
        ([], "#"),
    ],
    ids=["no feed", "no list", "no object", "no id", "endless id", "bare without id", "a list"],
)
def test_a_json_that_is_no_feed_is_refused_by_name(feed: Any, pointer: str) -> None:
    with pytest.raises((Malformed, Invalid)) as refused:
        read(feed)
    assert [one.pointer for one in refused.value.problems] == [pointer]


@pytest.mark.parametrize(
    "body", [b"", b"hello", as_protobuf(a_feed())[:40], b"\x0a\x00", b"{}", bytes(100)], ids=["empty", "text", "cut", "no header", "json", "nulls"]
)
def test_a_protobuf_that_is_no_feed_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read(body)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(body: bytes) -> None:
    for media_type in ("application/json", "application/x-protobuf"):
        try:
            read_feed(body, media_type=media_type, source=a_source(), now=NOW)
        except Refused:
            continue


@settings(deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_a_damaged_protobuf_is_read_or_refused(at: int, patch: bytes) -> None:
    at %= len(_WHOLE)
    body = _WHOLE[:at] + patch + _WHOLE[at + len(patch) :]
    try:
        read(body)
    except Refused:
        return


_WHOLE = as_protobuf(a_feed(an_alert(), an_alert("b2", header_text=tr(("Umleitung", "de"), ("Détour", "fr")))))

JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("id", "alert", "entity", "header_text", "translation", "text", "language", "activePeriod", "start", "end", "low", "high"),
                    *("informed_entity", "trip", "trip_id", "stop_id", "route_type", "direction_id", "activities", "created_timestamp"),
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@settings(deadline=None)
@given(JSONISH)
def test_any_json_in_an_alert_is_read_or_refused(value: Any) -> None:
    for feed in ({"entity": value}, {"alerts": value}, {"entity": [{"id": "a", "alert": value}]}, value):
        try:
            read(feed)
        except Refused:
            continue
