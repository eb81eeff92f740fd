"""Cells of a subscribers' CSV, one at a time: cleaned of what spreadsheets add, and refused where a value was lost on the way.

What leaves is guarded, so that no spreadsheet runs it: see OWASP, "CSV Injection". What is read takes the guard off.
"""

import re
from collections.abc import Sequence

from chalicelib.domain.address import Address
from chalicelib.domain.parsing import parse_email, parse_mobile
from chalicelib.errors import Invalid

MARKS = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Marks that nobody sees, and that come along when a value is copied."""

MOST = {"consent_words": 5000, "filters": 5000, "preferences": 1000}
MOST_OF_OTHERS = 500

GUARD = "'"
"""A spreadsheet's sign that a cell is text, whatever it looks like."""

_RUNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula. So it does a tab or a line end, which are guarded as all space is that would get lost."""

_PHONE = re.compile(r"\+[0-9]+")
"""Begins like a formula and can run nothing: a number in E.164 leaves plain, as every other system reads it."""

_TO_THE_LETTER = frozenset({"consent_words", "consent_proof", "filters", "preferences"})
"""What is guarded in these columns comes back with its spaces and unseen marks."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ERRORS = re.compile(r"#(N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!)|#{3,}", re.IGNORECASE)
_MISREAD = re.compile("[ÃÂ][\u0080-\u00bf]|â€|Ã[“”‘’¡-¿ƒ©]")
"""What UTF-8 looks like that was read as Windows-1252."""

_DECIMAL = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+|\d{7,}[.,]0*")
_BETWEEN = re.compile(r"[;,/|\n]|\s(?:or|and|y|ou|et)\s", re.IGNORECASE)
_FEWEST_DIGITS = 7
_MOST_DIGITS = 15


class Bad(Exception):
    """A cell that cannot be taken: its column, a code of `importing.SENTENCES`, and what fills the sentence."""

    def __init__(self, column: str, code: str, **values: str) -> None:
        super().__init__(code)
        self.column, self.code, self.values = column, code, values


def cell_text(column: str, cell: str) -> str:
    """A cell as it was meant. Raises Bad."""
    most = MOST.get(column, MOST_OF_OTHERS)
    if len(cell.removeprefix(GUARD)) > most:
        raise Bad(column, "cell_too_long", most=f"{most:,}")
    if _CONTROLS.search(cell):
        raise Bad(column, "control_character")
    if column in _TO_THE_LETTER and cell.startswith(GUARD):
        return cell[len(GUARD) :]
    text = _bare(column, cell)
    if text.startswith(GUARD):
        return text[len(GUARD) :].strip()
    if code := _fault(text):
        raise Bad(column, code)
    return text


def guarded(column: str, text: str) -> str:
    """A value as a cell that no spreadsheet runs, and that `cell_text` reads as it was."""
    if _PHONE.fullmatch(text):
        return text
    return GUARD + text if text.startswith((GUARD, *_RUNS)) or text != _bare(column, text) or _fault(text) else text


def _bare(column: str, cell: str) -> str:
    return (cell if column == "consent_words" else MARKS.sub("", cell)).strip()


def _fault(text: str) -> str:
    """The code of what is wrong with a text that has no guard; empty where nothing is."""
    faults = {
        "formula": text.startswith(("=", "@")),
        "spreadsheet_error": _ERRORS.fullmatch(text),
        "half_character": "\N{REPLACEMENT CHARACTER}" in text,
        "broken_letters": _MISREAD.search(text),
    }
    return next((code for code, found in faults.items() if found), "")


def read_address(column: str, text: str, countries: Sequence[str]) -> Address:
    """The one address in a cell. Raises Bad."""
    return _phone(text, countries) if column == "phone" else _email(text)


def _phone(text: str, countries: Sequence[str]) -> Address:
    digits = sum(char.isdigit() for char in text)
    if _DECIMAL.fullmatch(text):
        raise Bad("phone", "number_rounded")
    if digits > _MOST_DIGITS or sum(sum(char.isdigit() for char in part) >= _FEWEST_DIGITS for part in _BETWEEN.split(text)) > 1:
        raise Bad("phone", "two_addresses")
    if digits < _FEWEST_DIGITS:
        raise Bad("phone", "short_phone")
    try:
        return parse_mobile(text, countries=countries)
    except Invalid:
        raise Bad("phone", "invalid_phone", countries=", ".join(countries)) from None


def _email(text: str) -> Address:
    if text.count("@") > 1:
        raise Bad("email", "two_addresses")
    try:
        return parse_email(text)
    except Invalid:
        raise Bad("email", "invalid_email") from None
