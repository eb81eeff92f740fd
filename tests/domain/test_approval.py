"""What an approval vouches for: exactly what is kept, and nothing may change without another."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.about import About
from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import APPROVAL_ABOVE, Audience, Content, hash_of, needs_second_person
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.domain.times import from_ms, to_ms

NOW = datetime(2026, 12, 1, 12, 0, 0, 123_456, tzinfo=UTC)
WORDS = {"en": Text("Red Line", "Buses replace trains.")}
CONTENT = Content("nt_1", 1, Act.PUBLISHED, Kind.TRANSIT, Severity.MODERATE, Urgency.EXPECTED, WORDS, "en", None, NOW, NOW + timedelta(days=1))
AUDIENCE = Audience(("transit",), ("transit", "events"), (Channel.SMS, Channel.EMAIL))
MILLISECOND = timedelta(milliseconds=1)


def test_what_is_kept_is_what_was_approved() -> None:
    assert CONTENT.starts_at
    kept = replace(CONTENT, starts_at=from_ms(to_ms(CONTENT.starts_at)), expires_at=from_ms(to_ms(CONTENT.expires_at)))
    assert hash_of(kept, AUDIENCE) == hash_of(CONTENT, AUDIENCE)


@pytest.mark.parametrize(
    "content",
    [
        replace(CONTENT, notice="nt_2"),
        replace(CONTENT, revision=2),
        replace(CONTENT, act=Act.CANCELLED),
        replace(CONTENT, kind=Kind.EVENT),
        replace(CONTENT, severity=Severity.SEVERE),
        replace(CONTENT, urgency=Urgency.FUTURE),
        replace(CONTENT, language="es"),
        replace(CONTENT, link="https://larkhaven.example"),
        replace(CONTENT, starts_at=None),
        replace(CONTENT, starts_at=NOW + MILLISECOND),
        replace(CONTENT, expires_at=CONTENT.expires_at + MILLISECOND),
        replace(CONTENT, texts={"es": WORDS["en"]}),
        replace(CONTENT, texts={"en": Text("Blue Line", "Buses replace trains.")}),
        replace(CONTENT, texts={"en": Text("Red Line", "Buses replace trains!")}),
        replace(CONTENT, texts={"en": Text("Red Line", "Buses replace trains.", "https://larkhaven.example")}),
        replace(CONTENT, about=About(pay=50_000)),
        replace(CONTENT, worst=Severity.SEVERE),
    ],
    ids=[
        *("notice", "revision", "act", "kind", "severity", "urgency", "language", "link", "no start", "start", "expiry", "tongue", "title", "body", "its link"),
        *("about", "worst before"),
    ],
)
def test_no_word_changes_without_another_approval(content: Content) -> None:
    assert hash_of(content, AUDIENCE) != hash_of(CONTENT, AUDIENCE)


@pytest.mark.parametrize(
    "audience",
    [
        replace(AUDIENCE, topics=("events",)),
        replace(AUDIENCE, reached=("transit",)),
        replace(AUDIENCE, channels=(Channel.SMS,)),
        replace(AUDIENCE, include_below=True),
        replace(AUDIENCE, corrects="bc_1"),
        replace(AUDIENCE, digest="daily-08-0-"),
    ],
    ids=["topics", "reached", "channels", "below", "corrects", "digest"],
)
def test_nobody_is_added_or_left_out_without_another_approval(audience: Audience) -> None:
    assert hash_of(CONTENT, audience) != hash_of(CONTENT, AUDIENCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(About(pay=50_000), About(pay=60_000), id="another pay"),
        pytest.param(About(areas=frozenset({"harbor"})), About(areas=frozenset({"harbor", "mill"})), id="one more area"),
    ],
)
def test_those_whose_filters_let_it_through_do_not_change_without_another_approval(before: About, after: About) -> None:
    assert hash_of(replace(CONTENT, about=before), AUDIENCE) != hash_of(replace(CONTENT, about=after), AUDIENCE)


def test_a_digest_of_another_slot_or_of_other_broadcasts_is_another() -> None:
    items, morning, evening = ("bc_2", "bc_1"), replace(AUDIENCE, digest="daily-08-0-"), replace(AUDIENCE, digest="daily-18-0-")
    digest = replace(CONTENT, items=items)
    assert len({hash_of(digest, morning), hash_of(digest, evening), hash_of(replace(CONTENT, items=("bc_2",)), morning), hash_of(CONTENT, morning)}) == 4


def test_the_order_of_languages_is_no_change() -> None:
    spanish = Text("Línea Roja", "Autobuses en lugar de trenes.")
    there, back = {"en": WORDS["en"], "es": spanish}, {"es": spanish, "en": WORDS["en"]}
    assert hash_of(replace(CONTENT, texts=there), AUDIENCE) == hash_of(replace(CONTENT, texts=back), AUDIENCE)


SPOKEN = replace(CONTENT, texts=WORDS | {"es": Text("Línea Roja", "Autobuses en lugar de trenes.")})


@pytest.mark.parametrize(
    ("content", "audience", "kept"),
    [
        (SPOKEN, AUDIENCE, "b927ebc3065c10f34b5315d9c897b7d280f5e4366e015b6814c86d3a0c1074a9"),
        (SPOKEN, replace(AUDIENCE, corrects="bc_1"), "4305e5b8dc628d1c912e9f28cd22431c8f701d51f7af3a7766e84442bd43fa08"),
        (replace(SPOKEN, about=About(pay=50_000)), AUDIENCE, "1d129d1436a302b17937f2dfb2a65de21038daa6bef1a165e48480b7a63fb391"),
        (replace(SPOKEN, worst=Severity.SEVERE), AUDIENCE, "7e456e22e448bc897170e2ff5b72a88f064c3b9c133a205eec2a8ec8f352e153"),
        (replace(SPOKEN, items=("bc_2", "bc_1")), replace(AUDIENCE, digest="daily-08-0-"), "125d126730ce6c8a6bf02749f3fe7effeda28de52db3dbd3c814e124f76c528c"),
    ],
    ids=["followers", "whoever got another broadcast", "what it is about", "whoever was told worse", "a digest"],
)
def test_what_waits_for_its_hour_while_a_new_version_is_deployed_stays_approved(content: Content, audience: Audience, kept: str) -> None:
    assert hash_of(content, audience) == kept


def test_the_order_in_which_topics_and_channels_are_named_is_no_change() -> None:
    turned = Audience(("transit",), ("events", "transit"), (Channel.EMAIL, Channel.SMS))
    assert hash_of(CONTENT, turned) == hash_of(CONTENT, AUDIENCE)


@pytest.mark.parametrize(("urgent", "people", "second"), [(False, APPROVAL_ABOVE, False), (False, APPROVAL_ABOVE + 1, True), (True, 1, True), (True, 0, True)])
def test_what_is_urgent_or_large_takes_a_second_person(urgent: bool, people: int, second: bool) -> None:
    assert needs_second_person(urgent=urgent, people=people) is second
