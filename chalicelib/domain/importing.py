"""Importing: a row of subscribers from another system, with the evidence of their consent; and what is wrong with one, in a table of codes."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.address import Address
from chalicelib.domain.filters import EVERYTHING, Filters, filter_values
from chalicelib.domain.preferences import UNCHOSEN, Preferences, preference_values
from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import spoken

MOST_TOPICS = 20
"""In one row, so that one transaction holds what it writes of an address."""


@dataclass(frozen=True)
class Proof:
    """The evidence of a consent that was given elsewhere: when, by which way, the sentence agreed to, and where it is on file."""

    at: datetime
    how: str
    words: str
    reference: str = ""


@dataclass(frozen=True)
class Row:
    """A row that can be read: who, what they want, and the proof. `line` is where it begins in its file; `person` is the other system's name for
    whoever has several addresses."""

    line: int
    addresses: Mapping[str, Address]
    topics: tuple[str, ...]
    locale: str
    proof: Proof
    preferences: Preferences = UNCHOSEN
    filters: Filters = EVERYTHING
    person: str = ""


@dataclass(frozen=True)
class Wrong:
    """Why a row, or one address of it, is not written: its line, the column, and a code of `SENTENCES`. `values` fill the sentence; no value of a person
    is ever among them but masked."""

    line: int
    column: str
    code: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """The sentence for whoever mends the file."""
        return SENTENCES[self.code].format(**self.values)


@dataclass(frozen=True)
class Good:
    """A row's address whose subscriptions are written, or would be: how many."""

    line: int
    column: str
    subscriptions: int


Finding = Wrong | Good

SENTENCES: Mapping[str, str] = {
    # of the whole file, before any row
    "not_utf8": "This line is not UTF-8. In Excel save as 'CSV UTF-8'; the usual 'CSV' is written in the machine's own alphabet.",
    "cut": "The file ends in the middle of a character. Make it again, whole.",
    "not_text": "This is no CSV text. A workbook (.xlsx) has to be saved as 'CSV UTF-8' first.",
    "no_rows": "There is nothing but a header. Give a row for each subscriber.",
    "empty_file": "The file is empty. Its first line names the columns.",
    "missing_column": "There is no column {name}. The first line names the columns.",
    "no_address_column": "There is neither a column phone nor a column email. The first line names the columns.",
    "unknown_column": "There is no column {name} in an import. Take it out; the columns are: {known}.",
    "column_twice": "The column {name} comes twice. Keep the one that holds the values.",
    # of a row's form
    "too_long": "This line is longer than {most} characters. Is a cell, or a line end, wrong?",
    "open_quote": "A quotation mark opens here and does not close. Write a mark inside a cell twice.",
    "bad_quotes": "The quotation marks in this row do not match. Write a mark inside a cell twice, and the cell between marks.",
    "too_few_cells": "The row has {found} cells, and the header {wanted}. Is a separator missing?",
    "too_many_cells": "The row has values beyond the last column of the header. Does a cell with a separator lack its quotation marks?",
    # of any cell
    "control_character": "The cell holds a character that no text has. Was the file cut, or copied from a program's memory?",
    "half_character": "The cell holds '\N{REPLACEMENT CHARACTER}', the sign of a letter that was lost. Export the file again as UTF-8.",
    "broken_letters": "Letters here were read in the wrong alphabet once (such as 'Ã±' for 'ñ'). Export the file again as UTF-8.",
    "formula": "The cell holds a formula. Paste its value instead.",
    "spreadsheet_error": "A spreadsheet wrote an error here in place of a value.",
    "cell_too_long": "The cell holds more than {most} characters.",
    "missing": "The cell is empty, and its value is needed.",
    # of addresses
    "no_address": "The row has neither a phone nor an email.",
    "number_rounded": "A spreadsheet made a decimal number of this phone, and digits may be lost. Format the column as text and export again.",
    "short_phone": "The number has too few digits for a phone. Short numbers, such as those of services, take no alerts.",
    "two_addresses": "The cell holds more than one address. Give each a row of its own.",
    "invalid_phone": "This is no mobile number of {countries}. Numbers from elsewhere, and those that cost extra, are not taken.",
    "invalid_email": "This is no email address, such as ana@example.org.",
    "repeated": "Line {first} has this address with this topic already. Keep the row that is right.",
    "no_hash": "The row has neither an address nor a hash that an export wrote.",
    # of what they want
    "unknown_topic": "There is no topic {shown}. Topics: {known}.",
    "too_many_topics": "A row takes up to {most} topics. Use a second row for the rest.",
    "unknown_language": "The city does not speak {shown}. Languages: {known}.",
    "unknown_zone": "There is no time zone {shown}. Use a name such as America/New_York.",
    "invalid_hour": "Give a time of day such as 21:00 or 9:00 PM.",
    "half_a_window": "Give both quiet_from and quiet_until, or neither.",
    "unknown_area": "There is no area {shown}. Areas: {known}, or a ZIP code.",
    "zero_lost": "A spreadsheet dropped the zero in front of this ZIP code. Format the column as text and export again.",
    "not_json": "The cell is no JSON object. An export writes this column; leave it out, or as it was written.",
    "unknown_choice": "The JSON in this cell holds what is no choice of ours. An export writes this column; leave it out, or as it was written.",
    "said_twice": "This is said in the column {other} too. Keep one of the two.",
    # of the proof
    "invalid_time": "Give a moment such as 2025-03-01T14:30:00Z, or a day such as 2025-03-01.",
    "unclear_date": "Nobody can tell the day from the month here. Write the day as 2025-03-01.",
    "in_the_future": "The consent lies in the future.",
    "too_early": "The consent lies before 1990, when nobody could text. Is it an empty date of another system?",
    "unknown_way": "Say how they agreed: {known}.",
    "no_sentence": "These are not the words they agreed to. Copy the sentence that the form, page or caller said.",
    # what our rows know better
    "opted_out": "This address said stop, here. It is left alone: only its owner can undo that.",
    "already": "This address follows this already. Nothing is written.",
    "left_since": "Its owner left this topic after that consent. It is left alone.",
}

