"""Subscribers as CSV: every kind of bad row is named by line, column and code; what spreadsheets do to good ones is undone; nothing is held whole."""

import codecs
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, islice, repeat
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import parse_city
from chalicelib.domain.exporting import Exported
from chalicelib.domain.filters import Facility, Filters
from chalicelib.domain.importing import SENTENCES, Proof, Row, Wrong, masked
from chalicelib.domain.preferences import Digest, Preferences
from chalicelib.errors import Malformed
from chalicelib.feeds.csv_cells import MOST, MOST_OF_OTHERS, guarded
from chalicelib.feeds.csv_lines import Cells, rows_of
from chalicelib.feeds.csv_out import subscriber_cells
from chalicelib.feeds.subscribers_csv import COLUMNS, read_subscribers
from tests.feeds.subscribers import HEADER, KINDS, WORDS, a_row, line_of, phone, text_of

CITY = parse_city((Path(__file__).parents[2] / "city.toml").read_text("utf-8"))
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
HEAD = text_of([])


def read(file: bytes | str, *, piece: int = 100) -> list[Row | Wrong]:
    """A file read piece by piece."""
    data = file.encode("utf-8", "surrogatepass") if isinstance(file, str) else file
    return list(read_subscribers(lambda: (data[at : at + piece] for at in range(0, len(data), piece)), city=CITY, now=NOW))


def one(**changes: str) -> Row:
    """A row that is good with these cells."""
    names = (*HEADER, *(name for name in changes if name not in HEADER))
    [found] = read(text_of([a_row(**changes)], header=names))
    assert isinstance(found, Row), found
    return found


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_there_are_more_than_forty_kinds() -> None:
    assert len(KINDS) >= 40


@pytest.mark.parametrize("name", KINDS)
def test_a_bad_row_is_named_by_line_column_and_reason_and_those_around_it_are_read(name: str) -> None:
    kind = KINDS[name]
    before, bad, after = (read(HEAD + line_of(a_row(1)) + kind.make(2) + line_of(a_row(3))))[:3]
    assert isinstance(before, Row)
    assert bad == Wrong(3, kind.column, kind.code, bad.values if isinstance(bad, Wrong) else {})
    assert isinstance(after, Row)
    assert after.addresses["phone"].value == phone(3)
    assert isinstance(bad, Wrong) and len(bad.detail) > 20


@pytest.mark.parametrize("name", KINDS)
def test_no_value_of_a_bad_row_is_told_whole(name: str) -> None:
    found = [bad for bad in read(HEAD + KINDS[name].make(7)) if isinstance(bad, Wrong)]
    assert found
    for bad in found:
        for secret in ("555", "ana at", "ben@", "ferries", "atlantis", "bought", "form 7", "Eastern", "Klingonese"):
            assert secret not in bad.detail


def test_every_sentence_of_a_row_has_its_kind() -> None:
    of_files = {"not_utf8", "cut", "not_text", "no_rows", "empty_file", "missing_column", "no_address_column", "unknown_column", "column_twice"}
    elsewhere = {"opted_out", "already", "left_since", "repeated", "no_hash", "not_json", "unknown_choice", "said_twice"}
    assert {kind.code for kind in KINDS.values()} == set(SENTENCES) - of_files - elsewhere


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        pytest.param({"filters": "{"}, "filters", "not_json", id="no JSON"),
        pytest.param({"filters": "[]"}, "filters", "not_json", id="no object"),
        pytest.param({"filters": '{"severity": "awful"}'}, "filters", "unknown_choice", id="a severity that is none"),
        pytest.param({"filters": '{"colour": "red"}'}, "filters", "unknown_choice", id="a filter that is none"),
        pytest.param({"filters": '{"hours": [1]}'}, "filters", "unknown_choice", id="hours that are none"),
        pytest.param({"filters": '{"areas": ["harbor"]}', "areas": "harbor"}, "areas", "said_twice", id="areas twice"),
        pytest.param({"preferences": "x"}, "preferences", "not_json", id="preferences in words"),
        pytest.param({"preferences": '{"digest": "hourly"}'}, "preferences", "unknown_choice", id="a digest that is none"),
        pytest.param({"preferences": '{"paused_until": 99999999999999999}'}, "preferences", "unknown_choice", id="a pause that never ends"),
        pytest.param({"preferences": '{"zone": "Mars/Phobos"}'}, "preferences", "unknown_zone", id="a zone of another planet"),
        pytest.param({"preferences": '{"calm": true}', "zone": "America/Chicago"}, "zone", "said_twice", id="a zone twice"),
    ],
)
def test_what_an_export_wrote_is_read_as_it_was_or_not_at_all(cells: dict[str, str], column: str, code: str) -> None:
    [found] = read(text_of([a_row(**cells)], header=(*HEADER, "filters", "preferences")))
    assert isinstance(found, Wrong)
    assert (found.column, found.code) == (column, code)


