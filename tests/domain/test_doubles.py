"""Doubles: the same words to overlapping readers within the hour."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Content
from chalicelib.domain.doubles import Saying, doubled, words_hash
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def a_content(title: str = "Line 1: delays", body: str = "Allow more time.", *, tag: str = "en", **changes: Any) -> Content:
    made = Content("nt_1", 1, Act.PUBLISHED, Kind.TRANSIT, Severity.MINOR, Urgency.EXPECTED, {tag: Text(title, body)}, tag, None, None, NOON)
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("LINE 1: DELAYS", "ALLOW MORE TIME."),
        ("Line 1 – delays!", "Allow  more\n\ntime"),
        ("Line 1:delays", "“Allow more time”"),
        ("Ｌｉｎｅ 1: delays", "Allow more\u00a0time."),
        ("Li\u200bne 1: delays", "Allow more \u202etime."),
    ],
    ids=["case", "dashes, spaces, lines", "quotes", "full width", "invisible"],
)
def test_case_spaces_and_punctuation_do_not_make_words_new(title: str, body: str) -> None:
    assert words_hash(a_content(title, body)) == words_hash(a_content())


@pytest.mark.parametrize(
    "other",
    [
        a_content("Line 2: delays"),
        a_content(body="Allow more time"[:-1]),
        a_content("Line 1 1: delays"),
        a_content(link="https://x.org"),
        a_content(texts={"en": Text("Line 1: delays", "Allow more time.", "https://x.org")}),
        a_content(tag="es"),
        a_content(act=Act.CANCELLED),
        a_content("Line 1: delay", "s Allow more time."),
    ],
    ids=["number", "word", "numbers apart", "link", "link of a language", "language", "withdrawal", "title and body"],
)
def test_other_words_links_or_acts_are_new(other: Content) -> None:
    assert words_hash(other) != words_hash(a_content())


@pytest.mark.parametrize(
    ("one", "other"), [("运行中断，请绕行。", "运行中断请绕行"), ("قطار: متأخر", "قطار متأخر"), ("हिन्दी।", "हिन्दी")], ids=["Chinese", "Arabic", "Hindi"]
)
def test_every_script_has_punctuation(one: str, other: str) -> None:
    assert words_hash(a_content(one)) == words_hash(a_content(other))


def test_a_vowel_sign_is_no_punctuation() -> None:
    assert words_hash(a_content("कि")) != words_hash(a_content("की"))


def test_numbers_are_kept_apart() -> None:
    assert len({words_hash(a_content(title)) for title in ("Bus 1, 2", "Bus 12", "Bus 1.2.")}) == 2


@pytest.mark.parametrize(
    "same", [{"kind": Kind.EVENT}, {"severity": Severity.SEVERE}, {"notice": "nt_2"}, {"act": Act.UPDATED}, {"expires_at": NOON + timedelta(hours=1)}]
)
def test_words_are_the_same_whatever_surrounds_them(same: dict[str, Any]) -> None:
    assert words_hash(a_content(**same)) == words_hash(a_content())


def a_saying(
    broadcast: str = "bc_1", *topics: str, minutes: float = 0, notice: str = "", reached: tuple[str, ...] = (), channels: tuple[Channel, ...] = (Channel.SMS,)
) -> Saying:
    named = topics or ("transit/red",)
    return Saying(broadcast, notice or broadcast, NOON + timedelta(minutes=minutes), frozenset(named), frozenset({*named, *reached}), frozenset(channels))


NEW = a_saying("bc_9", "transit/red", reached=("transit",))

CASES = {
    "just before": (a_saying(minutes=-59.9), True),
    "an hour before": (a_saying(minutes=-60), False),
    "soon after": (a_saying(minutes=59.9), True),
    "an hour after": (a_saying(minutes=60), False),
    "another channel": (a_saying(channels=(Channel.EMAIL,)), False),
    "one channel in common": (a_saying(channels=(Channel.EMAIL, Channel.SMS)), True),
    "another topic": (a_saying("bc_1", "events"), False),
    "beside it, below the same": (a_saying("bc_1", "transit/blue", reached=("transit",)), False),
    "above it": (a_saying("bc_1", "transit"), True),
    "below it": (a_saying("bc_1", "transit/red/north", reached=("transit/red", "transit")), True),
    "one topic in common": (a_saying("bc_1", "events", "transit/red"), True),
    "everything below": (a_saying("bc_1", "transit", reached=("transit/red", "transit/blue")), True),
    "the same notice": (a_saying(notice="bc_9"), False),
}


@pytest.mark.parametrize(("earlier", "doubles"), CASES.values(), ids=CASES.keys())
def test_a_double_says_the_same_to_the_same_people_within_the_hour(earlier: Saying, doubles: bool) -> None:
    assert doubled(NEW, [earlier]) == ([earlier] if doubles else [])


def test_the_first_said_is_named_first() -> None:
    sayings = [a_saying("bc_3", minutes=-5), a_saying("bc_2", minutes=-10), a_saying("bc_1", minutes=-5)]
    assert [one.broadcast for one in doubled(NEW, sayings)] == ["bc_2", "bc_1", "bc_3"]