_MASKED_FROM = 8


def masked(text: str) -> str:
    """As much of a value as helps to find it, and tells nobody who it is: its ends, where it is long enough."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return f"{shown[:2]}…{shown[-2:]}" if len(shown) >= _MASKED_FROM else f"{shown[:1]}…"


def proof_detail(row: Row, preferences: Preferences) -> str:
    """The proof and what holds from now on, as the ledger keeps it in an entry's detail: the preferences are the row's, or those they had chosen before."""
    proof: dict[str, Json] = {"at": spoken(row.proof.at), "how": row.proof.how, **({"reference": row.proof.reference} if row.proof.reference else {})}
    chosen: dict[str, Json] = {"filters": filter_values(row.filters), "preferences": preference_values(preferences)}
    return json.dumps({"proof": proof, **{name: value for name, value in chosen.items() if value}}, ensure_ascii=False, sort_keys=True)


def fate(*, opted_out: bool, follows: bool, left_at: datetime | None, proof: Proof) -> str | None:
    """The code of why an address is left alone; None where the topic is to be joined. A stop is undone by nobody but its owner, and a leaving by no
    consent from before it."""
    if opted_out:
        return "opted_out"
    if follows:
        return "already"
    return "left_since" if left_at and left_at >= proof.at else None


@dataclass(frozen=True)
class Report:
    """What became of a file: its rows, those of them with something to write, the subscriptions that makes, how often each code came, and the first of
    what is to be told, with its line."""

    rows: int
    good: int
    subscriptions: int
    codes: Mapping[str, int]
    told: Sequence[Wrong]


def report_of(findings: Iterable[Finding], *, most: int) -> Report:
    """The report of findings in the order of their lines, with the first `most` that are no good."""
    rows = good = subscriptions = last = last_good = 0
    codes, told = Counter[str](), list[Wrong]()
    for one in findings:
        rows, last = rows + (one.line != last), one.line
        if isinstance(one, Good):
            good, last_good = good + (one.line != last_good), one.line
            subscriptions += one.subscriptions
            continue
        codes[one.code] += 1
        if len(told) < most:
            told.append(one)
    return Report(rows, good, subscriptions, dict(sorted(codes.items())), told)