@pytest.mark.parametrize("again", [{"phone": "(212) 555-0001"}, {"topics": "events;TRANSIT"}], ids=["spelled differently", "among others"])
def test_an_address_that_comes_again_with_a_topic_is_named_with_the_line_of_the_first(again: dict[str, str]) -> None:
    rows = read(text_of([a_row(1), a_row(2), a_row(1, **again), a_row(1, topics="jobs")]))
    assert [isinstance(row, Row) for row in rows] == [True, True, False, True]
    assert rows[2] == Wrong(4, "phone", "repeated", {"first": "2"})


def test_a_bad_row_does_not_make_the_one_after_it_a_repetition() -> None:
    [bad, good] = read(text_of([a_row(1, language=""), a_row(1)]))
    assert isinstance(bad, Wrong) and isinstance(good, Row)


def test_a_line_is_counted_as_an_editor_counts_it() -> None:
    rows = [a_row(1, consent_words="I agree\nto get\r\ntexts."), a_row(2, topics="x"), {}, a_row(3, topics="y")]
    assert [found.line for found in read(text_of(rows))] == [2, 5, 7]


def test_a_mark_that_never_closes_costs_one_row_of_many() -> None:
    text = HEAD + KINDS["a quotation mark that never closes"].make(0) + "".join(line_of(a_row(number)) for number in range(1, 90))
    found = read(text)
    assert [row.line for row in found] == list(range(2, 92))
    assert [row.line for row in found if isinstance(row, Wrong)] == [2]


def test_what_follows_a_mark_that_never_closes_is_not_held() -> None:
    read_so_far = 0

    def pieces() -> Iterator[bytes]:
        nonlocal read_so_far
        for text in (HEAD, KINDS["a quotation mark that never closes"].make(0), *(line_of(a_row(number)) for number in range(1, 500))):
            read_so_far += 1
            yield text.encode()

    _, bad = islice(rows_of(pieces), 2)
    assert isinstance(bad, Wrong)
    assert read_so_far < 50


def test_an_endless_line_is_not_held() -> None:
    tracemalloc.start()
    try:
        found = list(rows_of(lambda: chain([HEAD.encode()], repeat(b"x" * 20_000, 200), [b"\r\n", line_of(a_row(1)).encode()])))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert [type(one) for one in found] == [Cells, Wrong, Cells]


# --- the whole file --------------------------------------------------------------------------------------------------

GOOD = text_of([a_row(1), a_row(2)])
REFUSED = {
    "empty": (b"", 1, "empty_file"),
    "blank": (b" \r\n\r\n", 1, "empty_file"),
    "nothing but separators": (b",,,\r\n,,,\r\n", 1, "empty_file"),
    "a header alone": (HEAD.encode(), 1, "no_rows"),
    "a header and blank rows": ((HEAD + ",,,\r\n\r\n").encode(), 1, "no_rows"),
    "Windows-1252": (text_of([a_row(1), a_row(2, consent_words="Acepto recibir avisos de la cañada")]).encode("cp1252"), 3, "not_utf8"),
    "Windows-1252 behind old line ends": (text_of([a_row(1), a_row(2, consent_proof="é")], end="\r").encode("cp1252"), 3, "not_utf8"),
    "cut in a letter": (text_of([a_row(1, consent_proof="é")]).encode().rstrip(b"\r\n")[:-1], 2, "cut"),
    "UTF-16 cut in a letter": (GOOD.encode("utf-16")[:-1], 3, "cut"),
    "UTF-16 without its mark": (GOOD.encode("utf-16-le"), 1, "not_text"),
    "a workbook": (b"PK\x03\x04\x14\x00\x06\x00", 1, "not_text"),
    "a column missing": (GOOD.replace("consent_words", "consent_proof2").encode(), 1, "unknown_column"),
    "words missing": (text_of([a_row()], header=[name for name in HEADER if name != "consent_words"]).encode(), 1, "missing_column"),
    "no address at all": (text_of([a_row()], header=[name for name in HEADER if name not in ("phone", "email")]).encode(), 1, "no_address_column"),
    "a column unknown": (text_of([a_row()], header=(*HEADER, "shoe size")).encode(), 1, "unknown_column"),
    "a column twice": (text_of([a_row()], header=(*HEADER, "Phone")).encode(), 1, "column_twice"),
    "no header": (line_of(a_row(1)).encode(), 1, "unknown_column"),
    "a header with no end": (b'"' + b"phone,\n" * 100, 1, "open_quote"),
}


