"""A page that lay open: what was changed on it is meant, what changed elsewhere stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.fields import Fields
from chalicelib.domain.meanwhile import merged

BOXES = ("topic-sms", "topic-email", "jobs.area", "transit.facility")
ONES = (
    "quiet",
    "quiet-from",
    "zone",
    "digest",
    "digest-hour",
    "pause",
    "language",
    "jobs.pay",
    "transit.hours-day",
    "transit.hours-from",
    "transit.route-0",
    "transit.origin-1",
)
FORMS = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.lists(st.sampled_from("abc"), unique=True).map(sorted) for name in BOXES},
        **{name: st.lists(st.sampled_from("abc"), max_size=1) for name in ONES},
    },
)


def held(fields: Fields) -> dict[str, list[str]]:
    """What fields hold, without the empty ones."""
    return {name: sorted(values) for name, values in fields.items() if values}


@given(FORMS, FORMS)
def test_what_comes_back_untouched_changes_nothing(shown: Fields, now: Fields) -> None:
    assert held(merged(shown=shown, submitted=shown, now=now)) == held(now)


@given(FORMS, FORMS)
def test_where_nothing_changed_meanwhile_the_form_is_meant_as_it_is(shown: Fields, submitted: Fields) -> None:
    assert held(merged(shown=shown, submitted=submitted, now=shown)) == held(submitted)


@pytest.mark.parametrize(
    ("shown", "submitted", "now", "meant"),
    [
        pytest.param({"topic-sms": "a"}, {"topic-sms": "a"}, {"topic-sms": "ab"}, {"topic-sms": "ab"}, id="joined elsewhere, untouched here"),
        pytest.param({"topic-sms": "a"}, {"topic-sms": "ac"}, {"topic-sms": "ab"}, {"topic-sms": "abc"}, id="joined here and elsewhere"),
        pytest.param({"topic-sms": "ab"}, {"topic-sms": "abc"}, {"topic-sms": "a"}, {"topic-sms": "ac"}, id="left elsewhere, another joined here"),
        pytest.param({"topic-sms": "ab"}, {"topic-sms": "b"}, {"topic-sms": "abc"}, {"topic-sms": "bc"}, id="left here, another joined elsewhere"),
        pytest.param({"topic-sms": "ab"}, {"topic-sms": "b"}, {"topic-sms": ""}, {}, id="one left here, all left elsewhere"),
        pytest.param({"topic-sms": "a"}, {"topic-sms": ""}, {"topic-sms": "ab"}, {}, id="who unticks all wants none, whatever came meanwhile"),
        pytest.param({"topic-sms": ""}, {"topic-sms": ""}, {"topic-sms": "b"}, {"topic-sms": "b"}, id="none shown and none ticked says nothing"),
        pytest.param({"topic-sms": "a"}, {"topic-sms": "ab"}, {"topic-sms": "ab"}, {"topic-sms": "ab"}, id="joined here and elsewhere alike"),
        pytest.param({"pause": "5"}, {"pause": ""}, {"pause": "7"}, {}, id="both changed: the page is meant"),
        pytest.param({"pause": "5"}, {"pause": " 5 "}, {"pause": ""}, {}, id="space is no change"),
        pytest.param(
            {"quiet": "o", "quiet-from": "1", "quiet-until": "2"},
            {"quiet": "o", "quiet-from": "3", "quiet-until": "2"},
            {"quiet": "u"},
            {"quiet": "o", "quiet-from": "3", "quiet-until": "2"},
            id="hours are one thing",
        ),
        pytest.param(
            {"t.route-0": "A", "t.origin-0": "1"},
            {"t.route-0": "B", "t.origin-0": "1", "t.route-1": "C"},
            {"t.route-0": "X", "t.origin-0": "9", "t.route-1": "Y"},
            {"t.route-0": "B", "t.origin-0": "1", "t.route-1": "C"},
            id="the ways of a topic are one thing",
        ),
        pytest.param(
            {"a.pay": "1", "b.pay": "1"}, {"a.pay": "2", "b.pay": "1"}, {"a.pay": "3", "b.pay": "3"}, {"a.pay": "2", "b.pay": "3"}, id="each topic for itself"
        ),
        pytest.param({"a.area": "h"}, {"a.area": "hm"}, {"a.area": "hn"}, {"a.area": "hmn"}, id="areas one by one"),
        pytest.param({"t.hours-day": "01"}, {"t.hours-day": "012"}, {"t.hours-day": "3"}, {"t.hours-day": "012"}, id="days are a part of their hours"),
        pytest.param(
            {"digest": "d", "digest-hour": "8"},
            {"digest": "d", "digest-hour": "9"},
            {"digest": "n", "digest-hour": "8"},
            {"digest": "d", "digest-hour": "9"},
            id="digest",
        ),
    ],
)
def test_a_field_that_was_changed_is_meant_and_every_other_stays(
    shown: dict[str, str], submitted: dict[str, str], now: dict[str, str], meant: dict[str, str]
) -> None:
    found = merged(shown=split(shown), submitted=split(submitted), now=split(now))
    assert held({name: [one for one in values if one.strip()] for name, values in found.items()}) == held(split(meant))


def split(fields: dict[str, str]) -> Fields:
    """Boxes by their letters; other fields whole."""
    return {name: list(text) if name.startswith("topic-") or name.endswith(("area", "day")) else [text] if text else [] for name, text in fields.items()}
