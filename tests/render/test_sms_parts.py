"""Parts are counted as carriers count them, and a text is cut where a reader would."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.sms_parts import GSM7, UCS2, Count, count, fit, inside_character, tidy
from tests.samples import sample

BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
EXTENSION = "\f^{}\\[~]|€"
LINK = "https://larkhaven.example/n/1"

gsm_text = st.text(st.sampled_from(BASIC + EXTENSION * 8), max_size=700)
any_text = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("áç😜🏳️‍🌈公{€ \n")), max_size=500)
words = st.lists(st.text(st.sampled_from("abcdefghijklmnop{é"), min_size=1, max_size=12), max_size=120).map(" ".join)


def slowly(text: str) -> Count:
    """The same count by filling parts one unit after another, as a phone's own code would."""
    units = [2 if character in EXTENSION else 1 for character in text]
    if all(character in BASIC + EXTENSION for character in text):
        return Count(_fill(units, alone=160, joined=153), GSM7)
    return Count(_fill([len(character.encode("utf-16-le")) // 2 for character in text], alone=70, joined=67), UCS2)


def _fill(units: list[int], *, alone: int, joined: int) -> int:
    if sum(units) <= alone:
        return 1 if units else 0
    parts = [0]
    for unit in units:
        if parts[-1] + unit > joined:
            parts.append(0)
        parts[-1] += unit
    return len(parts)


# --- counting --------------------------------------------------------------------------------------------------------


def test_twilios_own_vectors_agree():
    vectors = json.loads(sample("sms-segment-vectors-b.json").read_text("utf-8"))
    assert len(vectors) > 20
    for vector in vectors:
        assert count(vector["body"]) == (vector["segments"], vector["encoding"]), vector["name"]


@given(st.one_of(gsm_text, any_text))
def test_any_text_counts_as_the_slow_reference_counts_it(text):
    assert count(text) == slowly(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", Count(0, GSM7), id="nothing"),
        pytest.param("a" * 160, Count(1, GSM7), id="160 alone"),
        pytest.param("a" * 161, Count(2, GSM7), id="161"),
        pytest.param("a" * 306, Count(2, GSM7), id="two full parts"),
        pytest.param("a" * 307, Count(3, GSM7), id="one more"),
        pytest.param("a" * 152 + "€" + "a" * 151, Count(2, GSM7), id="an escape that would straddle moves over whole"),
        pytest.param("a" * 152 + "€" + "a" * 152, Count(3, GSM7), id="and so 306 units can need three parts"),
        pytest.param("Ç" * 160, Count(1, GSM7), id="upper-case cedilla is GSM-7"),
        pytest.param("ç" * 70, Count(1, UCS2), id="lower-case cedilla is not"),
        pytest.param("á" + "a" * 70, Count(2, UCS2), id="one accent moves the whole text"),
        pytest.param("a" * 66 + "😜" + "a" * 66, Count(3, UCS2), id="a surrogate pair that would straddle moves over whole"),
        pytest.param("a" * 152 + "€", Count(1, GSM7), id="which is no matter in a single part"),
        pytest.param("`" * 70, Count(1, UCS2), id="not all of ASCII is GSM-7"),
        pytest.param("\uffff" * 70, Count(1, UCS2), id="the last character of one unit"),
        pytest.param("\uffff" * 66 + "😜" + "\uffff" * 66, Count(3, UCS2), id="also beside a pair"),
        pytest.param("{" * 80, Count(1, GSM7), id="an extension sign takes two"),
        pytest.param("{" * 81, Count(2, GSM7), id="so 81 need two parts"),
    ],
)
def test_limits_and_pairs(text, expected):
    assert count(text) == expected


# --- making plain ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("“Bus” – it’s late…", '"Bus" - it\'s late...', id="quotes, dash, ellipsis"),
        pytest.param("7:30\u202fAM\u00a0now", "7:30 AM now", id="odd spaces"),
        pytest.param("zero\u200bwidth\ufeff", "zerowidth", id="zero width"),
        pytest.param("cafe\u0301", "café", id="an accent written apart"),
        pytest.param("Estación – mañana", "Estación – mañana", id="ó stays, so nothing is gained and all stays"),
        pytest.param("año – niño", "año - niño", id="ñ is GSM-7"),
        pytest.param("公 – 交", "公 – 交", id="another script"),
        pytest.param("plain {text}", "plain {text}", id="plain already"),
    ],
)
def test_marks_are_made_plain_only_where_that_brings_the_text_into_gsm7(text, expected):
    assert tidy(text) == expected