@pytest.mark.parametrize(("file", "line", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_cannot_be_read_is_refused_before_its_first_row(file: bytes, line: int, code: str) -> None:
    rows = read_subscribers(lambda: [file], city=CITY, now=NOW)
    with pytest.raises(Malformed) as refused:
        next(rows)
    assert refused.value.reason == code
    assert [(problem.pointer, problem.code) for problem in refused.value.problems] == [(f"#line={line}", code)]
    assert "{" not in refused.value.detail and "shoe size" not in refused.value.detail and phone(1) not in refused.value.detail


FORMS = {
    "UTF-8": GOOD.encode(),
    "UTF-8 with its mark": codecs.BOM_UTF8 + GOOD.encode(),
    "UTF-16": GOOD.encode("utf-16"),
    "UTF-16 of old machines": codecs.BOM_UTF16_BE + GOOD.encode("utf-16-be"),
    "semicolons": text_of([a_row(1), a_row(2)], separator=";").encode(),
    "tabs": text_of([a_row(1), a_row(2)], separator="\t").encode(),
    "a line that names the separator": ("sep=;\r\n" + text_of([a_row(1), a_row(2)], separator=";")).encode(),
    "Unix's line ends": text_of([a_row(1), a_row(2)], end="\n").encode(),
    "old line ends": text_of([a_row(1), a_row(2)], end="\r").encode(),
    "no last line end": GOOD.strip().encode(),
    "columns and rows of nothing": (GOOD.replace("\r\n", ",,,\r\n") + ",,,,\r\n\r\n").encode(),
    "columns in another order": text_of([a_row(1), a_row(2)], header=HEADER[::-1]).encode(),
    "columns in capitals and with spaces": GOOD.replace("consent_at", " Consent At ").replace("phone", "PHONE").replace("quiet_from", "Quiet-From").encode(),
}


@pytest.mark.parametrize("piece", [1, 7, 10_000])
@pytest.mark.parametrize("file", FORMS.values(), ids=FORMS.keys())
def test_a_file_of_any_honest_form_is_read_alike(file: bytes, piece: int) -> None:
    found = read(file, piece=piece)
    assert [row.addresses["phone"].value for row in found if isinstance(row, Row)] == [phone(1), phone(2)]
    assert [row.proof.words for row in found if isinstance(row, Row)] == [WORDS, WORDS]


# --- what is right ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "2125550001",
        "(212) 555-0001",
        "212.555.0001",
        "12125550001",
        "'+12125550001",
        "\u200e+1 212 555 0001\u202c",
        "２１２５５５０００１",
        "\xa0212–555–0001 ",
    ],
    ids=["plain", "with brackets", "with dots", "with its country", "as text", "with marks", "full-width", "with dashes"],
)
def test_a_phone_is_read_as_people_and_spreadsheets_write_it(typed: str) -> None:
    assert one(phone=typed).addresses == {"phone": Address(Channel.SMS, phone(1))}


def test_a_row_is_read_whole() -> None:
    found = one(
        email="Ana@Example.org",
        topics="Red Line; eventos\nJOBS",
        language="es_MX",
        zone="America/Chicago",
        quiet_from="9:00 PM",
        quiet_until="08:30",
        areas="02103; El Puerto",
        consent_at="2025-03-01T14:30:00-05:00",
        consent_how="Event",
        consent_proof="'0012",
        person="p-7",
    )
    assert found.addresses == {"phone": Address(Channel.SMS, phone(1)), "email": Address(Channel.EMAIL, "ana@example.org")}
    assert (found.topics, found.locale, found.person) == (("transit/red-line", "events", "jobs"), "es", "p-7")
    assert found.preferences == Preferences(zone="America/Chicago", quiet=(21 * 60, 8 * 60 + 30))
    assert found.filters == Filters(areas=frozenset({"mill-hill", "harbor"}))
    assert (found.proof.at, found.proof.how, found.proof.words, found.proof.reference) == (datetime(2025, 3, 1, 19, 30, tzinfo=UTC), "event", WORDS, "0012")


def test_filters_and_preferences_of_an_export_are_read() -> None:
    found = one(filters='{"facilities": ["elevator"]}', preferences='{"digest": "weekly", "digest_day": 4}')
    assert found.filters == Filters(facilities=frozenset({Facility.ELEVATOR}))
    assert found.preferences == Preferences(digest=Digest.WEEKLY, digest_day=4)


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [("00:00", 0), ("12:05 am", 5), ("12:00 p.m.", 720), ("9:30 PM", 1290), ("23:59:00", 1439)],
)
def test_an_hour_is_read_as_clocks_show_it(typed: str, minutes: int) -> None:
    assert one(quiet_from=typed, quiet_until="12:01").preferences.quiet == (minutes, 721)


