"""Files of subscribers for tests: good rows, and every kind of bad one with what has to be said of it."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

HEADER = ("phone", "email", "topics", "language", "zone", "quiet_from", "quiet_until", "areas", "consent_at", "consent_how", "consent_words", "consent_proof")
WORDS = "I agree to get transit texts from Larkhaven. Msg & data rates may apply."


def a_row(number: int = 1, **changes: str) -> dict[str, str]:
    """A good row: its phone is a number's own."""
    row = dict.fromkeys(HEADER, "") | {
        "phone": phone(number),
        "topics": "transit",
        "language": "en",
        "consent_at": "2025-03-01",
        "consent_how": "paper",
        "consent_words": WORDS,
        "consent_proof": f"form {number}",
    }
    return row | changes


def phone(number: int) -> str:
    """A number that somebody may have: ten thousand in each of a few area codes."""
    return f"+1{(212, 312, 415, 617, 718, 202, 303, 404)[number // 10_000]}555{number % 10_000:04d}"


def text_of(rows: Sequence[Mapping[str, str]], *, header: Sequence[str] = HEADER, separator: str = ",", end: str = "\r\n") -> str:
    """A file as a spreadsheet writes it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end)
    writer.writerow(header)
    writer.writerows([row.get(name, "") for name in header] for row in rows)
    return out.getvalue()


def line_of(row: Mapping[str, str]) -> str:
    """A row of a file with the usual header."""
    return text_of([row]).split("\r\n", 1)[1]


@dataclass(frozen=True)
class Kind:
    """A kind of bad row: its text, given a number that no other row has; and what is said of it."""

    make: Callable[[int], str]
    column: str
    code: str


def cell(column: str, value: str, code: str, **more: str) -> Kind:
    """One bad cell in a row that is good else."""
    return Kind(lambda number: line_of(a_row(number, **{column: value, **more})), column, code)


def phone_cell(value: str, code: str) -> Kind:
    return Kind(lambda number: line_of(a_row(number, phone=value)), "phone", code)


def raw(change: Callable[[str], str], code: str) -> Kind:
    """A row whose form is bad."""
    return Kind(lambda number: change(line_of(a_row(number)).rstrip("\r\n")) + "\r\n", "", code)


KINDS: dict[str, Kind] = {
    # form
    "a cell too few": raw(lambda line: line.rsplit(",", 1)[0], "too_few_cells"),
    "values beyond the last column": raw(lambda line: f"{line},,surplus", "too_many_cells"),
    "a quotation mark that never closes": raw(lambda line: line.replace(",transit,", ',"transit,'), "open_quote"),
    "a quotation mark in the middle": raw(lambda line: line.replace(",transit,", ',"tran"sit,'), "bad_quotes"),
    "an endless line": raw(lambda line: line + "x" * 1_000_000, "too_long"),
    # any cell
    "a NUL byte": cell("consent_proof", "form\x0012", "control_character"),
    "a control character": cell("consent_proof", "form\x0712", "control_character"),
    "a lost letter": cell("consent_words", "Acepto recibir avisos de la ca\ufffdada.", "half_character"),
    "letters read in the wrong alphabet": cell("consent_words", "Acepto avisos de la cañada".encode().decode("cp1252"), "broken_letters"),
    "a formula for a value": cell("consent_proof", '=HYPERLINK("https://x.example","12")', "formula"),
    "a formula for a phone": phone_cell('="2025550101"', "formula"),
    "an old formula": cell("consent_proof", "@SUM(1+1)*cmd|' /C calc'!A0", "formula"),
    "a spreadsheet's error": cell("topics", "#N/A", "spreadsheet_error"),
    "hashes for a value": cell("consent_at", "########", "spreadsheet_error"),
    "a cell of ten thousand characters": cell("consent_words", "yes " * 2500, "cell_too_long"),
    # addresses
    "no address": phone_cell("", "no_address"),
    "a phone in scientific notation": phone_cell("1.2025550101E+10", "number_rounded"),
    "a phone with a decimal point": phone_cell("12025550101.0", "number_rounded"),
    "a short number": phone_cell("311", "short_phone"),
    "a premium number": phone_cell("1-900-555-0101", "invalid_phone"),
    "a toll-free number": phone_cell("800-555-0101", "invalid_phone"),
    "a number from abroad": phone_cell("+44 7700 900123", "invalid_phone"),
    "a number of the Caribbean": phone_cell("+1 876 555 0101", "invalid_phone"),
    "a number with digits missing": phone_cell("202-555-010", "invalid_phone"),
    "a number with an extension": phone_cell("202-555-0101 ext. 9", "invalid_phone"),
    "words for a number": phone_cell("none given, see file 12345678", "invalid_phone"),
    "two phones": phone_cell("202-555-0101 / 202-555-0102", "two_addresses"),
    "two phones in a row": phone_cell("2025550101 2025550102", "two_addresses"),
    "two emails": cell("email", "ana@example.org; ben@example.org", "two_addresses"),
    "no email": cell("email", "ana at example.org", "invalid_email"),
    "an email with a name": cell("email", "Ana <ana@example.org>", "invalid_email"),
    # what they want
    "no topic": cell("topics", " ", "missing"),
    "a topic that is gone": cell("topics", "transit; ferries", "unknown_topic"),
    "too many topics": cell("topics", ";".join(["transit"] * 21), "too_many_topics"),
    "no language": cell("language", "", "missing"),
    "a language that nobody speaks here": cell("language", "tlh", "unknown_language"),
    "a language in words": cell("language", "Klingonese", "unknown_language"),
    "a zone that is none": cell("zone", "Eastern Time", "unknown_zone"),
    "an hour that is none": cell("quiet_from", "25:00", "invalid_hour", quiet_until="08:00"),
    "an hour as a fraction": cell("quiet_until", "0.33", "invalid_hour", quiet_from="21:00"),
    "thirteen in the afternoon": cell("quiet_from", "13:00 PM", "invalid_hour", quiet_until="08:00"),
    "half a window": cell("quiet_until", "", "half_a_window", quiet_from="21:00"),
    "the other half": cell("quiet_from", "", "half_a_window", quiet_until="21:00"),
    "an area that is none": cell("areas", "harbor; atlantis", "unknown_area"),
    "a ZIP code without its zero": cell("areas", "2101", "zero_lost"),
    # the proof
    "no moment": cell("consent_at", "", "missing"),
    "a moment in words": cell("consent_at", "last spring", "invalid_time"),
    "a moment as a spreadsheet counts": cell("consent_at", "45717", "invalid_time"),
    "a day that is none": cell("consent_at", "2025-02-30", "invalid_time"),
    "an American or a British date": cell("consent_at", "03/04/2025", "unclear_date"),
    "a moment to come": cell("consent_at", "2031-01-01T00:00:00Z", "in_the_future"),
    "the year zero of spreadsheets": cell("consent_at", "1900-01-00", "too_early"),
    "the beginning of Unix": cell("consent_at", "1970-01-01T00:00:00Z", "too_early"),
    "no way": cell("consent_how", "", "missing"),
    "a way that we do not know": cell("consent_how", "bought list", "unknown_way"),
    "no words": cell("consent_words", "", "missing"),
    "a tick for words": cell("consent_words", "TRUE", "no_sentence"),
    "a yes for words": cell("consent_words", "Yes!", "no_sentence"),
}
"""Every kind that the file alone shows. Each is the only thing wrong with its row."""


def mixed(count: int) -> Iterator[tuple[str, str | None]]:
    """`count` rows as text, every fifth of them bad, of each kind in turn: with the kind's name, None for a good one."""
    names = list(KINDS)
    for number in range(count):
        kind = names[number // 5 % len(names)] if number % 5 == 2 else None
        yield (KINDS[kind].make(number) if kind else line_of(a_row(number, topics=("transit", "jobs; events")[number % 2]))), kind