@given(any_text)
def test_making_plain_never_costs_a_part_and_never_touches_what_stays_ucs2(text):
    assert tidy(text) == text or count(tidy(text)).encoding == GSM7
    assert count(tidy(text)).parts <= max(count(text).parts, 1) or "\u2026" in text


@pytest.mark.parametrize("letter", "áíóúÁÍÓÚçâãõşğ")
def test_no_letter_is_ever_folded(letter):
    assert tidy(f"a – {letter}") == f"a – {letter}"


# --- cutting ---------------------------------------------------------------------------------------------------------


def test_what_fits_is_left_alone():
    assert fit("Buses replace trains.", most=3, link=LINK) == f"Buses replace trains.\n{LINK}"


def test_a_long_text_is_cut_after_a_word_and_keeps_its_link_whole():
    text = " ".join(f"word{number}" for number in range(200))
    cut = fit(text, most=3, link=LINK)
    body, link = cut.rsplit("\n", 1)
    assert link == LINK
    assert body.endswith("...")
    assert text.startswith(body[:-3] + " ")
    assert count(cut).parts == 3


def test_cutting_takes_as_many_words_as_fit():
    text = " ".join(f"word{number}" for number in range(200))
    cut = fit(text, most=2)
    following = text[len(cut) - 3 :].split()[0]
    assert count(cut[:-3] + " " + following + "...").parts > 2


@given(st.one_of(words, any_text), st.integers(1, 4), st.sampled_from([None, LINK]))
def test_a_cut_text_always_fits_and_is_a_beginning_of_the_text(text, most, link):
    cut = fit(text, most=most, link=link)
    assert count(cut).parts <= most
    tail = f"\n{link}" if link else ""
    assert cut.endswith(tail)
    body = cut[: len(cut) - len(tail)] if tail else cut
    assert body == text or text.startswith(body.removesuffix("..."))


@given(words)
def test_the_dots_never_change_the_encoding(text):
    assert count(fit(text, most=1)).encoding == count(text[: len(fit(text, most=1)) - 3]).encoding or fit(text, most=1) == text


def test_a_text_without_spaces_is_cut_between_characters():
    cut = fit("公交车" * 100, most=1, link=LINK)
    assert count(cut) == (1, UCS2)
    assert len(cut) > 60
    assert fit("x" * 1000, most=1) == "x" * 157 + "..."