def test_a_zone_alone_leaves_the_citys_hours() -> None:
    assert one(zone="America/Chicago").preferences == Preferences(zone="America/Chicago")


def test_a_day_begins_in_the_city() -> None:
    assert one(consent_at="2025-07-01").proof.at == datetime(2025, 7, 1, 4, tzinfo=UTC)


def test_who_gives_no_choice_gets_the_citys() -> None:
    found = one()
    assert (found.preferences, found.filters) == (Preferences(), Filters())


@pytest.mark.parametrize(("text", "shown"), [("", "…"), ("ana", "a…"), ("seventy", "s…"), ("ana@x.org", "an…rg"), ("a\x07b", "a…")])
def test_a_value_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@given(st.text(max_size=300) | st.binary(max_size=300), st.integers(1, 50))
def test_whatever_stands_in_a_file_is_taken_or_refused(noise: str | bytes, piece: int) -> None:
    data = noise.encode("utf-8", "surrogatepass") if isinstance(noise, str) else noise
    for file in (data, HEAD.encode() + data):
        try:
            read(file, piece=piece)
        except Malformed as refused:
            assert refused.problems


# --- what an export writes -------------------------------------------------------------------------------------------

RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NASTY = st.sampled_from(
    ["", *RUNS, "'", "''", " ", "\u200b", "\ufeff", "#N/A", "\ufffd", "caÃ±ada ", "=1+1", "+1", "-2+3", "@SUM(1)", "\t=1", '"', ",", ";", "\n\n"]
)
WRITTEN = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n"), max_size=60)
PHONE = Address(Channel.SMS, phone(1))
CHOSEN = Filters(agencies=frozenset({"=1+1", "Parks\u200d"}), categories=frozenset({"@home"}))


def exported(words: str = WORDS, reference: str = "", *, address: Address = PHONE) -> list[str]:
    """The cells of a subscription that leaves."""
    return subscriber_cells(
        Exported(address, "ab12", "transit", "en", CHOSEN, Preferences(), Proof(datetime(2025, 3, 1, tzinfo=UTC), "paper", words, reference))
    )


def taken(cells: list[str]) -> Row:
    """The row that an import makes of them."""
    [found] = read(text_of([dict(zip(COLUMNS, cells, strict=True))], header=COLUMNS))
    assert isinstance(found, Row), found
    return found


@given(NASTY, WRITTEN, NASTY, NASTY, WRITTEN, NASTY)
def test_what_leaves_comes_back_to_the_letter_and_no_cell_of_it_runs(before: str, words: str, after: str, front: str, reference: str, back: str) -> None:
    said, proof = f"{before}{words} agreed {after}", front + reference + back
    assume(all(text.count("\n") < 12 and "\r" not in text for text in (said, proof)))
    cells = exported(said, proof)
    row = taken(cells)
    assert (row.proof.words, row.proof.reference, row.filters) == (said, proof, CHOSEN)
    assert not [cell for cell in cells if cell.startswith(RUNS) and cell != phone(1)]


@pytest.mark.parametrize("sign", RUNS)
def test_a_value_that_begins_like_a_formula_is_guarded(sign: str) -> None:
    assert guarded("words", f"{sign}HYPERLINK(1)") == f"'{sign}HYPERLINK(1)"
    assert guarded("words", f"a{sign}b") == f"a{sign}b"


def test_a_phone_number_leaves_plain_and_nothing_else_that_begins_with_a_plus() -> None:
    assert exported()[COLUMNS.index("phone")] == phone(1)
    assert [guarded("keyword", text) for text in ("+12025550101", "+1+2", "+12025550101 ", "+", "+A1")] == [
        "+12025550101",
        "'+1+2",
        "'+12025550101 ",
        "'+",
        "'+A1",
    ]


@pytest.mark.parametrize("local", ["=1+2", "-ana", "+ana", "'ana", "ana"])
def test_an_email_that_begins_like_a_formula_leaves_guarded_and_is_the_same_when_it_returns(local: str) -> None:
    address = Address(Channel.EMAIL, f"{local}@example.org")
    cells = exported(address=address)
    assert cells[COLUMNS.index("email")] == (address.value if local == "ana" else f"'{address.value}")
    assert taken(cells).addresses == {"email": address}


def test_the_guard_costs_none_of_the_room_that_a_value_has() -> None:
    words, reference = "-" + "y" * (MOST["consent_words"] - 1), "=" + "x" * (MOST_OF_OTHERS - 1)
    row = taken(exported(words, reference))
    assert (row.proof.words, row.proof.reference) == (words, reference)


def test_line_ends_come_back_as_one_kind() -> None:
    assert taken(exported("\rI agreed,\r\nand so on")).proof.words == "\nI agreed,\nand so on"