def test_a_beginning_in_gsm7_is_not_paid_for_as_ucs2():
    cut = fit("plain words " * 60 + "公交车", most=2)
    assert count(cut).encoding == GSM7
    assert len(cut) > 290


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("e\u0301", 1, id="an accent written apart"),
        pytest.param("👩‍👩‍👧", 1, id="a family, before its joiner"),
        pytest.param("👩‍👩‍👧", 2, id="a family, after its joiner"),
        pytest.param("👍🏽", 1, id="a skin tone"),
        pytest.param("🇺🇸🇪🇸", 3, id="the second flag"),
        pytest.param("☎️", 1, id="a variation selector"),
        pytest.param("\r\n", 1, id="a line end"),
        pytest.param("\ud83d\ude1c", 1, id="two halves of one character, read apart"),
        pytest.param("\u1100\u1161", 1, id="a Hangul syllable written apart"),
        pytest.param("نُ", 1, id="an Arabic vowel sign"),
        pytest.param("a\u1160", 1, id="the first Hangul letter that joins"),
        pytest.param("a\u11ff", 1, id="the last"),
        pytest.param("a\U0001f3fb", 1, id="the first skin tone"),
        pytest.param("a\U0001f3ff", 1, id="the last skin tone"),
        pytest.param("a\U000e0020", 1, id="the first tag"),
        pytest.param("a\U000e007f", 1, id="the last tag"),
        pytest.param("a\u200cb", 1, id="before a non-joiner"),
        pytest.param("\ud800\udc00", 1, id="the first pair of halves"),
        pytest.param("\udbff\udfff", 1, id="the last"),
        pytest.param("\U0001f1e6\U0001f1ff", 1, id="the first and the last half of a flag"),
        pytest.param("a🇺🇸🇪🇸", 2, id="a flag after a letter"),
        pytest.param("a🇺🇸🇪🇸", 4, id="and the flag after that"),
        pytest.param("ab🇺🇸🇪🇸", 5, id="after two letters"),
    ],
)
def test_a_cut_never_tears_one_character(text, at):
    assert inside_character(text, at)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("ab", 1, id="two letters"),
        pytest.param("aX", 1, id="a capital"),
        pytest.param("a\u200cb", 2, id="after a non-joiner"),
        pytest.param("a\u115f", 1, id="below the Hangul letters that join"),
        pytest.param("a\u1200", 1, id="above them"),
        pytest.param("a\U0001f3fa", 1, id="below the skin tones"),
        pytest.param("a\U0001f400", 1, id="above them"),
        pytest.param("a\U000e001f", 1, id="below the tags"),
        pytest.param("a\U000e0080", 1, id="above them"),
        pytest.param("a\udc00", 1, id="a second half alone"),
        pytest.param("\ud83dy", 1, id="a first half alone"),
        pytest.param("y\udc00", 1, id="a second half after a letter"),
        pytest.param("\ud83d\ue000", 1, id="a first half before a private character"),
        pytest.param("a\U0001f1e5\U0001f1e5", 2, id="below the halves of flags"),
        pytest.param("a\U0001f200\U0001f200", 2, id="above them"),
        pytest.param("a🇺🇸🇪🇸", 1, id="before a flag"),
        pytest.param("a🇺🇸🇪🇸", 3, id="between two flags after a letter"),
        pytest.param("\r\r", 1, id="two line ends"),
    ],
)
def test_a_cut_between_two_characters_is_fine(text, at):
    assert not inside_character(text, at)


@pytest.mark.parametrize(("text", "at"), [("ab", 0), ("ab", 2), ("\u0301e", 0)], ids=["the beginning", "the end", "the beginning, before an accent"])
def test_the_ends_of_a_text_are_inside_no_character(text, at):
    assert not inside_character(text, at)


def test_one_character_longer_than_all_parts_leaves_nothing_rather_than_half_of_it():
    assert fit("e" + "\u0301" * 500, most=1) == ""


@pytest.mark.parametrize("length", range(161, 330))
def test_a_text_of_any_length_is_cut_at_the_last_character_that_fits(length):
    assert fit("x" * length, most=1) == "x" * 157 + "..."


def test_a_word_that_ends_just_where_the_room_does_is_kept():
    text = "a" * 130 + " " + "b" * 26 + " " + "c" * 50
    assert fit(text, most=1) == "a" * 130 + " " + "b" * 26 + "..."


def test_a_word_is_cut_where_keeping_it_whole_would_cost_too_much():
    assert fit("a" * 116 + " " + "b" * 100, most=1) == "a" * 116 + " " + "b" * 40 + "..."
    assert fit("a" * 117 + " " + "b" * 100, most=1) == "a" * 117 + "..."


def test_no_mark_is_left_dangling_before_the_dots():
    assert fit("a" * 140 + ", - " + "b" * 100, most=1) == "a" * 140 + "..."


def test_a_cut_between_two_flags_is_fine():
    assert not inside_character("🇺🇸🇪🇸", 2)


@given(
    st.text(st.sampled_from(["👩", "\u200d", "👧", "🏽", "e", "\u0301", "🇺", "🇸", "\ufe0f", " ", "公", "ن", "\u064f", "\r", "\n"]), min_size=60, max_size=300)
)
def test_cuts_fall_between_what_unicode_calls_characters(text):
    regex = pytest.importorskip("regex")
    cut = fit(text, most=1)
    if cut != text and cut:
        edges = {found.end() for found in regex.finditer(r"\X", text)}
        end = len(cut.removesuffix("..."))
        dangling = len(text[end:]) - len(text[end:].lstrip(" \t\r\n\f,;:.-–—、，；：。"))
        assert any(end + extra in edges | {0} for extra in range(dangling + 1))


def test_a_link_longer_than_the_limit_is_left_out_rather_than_cut():
    cut = fit("Buses replace trains.", most=1, link="https://larkhaven.example/" + "x" * 300)
    assert cut == "Buses replace trains."
